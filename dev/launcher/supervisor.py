"""Keeps children alive until it is told to stop them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dev.launcher.children import Child
from dev.launcher.errors import LaunchError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 1.5
"""A new start is promised within two seconds; finding out and ending remains take the rest."""
STEADY = 10.0
"""Who has lived this long has recovered: the next death begins with the short pause again."""
PATIENCE_WITH_WORDS = 3


@dataclass
class _State:
    child: Child
    started: float
    pause: float = FIRST_PAUSE
    deaths: int = 0
    due: float | None = None


class Supervisor:
    """Looks at each child at every tick; what died is cleared away and started again after a short pause."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._states: list[_State] = []

    def start(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        child.launch()
        self._states.append(_State(child, started=time.monotonic()))

    def require_all_alive(self) -> None:
        """During the first start a death is not an accident but a mistake that would only repeat."""
        for state in self._states:
            code = state.child.exit_code()
            if code is not None:
                raise ChildFailedError(state.child.name, code)

    def tick(self) -> None:
        """Notice deaths, and start again what is due."""
        for state in self._states:
            if state.due is None:
                self._notice_death(state)
            elif time.monotonic() >= state.due:
                self._start_again(state)

    def stop(self, names: Sequence[str], *, patience: float, hurried: Callable[[], bool]) -> None:
        """Stop these children together; those that have not ended in time are killed."""
        leaving = [state for state in self._states if state.child.name in names]
        self._states = [state for state in self._states if state not in leaving]
        for state in leaving:
            state.child.request_stop()
        deadline = time.monotonic() + patience
        while any(state.child.exit_code() is None for state in leaving):
            if hurried() or time.monotonic() > deadline:
                break
            time.sleep(0.03)
        for state in leaving:
            state.child.end_remains()

    def _notice_death(self, state: _State) -> None:
        code = state.child.exit_code()
        now = time.monotonic()
        if code is None:
            if now - state.started > STEADY:
                state.pause, state.deaths = FIRST_PAUSE, 0
            return
        state.child.end_remains()
        state.deaths += 1
        self._report(state, describe(code))
        self._postpone(state)

    def _start_again(self, state: _State) -> None:
        try:
            state.child.launch()
        except (LaunchError, OSError) as error:
            state.deaths += 1
            self._report(state, f"cannot start: {error}")
            self._postpone(state)
            return
        state.due = None
        state.started = time.monotonic()

    def _postpone(self, state: _State) -> None:
        state.due = time.monotonic() + state.pause
        state.pause = min(state.pause * 2, LONGEST_PAUSE)

    def _report(self, state: _State, what: str) -> None:
        if state.deaths <= PATIENCE_WITH_WORDS:
            self._say(f"{state.child.name} {what}; starting again")
        elif state.deaths == PATIENCE_WITH_WORDS + 1:
            self._say(f"{state.child.name} {what} again and again; every two seconds it is tried anew")


class ChildFailedError(Exception):
    """A child that ended although it should serve."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} {describe(code)}")
        self.name = name


def describe(code: int) -> str:
    """An exit code in words."""
    return f"stopped (signal {-code})" if code < 0 else f"stopped (exit {code})"
