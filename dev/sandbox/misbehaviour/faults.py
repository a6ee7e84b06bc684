"""Faults on demand: what can be ordered, and which one a request meets."""

import asyncio
import contextlib
import itertools
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

PEERS = ("points", "tokens", "analytics")
LONGEST_SECONDS = 3600

Check = Callable[[Any], bool]


class BadFaultError(Exception):
    """An order that cannot be understood; `field` names what is wrong with it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= LONGEST_SECONDS


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != "" and value.isprintable()


def _is_status(value: Any) -> bool:
    return _is_whole(value) and 200 <= value <= 599


def _is_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_text(name) and _is_text(text) for name, text in value.items())


def _is_anything(value: Any) -> bool:
    return True


@dataclass(frozen=True)
class Mode:
    """The parameters that a mode needs and those that it may have.

    `only_for` names the one peer that has this mode. `whole_peer` means that the mode strikes every call and
    cannot be limited.
    """

    required: dict[str, Check] = field(default_factory=dict)
    optional: dict[str, Check] = field(default_factory=dict)
    only_for: str = ""
    whole_peer: bool = False


_SECONDS: dict[str, Check] = {"seconds": _is_seconds}
_STATUS = Mode({"status": _is_status}, {"body": _is_anything, "headers": _is_headers})

MODES = {
    "latency": Mode(_SECONDS),
    "status": _STATUS,
    "status_after_commit": _STATUS,
    "hang": Mode(_SECONDS),
    "commit_then_hang": Mode(_SECONDS),
    "reset": Mode(),
    "commit_then_reset": Mode(),
    "garbage": Mode(),
    "commit_then_garbage": Mode(),
    "wrong_json": Mode(),
    "redirect": Mode({"location": _is_text}),
    "slow_body": Mode(_SECONDS),
    "refuse": Mode(_SECONDS, whole_peer=True),
    "task_fails": Mode(optional={"error": _is_text}, only_for="tokens"),
    "task_stuck": Mode(only_for="tokens"),
}

_COMMON: dict[str, Check] = {
    "peer": lambda value: value in PEERS,
    "mode": lambda value: isinstance(value, str) and value in MODES,
    "times": lambda value: value is None or (_is_whole(value) and value >= 1),
    "probability": lambda value: _is_number(value) and 0 <= value <= 1,
    "user_id": lambda value: value is None or _is_text(value),
    "path": lambda value: value is None or _is_text(value),
}


@dataclass
class Fault:
    """One ordered fault. `remaining` counts down to 0, None means until removed."""

    id: str
    peer: str
    mode: str
    remaining: int | None
    probability: float
    user_id: str | None
    path: str | None
    parameters: dict[str, Any]
    hits: int = 0
    removed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seconds(self) -> float:
        return float(self.parameters["seconds"])

    async def pause(self) -> None:
        """Wait for the fault's seconds, or until somebody removes it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.removed.wait(), self.seconds)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "peer": self.peer,
            "mode": self.mode,
            "probability": self.probability,
            "user_id": self.user_id,
            "path": self.path,
            **self.parameters,
            "remaining": self.remaining,
            "hits": self.hits,
        }


@dataclass(frozen=True)
class Call:
    """What a fault may be limited to. `users` is asked only when a fault is meant for one user."""

    peer: str
    path: str
    users: Callable[[], Collection[str]]


class FaultBook:
    """The ordered faults, oldest first. One that is used up stays listed until removed."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._ids = itertools.count(1)

    def add(self, order: object) -> Fault:
        fault = _fault_from(order, f"f{next(self._ids)}")
        self._faults[fault.id] = fault
        return fault

    def find(self, fault_id: str) -> Fault | None:
        return self._faults.get(fault_id)

    def remove(self, fault_id: str) -> None:
        fault = self._faults.pop(fault_id, None)
        if fault is not None:
            fault.removed.set()

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def refuses(self, peer: str) -> bool:
        return any(fault.peer == peer and fault.mode == "refuse" for fault in self._faults.values())

    def take(self, call: Call, modes: Collection[str]) -> Fault | None:
        """Return the first fault of these modes that strikes this call, and count it as used."""
        return next((fault for fault in self.all() if fault.mode in modes and _strikes(fault, call)), None)

    def take_every(self, call: Call, mode: str) -> list[Fault]:
        return [fault for fault in self.all() if fault.mode == mode and _strikes(fault, call)]


def _strikes(fault: Fault, call: Call) -> bool:
    if not _concerns(fault, call) or random.random() >= fault.probability:  # noqa: S311 - chance, not secrecy
        return False
    fault.hits += 1
    if fault.remaining is not None:
        fault.remaining -= 1
    return True


def _concerns(fault: Fault, call: Call) -> bool:
    if fault.peer != call.peer or fault.remaining == 0:
        return False
    if fault.path is not None and fault.path not in call.path:
        return False
    return fault.user_id is None or fault.user_id in call.users()


def _fault_from(order: object, fault_id: str) -> Fault:
    if not isinstance(order, dict):
        raise BadFaultError("", "a fault is a JSON object")
    for name in ("peer", "mode"):
        _check(order, name, _COMMON[name])
    mode = MODES[order["mode"]]
    if mode.only_for not in ("", order["peer"]):
        raise BadFaultError("peer", f"{order['mode']} is only for {mode.only_for}")
    _check_fields(order, mode)
    return Fault(
        id=fault_id,
        peer=order["peer"],
        mode=order["mode"],
        remaining=order.get("times"),
        probability=float(order.get("probability", 1)),
        user_id=order.get("user_id"),
        path=order.get("path"),
        parameters={name: value for name, value in order.items() if name not in _COMMON},
    )


def _check_fields(order: dict[str, Any], mode: Mode) -> None:
    for name, check in mode.required.items():
        _check(order, name, check)
    common = {} if mode.whole_peer else _COMMON
    optional = {**common, **mode.optional}
    for name in order.keys() - mode.required.keys() - {"peer", "mode"}:
        if name not in optional:
            raise BadFaultError(name, f"{name} is not a parameter of {order['mode']}")
        _check(order, name, optional[name])


def _check(order: dict[str, Any], name: str, check: Check) -> None:
    if name not in order:
        raise BadFaultError(name, f"{name} is missing")
    if not check(order[name]):
        raise BadFaultError(name, f"{name} has an impossible value")
