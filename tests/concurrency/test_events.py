"""Once per event, exact limits, all or nothing (D3, D4, D7), on the careful way of the event path.

The short way has the same tests in test_at_once.py.
"""

import random

import pytest
from django.db import DatabaseError, OperationalError, connection

from campaigns.models import CampaignSpend
from kernel.errors import IdempotencyConflict
from referral.models import ReferralEvent
from rewards.intake import acceptance
from rewards.intake.events import event_accept, events_accept
from rewards.models import ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter
from tests.helpers.races import (
    LONG_SECONDS,
    Pause,
    PauseAtCommit,
    Racer,
    all_at_once,
    cross,
    function_without,
    table_without,
)
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done


def accepting(event):
    return lambda: event_accept(event)


def after_opening():
    """The locks are held and everything is read, nothing is written yet."""
    return Pause(acceptance, "open_batch")


def after_writing():
    """Everything is written, nothing is committed yet."""
    return PauseAtCommit("referral_referralevent")


@pytest.fixture(autouse=True)
def careful_way(monkeypatch):
    monkeypatch.setattr(acceptance, "_at_once", lambda candidates: None)


@pytest.fixture
def free(committed_db):
    campaign_of("free", {"level1": {"points_per_event": 10}})


# --- once per event -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("referrer", ["user-a", None], ids=["with referrer", "without"])
@pytest.mark.parametrize("point", [after_opening, after_writing])
def test_the_same_event_twice_at_once_is_one_with_the_same_answer(free, referrer, point):
    event = done("free", referrer)

    first, second, _ = cross(accepting(event), accepting(event), point())

    assert sorted([first.duplicate, second.duplicate]) == [False, True]
    assert first.event_id == second.event_id
    assert (first.reason, first.rewards) == (second.reason, second.rewards)
    assert ReferralEvent.objects.count() == 1
    assert ReferralReward.objects.count() == (1 if referrer else 0)
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("point", [after_opening, after_writing])
def test_the_same_key_with_other_content_at_once_is_a_conflict(free, point):
    one = done("free", "user-a", external_event_id="same")
    other = done("free", "user-b", external_event_id="same")

    answers = cross(accepting(one), accepting(other), point())[:2]

    assert sorted(type(answer).__name__ for answer in answers) == ["Accepted", "IdempotencyConflict"]
    assert ReferralEvent.objects.count() == ReferralReward.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_a_single_call_and_a_batch_with_the_same_event_at_once_write_it_once(free):
    event = done("free", "user-a")
    batch = [done("free", "user-b"), event, done("free", "user-c")]

    first, second, _ = cross(accepting(event), lambda: events_accept(batch), after_writing())

    assert [answer.duplicate for answer in second] == [False, True, False]
    assert second[1].event_id == first.event_id
    assert ReferralEvent.objects.count() == 3
    assert_counters_agree_with_a_recount()


def test_twin_without_the_unique_key_the_event_is_written_twice(free):
    event = done("free", None)

    with table_without("referral_referralevent", "event_once_per_key"):
        cross(accepting(event), accepting(event), after_opening())

        assert ReferralEvent.objects.count() == 2


def test_the_same_event_from_many_at_once_is_one(free):
    event = done("free", "user-a")

    answers = all_at_once([accepting(event) for _ in range(12)])

    assert [answer.duplicate for answer in answers].count(False) == 1
    assert ReferralReward.objects.count() == 1
    assert_counters_agree_with_a_recount()


# --- limits -------------------------------------------------------------------------------------------------

# Who earns and about whom, so that the events of the race share nothing but the limit.
LIMITS = {
    "max_events_per_referred": (2, lambda n: {"referrer": f"user-{n}", "referred": "friend"}),
    "max_events_per_referrer": (2, lambda n: {"referrer": "user-a"}),
    "max_events_per_referrer_per_day": (2, lambda n: {"referrer": "user-a"}),
    "budget_points": (29, lambda n: {"referrer": f"user-{n}"}),
}
REFERRED_LOCK = " DO UPDATE SET events = c.events WHERE false"
OTHER_LOCKS = (
    """    PERFORM referral_stats_lock(
        v_level1 || v_second || v_welcome, v_campaign || v_campaign || v_campaign
    );""",
    " ORDER BY s.campaign_id FOR NO KEY UPDATE OF s",
)


def race_for_the_last_place(limit):
    """A campaign with room for two events, one of which was there before; two more arrive at once."""
    most, about = LIMITS[limit]
    campaign_of("tight", {"level1": {"points_per_event": 10}}, **{limit: most})
    assert event_accept(done("tight", **about(0))).rewards
    return cross(accepting(done("tight", **about(1))), accepting(done("tight", **about(2))), after_opening())


@pytest.mark.parametrize("limit", LIMITS)
def test_of_two_events_at_once_one_gets_the_last_place(limit):
    first, second, waited = race_for_the_last_place(limit)

    assert waited
    assert first.rewards
    expected = "budget_exhausted" if limit == "budget_points" else "limit_reached"
    assert (second.rewards, second.reason, second.reason_detail) == ([], expected, limit)
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("limit", LIMITS)
def test_twin_without_the_row_locks_both_get_the_last_place(limit):
    with (
        function_without("referral_events_open", REFERRED_LOCK, instead=" DO NOTHING"),
        function_without("referral_events_open", *OTHER_LOCKS),
    ):
        first, second, _ = race_for_the_last_place(limit)

    assert first.rewards
    assert second.rewards


