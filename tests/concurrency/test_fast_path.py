"""The short way of the event path keeps every promise that the careful one keeps (D3, D4, D5, D7)."""

import contextlib
import random
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone

from campaigns.catalog import catalog
from campaigns.services import campaign_update
from kernel.errors import CampaignInactive
from referral.models import ReferralEvent, UserRole
from rewards.intake import acceptance, group_commit
from rewards.intake.events import event_accept, events_accept
from rewards.intake.fast_path import accept_at_once
from rewards.ledger import services
from rewards.ledger.services import role_upgrade
from rewards.models import ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter
from tests.helpers.races import (
    LONG_SECONDS,
    Pause,
    PauseAtCommit,
    Racer,
    all_at_once,
    cross,
    function_without,
)
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done, invite
from tests.helpers.writers import writers_end

AT_ONCE = "referral_events_at_once"


def accepting(event):
    return lambda: event_accept(event)


def written():
    """The statement is at its end: everything is written and locked, nothing is committed."""
    return PauseAtCommit("referral_referralevent")


def family_of(campaign, *, referrers=6, friends=4):
    """user-0, user-1… have each invited friends: friend-0-0, friend-0-1…"""
    for number in range(referrers):
        for friend in range(friends):
            invite(campaign, f"user-{number}", f"friend-{number}-{friend}")


@pytest.fixture
def free(committed_db):
    campaign = campaign_of("free", {"level1": {"points_per_event": 10}})
    family_of(campaign)
    return campaign


@pytest.fixture(autouse=True)
def taken(monkeypatch):
    """What became of each statement of the short way: how many events it accepted, or 0."""
    sizes = []

    def watched(events):
        answers = accept_at_once(events)
        sizes.append(len(answers or ()))
        return answers

    monkeypatch.setattr(acceptance, "accept_at_once", watched)
    group = group_commit.Together(acceptance._accept_together)
    monkeypatch.setattr(acceptance, "together", group)
    yield sizes
    writers_end(group)


# --- once per event -----------------------------------------------------------------------------------------


def test_the_same_event_twice_at_once_is_one_with_the_same_answer(free, taken):
    event = done("free", None, "friend-0-0")

    first, second, waited = cross(accepting(event), accepting(event), written())

    assert waited
    assert [first.duplicate, second.duplicate] == [False, True]
    assert (first.event_id, first.rewards) == (second.event_id, second.rewards)
    assert ReferralReward.objects.count() == 1
    assert sorted(taken) == [0, 1]
    assert_counters_agree_with_a_recount()


def test_the_same_event_in_company_with_itself_is_one(free, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)
    event = done("free", None, "friend-0-0")
    another = done("free", None, "friend-1-0")

    with written() as point:
        first = Racer(accepting(another))
        assert point.wait(LONG_SECONDS)
        twins = [Racer(accepting(event)) for _ in range(3)]
        wait_until_gathered(3)
        point.set()
        first.finish()
        answers = [twin.finish() for twin in twins]

    assert sorted(answer.duplicate for answer in answers) == [False, True, True]
    assert len({answer.event_id for answer in answers}) == 1
    assert ReferralEvent.objects.count() == 2
    assert_counters_agree_with_a_recount()


def wait_until_gathered(number):
    until = timezone.now() + timedelta(seconds=LONG_SECONDS)
    while sum(map(len, acceptance.together._waiting.values())) < number:
        assert timezone.now() < until


def test_those_who_gather_behind_a_slow_event_are_committed_together(free, taken, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)

    with written() as point:
        first = Racer(accepting(done("free", None, "friend-0-0")))
        assert point.wait(LONG_SECONDS)
        others = [Racer(accepting(done("free", None, f"friend-{n}-0"))) for n in (1, 2, 3)]
        wait_until_gathered(3)
        point.set()
        answers = [racer.finish() for racer in (first, *others)]

    assert taken == [1, 3]
    owners = [[row.beneficiary_user_id for row in answer.rewards] for answer in answers]
    assert owners == [["user-0"], ["user-1"], ["user-2"], ["user-3"]]
    assert_counters_agree_with_a_recount()


# --- limits -------------------------------------------------------------------------------------------------

