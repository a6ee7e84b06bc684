"""Support types any id and gets the page about its user, whatever the id belongs to."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.audit import Verb, audit_note
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.ledger.services import reward_cancel, role_upgrade
from rewards.models import PayoutAttempt, ReferralReward
from tests.backoffice.conftest import staff_with
from tests.backoffice.world import World
from tests.helpers.api import buy_quest, invite, link_of
from tests.helpers.many import STAR, fill, rows_read

SEARCH, PAGE = "/admin/support/search/", "/admin/support/user/"
PEOPLE = ("referral.view_userrole", "referral.view_referralrelation", "referral.view_referralevent")


def searched(client: Client, text: object) -> str:
    """Where the search for an id leads."""
    answer = client.get(SEARCH, {"q": str(text)})
    assert answer.status_code == 302, answer.content.decode()
    return answer.headers["Location"]


def page_of(client: Client, user_id: str, **query: object) -> str:
    answer = client.get(PAGE, {"id": user_id, **query})
    assert answer.status_code == 200
    return answer.content.decode()


# --- the search ---------------------------------------------------------------------------------------------


def test_every_kind_of_id_leads_to_the_page_of_its_user(boss: Client, world: World) -> None:
    reward, code = world.rewards["paid"], link_of("ann")
    event = ReferralEvent.objects.get(external_event_id="order-0")
    relation = ReferralRelation.objects.get(referred_user_id="cid", is_invitation=True)
    brought = PartnerReferralRelation.objects.get()
    link = ReferralLink.objects.get(code=code)
    owner = reward.beneficiary_user_id

    expected = {
        "ann": "?id=ann",
        code: f"?id=ann&found=link%3A{link.pk}",
        code.lower(): f"?id=ann&found=link%3A{link.pk}",
        f" https://example.org/ref/{code}?utm=1 ": f"?id=ann&found=link%3A{link.pk}",
        str(event.pk): f"?id=cid&found=event%3A{event.pk}",
        "order-0": f"?id=cid&found=event%3A{event.pk}",
        str(reward.pk): f"?id={owner}&found=reward%3A{reward.pk}",
        str(reward.pk).upper(): f"?id={owner}&found=reward%3A{reward.pk}",
        "tx-1": f"?id={owner}&found=reward%3A{reward.pk}",
        "cafe-1": f"?id=ann&found=partner%3A{brought.pk}",
        str(relation.pk): f"?id=cid&found=relation%3A{relation.pk}",
    }

    assert {text: searched(boss, text).removeprefix(PAGE) for text in expected} == expected


def test_a_token_task_is_found_also_after_another_has_replaced_it(boss: Client, world: World) -> None:
    reward = world.rewards["failed"]
    ReferralReward.objects.filter(pk=reward.pk).update(external_task_id="task-2")
    PayoutAttempt.objects.create(
        reward=reward,
        number=2,
        started_at=timezone.now(),
        finished_at=timezone.now(),
        outcome="accepted",
        peer_reference="task-1",
        request_id="r",
    )

    assert searched(boss, "task-2") == searched(boss, "task-1") == searched(boss, reward.pk)


def test_what_was_found_stands_above_the_page_of_its_user(boss: Client, world: World) -> None:
    failed = world.rewards["failed"]
    answer = boss.get(SEARCH, {"q": str(failed.pk)}, follow=True)

    text = answer.content.decode()
    assert answer.context["found"]["line"].own_page.endswith(f"/{failed.pk}/change/")
    assert "Found:" in text
    assert "account_closed" in text


def test_an_event_is_shown_with_what_it_earned_and_for_whom(boss: Client, world: World) -> None:
    found = boss.get(SEARCH, {"q": "order-0"}, follow=True).context["found"]

    owners = {
        reward.beneficiary_user_id
        for reward in ReferralReward.objects.filter(referral_event__external_event_id="order-0")
    }
    assert owners
    assert {row.user.partition(">")[2].removesuffix("</a>") for row in found["rewards"]} == owners


def test_an_event_without_rewards_says_why(boss: Client, world: World) -> None:
    buy_quest("loner", external_event_id="order-lonely")

    text = boss.get(SEARCH, {"q": "order-lonely"}, follow=True).content.decode()

    assert "No reward: no referrer." in text


def test_an_id_of_several_things_lists_them(boss: Client, world: World) -> None:
    buy_quest("cid", external_event_id="bob")

    text = boss.get(SEARCH, {"q": "bob"}).content.decode()

    event = ReferralEvent.objects.get(external_event_id="bob")
    assert "Several results for this ID:" in text
    assert f'href="{PAGE}?id=bob"' in text
    assert f'href="{PAGE}?id=cid&amp;found=event%3A{event.pk}"' in text


@pytest.mark.parametrize("text", ["nobody-knows", "ord", "ANN", "x" * 400, "a\x00b", "a b", "01a20ebc"])
def test_what_is_not_found_is_named(boss: Client, world: World, text: str) -> None:
    answer = boss.get(SEARCH, {"q": text})

    assert answer.status_code == 200
    assert "No results for:" in answer.content.decode()
    assert answer.context["asked"] == text[:141]


def test_a_search_for_nothing_explains_itself(boss: Client, world: World) -> None:
    answer = boss.get(SEARCH, {"q": "  "})

    assert "No results for" not in answer.content.decode()
    assert "Paste a full ID" in answer.content.decode()


def test_the_box_stands_on_every_page_for_who_may_look_at_users(boss: Client, world: World) -> None:
    pages = ("/admin/", "/admin/rewards/referralreward/", f"{PAGE}?id=ann", "/admin/reports/users/")

    assert all('role="search"' in boss.get(page).content.decode() for page in pages)
    other = staff_with("rewards.view_referralreward")
    assert 'role="search"' not in other.get("/admin/").content.decode()


# --- what a person may see ----------------------------------------------------------------------------------


def test_who_may_not_look_at_rewards_sees_none_and_finds_none(world: World) -> None:
    client = staff_with(*PEOPLE)
    reward = world.rewards["paid"]

    text = page_of(client, "ann", found=f"reward:{reward.pk}")

    assert "Not paid yet" not in text
    assert "referralreward" not in text
    assert "Found:" not in text
    assert client.get(SEARCH, {"q": "tx-1"}).status_code == 200
    assert client.get(SEARCH, {"q": str(reward.pk)}).status_code == 200
    order = client.get(SEARCH, {"q": "order-0"}, follow=True).content.decode()
    assert "Found:" in order
    assert "referralreward" not in order


def test_parts_of_other_tables_are_left_out_one_by_one(world: World) -> None:
    text = page_of(staff_with("referral.view_userrole"), "bob")

    for part in ("links", "unpaid", "newest", "sums", "unrewarded", "tree-title", "partners"):
        assert f'id="{part}"' not in text
    assert "Invited by" not in text
    assert "First seen" in text


def test_who_may_not_look_at_users_is_stopped(world: World) -> None:
    client = staff_with("rewards.view_referralreward")

    assert client.get(PAGE, {"id": "ann"}).status_code == 403
    assert client.get(SEARCH, {"q": "ann"}).status_code == 403


# --- the page -----------------------------------------------------------------------------------------------


def test_the_page_says_who_invited_a_user_up_the_line(boss: Client, world: World) -> None:
    invite("cid", "dan")

    page = boss.get(PAGE, {"id": "dan"})

    assert [relation.referrer_user_id for relation in page.context["page"].upline] == ["cid", "bob", "ann"]
    assert link_of("cid") in page.content.decode()


def test_a_role_is_shown_with_its_day(boss: Client, world: World) -> None:
    role_upgrade(user_id="bob", new_role="vip", occurred_at=timezone.now(), by="user_service")

    text = page_of(boss, "bob")

    assert "VIP" in text
    assert "Role changed to VIP." in text


def test_what_is_not_paid_stands_first_and_what_is_paid_is_not_in_it(boss: Client, world: World) -> None:
    page = boss.get(PAGE, {"id": "bob"}).context["page"]

    open_ones = ReferralReward.objects.filter(beneficiary_user_id="bob").exclude(
        status__in=("completed", "cancelled")
    )
    assert {reward.pk for reward in page.unpaid} == set(open_ones.values_list("pk", flat=True))


def test_the_tree_shows_the_newest_of_two_levels_and_counts_the_rest(boss: Client, world: World) -> None:
    for number in range(14):
        invite("ann", f"friend-{number:02}")
    for number in range(6):
        invite("friend-13", f"guest-{number}")

    answer = boss.get(PAGE, {"id": "ann"})
    text, root = answer.content.decode(), answer.context["root"]

    assert [person.user_id for person in root.invited] == [f"friend-{n:02}" for n in range(13, 3, -1)]
    assert root.more == 5
    assert [guest.user_id for guest in root.invited[0].invited] == [
        "guest-5",
        "guest-4",
        "guest-3",
        "guest-2",
    ]
    assert root.invited[0].more == 2
    assert text.count("<svg") >= 1
    assert "and 5 more" in text
    everybody = boss.get(answer.context["invited_page"])
    assert len(everybody.context["cl"].result_list) == 15


def test_a_user_never_heard_of_gets_a_page_that_says_so(boss: Client, world: World) -> None:
    assert "Unknown user:" in page_of(boss, "nobody")
    assert "No user ID given." in page_of(boss, "")
    assert "Unknown user:" in page_of(boss, "x" * 500 + "\x00")


def test_a_user_who_is_only_mentioned_has_a_page_too(boss: Client, world: World) -> None:
    buy_quest("stranger")

    text = page_of(boss, "stranger")

    assert not UserRole.objects.filter(pk="stranger").exists()
    assert "never reported" in text
    assert "no referrer" in text


def test_ids_with_any_sign_are_linked_and_shown_as_they_are(boss: Client, world: World) -> None:
    strange = "a&b=<i>#?%41/\"'"
    invite("ann", strange)

    text = page_of(boss, strange)

    assert "<i>#" not in text
    assert "Invited by" in text
    assert searched(boss, strange) == f"{PAGE}?id=a%26b%3D%3Ci%3E%23%3F%2541%2F%22%27"


# --- the timeline -------------------------------------------------------------------------------------------


def test_the_timeline_tells_everything_newest_first(boss: Client, world: World) -> None:
    reward = world.rewards["locked"]
    reward_cancel(reward_id=reward.pk, by="staff:olga", reason="ticket 4711")
    owner = reward.beneficiary_user_id

    answer = boss.get(PAGE, {"id": owner})
    lines = [str(line.text) for line in answer.context["lines"]]

    assert "ticket 4711" in lines[0]
    assert "olga" in lines[0]
    assert "Locked → Cancelled" in lines[0]
    assert any(line.startswith("Earned <a") for line in lines)
    assert any("Invited" in line for line in lines)
    assert any("Created the link" in line for line in lines)
    moments = [line.at for line in answer.context["lines"]]
    assert all(later >= earlier - timedelta(seconds=1) for later, earlier in pairwise(moments))


def test_older_pages_tell_the_rest_and_nothing_twice(boss: Client, world: World) -> None:
    for number in range(40):
        invite("ann", f"friend-{number:02}")

    lines, before = [], ""
    while before is not None:
        answer = boss.get(PAGE, {"id": "ann", "before": before})
        lines += [str(line.text) for line in answer.context["lines"]]
        before = answer.context["before"]

    friends = [line for line in lines if "Invited <a" in line and "friend-" in line]
    assert len(friends) == len(set(friends)) == 40
    assert "Created the link" in lines[-1]


def test_an_older_page_holds_only_the_timeline(boss: Client, world: World) -> None:
    key = ReferralEvent.objects.latest("pk").pk

    text = page_of(boss, "cid", before=key)

    assert "Earlier activity" in text
    assert "Latest rewards" not in text
    assert "Latest rewards" not in page_of(boss, "cid", before=key, found="")
    assert "Activity" in page_of(boss, "cid", before="nonsense")


def test_rewards_that_were_unlocked_together_share_a_line(boss: Client, world: World) -> None:
    for number in range(20):
        buy_quest("cid", external_event_id=f"more-{number}")
    owner = world.rewards["locked"].beneficiary_user_id
    unlocked = role_upgrade(user_id=owner, new_role="vip", occurred_at=timezone.now(), by="user_service")
    assert unlocked > 20

    lines = [str(line.text) for line in boss.get(PAGE, {"id": owner}).context["lines"]]

    assert sum("Locked → Pending" in line for line in lines) == 1


def test_what_people_did_to_links_and_relations_stands_in_it_with_who_and_why(
    boss: Client, world: World
) -> None:
    link = ReferralLink.objects.get(code=link_of("ann"))
    invite("ann", "dan")
    boss.post(f"/admin/referral/referrallink/{link.pk}/change/", {})
    relation = ReferralRelation.objects.get(referred_user_id="dan")
    audit_note(
        by="staff:olga",
        verb=Verb.CREATED,
        target=relation,
        name="user_invite_default",
        after={"source": "manual"},
        reason="ticket 4711",
    )

    ann = [str(line.text) for line in boss.get(PAGE, {"id": "ann"}).context["lines"]]
    dan = [str(line.text) for line in boss.get(PAGE, {"id": "dan"}).context["lines"]]

    assert any("Link <a" in line and f"{link.code}</a>: changed, boss." in line for line in ann)
    assert any("Referral <a" in line and ": created, olga. ticket 4711" in line for line in dan)


# --- among very many ----------------------------------------------------------------------------------------


def asked(client: Client, address: str, **query: object) -> list[str]:
    """The statements that a page needs."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address, query).status_code in (200, 302)
    return [query["sql"] for query in queries]


