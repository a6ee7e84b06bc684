"""The recount: it finds nothing after any history, finds every damage, and mends beside running traffic."""

import threading
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.catalog import catalog
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.services import campaign_update
from dev.demo.campaigns import demo_campaigns_ensure
from kernel.errors import IllegalTransition
from rewards.intake.events import event_accept
from rewards.ledger import recount
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock, role_upgrade
from rewards.ledger.statistics import stats_add
from rewards.models import (
    ReferralReward,
    ReferralStats,
    ReferredCounter,
    ReferrerDayCounter,
    RewardStatus,
)
from rewards.payouts.claim import Settled, claim, record
from rewards.payouts.drain import pay_due_now
from rewards.payouts.providers.base import Answer, Outcome
from rewards.payouts.providers.registry import peer_named
from tests.helpers.api import invite
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    campaign_of,
    done,
    earn,
    nothing_is_under_way,
    pay_until,
)

USERS = ["anna", "boris", "clara"]


def found(portion_rows: int = recount.PORTION_ROWS) -> list[str]:
    """Every difference as a sentence."""
    portions = recount.differences(portion_rows=portion_rows)
    return [str(difference) for portion in portions for difference in portion]


def mend(portion_rows: int = recount.PORTION_ROWS) -> None:
    for portion in recount.differences(portion_rows=portion_rows):
        recount.repair(portion)


def command(*arguments: str) -> tuple[int, str]:
    """What `manage.py recount_stats` prints and exits with."""
    out = StringIO()
    try:
        call_command("recount_stats", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def busy(db, sandbox):
    """Campaigns with and without a budget, and rewards in every state."""
    campaign_of("plain", {"level1": {"points_per_event": 10, "g2a_per_event": "1.5"}})
    campaign_of(
        "budget",
        {"level1": {"points_per_event": 7, "locked_until_role": "vip"}},
        budget_points=1000,
        budget_g2a="50",
        max_events_per_referrer_per_day=5,
    )
    for user in USERS:
        event_accept(done("plain", user))
    pay_until(nothing_is_under_way)
    for user in USERS:
        event_accept(done("plain", user))
        event_accept(done("budget", user))
    reward_cancel(reward_id=earn("budget", "anna").id, by="staff:olga", reason="a mistake")
    assert found() == []


# --- nothing is found where nothing is wrong ----------------------------------------------------------------

STEP = st.one_of(
    st.tuples(
        st.just("event"), st.sampled_from(["plain", "budget"]), st.sampled_from(USERS), st.integers(0, 3)
    ),
    st.tuples(st.just("pay"), st.sampled_from([Outcome.BOOKED, Outcome.UNKNOWN, Outcome.REFUSED])),
    st.tuples(st.just("upgrade"), st.sampled_from(USERS)),
    st.tuples(st.sampled_from(["cancel", "retry", "unlock"]), st.integers(0, 20)),
    st.tuples(st.just("invite"), st.sampled_from(USERS), st.integers(0, 5)),
)
DAMAGE = st.tuples(
    st.sampled_from(["stats", "referred", "days", "budget"]), st.integers(0, 20), st.integers(1, 5)
)


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(STEP, min_size=3, max_size=15), damage=DAMAGE, portion=st.integers(1, 9))
def test_after_any_history_nothing_differs_and_any_damage_is_found_and_mended(
    sandbox, history, damage, portion
):
    with transaction.atomic():
        _two_campaigns()
        for step in history:
            _play(*step)
        assert found(portion) == []

        damaged = _damage(*damage)
        assert bool(found(portion)) == damaged
        mend(portion)

        assert found(portion) == []
        assert_counters_agree_with_a_recount()
        transaction.set_rollback(True)


def _two_campaigns() -> None:
    catalog.forget()
    campaign_of("plain", {"level1": {"points_per_event": 10, "g2a_per_event": "0.5"}})
    levels = {"level1": {"points_per_event": 5, "locked_until_role": "vip"}}
    campaign_of("budget", levels, budget_points=30, max_events_per_referred=2)
    campaign_of("invitations", {"level1": {"points_per_event": 1}})


def _play(what: str, *details) -> None:
    if what == "event":
        code, user, number = details
        event_accept(done(code, user, f"friend-{number}"))
    elif what == "pay":
        for peer in (peer_named("points"), peer_named("tokens")):
            claims = claim(peer, 3)
            record([Settled(entry, Answer(details[0], reference="tx")) for entry in claims], well_at=None)
    elif what == "upgrade":
        role_upgrade(user_id=details[0], new_role="vip", occurred_at=timezone.now(), by="test")
    elif what == "invite":
        _relate(details[0], f"newcomer-{details[1]}")
    else:
        _by_hand(what, details[0])