@pytest.mark.parametrize("limit", LIMITS)
def test_of_two_first_events_at_once_one_gets_the_only_place(limit):
    # given nothing that could be locked exists yet
    most = 19 if limit == "budget_points" else 1
    about = LIMITS[limit][1]
    campaign_of("single", {"level1": {"points_per_event": 10}}, **{limit: most})

    # when
    first, second, waited = cross(
        accepting(done("single", **about(1))), accepting(done("single", **about(2))), after_opening()
    )

    # then
    assert waited
    assert sorted([len(first.rewards), len(second.rewards)]) == [0, 1]
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("limit", LIMITS)
def test_fifty_events_at_once_against_a_limit_of_one_earn_once(limit):
    # given
    most = 10 if limit == "budget_points" else 1
    about = LIMITS[limit][1]
    campaign_of("single", {"level1": {"points_per_event": 10}}, **{limit: most})
    singles = [[done("single", **about(n))] for n in range(20)]
    batches = [[done("single", **about(20 + 10 * n + m)) for m in range(10)] for n in range(3)]
    lots = [lambda lot=lot: events_accept(lot) for lot in batches]
    lots += [
        lambda lots=singles[n::5]: [answer for lot in lots for answer in events_accept(lot)] for n in range(5)
    ]

    # when
    answers = [answer for some in all_at_once(lots) for answer in some]

    # then
    assert len(answers) == 50
    assert sum(len(answer.rewards) for answer in answers) == 1
    assert ReferralReward.objects.count() == 1
    assert ReferralEvent.objects.count() == 50
    assert_counters_agree_with_a_recount()


def test_a_budget_is_never_exceeded_by_one_point_and_is_used_up():
    # given events of 7 points, and a budget that 14 of them fit into
    campaign_of("budget", {"level1": {"points_per_event": 7}}, budget_points=100)
    lots = [[done("budget", f"user-{n % 5}") for n in range(6)] for _ in range(8)]

    # when
    all_at_once([lambda lot=lot: events_accept(lot) for lot in lots])

    # then
    assert ReferralReward.objects.count() == 14
    assert CampaignSpend.objects.get().points == 98
    assert_counters_agree_with_a_recount()


# --- all or nothing -----------------------------------------------------------------------------------------


def nothing_is_written():
    rows = (ReferralEvent, ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter)
    return not any(model.objects.exists() for model in rows)


def test_a_call_that_dies_before_its_commit_leaves_nothing_and_may_be_repeated(free):
    # given
    event = done("free", "user-a")

    # when the connection is lost between the writing and the commit
    with after_writing() as point:
        dying = Racer(accepting(event))
        assert point.reached.wait(LONG_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [dying.backend])
        point.release.set()
        assert isinstance(dying.finish(), OperationalError)

    # then
    assert nothing_is_written()
    assert event_accept(event).duplicate is False
    assert_counters_agree_with_a_recount()


def test_a_fault_in_the_commit_takes_everything_back(free):
    fault = """
        CREATE FUNCTION test_fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'a fault'; END $$;
        CREATE CONSTRAINT TRIGGER test_fault AFTER INSERT ON rewards_referralreward
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_fault()
    """
    with connection.cursor() as cursor:
        cursor.execute(fault)
        try:
            with pytest.raises(DatabaseError, match="a fault"):
                event_accept(done("free", "user-a"))
        finally:
            cursor.execute("DROP FUNCTION test_fault() CASCADE")

    assert nothing_is_written()
    assert event_accept(done("free", "user-a")).rewards


def test_a_conflict_waits_for_nobody_who_gives_up(free):
    # given a first call that will be rolled back
    one = done("free", None, external_event_id="same")
    other = done("free", None, referred="another", external_event_id="same")

    with after_writing() as point:
        first = Racer(accepting(one))
        assert point.reached.wait(LONG_SECONDS)
        second = Racer(accepting(other))
        assert second.until_over_or_waiting()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first.backend])
        point.release.set()
        first.finish()

        # then the second has its key
        assert not isinstance(second.finish(), IdempotencyConflict)
    assert ReferralEvent.objects.get().referred_user_id == "another"


# --- deadlocks ----------------------------------------------------------------------------------------------

STATS_IN_ORDER = "ORDER BY x.campaign_id, x.user_id"


def batches_over_the_same_referrers():
    """Six callers at once, each with batches that name the same referrers in an order of its own."""
    referrers = [f"user-{number}" for number in range(20)]
    events_accept([done("free", referrer) for referrer in referrers])

    def batches():
        for _ in range(6):
            shuffled = random.sample(referrers, len(referrers))
            events_accept([done("free", referrer) for referrer in shuffled])

    return all_at_once([batches] * 6)


def test_batches_over_the_same_referrers_in_any_order_do_not_deadlock(free):
    assert batches_over_the_same_referrers() == [None] * 6
    assert_counters_agree_with_a_recount()


def test_twin_when_rows_are_locked_in_any_order_batches_deadlock(free):
    with function_without("referral_stats_lock", STATS_IN_ORDER, instead="ORDER BY random()"):
        results = batches_over_the_same_referrers()

    assert any("deadlock detected" in str(result) for result in results)
