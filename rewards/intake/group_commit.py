"""Single events that come at the same time are accepted together: one statement and one commit for all.

One that comes alone is accepted by its own thread and waits for nobody. What comes while a campaign's event
is under way gathers; a thread that does nothing else then takes all of it, again and again until nothing more
comes. So the more callers there are, the less each event costs.

That thread goes from one statement to the next without a break. If one of the callers did it, the next
statement would begin only when Python has let the next caller run, behind all that have just been answered.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)

# So long an event waits for a statement of others that does not end; then it goes alone.
PATIENCE_SECONDS = 0.1
# So long a writer waits for more to come before it lets events be accepted by their own threads again.
LINGER_SECONDS = 0.01
# So many campaigns of a process have a writer at a time, each with a connection of its own.
WRITERS = 4


class _Place(Generic[T, R]):
    """One who waits to be answered."""

    __slots__ = ("answer", "served", "thing")

    def __init__(self, thing: T) -> None:
        self.thing = thing
        self.answer: R | None = None
        # Held until this one has had its turn.
        self.served = threading.Lock()
        self.served.acquire()


class Together(Generic[T, R]):
    """Runs `work` on what threads bring at the same time, one run of it at a time for each key.

    `work` answers each thing in order, or all of them with None.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R] | None]) -> None:
        self._work = work
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="together")
        self._lock = threading.Lock()
        self._came = threading.Condition(self._lock)
        # A key is there while somebody is at work on it, with those who wait for that.
        self._waiting: dict[Hashable, list[_Place[T, R]]] = {}
        # Keys that a writer is to serve, and none does yet.
        self._queued: set[Hashable] = set()

    def run(self, key: Hashable, thing: T) -> R | None:
        """The answer to `thing`, or None. Raises what `work` raises about it.

        What gets none in company is tried by itself, so nobody's answer depends on who else was there.
        """
        place = self._gather(key, thing)
        if place is None:
            try:
                return self._alone(thing)
            finally:
                self._serve_gathered(key)
        if not place.served.acquire(timeout=PATIENCE_SECONDS) and not self._leave(key, place):
            # It has been taken along meanwhile.
            place.served.acquire()
        return self._alone(thing) if place.answer is None else place.answer

    def _alone(self, thing: T) -> R | None:
        answers = self._work([thing])
        return answers[0] if answers else None

    def _gather(self, key: Hashable, thing: T) -> _Place[T, R] | None:
        """A place among those who wait; None when nobody was at work on the key, and now the caller is."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                return None
            place: _Place[T, R] = _Place(thing)
            waiting.append(place)
            self._came.notify_all()
            return place

    def _leave(self, key: Hashable, place: _Place[T, R]) -> bool:
        """Whether the place was still waiting; it does no longer."""
        with self._lock:
            waiting = self._waiting.get(key, [])
            if place not in waiting:
                return False
            waiting.remove(place)
            return True

    def _serve_gathered(self, key: Hashable) -> None:
        """Have those who wait served by a writer; without any, nobody is at work on the key any more."""
        with self._lock:
            if not self._waiting[key]:
                del self._waiting[key]
                return
            self._queued.add(key)
            self._came.notify_all()
        try:
            self._writers.submit(self._serve, key)
        except RuntimeError:
            # No thread can be had, as when the process ends. The pool may run it later all the same.
            self._let_go(key)

    def _let_go(self, key: Hashable) -> None:
        """Have all go alone, unless a writer serves them after all; then nobody is at work on the key."""
        with self._lock:
            if key not in self._queued:
                return
            self._queued.remove(key)
            gathered = self._waiting.pop(key)
        for place in gathered:
            place.served.release()

    def _serve(self, key: Hashable) -> None:
        """Serve the key until nothing more comes, unless those who waited were let go."""
        with self._lock:
            if key not in self._queued:
                return
            self._queued.remove(key)
        while gathered := self._take(key):
            answers: Sequence[R] | None = None
            try:
                answers = self._work([place.thing for place in gathered])
            # Whatever it is, those who wait must go on; the next to meet it is who caused it.
            except BaseException as error:
                logger.warning("%d events could not be accepted together: %s", len(gathered), error)
            for index, place in enumerate(gathered):
                place.answer = answers[index] if answers else None
                place.served.release()

    def _take(self, key: Hashable) -> list[_Place[T, R]]:
        """All that wait, or come soon; when there are none, nobody is at work on the key any more.

        Nothing is waited for while another key has no writer.
        """
        with self._lock:
            self._came.wait_for(lambda: self._waiting[key] or self._queued, LINGER_SECONDS)
            gathered = self._waiting.pop(key)
            if gathered:
                self._waiting[key] = []
            return gathered
