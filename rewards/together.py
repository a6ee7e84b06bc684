"""Single events that come at the same time are accepted together: one statement and one commit for all.

While one thread of the process has its statement under way, others that bring an event of the same campaign
wait; the first of them then takes all that have gathered. So the more callers there are, the less each event
costs, and one that comes alone waits for nobody.
"""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

logger = logging.getLogger(__name__)

# So long an event waits for a statement of others that does not end; then it goes alone.
PATIENCE_SECONDS = 0.1


class _Place(Generic[T, R]):
    """One who waits: to be answered, or to begin with all that have gathered."""

    __slots__ = ("answer", "gathered", "thing", "turn", "was_alone")

    def __init__(self, thing: T) -> None:
        self.thing = thing
        self.answer: R | None = None
        self.gathered: list[_Place[T, R]] = []
        self.was_alone = False
        # Held until it is this one's turn, or its answer is there.
        self.turn = threading.Lock()
        self.turn.acquire()


class Together(Generic[T, R]):
    """Runs `work` on what threads bring at the same time, one run of it at a time for each key.

    `work` answers each thing in order, or all of them with None.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R] | None]) -> None:
        self._work = work
        self._lock = threading.Lock()
        # A key is there while somebody is at work on it, with those who wait for that.
        self._waiting: dict[Hashable, list[_Place[T, R]]] = {}

    def run(self, key: Hashable, thing: T) -> R | None:
        """The answer to `thing`, or None. Raises what `work` raises about it.

        What gets none in company is tried by itself, so nobody's answer depends on who else was there.
        """
        place: _Place[T, R] = _Place(thing)
        if self._begin(key, place) or self._wait(key, place):
            self._serve(key, place.gathered)
        if place.answer is None and not place.was_alone:
            answers = self._work([thing])
            return answers[0] if answers else None
        return place.answer

    def _begin(self, key: Hashable, place: _Place[T, R]) -> bool:
        """Whether nobody is at work; else the place is taken among those who wait."""
        with self._lock:
            if key in self._waiting:
                self._waiting[key].append(place)
                return False
            self._waiting[key] = []
            place.gathered = [place]
            return True

    def _wait(self, key: Hashable, place: _Place[T, R]) -> bool:
        """Whether it is this one's turn to work; else it has been answered, or has lost patience."""
        if not place.turn.acquire(timeout=PATIENCE_SECONDS):
            with self._lock:
                waiting = self._waiting.get(key, [])
                if place in waiting:
                    waiting.remove(place)
                    return False
            # Somebody has taken it along meanwhile, or has made it the next.
            place.turn.acquire()
        return bool(place.gathered)

    def _serve(self, key: Hashable, gathered: list[_Place[T, R]]) -> None:
        alone = len(gathered) == 1
        answers: Sequence[R] | None = None
        try:
            answers = self._work([place.thing for place in gathered])
        except Exception as error:
            if alone:
                raise
            logger.warning("%d events could not be accepted together: %s", len(gathered), error)
        finally:
            self._pass_on(key)
            for index, place in enumerate(gathered):
                place.answer, place.was_alone = answers[index] if answers else None, alone
                place.turn.release()

    def _pass_on(self, key: Hashable) -> None:
        """Let the first of those who wait begin, with all of them."""
        with self._lock:
            waiting = self._waiting.pop(key)
            if not waiting:
                return
            self._waiting[key] = []
            waiting[0].gathered = waiting
        waiting[0].turn.release()
