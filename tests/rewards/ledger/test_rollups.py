"""The daily figures are what counting the rows gives, also of transactions that end late."""

import threading
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from dev.demo.campaigns import demo_campaigns_ensure
from rewards.intake.events import event_accept
from rewards.ledger.rollups import daily_figures_refresh
from rewards.ledger.services import reward_cancel, reward_unlock
from rewards.models import DailyFigures, DailyFiguresCursor, ReferralReward
from tests.backoffice.world import world_make
from tests.helpers.races import LONG_SECONDS, Racer
from tests.helpers.rewards import campaign_of, done, earn

LEVELS = {"level1": {"points_per_event": 10, "g2a_per_event": "0.5"}}
MORNING = datetime(2026, 3, 1, tzinfo=UTC)
FIRST_OF_A_DAY, LAST_OF_A_DAY = MORNING, MORNING + timedelta(days=1, microseconds=-1)


def figures_of(code):
    """Day, events, points and G2A by kind; one row a day."""
    rows = DailyFigures.objects.filter(campaign__code=code).order_by("day")
    names = ("events", "points_paid", "points_waiting", "points_locked", "points_failed", "g2a_waiting")
    return [(row.day.isoformat(), *(getattr(row, name) for name in names)) for row in rows]


def refresh_alone():
    """Refresh, and let everything be over that was open meanwhile."""
    stale = daily_figures_refresh()
    DailyFiguresCursor.objects.update(seen_below=2**62)
    return stale


def test_a_day_is_a_utc_day_from_its_first_moment_to_its_last(db):
    campaign_of("days", LEVELS)
    for moment in (FIRST_OF_A_DAY, LAST_OF_A_DAY, FIRST_OF_A_DAY - timedelta(microseconds=1)):
        event_accept(done("days", "ann", occurred_at=moment))

    daily_figures_refresh()

    assert figures_of("days") == [
        ("2026-02-28", 1, 0, 10, 0, 0, 0.5),
        ("2026-03-01", 2, 0, 20, 0, 0, 1),
    ]


def test_rewards_of_every_status_are_where_they_belong(db):
    demo_campaigns_ensure()
    world = world_make()
    daily_figures_refresh()

    day = timezone.now().date()
    sums = dict.fromkeys(("paid", "waiting", "locked", "failed"), 0)
    for row in DailyFigures.objects.filter(day__gte=day - timedelta(days=1)):
        for kind in sums:
            sums[kind] += getattr(row, f"points_{kind}")
    rewards = ReferralReward.objects.filter(currency="points")
    kinds = {"completed": "paid", "locked": "locked", "failed": "failed"}
    expected = dict.fromkeys(sums, 0)
    for reward in rewards:
        expected[kinds.get(reward.status, "waiting")] += reward.points_amount
    assert all(expected.values())
    assert sums == expected
    assert world.rewards["paid"].points_amount == sums["paid"]


def test_a_move_of_a_reward_makes_its_own_day_stale_and_no_other(db):
    campaign_of("locks", {"level1": {"points_per_event": 10, "locked_until_role": "vip"}})
    event_accept(done("locks", "ann", occurred_at=MORNING))
    reward = ReferralReward.objects.get()
    event_accept(done("locks", "ann", occurred_at=MORNING + timedelta(days=1)))
    assert refresh_alone() == 2
    assert refresh_alone() == 0

    reward_unlock(reward_id=reward.pk, by="test", reason="because")
    assert refresh_alone() == 1
    assert figures_of("locks")[0] == ("2026-03-01", 1, 0, 10, 0, 0, 0)

    reward_cancel(reward_id=reward.pk, by="test", reason="because")
    daily_figures_refresh()
    assert figures_of("locks") == [("2026-03-01", 1, 0, 0, 0, 0, 0), ("2026-03-02", 1, 0, 0, 10, 0, 0)]


def test_marks_do_not_pile_up(db):
    campaign_of("marks", LEVELS)
    for _ in range(6):
        event_accept(done("marks", "ann"))
        refresh_alone()

    assert len(DailyFiguresCursor.objects.get().marks) == 2
    for _ in range(60):
        daily_figures_refresh()
    assert len(DailyFiguresCursor.objects.get().marks) <= 52


# --- transactions that end late -----------------------------------------------------------------------------


def late_event_meets(forgetful):
    """An event draws its number, a later one commits, and both are refreshed over; the first commits then."""
    campaign_of("late", {"level1": {"points_per_event": 10}})
    campaign_of("early", {"level1": {"points_per_event": 10}})
    earn("early", "ann")
    daily_figures_refresh()
    daily_figures_refresh()
    written, release = threading.Event(), threading.Event()

    def write_and_wait():
        with transaction.atomic():
            event_accept(done("late", "bob"))
            written.set()
            assert release.wait(LONG_SECONDS)

    late = Racer(write_and_wait)
    assert written.wait(LONG_SECONDS)
    earn("early", "ann")
    daily_figures_refresh()
    assert figures_of("late") == []
    if forgetful:
        # As if the highest number seen were all there is to know.
        DailyFiguresCursor.objects.update(seen_below=2**62)
    release.set()
    assert late.finish() is None
    daily_figures_refresh()
    return [events for _, events, *_ in figures_of("late")]


def test_an_event_that_commits_after_higher_numbers_were_seen_is_counted(committed_db):
    assert late_event_meets(forgetful=False) == [1]


def test_twin_by_the_highest_number_alone_it_is_missed(committed_db):
    assert late_event_meets(forgetful=True) == []
