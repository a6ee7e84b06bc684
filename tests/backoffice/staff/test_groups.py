"""Each group of staff before every page and button of the back-office: what opens, and what is a wall."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, reverse

from campaigns.models import ReferralCampaign
from referral.models import ReferralLink, ReferralRelation
from rewards.models import ReferralReward
from tests.backoffice.conftest import signed_in, staff_with
from tests.backoffice.world import World, lost_referrers_make

pytestmark = pytest.mark.sweep

CAMPAIGNS = {"campaigns.referralcampaign", "campaigns.ruleversion"}
PEOPLE = {
    "referral.userrole",
    "referral.referrallink",
    "referral.linkclicks",
    "referral.referralrelation",
    "referral.partnerreferralrelation",
    "referral.referralevent",
    "rewards.referralstats",
}
REWARDS = {
    "rewards.referralreward",
    "rewards.payoutattempt",
    "rewards.rewardtransition",
    "rewards.peercircuit",
    "rewards.reconciliationfinding",
    "rewards.reconciliationrun",
    "rewards.analyticsrefusal",
    "rewards.relationimport",
    "rewards.bulkretry",
}
STAFF = {"access.serviceoperation", "access.auditentry", "auth.user", "auth.group"}

# What each group may look at, add and change. Nobody of them deletes anything.
RIGHTS = {
    "Marketing": {
        "view": CAMPAIGNS | PEOPLE | {"rewards.referralreward", "rewards.relationimport"},
        "add": {"campaigns.referralcampaign", "rewards.relationimport"},
        "change": {"campaigns.referralcampaign", "referral.referrallink"},
    },
    "Support": {
        "view": CAMPAIGNS | PEOPLE | REWARDS,
        "add": {"referral.referralrelation"},
        "change": {"rewards.referralreward", "rewards.reconciliationfinding", "referral.referrallink"},
    },
    "Analyst": {"view": CAMPAIGNS | PEOPLE | REWARDS, "add": set(), "change": set()},
    "Auditor": {"view": CAMPAIGNS | PEOPLE | REWARDS | STAFF, "add": set(), "change": set()},
}
# Which right a page needs, by the end of its address's name.
NEEDS = {
    "changelist": "view",
    "change": "view",
    "history": "view",
    "add": "add",
    "delete": "delete",
    "activate": "change",
    "pause": "change",
    "archive": "change",
    "duplicate": "add",
    "versions": "view",
    "preview": "view",
    "preview_new": "add",
    "moves": "change",
    "unlock": "change",
    "retry": "change",
    "cancel": "change",
    "closing": "change",
    "close": "change",
    "password_change": "change",
    "run": "add",
    "result": "view",
    "progress": "view",
    "health": "view",
}
# Pages for support, which belong to no table: the table whose right they ask for, the right, and their query.
OF_SUPPORT: dict[str, tuple[str, str, str]] = {
    "support_search": ("referral.userrole", "view", "?q=nothing"),
    "support_peers": ("rewards.peercircuit", "view", ""),
    "support_review": ("rewards.referralreward", "view", ""),
    "support_retry": ("rewards.referralreward", "change", "?error=HTTP+422+ACCOUNT_CLOSED"),
    "support_user": ("referral.userrole", "view", "?id=bob"),
    "support_attach": ("referral.referralrelation", "add", "?user=fay&code={code}&past=on"),
    "support_past": ("referral.referralrelation", "add", "?relation={relation}"),
}
# Pages of a table that ask for the right of another.
OF_ANOTHER = {
    "rewards_bulkretry_stop": ("rewards.referralreward", "change"),
    "rewards_bulkretry_continue": ("rewards.referralreward", "change"),
}
# Pages that belong to no table and are open to everybody who is signed in.
FOR_EVERYBODY = {"index", "search", "password_change", "password_change_done", "jsi18n", "login", "logout"}
# Pages of Django that need a table in their query or address, and ask for its rights.
ELSEWHERE = {"autocomplete", "view_on_site", "app_list", None}


def names(patterns: list[object]) -> Iterator[str | None]:
    """The name of every address of the back-office."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        else:
            yield from names(pattern.url_patterns)


def pages() -> dict[str, tuple[str, str]]:
    """Every page of a table: its table and the right that it needs."""
    tables = {f"{model._meta.app_label}_{model._meta.model_name}": model for model in admin.site._registry}
    found = {name: (table, right) for name, (table, right, _) in OF_SUPPORT.items()}
    for name in set(names(admin.site.urls[0])) - FOR_EVERYBODY - ELSEWHERE - set(OF_SUPPORT):
        table = max((table for table in tables if name.startswith(f"{table}_")), key=len, default="")
        page = name.removeprefix(f"{table}_")
        if name in OF_ANOTHER:
            found[name] = OF_ANOTHER[name]
            continue
        assert page in NEEDS, f"say in this file who may open {name}"
        found[name] = (tables[table]._meta.label_lower, NEEDS[page])
    return found


