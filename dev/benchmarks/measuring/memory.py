"""Whether processes keep their size while they work."""

from dataclasses import dataclass, field

import psutil

from dev.benchmarks.measuring.measures import Goal, Measures

# Over so many events, and so many payouts, a process must stay as large as it was.
ENOUGH_WORK = 100_000
MIB = 2**20


@dataclass(slots=True)
class Memory:
    """The resident memory of some processes, before and after work."""

    name: str
    processes: list[psutil.Process]
    _before: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """The size from which on it counts: warm, with every thread at work."""
        self._before = self._sizes()

    def end(self, measures: Measures) -> None:
        """Note both sizes of every process. Raises psutil.NoSuchProcess when one was replaced."""
        for before, after in zip(self._before, self._sizes(), strict=True):
            measures.add(f"{self.name}, MiB before", before)
            measures.add(f"{self.name}, MiB after", after)

    def _sizes(self) -> list[float]:
        return [process.memory_info().rss / MIB for process in self.processes]


WEB, WORKER = "web process", "worker process"


def goal(name: str) -> Goal:
    """No process may leave the band."""
    return Goal(
        f"{name}: memory after, of before", f"{name}, MiB after", f"{name}, MiB before", least=0.9, most=1.1
    )


GOALS = (goal(WEB), goal(WORKER))
