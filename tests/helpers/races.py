"""Forcing two calls into each other's way: each in a thread with a database connection of its own."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from django.db import connection

from tests.conftest import TABLES

LONG_SECONDS = 10.0
COMMIT_GATE = 799_001
# Other databases of the server may have tests that stand at theirs.
STANDS_AT_THE_GATE = """
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND objid = %s AND NOT granted
"""


class Racer:
    """A call that runs in its own thread. `result` is what it returned or raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.result: Any = None
        self.backend = 0
        self._thread.start()
        assert self._started.wait(LONG_SECONDS), "no connection for this racer"

    def _run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.backend = cursor.fetchone()[0]
            self._started.set()
            self.result = self._work()
        except Exception as error:
            self.result = error
        finally:
            connection.close()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    @property
    def waits_for_a_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'",
                [self.backend],
            )
            return bool(cursor.fetchone()[0])

    def until_over_or_waiting(self) -> bool:
        """Let it run until it ends or waits for a lock; says whether it waits."""
        until = time.monotonic() + LONG_SECONDS
        while time.monotonic() < until:
            if self.is_over:
                return False
            if self.waits_for_a_lock:
                return True
            time.sleep(0.01)
        raise AssertionError("neither over nor waiting")

    def finish(self) -> Any:
        """Wait for its end; returns what it returned or raised."""
        self._thread.join(LONG_SECONDS)
        assert self.is_over, "it does not end"
        return self.result


class Pause:
    """Stops the first call of a module's function right before or right after it, until released."""

    def __init__(self, module: Any, name: str, *, before: bool = False) -> None:
        self._module, self._name, self._before = module, name, before
        self._real = getattr(module, name)
        self._first = threading.Lock()
        self.reached = threading.Event()
        self.release = threading.Event()

    def __enter__(self) -> Self:
        setattr(self._module, self._name, self._call)
        return self

    def __exit__(self, *error: object) -> None:
        self.release.set()
        setattr(self._module, self._name, self._real)

    def _call(self, *args: Any, **options: Any) -> Any:
        is_first = self._first.acquire(blocking=False)
        if is_first and self._before:
            self._wait()
        result = self._real(*args, **options)
        if is_first and not self._before:
            self._wait()
        return result

    def _wait(self) -> None:
        self.reached.set()
        assert self.release.wait(LONG_SECONDS), "nobody released it"


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {name: given[name] for name in ("dbname", "user", "password", "host", "port") if name in given}


class PauseAtCommit:
    """Stops transactions that wrote to a table inside their COMMIT, until released.

    The stop is in the database, a deferred trigger that waits for a lock, so it does not matter how many
    statements the transaction sent or in how many messages.
    """

    def __init__(self, table: str) -> None:
        self._table = table
        self._holder = psycopg.connect(**_parameters(), autocommit=True)
        self.reached = self
        self.release = self

    def __enter__(self) -> Self:
        self._holder.execute("SELECT pg_advisory_lock(%s)", [COMMIT_GATE])
        self._holder.execute(f"""
            CREATE FUNCTION test_commit_gate() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared({COMMIT_GATE}); RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER test_commit_gate AFTER INSERT ON {self._table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION test_commit_gate();
        """)
        return self

    def __exit__(self, *error: object) -> None:
        self.set()
        self._holder.execute("DROP FUNCTION test_commit_gate() CASCADE")
        self._holder.close()

    def set(self) -> None:
        """Let them commit."""
        self._holder.execute("SELECT pg_advisory_unlock_all()")

    def wait(self, seconds: float) -> bool:
        """Wait until somebody stands in its COMMIT."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._holder.execute(STANDS_AT_THE_GATE, [COMMIT_GATE]).fetchone() is not None:
                return True
            time.sleep(0.01)
        return False


def cross(
    first: Callable[[], Any], second: Callable[[], Any], point: Pause | PauseAtCommit
) -> tuple[Any, Any, bool]:
    """Run `first` up to the point, `second` until it ends or waits for a lock, then both to their ends.

    Returns both results, and whether the second had to wait.
    """
    with point:
        one = Racer(first)
        assert point.reached.wait(LONG_SECONDS), f"the first never came there: {one.result!r}"
        two = Racer(second)
        waited = two.until_over_or_waiting()
        point.release.set()
        return one.finish(), two.finish(), waited


def all_at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """Run all, each in a thread, from the same moment."""
    barrier = threading.Barrier(len(works))

    def after_barrier(work: Callable[[], Any]) -> Callable[[], Any]:
        def run() -> Any:
            barrier.wait(LONG_SECONDS)
            return work()

        return run

    return [racer.finish() for racer in [Racer(after_barrier(work)) for work in works]]


@contextmanager
def function_without(name: str, *taken_away: str, instead: str = "") -> Iterator[None]:
    """For a twin: the database function without some of its text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [name])
        definition: str = cursor.fetchone()[0]
        weaker = definition
        for text in taken_away:
            assert text in weaker, f"{name} has no {text}"
            weaker = weaker.replace(text, instead)
        cursor.execute(weaker)
        try:
            yield
        finally:
            cursor.execute(definition)


@contextmanager
def table_without(table: str, *names: str) -> Iterator[None]:
    """For a twin: the table without these indexes, constraints or triggers; empties all tables after."""
    with connection.cursor() as cursor:
        again = [_take_away(cursor, table, name) for name in names]
        try:
            yield
        finally:
            cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            for statement in again:
                cursor.execute(statement)


def _take_away(cursor: Any, table: str, name: str) -> str:
    """Drop or disable one thing; returns the statement that brings it back."""
    cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
    if row := cursor.fetchone():
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        return f"ALTER TABLE {table} ADD CONSTRAINT {name} {row[0]}"
    cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [name])
    if row := cursor.fetchone():
        cursor.execute(f"DROP INDEX {name}")
        return str(row[0])
    cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}")
    return f"ALTER TABLE {table} ENABLE TRIGGER {name}"