def address(name: str, label: str) -> str:
    """The page, about some row where it is about one."""
    if name in OF_SUPPORT:
        return reverse(f"admin:{name}") + OF_SUPPORT[name][2].format(
            code=ReferralLink.objects.filter(owner_user_id="ann").values_list("code", flat=True).first(),
            relation=ReferralRelation.objects.filter(source="manual").values_list("pk", flat=True).first(),
        )
    if name == "rewards_referralreward_moves":
        return reverse(f"admin:{name}", args=["cancel"])
    if name.endswith(("_changelist", "_add", "_closing", "_preview_new", "_health")):
        return reverse(f"admin:{name}")
    if name in OF_ANOTHER:
        label = name.rpartition("_")[0].replace("_", ".")
    model = next(model for model in admin.site._registry if model._meta.label_lower == label)
    row = model._default_manager.order_by("pk").first()
    assert row, f"the world has no {label}"
    return reverse(f"admin:{name}", args=[row.pk])


@pytest.fixture
def everything(world: World) -> World:
    """The world with a person in each group."""
    lost_referrers_make()
    for name in RIGHTS:
        User.objects.create_user(name, is_staff=True).groups.add(Group.objects.get(name=name))
    return world


def member(group: str) -> Client:
    return signed_in(User.objects.get(username=group))


@pytest.mark.parametrize("group", RIGHTS)
def test_a_group_opens_exactly_its_pages(everything: World, group: str) -> None:
    client, rights = member(group), RIGHTS[group]

    opened, expected = {}, {}
    for name, (label, right) in pages().items():
        expected[name] = label in rights.get(right, set())
        answer = client.get(address(name, label))
        opened[name] = answer.status_code != 403
        if answer.streaming:
            # A file is read to its end, or its cursor would be left to the garbage collector.
            assert b"".join(answer.streaming_content)
        else:
            assert b"(&#x27;" not in answer.content, f"{name} shows a tuple as Python writes it"

    assert {name: is_open for name, is_open in opened.items() if is_open != expected[name]} == {}


@pytest.mark.parametrize("group", RIGHTS)
def test_a_group_saves_exactly_what_it_may_change(everything: World, group: str) -> None:
    client, rights = member(group), RIGHTS[group]

    refused, expected = {}, {}
    for name, (label, right) in pages().items():
        right = "change" if name.endswith("_change") else right
        if right in ("add", "change", "delete"):
            expected[name] = label not in rights.get(right, set())
            refused[name] = client.post(address(name, label), {}).status_code == 403

    # A page that nobody saves refuses those who may otherwise change the table, too.
    never_saved = {"rewards_referralreward_change", "rewards_reconciliationfinding_change"}
    wrong = {name: is_refused for name, is_refused in refused.items() if is_refused != expected[name]}
    assert set(wrong) <= never_saved
    assert all(wrong.values())


@pytest.mark.parametrize("group", ["Marketing", "Analyst", "Auditor"])
def test_buttons_above_a_list_move_nothing_for_who_may_not(everything: World, group: str) -> None:
    reward = everything.rewards["failed"]

    answer = member(group).post(
        reverse("admin:rewards_referralreward_changelist"),
        {"action": "cancel_chosen", "_selected_action": [reward.pk], "index": 0},
    )

    assert "moves" not in answer.headers.get("Location", "")
    assert ReferralReward.objects.get(pk=reward.pk).status == reward.status


@pytest.mark.parametrize("name", ["users", "campaigns"])
def test_reports_are_for_all_groups_and_nobody_else(everything: World, name: str) -> None:
    page = reverse("admin_report", args=[name])

    assert {member(group).get(page).status_code for group in RIGHTS} == {200}
    assert staff_with("rewards.view_referralreward").get(page).status_code == 403
    assert Client().get(page).status_code == 302


@pytest.mark.parametrize("group", RIGHTS)
def test_the_menu_has_what_a_group_may_look_at(everything: World, group: str) -> None:
    page = member(group).get("/admin/").content.decode()

    for model in admin.site._registry:
        entry = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        assert (f'href="{entry}"' in page) == (model._meta.label_lower in RIGHTS[group]["view"]), entry


@pytest.mark.parametrize("group", RIGHTS)
def test_the_api_knows_the_same_rights(everything: World, group: str) -> None:
    client, base = member(group), "/api/referral/v1/admin"
    campaign, reward = ReferralCampaign.objects.first(), everything.rewards["locked"]
    rights = RIGHTS[group]

    answers = {
        "campaign": client.patch(f"{base}/campaigns/{campaign.pk}", {}, content_type="application/json"),
        "reward": client.post(f"{base}/rewards/{reward.pk}/unlock", {}, content_type="application/json"),
        "report": client.get(f"{base}/reports/users"),
    }

    assert {name: answer.status_code != 403 for name, answer in answers.items()} == {
        "campaign": "campaigns.referralcampaign" in rights["change"],
        "reward": "rewards.referralreward" in rights["change"],
        "report": True,
    }


def test_marketing_switches_a_link_by_its_page(everything: World) -> None:
    link = ReferralLink.objects.first()

    answer = member("Marketing").post(reverse("admin:referral_referrallink_change", args=[link.pk]), {})

    assert answer.status_code == 302
    link.refresh_from_db()
    assert not link.is_active


def test_no_group_makes_itself_stronger(everything: World) -> None:
    for group in RIGHTS:
        person = User.objects.get(username=group)
        client = signed_in(person)

        client.post(reverse("admin:auth_user_change", args=[person.pk]), {"is_superuser": "on"})

        person.refresh_from_db()
        assert not person.is_superuser
