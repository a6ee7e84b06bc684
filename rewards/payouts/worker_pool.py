"""The threads that speak to a peer: they take what is handed to them, ask, and hand the answers back."""

import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# A thread that has had nothing to do for so long ends; the next task starts one again.
IDLE_SECONDS = 5.0


class Callers(Generic[Task, Result]):
    """At most `most` threads, started when they are needed. `ask` must not raise."""

    def __init__(self, ask: Callable[[Task], Result], *, most: int, name: str) -> None:
        self._ask = ask
        self._most = most
        self._name = name
        self._todo: SimpleQueue[Task] = SimpleQueue()
        self._answers: SimpleQueue[Result] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self.under_way = 0

    def hand_over(self, tasks: Iterable[Task]) -> None:
        """Have these asked, in their order, as threads become free."""
        with self._lock:
            for task in tasks:
                self._todo.put(task)
                self.under_way += 1
            for _ in range(min(self._most, self.under_way) - self._threads):
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
                self._threads += 1

    def take_back(self) -> list[Task]:
        """What no thread has begun."""
        return self._counted(self._todo)

    def answers(self, *, patience: float) -> list[Result]:
        """What has been answered; waits for the first so many seconds."""
        try:
            first = self._answers.get(timeout=patience)
        except Empty:
            return []
        self.under_way -= 1
        return [first, *self._counted(self._answers)]

    def _counted(self, queue: "SimpleQueue[Any]") -> list[Any]:
        taken = []
        while True:
            try:
                taken.append(queue.get_nowait())
            except Empty:
                self.under_way -= len(taken)
                return taken

    def _work(self) -> None:
        while True:
            try:
                task = self._todo.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._todo.empty():
                        self._threads -= 1
                        return
            else:
                self._answers.put(self._ask(task))