# The limit, and about whom the events of the race are, so that they share nothing but the limit.
LIMITS = {
    "max_events_per_referred": (2, lambda n: "friend-0-0"),
    "max_events_per_referrer": (2, lambda n: f"friend-0-{n}"),
    "max_events_per_referrer_per_day": (2, lambda n: f"friend-0-{n}"),
    "budget_points": (29, lambda n: f"friend-{n}-0"),
}
CHECKS = {
    "max_events_per_referred": "v_most > per_referred",
    "max_events_per_referrer": "v_most > per_referrer",
    "max_events_per_referrer_per_day": "v_most > per_day",
    "budget_points": "s.points + v_points <= most_points",
}


def race_for_the_last_place(limit):
    """A campaign with room for two events, one of which was there before; two more arrive at once."""
    most, about = LIMITS[limit]
    family_of(campaign_of("tight", {"level1": {"points_per_event": 10}}, **{limit: most}))
    assert event_accept(done("tight", None, about(0))).rewards
    return cross(
        accepting(done("tight", None, about(1))), accepting(done("tight", None, about(2))), written()
    )


@pytest.mark.parametrize("limit", LIMITS)
def test_of_two_events_at_once_one_gets_the_last_place(limit, taken, committed_db):
    first, second, waited = race_for_the_last_place(limit)

    assert waited
    assert first.rewards
    expected = "budget_exhausted" if limit == "budget_points" else "limit_reached"
    assert (second.rewards, second.reason, second.reason_detail) == ([], expected, limit)
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("limit", LIMITS)
def test_twin_that_does_not_look_at_what_it_counted_gives_both_the_last_place(limit, committed_db):
    instead = "true" if limit == "budget_points" else "false"
    with function_without(AT_ONCE, CHECKS[limit], instead=instead):
        first, second, _ = race_for_the_last_place(limit)

    assert first.rewards
    assert second.rewards


@pytest.mark.parametrize("limit", LIMITS)
def test_fifty_events_at_once_against_a_limit_of_one_earn_once(limit, committed_db):
    most = 10 if limit == "budget_points" else 1
    about = LIMITS[limit][1]
    family_of(campaign_of("single", {"level1": {"points_per_event": 10}}, **{limit: most}))
    singles = [done("single", None, about(n % 4)) for n in range(20)]
    batches = [[done("single", None, about(n % 4)) for n in range(10)] for _ in range(3)]
    works = [lambda lot=lot: events_accept(lot) for lot in batches]
    works += [lambda lot=singles[n::5]: [event_accept(event) for event in lot] for n in range(5)]

    answers = [answer for some in all_at_once(works) for answer in some]

    assert len(answers) == ReferralEvent.objects.count() == 50
    assert sum(len(answer.rewards) for answer in answers) == ReferralReward.objects.count() == 1
    assert_counters_agree_with_a_recount()


def test_a_budget_is_used_up_and_never_exceeded_by_one_point(committed_db):
    family_of(campaign_of("budget", {"level1": {"points_per_event": 7}}, budget_points=100))
    lots = [[done("budget", None, f"friend-{n % 6}-0") for n in range(6)] for _ in range(8)]
    works = [lambda lot=lot: [event_accept(event) for event in lot] for lot in lots]

    all_at_once(works)

    assert ReferralReward.objects.count() == 14
    assert_counters_agree_with_a_recount()


# --- roles and campaigns ------------------------------------------------------------------------------------

ROLE_LOCK = "pg_advisory_xact_lock_shared(72003, "


@pytest.fixture
def vip_only(committed_db):
    level = {"points_per_event": 10, "locked_until_role": "vip"}
    family_of(campaign_of("vip", {"level1": level, "referred": level}))


def becoming_vip(user):
    return lambda: role_upgrade(user_id=user, new_role="vip", occurred_at=timezone.now(), by="user_service")


def status_of(user):
    return ReferralReward.objects.get(beneficiary_user_id=user).status


@pytest.mark.parametrize("user", ["user-0", "friend-0-0"])
def test_an_upgrade_that_comes_during_an_event_unlocks_its_reward(user, vip_only, taken):
    event = done("vip", None, "friend-0-0")

    _, unlocked, waited = cross(accepting(event), becoming_vip(user), written())

    assert waited
    assert unlocked == 1
    assert status_of(user) == "pending"
    assert taken == [1]
    assert_counters_agree_with_a_recount()


def test_an_event_that_comes_during_an_upgrade_is_not_locked(vip_only, taken):
    event = done("vip", None, "friend-0-0")

    _, answer, waited = cross(becoming_vip("user-0"), accepting(event), Pause(services, "_unlock_by_role"))

    assert waited
    assert [row.status for row in answer.rewards] == ["pending", "locked"]
    assert taken == [1]
    assert_counters_agree_with_a_recount()