def _relate(referrer: str, referred: str) -> None:
    """A relation with its count, as an import would write it."""
    campaign = ReferralCampaign.objects.get(code="invitations")
    _, made = campaign.relations.get_or_create(
        referred_user_id=referred,
        defaults={
            "referrer_user_id": referrer,
            "is_invitation": False,
            "source": "import",
            "registered_at": timezone.now(),
        },
    )
    if made:
        stats_add([{"user_id": referrer, "campaign_id": campaign.id, "referred_users": 1}])


def _by_hand(what: str, number: int) -> None:
    ways = {
        "cancel": (reward_cancel, ["locked", "pending", "failed"]),
        "retry": (reward_retry, ["failed"]),
        "unlock": (reward_unlock, ["locked"]),
    }
    move, statuses = ways[what]
    rewards = list(ReferralReward.objects.filter(status__in=statuses, in_doubt=False).order_by("id"))
    if rewards:
        move(reward_id=rewards[number % len(rewards)].id, by="staff:olga", reason="because")


def _damage(kind: str, number: int, by: int) -> bool:
    """Make one counter wrong; returns whether there was one."""
    tables = {
        "stats": (ReferralStats, "points_pending"),
        "referred": (ReferredCounter, "events"),
        "days": (ReferrerDayCounter, "events"),
        "budget": (CampaignSpend, "points"),
    }
    model, column = tables[kind]
    rows = list(model.objects.order_by("pk"))
    if rows:
        model.objects.filter(pk=rows[number % len(rows)].pk).update(**{column: F(column) + by})
    return bool(rows)


@pytest.mark.usefixtures("db")
def test_relations_and_welcome_bonuses_count_too(sandbox):
    demo_campaigns_ensure()
    invite("anna", "boris")
    invite("boris", "clara")

    assert found() == []
    assert ReferralStats.objects.get(user_id="anna").total_referred_users == 1


# --- every damage is found and mended -----------------------------------------------------------------------


@pytest.mark.parametrize("name", recount.STATS_NUMBERS)
def test_each_wrong_number_of_the_statistics_is_named_and_mended(busy, name):
    ReferralStats.objects.filter(user_id="boris", campaign__code="plain").update(**{name: F(name) + 3})

    (sentence,) = found()
    assert sentence.startswith(f"boris in plain: {name}: stored ")
    mend()

    assert found() == []


def test_missing_rows_are_made(busy):
    ReferralStats.objects.filter(user_id="anna").delete()
    ReferredCounter.objects.all().delete()
    ReferrerDayCounter.objects.all().delete()

    code, text = command()
    assert code == 1
    assert "anna in plain: total_events: stored no row, counted 2" in text
    mend()

    assert found() == []
    assert_counters_agree_with_a_recount()


def test_surplus_rows_become_zero(busy):
    campaign = ReferralCampaign.objects.get(code="plain")
    ReferralStats.objects.create(user_id="nobody", campaign=campaign, points_earned=5)
    ReferredCounter.objects.create(campaign=campaign, referred_key="nobody", events=2)
    ReferrerDayCounter.objects.create(
        campaign=campaign, referrer_user_id="nobody", day="2025-01-01", events=3
    )

    assert found() == [
        "nobody in plain: points_earned: stored 5, counted 0",
        "nobody in plain: events as referred: stored 2, counted 0",
        "nobody in plain: events on 2025-01-01: stored 3, counted 0",
    ]
    mend()

    assert found() == []
    assert ReferralStats.objects.get(user_id="nobody").points_earned == 0


def test_the_day_of_an_event_is_a_utc_day(db):
    campaign_of("plain", {"level1": {"points_per_event": 10}})
    late = timezone.now().replace(hour=23, minute=59, second=59) - timedelta(days=1)
    event_accept(done("plain", "anna", occurred_at=late))

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        assert found() == []


def test_a_wrong_budget_is_mended_from_the_rewards(busy):
    CampaignSpend.objects.update(points=1, g2a=Decimal("2.5"))

    assert found() == [
        "budget: budget points: stored 1, counted 21",
        "budget: budget G2A: stored 2.500000000, counted 0",
    ]
    mend()

    assert (CampaignSpend.objects.get().points, CampaignSpend.objects.get().g2a) == (21, 0)


def test_a_budget_whose_sums_were_never_needed_is_no_difference(db):
    campaign_of("budget", {"level1": {"points_per_event": 7}}, budget_points=1000)

    assert found() == []


def test_sums_kept_without_a_budget_are_dropped(busy):
    budgeted = ReferralCampaign.objects.get(code="budget")
    rules = {"levels": budgeted.reward_rules["levels"]}
    campaign_update(campaign_id=budgeted.id, changes={"reward_rules": rules}, by="test")
    CampaignSpend.objects.create(campaign=budgeted, points=9)

    assert found() == ["budget: budget points kept without a budget: stored 9, counted 0"]
    mend()

    assert not CampaignSpend.objects.exists()


