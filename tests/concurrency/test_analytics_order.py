"""Nothing is skipped because it was committed late, and the order of history is the order of arrival."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from rewards.intake.events import event_accept
from rewards.ledger.services import reward_cancel, reward_unlock
from rewards.models import ReferralReward, RewardTransition
from rewards.outbox import cursor as outbox
from rewards.outbox.delivery import send_unsent_now, sender
from tests.helpers.analytics import (
    Relay,
    forget_analytics,
    key_of,
    path_of,
    recorded,
    rest_is_over,
    second_connection,
    send_all,
    wait_until,
)
from tests.helpers.rewards import campaign_of, done, earn


@pytest.fixture
def analytics(sandbox, settings, committed_db):
    """Analytics is on, and two campaigns take events; everything is really committed."""
    settings.ANALYTICS_URL = sandbox.analytics_url
    forget_analytics()
    campaign_of("points", {"level1": {"points_per_event": 10}})
    campaign_of("locked", {"level1": {"points_per_event": 10, "locked_until_role": "vip"}})
    yield sandbox
    forget_analytics()


class Aside:
    """Work of another process: a thread with a connection of its own, and a transaction it ends when told."""

    def __init__(self, work: Callable[[], object], *, commits: bool = True) -> None:
        self.done, self.may_end = threading.Event(), threading.Event()
        self._work, self._commits = work, commits
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            with transaction.atomic():
                self._work()
                self.done.set()
                assert self.may_end.wait(10)
                transaction.set_rollback(not self._commits)
        finally:
            connection.close()

    def end(self) -> None:
        """Commit, or roll back."""
        self.may_end.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


@contextmanager
def held_open(work: Callable[[], object], *, commits: bool = True) -> Iterator[Aside]:
    """Work whose transaction is open for as long as the block."""
    aside = Aside(work, commits=commits)
    assert aside.done.wait(10)
    try:
        yield aside
    finally:
        aside.end()


def _accept(user: str) -> Callable[[], object]:
    return lambda: event_accept(done("points", f"referrer-of-{user}", user))


def _deliver_around_an_open_transaction() -> list[str]:
    """Events of which the middle one commits after the others were delivered; returns the ids of all."""
    first = event_accept(done("points", "one"))
    with held_open(_accept("late")):
        third = event_accept(done("points", "three"))
        send_all()
        # what is missing is noted by now; the next deliveries decide whether it is lost
        fourth = event_accept(done("points", "four"))
        send_all()
        send_all()
    send_all()
    send_all()
    late = ReferralReward.objects.get(beneficiary_user_id="referrer-of-late").referral_event_id
    return [str(first.event_id), str(third.event_id), str(fourth.event_id), str(late)]


# --- late commits -------------------------------------------------------------------------------------------


def test_a_transaction_held_open_over_deliveries_is_not_skipped(analytics):
    everything = _deliver_around_an_open_transaction()
    assert recorded(analytics.events()) == everything
    assert _gaps_that_last() == []


def test_twin_a_plain_cursor_skips_it(analytics, monkeypatch):
    """The promise hangs on remembering what was passed over: a high-water mark loses the late row."""
    below = "int8multirange(int8range(NULL, (SELECT max(n) FROM unnest(%(numbers)s::bigint[]) n), '[]'))"
    monkeypatch.setattr(outbox, "SETTLE", outbox.SETTLE.replace("referral_numbers(%(numbers)s)", below))
    everything = _deliver_around_an_open_transaction()
    assert recorded(analytics.events()) == everything[:3]


def test_twin_forgetting_without_looking_at_open_transactions_skips_it(analytics, monkeypatch):
    """The promise hangs on the horizon: what is not there is lost only when nobody can commit it any more."""
    horizon = "missing_xid < pg_snapshot_xmin(pg_current_snapshot())"
    assert horizon in outbox.FORGET_LOST
    monkeypatch.setattr(outbox, "FORGET_LOST", outbox.FORGET_LOST.replace(horizon, "true"))
    everything = _deliver_around_an_open_transaction()
    assert recorded(analytics.events()) == everything[:3]


def test_a_number_is_drawn_only_by_a_transaction_with_an_id(analytics):
    """Else a transaction could draw a number, get its id after the horizon was taken, and be skipped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_default FROM information_schema.columns WHERE column_name = 'recorded_no'"
            " AND table_name IN ('referral_referralevent', 'rewards_rewardtransition')"
        )
        defaults = [row[0] for row in cursor.fetchall()]
        # Drawing logs only now and then, which gives the transaction an id too; this draw has done it.
        cursor.execute("SELECT nextval('referral_recorded')")
    assert len(defaults) == 2
    for default in defaults:
        with second_connection() as other:
            assert _id_if_any(other) is None
            other.execute(f"SELECT {default}")
            assert _id_if_any(other) is not None


def _id_if_any(other: "psycopg.Connection[Any]") -> str | None:
    (found,) = other.execute("SELECT pg_current_xact_id_if_assigned()::text").fetchone()
    return found


def test_what_was_rolled_back_is_forgotten_and_stops_nothing(analytics):
    with held_open(_accept("never"), commits=False):
        event_accept(done("points", "one"))
        send_all()
        send_all()
        assert len(_gaps()) == 1
    later = event_accept(done("points", "two"))
    send_all()
    send_all()
    assert recorded(analytics.events())[-1] == str(later.event_id)
    assert len(recorded(analytics.events())) == 2
    assert _gaps_that_last() == []