def test_twin_when_an_event_does_not_wait_for_roles_the_reward_stays_locked(vip_only):
    event = done("vip", None, "friend-0-0")

    with function_without(AT_ONCE, ROLE_LOCK, instead="pg_advisory_xact_lock_shared(72999, "):
        cross(becoming_vip("user-0"), accepting(event), Pause(services, "_unlock_by_role"))

    assert UserRole.objects.get(pk="user-0").role == "vip"
    assert status_of("user-0") == "locked"


@pytest.mark.usefixtures("vip_only", "strict_server")
def test_an_upgrade_that_was_waited_for_is_seen_whatever_the_servers_default():
    event = done("vip", None, "friend-0-0")

    _, answer, waited = cross(becoming_vip("user-0"), accepting(event), Pause(services, "_unlock_by_role"))

    assert waited
    assert [row.status for row in answer.rewards] == ["pending", "locked"]


def pausing(campaign):
    return lambda: campaign_update(campaign_id=campaign.id, changes={"status": "paused"}, by="admin")


def test_a_pause_waits_for_the_events_that_run(free):
    event, paused, waited = cross(accepting(done("free", None, "friend-0-0")), pausing(free), written())

    assert waited
    assert event.rewards
    assert paused.status == "paused"


@pytest.fixture
def stale_catalog(free, monkeypatch):
    """What another process sees: a catalog that has not heard of a pause that was answered."""
    monkeypatch.setattr("campaigns.catalog.CACHE_SECONDS", 3600)
    catalog.forget()
    assert catalog.by_code("free").status == "active"
    with monkeypatch.context() as patch:
        patch.setattr(catalog, "forget", lambda: None)
        pausing(free)()


def test_after_a_pause_was_answered_nothing_is_accepted(stale_catalog, taken):
    with pytest.raises(CampaignInactive):
        event_accept(done("free", None, "friend-0-0"))

    assert taken == [0]
    assert not ReferralEvent.objects.exists()


def test_twin_that_does_not_compare_the_revision_accepts_an_event_of_a_paused_campaign(stale_catalog):
    with function_without(AT_ONCE, "AND c.revision = expected_revision"):
        assert event_accept(done("free", None, "friend-0-0")).rewards


# --- all or nothing -----------------------------------------------------------------------------------------


def nothing_is_written():
    if ReferralStats.objects.exclude(total_events=0, points_pending=0).exists():
        return False
    rows = (ReferralEvent, ReferralReward, ReferredCounter, ReferrerDayCounter)
    return not any(model.objects.exists() for model in rows)


def test_a_call_that_dies_before_its_commit_leaves_nothing_and_may_be_repeated(free):
    event = done("free", None, "friend-0-0")

    with written() as point:
        dying = Racer(accepting(event))
        assert point.wait(LONG_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [dying.backend])
        point.set()
        assert isinstance(dying.finish(), OperationalError)

    assert nothing_is_written()
    assert event_accept(event).duplicate is False
    assert_counters_agree_with_a_recount()


@contextlib.contextmanager
def fault_about(user):
    """A commit that holds a reward of this user fails."""
    with connection.cursor() as cursor:
        cursor.execute(f"""
            CREATE FUNCTION test_fault() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN IF NEW.beneficiary_user_id = '{user}' THEN RAISE 'a fault'; END IF; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER test_fault AFTER INSERT ON rewards_referralreward
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_fault()
        """)
        try:
            yield
        finally:
            cursor.execute("DROP FUNCTION test_fault() CASCADE")


def test_a_fault_of_one_event_takes_nobody_elses_back(free, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)

    with fault_about("user-2"), written() as point:
        first = Racer(accepting(done("free", None, "friend-0-0")))
        assert point.wait(LONG_SECONDS)
        others = [Racer(accepting(done("free", None, f"friend-{n}-0"))) for n in (1, 2, 3)]
        wait_until_gathered(3)
        point.set()
        answers = [racer.finish() for racer in (first, *others)]

    assert [isinstance(answer, DatabaseError) for answer in answers] == [False, False, True, False]
    owners = ReferralReward.objects.values_list("beneficiary_user_id", flat=True)
    assert sorted(owners) == ["user-0", "user-1", "user-3"]
    assert_counters_agree_with_a_recount()


# --- the writer's connection --------------------------------------------------------------------------------