def test_the_command_lists_mends_and_says_so(busy):
    ReferralStats.objects.filter(user_id="anna", campaign__code="plain").update(points_pending=999)
    sentence = "anna in plain: points_pending: stored 999, counted 10"

    assert command() == (1, f"{sentence}\nDifferences: 1. Run with --repair to repair them.\n")
    assert command("--repair") == (0, f"{sentence}\nDifferences: 1, all repaired.\n")
    assert command() == (0, "Every counter is what counting gives.\n")


def test_small_portions_find_the_same(busy):
    ReferralStats.objects.update(g2a_earned=99)

    assert sorted(found(1)) == sorted(found())
    mend(1)

    assert found() == []


# --- beside running traffic ---------------------------------------------------------------------------------


def _elsewhere(work) -> threading.Thread:
    """Run it in another thread, on another connection."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.fixture
def spoiled(committed_db, sandbox):
    """A claimed reward whose owner's statistics are wrong; gives what records that it is paid."""
    campaign_of("points", {"level1": {"points_per_event": 10}})
    earn("points", "anna")
    ReferralStats.objects.update(points_pending=77)
    (held,) = claim(peer_named("points"), 1)
    return lambda: record([Settled(held, Answer(Outcome.BOOKED, reference="tx"))], well_at=None)


def _mend_while_a_payout_is_not_committed(pay) -> bool:
    """Returns whether the repair waited for the payout."""
    with transaction.atomic():
        pay()
        repair = _elsewhere(mend)
        repair.join(0.7)
        waited = repair.is_alive()
    repair.join(10)
    assert ReferralReward.objects.get().status == RewardStatus.COMPLETED
    return waited


def test_a_payout_that_commits_while_the_recount_waits_is_counted_once(spoiled):
    """The payout holds the stats row when the repair comes; the repair counts what it has done."""
    assert _mend_while_a_payout_is_not_committed(spoiled)

    assert_counters_agree_with_a_recount()


def test_without_the_locks_before_the_recount_that_payout_would_be_lost(spoiled, monkeypatch):
    monkeypatch.setattr(recount, "ENSURE", ())
    monkeypatch.setattr(recount, "LOCK", ())

    assert _mend_while_a_payout_is_not_committed(spoiled)

    assert found() == [
        "anna in points: points_earned: stored 0, counted 10",
        "anna in points: points_pending: stored 10, counted 0",
    ]


def test_a_payout_that_comes_while_the_recount_holds_the_rows_is_counted_once(spoiled):
    """The payout has changed its reward and waits for the stats row; the recount must not see it."""
    payouts: list[threading.Thread] = []

    def pay_first(execute, sql, parameters, many, context):
        if sql == recount.MEND[0] and not payouts:
            payouts.append(_elsewhere(spoiled))
            payouts[0].join(0.7)
            assert payouts[0].is_alive(), "the payout waits for the repair's stats row"
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(pay_first):
        mend()
    payouts[0].join(10)

    assert ReferralReward.objects.get().status == RewardStatus.COMPLETED
    assert_counters_agree_with_a_recount()


@pytest.mark.usefixtures("committed_db")
def test_repairs_beside_events_payouts_unlocks_and_cancellations_end_without_a_difference(sandbox):
    levels = {
        "level1": {"points_per_event": 10},
        "referred": {"points_per_event": 3, "locked_until_role": "vip"},
    }
    campaign_of("busy", levels, budget_points=100_000, max_events_per_referrer=1000)
    until = timezone.now() + timedelta(seconds=2.5)
    failures: list[Exception] = []

    def keep(work) -> threading.Thread:
        def loop() -> None:
            try:
                while timezone.now() < until:
                    work()
            except Exception as error:
                failures.append(error)

        return _elsewhere(loop)

    threads = [
        keep(lambda: event_accept(done("busy", "anna", "friend-1"))),
        keep(lambda: event_accept(done("busy", "boris", "friend-2"))),
        keep(lambda: pay_due_now("points")),
        keep(_cancel_some),
        keep(_unlock_some),
        keep(_spoil_and_mend),
    ]
    for thread in threads:
        thread.join(20)

    assert failures == []
    mend()
    assert found() == []
    assert_counters_agree_with_a_recount()


def _cancel_some() -> None:
    reward = ReferralReward.objects.filter(status="locked").order_by("?").first()
    if reward is not None:
        # It may have been unlocked and sent since it was looked up, and then it cannot be cancelled.
        with suppress(IllegalTransition):
            reward_cancel(reward_id=reward.id, by="staff:olga", reason="because")


def _unlock_some() -> None:
    role_upgrade(user_id="friend-1", new_role="vip", occurred_at=timezone.now(), by="test")
    role_upgrade(user_id="friend-1", new_role="user", occurred_at=timezone.now(), by="test")


def _spoil_and_mend() -> None:
    """Damage what no constraint minds, then mend; whatever the others did meanwhile must stay counted."""
    ReferralStats.objects.filter(user_id="anna").update(points_pending=F("points_pending") + 10_000)
    mend()
    assert found() == []
