"""The review list: who is on it and why, its order, pages, filters, errors and numbers."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from referral.models import ReferralEvent
from rewards.models import SILENT_POLLS, BulkRetry, PeerCircuit, ReferralReward
from rewards.support.review import rewards
from tests.backoffice.conftest import signed_in, staff_with
from tests.factories import EventFactory
from tests.helpers.failures import http, kept
from tests.helpers.review import failed_row, reward_row

NOW = timezone.now()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def event(db: None) -> ReferralEvent:
    """One whose campaign the others share."""
    return EventFactory()


def page(client: Client, **query: str) -> Any:
    """The page, as its template was given it."""
    answer = client.get(reverse("admin:support_review"), query)
    assert answer.status_code == 200
    return answer


def listed(client: Client, **query: str) -> list[ReferralReward]:
    """The rewards on the page."""
    return [row["reward"] for row in page(client, **query).context["rows"]]


def of(moment: timedelta, **fields: Any) -> dict[str, Any]:
    "Columns of a reward of which everything happened so long ago."
    then = timezone.now() - moment
    return {"next_attempt_at": then, "updated_at": then, "created_at": then, **fields}


SENT = {"status": "sent_to_points"}
TASK = {"status": "sent_to_token", "currency": "g2a", "external_task_id": "task-1", "failures": SILENT_POLLS}
ON_THE_LIST = {
    "refused this minute": ("failed", {"status": "failed", "updated_at": NOW, "next_attempt_at": None}),
    "failed and perhaps paid": (
        "failed",
        {"status": "failed", "updated_at": NOW, "next_attempt_at": None, "in_doubt": True},
    ),
    "no word for over an hour": (
        "in_doubt",
        SENT | of(-MINUTE, in_doubt=True, first_failed_at=NOW - HOUR - MINUTE),
    ),
    "nobody takes it": ("stuck", of(HOUR + MINUTE)),
    "its lease is over": ("stuck", SENT | of(HOUR + MINUTE)),
    "its lease is over twice": ("stuck", SENT | of(HOUR + MINUTE, in_doubt=True)),
    "it fails and fails": (
        "stuck",
        of(-MINUTE, first_failed_at=NOW - HOUR - MINUTE, failures=9, **kept(http(429))),
    ),
    "its task does not end": ("stuck", TASK | of(-MINUTE)),
}
NOT_ON_THE_LIST = {
    "just earned": of(timedelta(0)),
    "reported late, due from the past": of(HOUR + MINUTE, updated_at=NOW),
    "still held": of(-2 * HOUR),
    "just sent": SENT | of(-MINUTE),
    "its lease is just over": SENT | of(50 * MINUTE),
    "in doubt for a while": SENT | of(-MINUTE, in_doubt=True, first_failed_at=NOW - 30 * MINUTE),
    "failing for a while": of(-MINUTE, first_failed_at=NOW - 30 * MINUTE),
    "its task is asked for": TASK | {"failures": SILENT_POLLS - 1} | of(-MINUTE),
    "paid": {"status": "completed", "external_tx_id": "tx-1", "next_attempt_at": None},
    "cancelled": {"status": "cancelled", "next_attempt_at": None},
}


@pytest.mark.parametrize("name", ON_THE_LIST)
def test_what_needs_a_person_is_on_the_list_once_and_in_its_kind(
    boss: Client, event: ReferralEvent, name: str
) -> None:
    kind, fields = ON_THE_LIST[name]
    reward = reward_row(event, **fields)

    assert listed(boss) == [reward]
    assert {other: listed(boss, kind=other) for other in rewards.KINDS} == {
        other: [reward] if other == kind else [] for other in rewards.KINDS
    }
    assert rewards.review_counts() == {other: int(other == kind) for other in rewards.KINDS}


@pytest.mark.parametrize("name", NOT_ON_THE_LIST)
def test_what_gets_on_by_itself_is_not(boss: Client, event: ReferralEvent, name: str) -> None:
    reward_row(event, **NOT_ON_THE_LIST[name])

    assert listed(boss) == []
    assert sum(rewards.review_counts().values()) == 0


def test_what_waits_for_a_sick_peer_is_not_stuck_each(boss: Client, event: ReferralEvent) -> None:
    reward_row(event, **of(2 * HOUR))
    tokens = reward_row(event, **of(2 * HOUR, currency="g2a"))
    PeerCircuit.objects.create(peer="points", state="open", opened_at=NOW, probe_at=NOW)

    assert listed(boss, kind="stuck") == [tokens]


def test_pages_follow_one_another_longest_ago_first(
    boss: Client, event: ReferralEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewards, "PAGE_SIZE", 4)
    # Two of each moment: only the id tells them apart.
    failed = [failed_row(event, ago=HOUR * (9 - number // 2)) for number in range(10)]
    stuck = reward_row(event, **of(HOUR * 6 + MINUTE))

    found, query = [], ""
    while True:
        context = boss.get(f"{reverse('admin:support_review')}?{query}").context
        found += [row["reward"] for row in context["rows"]]
        query = context["more"]
        if not query:
            break

    assert found == [*failed[:6], stuck, *failed[6:]]


def test_a_page_that_begins_nowhere_begins_at_the_beginning(boss: Client, event: ReferralEvent) -> None:
    reward = failed_row(event)

    for after in ("x", "2026-01-01_7", f"2026-01-01T00:00:00_{reward.pk}", "\x00"):
        assert listed(boss, after=after) == [reward]


def test_filters_narrow_the_list_the_numbers_and_the_errors(boss: Client, event: ReferralEvent) -> None:
    old = failed_row(event, ago=HOUR * 30)
    other = failed_row(ago=HOUR * 2, **kept(http(409, "conflict_of_ids", "no")))
    tokens = failed_row(event, currency="g2a")

    assert listed(boss, age="day") == [old]
    assert listed(boss, campaign=str(other.campaign_id)) == [other]
    assert listed(boss, currency="g2a") == [tokens]
    assert listed(boss, error="HTTP 409 CONFLICT_OF_IDS") == [other]
    narrowed = page(boss, currency="g2a").context
    assert [tab["number"] for tab in narrowed["tabs"]] == ["1", "1", "0", "0"]
    assert [(entry["number"], entry["amounts"]) for entry in narrowed["groups"]] == [("1", "1.5 G2A")]


def test_a_filter_that_cannot_be_is_told_beside_its_field(boss: Client, event: ReferralEvent) -> None:
    reward = failed_row(event)

    answer = page(boss, campaign="nobody", age="year", kind="odd")

    assert set(answer.context["form"].errors) == {"campaign", "age"}
    assert [row["reward"] for row in answer.context["rows"]] == [reward]


def test_what_failed_with_one_error_is_one_group_with_its_sum(boss: Client, event: ReferralEvent) -> None:
    first = failed_row(event, ago=HOUR * 5)
    for number in range(2):
        failed_row(event, **kept(http(422, "account_closed", f"the account of u-{number} is closed")))
    failed_row(event, currency="g2a", **kept(http(422, "ACCOUNT_CLOSED")))
    failed_row(event, last_error_code="", last_error_params={})

    groups = [entry["group"] for entry in page(boss).context["groups"]]

    assert [(group.error, group.number, group.points, str(group.g2a)) for group in groups] == [
        ("HTTP 422 ACCOUNT_CLOSED", 4, 30, "1.500000000"),
        ("–", 1, 10, "0"),
    ]
    assert groups[0].oldest == first.updated_at


@pytest.mark.parametrize(
    ("error", "group"),
    [
        ("HTTP 422 ACCOUNT_CLOSED the account of u-17 is closed", "HTTP 422 ACCOUNT_CLOSED"),
        ("HTTP 422 account_closed: it is", "HTTP 422 ACCOUNT_CLOSED"),
        ("HTTP 409 alreadyPaid", "HTTP 409 ALREADYPAID"),
        ("INSUFFICIENT_GAS", "INSUFFICIENT_GAS"),
        ("HTTP 422 The account 0199-ab of 'ann' is closed", "HTTP 422 The account … of … is closed"),
        ("the transaction was reverted: nonce 71 too low", "the transaction was reverted: nonce … too low"),
        ("HTTP 400", "HTTP 400"),
        ("", "–"),
    ],
)
def test_an_error_is_named_by_its_code_or_by_what_does_not_change(db: None, error: str, group: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT referral_error_group(%s)", [error])
        assert cursor.fetchone() == (group,)


def test_chosen_rewards_lead_to_the_page_of_the_move(boss: Client, event: ReferralEvent) -> None:
    reward = failed_row(event)
    text = page(boss).content.decode()

    address = re.search(r'formaction="([^"]+/moves/retry/)"', text)
    assert address
    assert f'name="reward" value="{reward.pk}"' in text
    asked = boss.get(address[1], {"reward": str(reward.pk)})
    assert [row["key"] for row in asked.context["rows"]] == [str(reward.pk)]


# --- ordering a bulk retry ----------------------------------------------------------------------------------

RETRY = "/admin/support/retry/?error=HTTP+422+ACCOUNT_CLOSED"


def test_an_order_takes_what_its_page_has_shown_and_says_so_first(boss: Client, event: ReferralEvent) -> None:
    reward = failed_row(event)
    failed_row(event, ago=HOUR * 30, currency="g2a")
    shown = boss.get(f"{RETRY}&currency=points").context
    assert (shown["extent"].number, shown["amounts"]) == (1, "10 points")
    assert shown["narrowings"] == ["Points only"]
    failed_row(event, ago=timedelta(0))

    answer = boss.post(
        f"{RETRY}&currency=points", {"reason": "they are open again", "shown_at": shown["rows"][0]["key"]}
    )

    made = BulkRetry.objects.get()
    assert answer.headers["Location"] == reverse("admin:rewards_bulkretry_change", args=[made.pk])
    assert [item.reward_id for item in made.items.all()] == [reward.pk]
    assert (made.created_by, made.reason) == ("staff:boss", "they are open again")


def test_nothing_is_ordered_that_was_not_shown(boss: Client, event: ReferralEvent) -> None:
    failed_row(event)

    answer = boss.post(RETRY, {"reason": "without having looked"}, follow=True)

    assert "Nothing was selected, so nothing was changed." in answer.content.decode()
    assert not BulkRetry.objects.exists()


def test_an_order_without_a_reason_or_with_nothing_to_do_is_told(boss: Client, event: ReferralEvent) -> None:
    failed_row(event)

    assert "This field is required" in boss.post(RETRY, {"reason": " "}).content.decode()
    nothing = boss.get("/admin/support/retry/?error=HTTP+418+TEAPOT").content.decode()
    assert "No failed rewards with this error are left." in nothing
    assert "Retry all</button>" not in nothing
    agreed = {"reason": "x", "shown_at": timezone.now().isoformat()}
    gone = boss.post("/admin/support/retry/?error=HTTP+418+TEAPOT", agreed, follow=True)
    assert "No failed rewards with this error are left." in gone.content.decode()
    assert not BulkRetry.objects.exists()


def test_a_filter_that_cannot_be_does_not_widen_an_order(boss: Client, event: ReferralEvent) -> None:
    failed_row(event)

    answer = boss.post(f"{RETRY}&campaign=nobody", {"reason": "x"}, follow=True)

    assert "A filter is not valid" in answer.content.decode()
    assert not BulkRetry.objects.exists()


# --- the menu -----------------------------------------------------------------------------------------------


def in_the_menu(client: Client, kind: str) -> str:
    """The number beside an entry of the menu, empty without one."""
    text = client.get(reverse("admin:index")).content.decode()
    entry = re.search(rf'<a href="[^"]*support/review/\?kind={kind}".*?</a>', text, re.DOTALL)
    assert entry
    spans = re.findall(r"<span[^>]*>\s*([^<]*?)\s*</span>", entry[0])
    return spans[2] if len(spans) > 2 else ""


def test_the_menu_says_how_many_there_are_up_to_a_limit(
    boss: Client, event: ReferralEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert in_the_menu(boss, "failed") == ""
    for _ in range(4):
        failed_row(event)
    reward_row(event, **of(2 * HOUR))

    assert [in_the_menu(boss, kind) for kind in rewards.KINDS] == ["4", "", "1"]
    monkeypatch.setattr(rewards, "MOST_COUNTED", 3)
    monkeypatch.setattr("rewards.support.review.wording.MOST_COUNTED", 3)
    assert in_the_menu(boss, "failed") == "3+"


def test_nothing_is_counted_for_who_may_not_see_rewards(
    event: ReferralEvent, django_assert_num_queries: Any
) -> None:
    client = staff_with("campaigns.view_referralcampaign")
    client.get(reverse("admin:index"))

    # Session, person and the person's rights, twice.
    with django_assert_num_queries(4):
        answer = client.get(reverse("admin:index"))

    assert b"support/review" not in answer.content


def test_the_list_needs_the_same_queries_however_long_it_is(
    boss: Client, event: ReferralEvent, django_assert_num_queries: Any
) -> None:
    failed_row(event)
    page(boss)
    # Session and person; errors and campaigns for the filters; the rows of each of six reasons; the numbers
    # of the tabs and of the menu; each time, which peers are sick.
    with django_assert_num_queries(15):
        page(boss)
    for number in range(60):
        failed_row(event, **kept(http(422, f"CODE_{number}")))

    with django_assert_num_queries(15):
        assert len(page(boss).context["rows"]) == rewards.PAGE_SIZE


def test_marketing_looks_at_the_list_and_is_offered_no_moves(event: ReferralEvent) -> None:
    failed_row(event)
    person = User.objects.create_user("max", is_staff=True)
    person.groups.add(Group.objects.get(name="Marketing"))

    text = page(signed_in(person)).content.decode()

    assert "ACCOUNT_CLOSED" in text
    assert "moves/retry" not in text
    assert "support/retry" not in text
