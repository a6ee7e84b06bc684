"""The past of an attached user: what is foreseen is what happens, once, whatever is repeated."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from access.models import AuditEntry
from backoffice.people.labels import user_page
from referral.models import EventReplay, ReferralEvent, ReferralRelation, UserRole
from rewards.ledger.rollups import daily_figures_refresh
from rewards.models import DailyFigures
from rewards.outbox.entries import Numbered, entries_of
from rewards.support.attach.backfill import past_reward
from rewards.support.attach.relation import choice_of, referrer_attach
from tests.backoffice.attaching import (
    ATTACH,
    INVITES,
    PAST,
    QUESTS,
    attach,
    bob_has_a_past,
    campaign,
    chosen,
    confirmation,
    counters_agree,
    first_id,
    foreseen,
    rewarded,
)
from tests.helpers.api import (
    become,
    buy,
    buy_quest,
    change_campaign,
    change_rules,
    invite,
    now_text,
    register,
    user,
)

pytestmark = pytest.mark.usefixtures("campaigns")


@pytest.fixture(autouse=True)
def _counters_agree(campaigns: None) -> Iterator[None]:
    """Whatever a test did, the counters are right."""
    yield
    assert counters_agree()


# --- what is foreseen is what happens -----------------------------------------------------------------------


def test_all_of_the_past_is_foreseen_and_rewarded(boss: Client) -> None:
    bob_has_a_past()
    buy("voucher_premium_purchased", "bob", campaign_code="voucher_premium_default")
    page = boss.get(ATTACH, chosen())

    result = boss.get(boss.post(ATTACH, confirmation(page)).headers["Location"])

    heard = UserRole.objects.get(pk="bob").first_heard_at
    assert [entry[2:] for entry in foreseen(page)] == [
        ("ann", "100 points", False),
        ("pat", "50 points", True),
        ("bob", "20 points", False),
        *[("ann", "10 points", False), ("pat", "5 points", True)] * 3,
        ("ann", "30 points", False),
        ("ann", "1.5 G2A", False),
        ("pat", "15 points", True),
        ("pat", "0.5 G2A", True),
    ]
    assert foreseen(page)[0][:2] == ("user_registered", heard)
    assert rewarded() == foreseen(page)
    totals = {total["who"]: (total["sum"], total["locked"]) for total in page.context["totals"]}
    assert [sums for who, sums in totals.items() if ">ann<" in who] == [("160 points + 1.5 G2A", "–")]
    assert [sums for who, sums in totals.items() if ">pat<" in who] == [
        ("80 points + 0.5 G2A", "80 points + 0.5 G2A")
    ]
    relation = ReferralRelation.objects.get(referred_user_id="bob")
    assert (relation.source, relation.registered_at, relation.referrer_user_id) == ("manual", heard, "ann")
    assert len(result.context["done"]) == 5
    assert result.context["plan"].is_empty
    assert "All past events are rewarded" in result.content.decode()


def test_the_page_says_who_earns_from_now_on(boss: Client) -> None:
    bob_has_a_past(0)
    invite("bob", "cid")

    page = boss.get(ATTACH, chosen()).content.decode()

    assert "ann becomes level 1 for bob." in page
    assert "pat, who invited ann, becomes level 2 for bob." in page
    assert "bob has invited 1 user; ann becomes level 2 for them." in page
    attach(boss)
    assert [row["beneficiary_user_id"] for row in buy_quest("cid").body["rewards"]] == ["bob", "ann"]


def test_an_id_that_nobody_has_heard_of_is_pointed_out(boss: Client) -> None:
    register("bob", None)

    page = boss.get(ATTACH, chosen(referrer="anm"))

    assert page.context["unknown"] == ["anm"]
    assert "There are no records of anm." in page.content.decode()


@pytest.mark.parametrize(
    "limit",
    [
        {"max_events_per_referred": 2},
        {"max_events_per_referrer": 2},
        {"max_events_per_referrer_per_day": 2},
        {"budget_points": 31},
    ],
)
def test_a_limit_that_is_reached_half_way_is_foreseen(boss: Client, limit: dict[str, int]) -> None:
    levels = {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}}
    change_rules(QUESTS, {"levels": levels, "limits": limit})
    bob_has_a_past(4)
    page = boss.get(ATTACH, chosen())

    attach(boss)

    paid = [entry for entry in foreseen(page) if entry[0] == "quest_purchased"]
    assert [entry[2:4] for entry in paid] == [("ann", "10 points"), ("pat", "5 points")] * 2
    assert rewarded() == foreseen(page)
    said = [row["item"].lines for row in page.context["rows"]][-1]
    assert [line.level for line in said] == ["All levels"]
    reasons = ReferralEvent.objects.filter(source_service="back_office").order_by("id")
    assert [event.reason for event in reasons[3:]] == [
        "budget_exhausted" if "budget_points" in limit else "limit_reached"
    ] * 2


def test_what_the_referrer_has_used_up_before_counts(boss: Client) -> None:
    change_rules(
        QUESTS, {"levels": {"level1": {"points_per_purchase": 10}}, "limits": {"max_events_per_referrer": 3}}
    )
    bob_has_a_past()
    invite("ann", "dan")
    buy_quest("dan")
    buy_quest("dan")
    page = boss.get(ATTACH, chosen(registration=None))

    attach(boss, registration=None)

    assert [entry[2:4] for entry in foreseen(page)] == [("ann", "10 points")]
    assert rewarded() == foreseen(page)


def test_a_budget_that_nobody_has_kept_yet_is_foreseen(boss: Client) -> None:
    # given rewards of 30 points, and a budget that was set afterwards
    bob_has_a_past()
    invite("ann", "dan")
    buy_quest("dan")
    buy_quest("dan")
    change_rules(
        QUESTS,
        {
            "levels": {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}},
            "limits": {"budget_points": 50},
        },
    )
    page = boss.get(ATTACH, chosen(registration=None))

    attach(boss, registration=None)

    assert len(foreseen(page)) == 2
    assert rewarded() == foreseen(page)


def test_each_event_is_priced_by_the_rules_of_its_time(boss: Client) -> None:
    bob_has_a_past(1)
    change_rules(QUESTS, {"levels": {"level1": {"points_per_purchase": 77}}})
    buy_quest("bob", occurred_at=now_text())
    page = boss.get(ATTACH, chosen(registration=None))

    attach(boss, registration=None)

    assert [entry[2:4] for entry in foreseen(page)] == [
        ("ann", "10 points"),
        ("pat", "5 points"),
        ("ann", "77 points"),
    ]
    assert rewarded() == foreseen(page)


def test_a_role_that_was_reached_meanwhile_opens_level_2(boss: Client) -> None:
    bob_has_a_past(1)
    page = boss.get(ATTACH, chosen(registration=None))
    assert [entry[4] for entry in foreseen(page)] == [False, True]

    become("pat", "vip")
    again = boss.get(ATTACH, chosen(registration=None))
    attach(boss, registration=None)

    assert [entry[4] for entry in foreseen(again)] == [False, False]
    assert rewarded() == foreseen(again)


def test_a_locked_level_2_opens_with_the_role(boss: Client) -> None:
    bob_has_a_past(2)
    attach(boss)

    assert become("pat", "vip").body["unlocked_rewards_count"] == 3


def test_a_paused_campaign_takes_nothing_and_its_events_wait(boss: Client) -> None:
    bob_has_a_past(2)
    buy("voucher_premium_purchased", "bob", campaign_code="voucher_premium_default")
    change_campaign(QUESTS, status="paused")
    page = boss.get(ATTACH, chosen(registration=None))

    result = boss.get(boss.post(ATTACH, confirmation(page)).headers["Location"])

    told = [row["item"].obstacle for row in page.context["rows"]]
    assert ["it is paused" in text for text in told] == [False, True, True]
    assert len(rewarded()) == 4
    assert len(result.context["plan"].events) == 2
    # When it runs again, they can be rewarded.
    change_campaign(QUESTS, status="active")
    left = boss.get(PAST, {"relation": result.context["relation"].pk, "chosen": "1", "past": "on"})
    boss.post(PAST, confirmation(left, PAST))
    assert len(rewarded()) == 8


def test_the_copy_is_exact(boss: Client) -> None:
    invite("pat", "ann")
    metadata = {"price": Decimal("0.10"), "big": 12345678901234567890123, "deep": {"\u00e9": ["x", None]}}
    first = buy_quest(
        "bob", subject_type="quest", subject_id="q-1", amount_base="123456789012.123456789", metadata=metadata
    )

    attach(boss, registration=None)

    told = "SELECT event_type, subject_type, subject_id, amount_base, metadata::text, occurred_at"
    with connection.cursor() as cursor:
        cursor.execute(f"{told}, referred_user_id, campaign_id FROM referral_referralevent ORDER BY id")
        one, other = [row for row in cursor.fetchall() if row[0] == "quest_purchased"]
    assert one == other
    assert EventReplay.objects.get().original_id == first_id(first)


# --- once, whatever is repeated -----------------------------------------------------------------------------


def test_the_button_pressed_twice_rewards_once(boss: Client) -> None:
    bob_has_a_past()
    pressed = confirmation(boss.get(ATTACH, chosen()))

    first, second = boss.post(ATTACH, pressed), boss.post(ATTACH, pressed)

    assert first.headers["Location"] == second.headers["Location"]
    assert ReferralRelation.objects.filter(referred_user_id="bob").count() == 1
    assert EventReplay.objects.count() == 3
    assert len(rewarded()) == 9
    assert AuditEntry.objects.filter(verb="created").count() == 1


def test_what_died_after_the_relation_is_gone_on_with(boss: Client) -> None:
    bob_has_a_past()
    pressed = confirmation(boss.get(ATTACH, chosen()))
    referrer_attach(
        choice=choice_of(user="bob", referrer="ann", campaign_id=campaign().pk),
        by="staff:boss",
        reason="ticket 4711",
    )

    # A look at the same choice leads to what is left.
    looked = boss.get(ATTACH, chosen())
    assert looked.headers["Location"].startswith(PAST)
    boss.post(ATTACH, pressed)

    assert len(rewarded()) == 9


def test_what_died_between_two_portions_is_gone_on_with(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rewards.support.attach.backfill.PORTION", 2)
    bob_has_a_past(5)
    result = attach(boss, registration=None, past=None)
    ids = [item.event_id for item in result.context["plan"].foresight.items if item.event_id]
    past_reward(
        relation_id=result.context["relation"].pk,
        registration=False,
        event_ids=ids[:2],
        by="staff:boss",
        reason="first portion",
    )

    boss.post(PAST, confirmation(result, PAST))

    originals = EventReplay.objects.order_by("replay_id").values_list("original_id", flat=True)
    assert list(originals) == ids
    assert len(rewarded()) == 3 + 5 * 2


def test_only_what_the_page_has_shown_is_rewarded(boss: Client) -> None:
    bob_has_a_past(1)
    page = boss.get(ATTACH, chosen())
    buy_quest("bob", external_event_id="later")

    result = boss.get(boss.post(ATTACH, confirmation(page)).headers["Location"])

    assert rewarded() == foreseen(page)
    assert len(result.context["plan"].events) == 1


def test_events_of_others_are_not_rewarded_however_they_are_named(boss: Client) -> None:
    bob_has_a_past(0)
    invite("zoe", "dan")
    foreign = [first_id(buy_quest("dan")), first_id(buy_quest("eve"))]
    page = boss.get(ATTACH, chosen(registration=None))

    boss.post(ATTACH, {**confirmation(page), "event": [*map(str, foreign), "nonsense"]})

    assert rewarded() == []


def test_what_changed_before_the_button_was_pressed_is_told(boss: Client) -> None:
    bob_has_a_past(2)
    page = boss.get(ATTACH, chosen(registration=None))
    change_campaign(QUESTS, status="paused")

    result = boss.post(ATTACH, confirmation(page), follow=True)

    assert "Not rewarded:" in result.content.decode()
    assert "it is paused" in result.content.decode()
    assert rewarded() == []


def test_another_referrer_in_the_meantime_wins(boss: Client) -> None:
    bob_has_a_past()
    page = boss.get(ATTACH, chosen())
    invite("zoe", "bob")

    answer = boss.post(ATTACH, confirmation(page))

    assert answer.context["form"].errors["user"] == ["Already invited by zoe in the campaign Invite friends"]
    assert rewarded() == []


def test_only_a_relation_that_was_made_by_hand_has_such_a_page(boss: Client) -> None:
    invite("ann", "bob")
    relation = ReferralRelation.objects.get()

    assert boss.get(PAST, {"relation": relation.pk}).status_code == 404
    assert boss.post(PAST, {"relation": relation.pk, "reason": "x"}).status_code == 404
    assert boss.get(PAST, {"relation": "nonsense"}).status_code == 404
    assert boss.get(PAST).status_code == 404


def test_more_than_fits_is_rewarded_step_by_step(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("backfill", "plan"):
        monkeypatch.setattr(f"rewards.support.attach.{module}.MOST", 2)
    monkeypatch.setattr("backoffice.support.backfill.MOST", 2)
    bob_has_a_past(5)

    page = attach(boss, registration=None)
    assert "More than 2 past events have no reward" in page.content.decode()
    while not page.context["plan"].is_empty:
        boss.post(PAST, confirmation(page, PAST) | {"registration": ""})
        page = boss.get(PAST, {"relation": page.context["relation"].pk, "chosen": "1", "past": "on"})
        if not page.context["plan"].events:
            break

    assert EventReplay.objects.count() == 5


def test_however_much_waits_for_its_campaign_the_rest_is_reached(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("backfill", "plan"):
        monkeypatch.setattr(f"rewards.support.attach.{module}.MOST", 2)
    bob_has_a_past(3)
    buy("voucher_premium_purchased", "bob", campaign_code="voucher_premium_default")
    change_campaign(QUESTS, status="paused")

    page = boss.get(ATTACH, chosen(registration=None))

    assert [bool(row["item"].obstacle) for row in page.context["rows"]] == [False, True]


# --- the record ---------------------------------------------------------------------------------------------


def test_the_audit_log_knows_who_and_why_and_names_no_user(boss: Client) -> None:
    bob_has_a_past()
    attach(boss)

    entries = list(AuditEntry.objects.order_by("id"))

    assert [(entry.actor, entry.verb, entry.reason) for entry in entries] == [
        ("staff:boss", "created", "ticket 4711"),
        ("staff:boss", "changed", "ticket 4711"),
        ("staff:boss", "changed", "ticket 4711"),
    ]
    assert [entry.after for entry in entries[1:]] == [
        {"registration": "rewarded"},
        {"past_events_rewarded": 3},
    ]
    kept = str([(entry.object_name, entry.before, entry.after) for entry in entries])
    assert not any(name in kept for name in ("ann", "bob", "pat"))


def test_the_past_event_stays_as_it_was(boss: Client) -> None:
    bob_has_a_past()
    before = list(ReferralEvent.objects.filter(source_service="quest_service").order_by("id").values())

    attach(boss)

    assert (
        list(ReferralEvent.objects.filter(source_service="quest_service").order_by("id").values()) == before
    )
    replay = EventReplay.objects.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        EventReplay.objects.filter(pk=replay.pk).delete()


def test_a_repeated_call_is_answered_as_the_first_time(boss: Client) -> None:
    bob_has_a_past(1)
    attach(boss)

    again = buy_quest(
        "bob",
        external_event_id="order-0",
        occurred_at=ReferralEvent.objects.filter(source_service="quest_service")
        .get()
        .occurred_at.isoformat(),
    )

    assert (again.body["duplicate"], again.body["reason"], again.body["rewards"]) == (True, "no_referrer", [])


def test_what_happened_once_is_counted_once(boss: Client) -> None:
    bob_has_a_past()
    attach(boss)

    daily_figures_refresh()

    figures = DailyFigures.objects.get(campaign__code=QUESTS)
    assert (figures.events, figures.points_waiting, figures.points_locked) == (3, 30, 15)
    (referral,) = user("ann").get("/my/referrals", level=1).body["items"]
    # The registration and three purchases.
    assert (referral["user_id"], referral["events"]) == ("bob", 4)
    stats = {
        row["campaign_code"]: row["total_events"] for row in user("ann").get("/my/stats").body["campaigns"]
    }
    assert stats == {INVITES: 1, QUESTS: 3}


def test_analytics_hears_which_event_is_told_again(boss: Client) -> None:
    bob_has_a_past(1)
    attach(boss, registration=None)
    replay = EventReplay.objects.get()

    told = entries_of([Numbered(1, replay.original_id, None), Numbered(2, replay.replay_id, None)])

    events = [entry.body["payload"] for entry in told if entry.name == "referral_event_recorded"]
    assert [event["repeats_event_id"] for event in events] == [None, str(replay.original_id)]


def test_the_pages_of_both_events_lead_to_each_other(boss: Client) -> None:
    bob_has_a_past(1)
    attach(boss)
    replay = EventReplay.objects.get()

    for event_id, other in ((replay.original_id, replay.replay_id), (replay.replay_id, replay.original_id)):
        page = boss.get(reverse("admin:referral_referralevent_change", args=[event_id])).content.decode()
        assert reverse("admin:referral_referralevent_change", args=[other]) in page


def test_what_was_rewarded_later_no_longer_stands_among_what_earned_nothing(boss: Client) -> None:
    bob_has_a_past(1)
    unrewarded = "Latest events without a reward"
    assert unrewarded in boss.get(user_page("bob")).content.decode()

    attach(boss)

    assert unrewarded not in boss.get(user_page("bob")).content.decode()