def test_the_page_needs_as_many_statements_for_a_star_as_for_anybody(boss: Client, world: World) -> None:
    fill(500)
    boss.get(PAGE, {"id": "p7"})

    # Where nothing is found, what belongs to it is not asked for; nothing is asked for row by row.
    latest = ReferralEvent.objects.latest("pk").pk
    assert all(len(asked(boss, PAGE, id=user)) <= 42 for user in (STAR, "p7", "p1", "ann", "bob"))
    assert all(len(asked(boss, PAGE, id=user, before=latest)) <= 18 for user in (STAR, "p7", "bob"))


def test_no_statement_reads_more_than_it_must_for_the_one_with_the_most(boss: Client, world: World) -> None:
    fill(40_000)
    latest = ReferralEvent.objects.latest("pk").pk
    boss.get(PAGE, {"id": "p7"})

    statements = [
        statement
        for query in ({"id": STAR}, {"id": "p7"}, {"id": "p70"}, {"id": STAR, "before": latest})
        for statement in asked(boss, PAGE, **query)
    ]
    texts = (STAR, "p7", "many00004000", "many-77", "many-tx-77", "cafe-77", latest, "nothing", "tx-1")
    statements += [statement for text in texts for statement in asked(boss, SEARCH, q=text)]

    assert len(statements) > 100
    # Of 40,000 rows the star has 400. What is ordered by key may be found among others, not among all.
    wasteful = [text for text in statements if text.startswith(("SELECT", "\n")) and rows_read(text) > 4_000]
    assert wasteful == []