def in_company(first, others):
    """The first stops in its COMMIT until the others have gathered; everybody's answers in order."""
    with written() as point:
        racers = [Racer(accepting(first))]
        assert point.wait(LONG_SECONDS)
        racers += [Racer(accepting(event)) for event in others]
        wait_until_gathered(len(others))
        point.set()
        return [racer.finish() for racer in racers]


OTHERS = """
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'referral-service'
"""


def end_connections(condition=""):
    """End the database connections of other threads of ours; waits until there are any.

    Earlier tests may have left several writers, each with a connection, and any of them serves the next.
    """
    until = timezone.now() + timedelta(seconds=LONG_SECONDS)
    with connection.cursor() as cursor:
        ended = []
        while not ended:
            assert timezone.now() < until
            cursor.execute(f"SELECT pid, pg_terminate_backend(pid, 5000) {OTHERS} {condition}")
            ended = [pid for pid, _ in cursor.fetchall()]
        cursor.execute("SELECT pid, state, query FROM pg_stat_activity WHERE pid = ANY(%s)", [ended])
        assert cursor.fetchall() == []


def friends(*numbers):
    return [done("free", None, f"friend-{number}-0") for number in numbers]


def test_a_writer_whose_connection_ended_meanwhile_takes_another(free, taken, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)
    in_company(*friends(0), friends(1, 2))
    end_connections()

    answers = in_company(*friends(3), friends(4, 5))

    assert [answer.duplicate for answer in answers] == [False] * 3
    assert taken == [1, 2, 1, 2]
    assert_counters_agree_with_a_recount()


def test_events_whose_writer_loses_its_connection_before_the_commit_are_accepted_once(
    free, taken, monkeypatch
):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)
    first, *others = friends(0, 1, 2)

    with written() as point:
        # given a writer that stands in the commit of two events
        racers = [Racer(accepting(first))]
        assert point.wait(LONG_SECONDS)
        racers += [Racer(accepting(event)) for event in others]
        wait_until_gathered(2)
        end_connections(f"AND pid = {racers[0].backend}")
        assert isinstance(racers[0].finish(), OperationalError)
        assert point.wait(LONG_SECONDS)

        # when its connection ends
        end_connections("AND wait_event = 'advisory'")
        point.set()
        answers = [racer.finish() for racer in racers[1:]]

    assert [answer.duplicate for answer in answers] == [False, False]
    assert taken == [1, 1]
    assert ReferralEvent.objects.count() == ReferralReward.objects.count() == 2
    assert_counters_agree_with_a_recount()


@pytest.mark.parametrize("error", [OperationalError, SystemExit])
def test_events_whose_answer_is_lost_after_the_commit_are_accepted_once(error, free, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE_SECONDS", LONG_SECONDS)

    def losing(events):
        answers = accept_at_once(events)
        if len(events) > 1:
            raise error("lost")
        return answers

    monkeypatch.setattr(acceptance, "accept_at_once", losing)

    _, *others = in_company(*friends(0), friends(1, 2))

    assert [answer.duplicate for answer in others] == [True, True]
    assert [len(answer.rewards) for answer in others] == [1, 1]
    assert ReferralEvent.objects.count() == ReferralReward.objects.count() == 3
    assert_counters_agree_with_a_recount()


# --- deadlocks ----------------------------------------------------------------------------------------------


def batches_over_the_same_people():
    """Six callers at once, each with batches and single events about the same people in any order."""
    people = [f"friend-{number}-{friend}" for number in range(6) for friend in range(4)]

    def work():
        for _ in range(6):
            events_accept([done("free", None, person) for person in random.sample(people, len(people))])
            event_accept(done("free", None, random.choice(people)))

    return all_at_once([work] * 6)


def test_batches_over_the_same_people_in_any_order_do_not_deadlock(free):
    assert batches_over_the_same_people() == [None] * 6
    assert_counters_agree_with_a_recount()


def test_twin_when_statistics_are_counted_in_any_order_batches_deadlock(free):
    with (
        function_without(
            AT_ONCE, "GROUP BY x.user_id ORDER BY x.user_id", instead="GROUP BY x.user_id ORDER BY random()"
        ),
        function_without(
            AT_ONCE,
            "GROUP BY x.referred ORDER BY x.referred",
            instead="GROUP BY x.referred ORDER BY random()",
        ),
    ):
        assert any(_deadlocked(batches_over_the_same_people()) for _ in range(5))


def _deadlocked(results):
    return any("deadlock detected" in str(result) for result in results)