def test_long_transactions_elsewhere_delay_nothing(analytics):
    """A backup reads for hours, a migration writes for hours: neither touches what is committed beside it."""
    with second_connection() as backup, second_connection() as writer:
        backup.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        backup.execute("SELECT count(*) FROM referral_referralevent")
        writer.execute("SELECT pg_current_xact_id()")
        for number in range(3):
            told = event_accept(done("points", f"user-{number}"))
            send_all()
            assert recorded(analytics.events())[-1] == str(told.event_id)


def _gaps() -> list[str]:
    """What was passed over and is neither there nor forgotten."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT part::text FROM rewards_analyticscursor, unnest(unsent) part WHERE NOT upper_inf(part)"
        )
        return [row[0] for row in cursor.fetchall()]


def _gaps_that_last() -> list[str]:
    """The gaps that stay when all transactions of the server, those of other tests included, are over."""
    until = time.monotonic() + 20
    while (gaps := _gaps()) and time.monotonic() < until:
        time.sleep(0.2)
        send_all()
        send_all()
    return gaps


# --- order --------------------------------------------------------------------------------------------------


def test_a_rewards_changes_arrive_in_the_order_in_which_they_happened(analytics):
    # given a transaction that has its id before another one unlocks the reward which it then cancels
    reward = earn("locked", "anna")
    begun, go_on = threading.Event(), threading.Event()
    ids: dict[str, int] = {}

    def cancel_later() -> None:
        ids["cancelled"] = _transaction_id()
        begun.set()
        assert go_on.wait(10)
        reward_cancel(reward_id=reward.id, by="test", reason="second")

    aside = Aside(cancel_later)
    assert begun.wait(10)
    with transaction.atomic():
        ids["unlocked"] = _transaction_id()
        reward_unlock(reward_id=reward.id, by="test", reason="first")
    go_on.set()
    aside.end()

    # when
    send_all()

    # then
    assert path_of(analytics.events(), reward.id) == [
        (None, "locked"),
        ("locked", "pending"),
        ("pending", "cancelled"),
    ]
    # and the twin: an order by transaction id would tell the end before the beginning
    assert ids["cancelled"] < ids["unlocked"]


def _transaction_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return int(cursor.fetchone()[0])


def test_under_load_everything_arrives_once_and_in_order(analytics):
    """Writers and senders at once: events of a few users, rewards that move, some that roll back."""
    failures: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            for number in range(12):
                with transaction.atomic():
                    answer = event_accept(done("locked", f"user-{(worker + number) % 3}"))
                    transaction.set_rollback(number % 5 == 4)
                if number % 5 != 4:
                    (row,) = answer.rewards
                    reward_unlock(reward_id=row.id, by="test", reason="first")
                    reward_cancel(reward_id=row.id, by="test", reason="second")
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    def send() -> None:
        try:
            while any(writer.is_alive() for writer in writers):
                send_unsent_now()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    senders = [threading.Thread(target=send) for _ in range(2)]
    for thread in (*writers, *senders):
        thread.start()
    for thread in (*writers, *senders):
        thread.join(30)
    assert not failures
    send_all()

    # then each thing is told once
    events = analytics.events()
    keys = [key_of(event) for event in events]
    assert len(keys) == len(set(keys))
    rewards = list(ReferralReward.objects.all())
    assert len(keys) == 2 * len(rewards) + RewardTransition.objects.count() == 4 * len(rewards) == 4 * 40
    # every reward from its beginning to its end
    for reward in rewards:
        assert path_of(events, reward.id) == [
            (None, "locked"),
            ("locked", "pending"),
            ("pending", "cancelled"),
        ]
    # and the events of each referrer as they were accepted
    for user in {event["payload"].get("referrer_anonymous_id") for event in events} - {None}:
        times = [
            event["occurred_at"] for event in events if event["payload"].get("referrer_anonymous_id") == user
        ]
        assert times == sorted(times)


# --- one sender at a time -----------------------------------------------------------------------------------


@pytest.fixture
def relay(analytics, settings):
    """Analytics behind a relay that can hold a call up on its way."""
    with Relay(analytics.analytics_url).running() as running:
        settings.ANALYTICS_URL = running.url
        settings.PAYOUT_TIMEOUT_SECONDS = 10
        settings.PAYOUT_LEASE_SECONDS = 30
        sender.cache_clear()
        yield running


def _two_senders(relay: Relay) -> None:
    """A second sender comes while the first one's call is under way."""
    relay.open.clear()
    first = threading.Thread(target=_send_and_close)
    first.start()
    wait_until(lambda: relay.bodies)
    second = threading.Thread(target=_send_and_close)
    second.start()
    second.join(0.5)
    relay.open.set()
    for thread in (first, second):
        thread.join(10)
        assert not thread.is_alive()


def _send_and_close() -> None:
    try:
        send_unsent_now()
    finally:
        connection.close()


def test_two_senders_at_once_send_each_row_once(relay, analytics):
    told = [event_accept(done("points", "anna")) for _ in range(5)]
    rest_is_over()
    _two_senders(relay)
    assert recorded(analytics.events()) == [str(answer.event_id) for answer in told]
    assert len(relay.bodies) == 1


def test_twin_without_the_lease_two_senders_send_everything_twice(relay, analytics, monkeypatch):
    monkeypatch.setattr(outbox, "TAKE", outbox.TAKE.replace("WHERE", "WHERE true OR"))
    told = [event_accept(done("points", "anna")) for _ in range(5)]
    _two_senders(relay)
    assert recorded(analytics.events()) == 2 * [str(answer.event_id) for answer in told]
