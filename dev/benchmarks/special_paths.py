"""What each departure from plain Django and DRF is worth: `python -m dev.benchmarks.special_paths`.

One process, one thread, the WSGI application in front of a database of its own. Each departure is taken
back for a while and put in place again, by turns within one run on the same data; what it is worth is the
median of the ratios of neighbouring turns. Taken back means what a developer would write without it: a
serializer of DRF, a cursor of Django.
"""

import argparse
import gc
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from unittest.mock import patch

from dev.benchmarks.stage import environment, migrate
from dev.launcher.database.temporary import start_temporary

TURNS, EVENTS_A_TURN = 15, 60
Undo = Callable[[ExitStack], None]


@dataclass(frozen=True, slots=True)
class Departure:
    """One departure: what it is called, where it stands, and how to go without."""

    name: str
    place: str
    without: Undo


def main() -> int:
    """Start the database, measure, print the table."""
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks.special_paths", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS, help=f"of each departure; {TURNS} when not given")
    turns = parser.parse_args().turns
    postgres = start_temporary(durable=True)
    try:
        variables = environment(postgres.url, os.environ)
        os.environ.clear()
        os.environ.update(variables)
        migrate()
        import django

        django.setup()
        from dev.benchmarks.world import world_make

        world_make(users=2_000, hot_users=10)
        print(table(turns))
    finally:
        # Wakes that the broker does not take any more, for it goes with the database.
        logging.disable()
        postgres.remove()
    return 0


def table(turns: int) -> str:
    """Each departure with what an event costs in its place and without it."""
    caller = Caller()
    lines = [
        "| departure | where | processor time an event, µs: with, without | worth |",
        "|---|---|---|---|",
    ]
    for departure in departures():
        pairs = [_turn(caller, departure) for _ in range(turns)]
        here, without = (statistics.median(times) for times in zip(*pairs, strict=True))
        worth = statistics.median(1 - a / b for a, b in pairs)
        lines.append(f"| {departure.name} | `{departure.place}` | {here:.0f}, {without:.0f} | {worth:.0%} |")
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines)


def _turn(caller: "Caller", departure: Departure) -> tuple[float, float]:
    here = caller.cost()
    with ExitStack() as undone:
        departure.without(undone)
        return here, caller.cost()


class Caller:
    """Reports purchases to the WSGI application, as Quest Service does."""

    def __init__(self) -> None:
        from access.tokens import service_token
        from referral_project.wsgi import application

        self.application: Any = application
        self._token = service_token("quest_service")
        self._number = 0
        self.cost()

    def cost(self) -> float:
        """Microseconds of this thread's processor time for an event, the median of a turn."""
        return statistics.median(self._event() for _ in range(EVENTS_A_TURN))

    def _event(self) -> float:
        environ = self._environ()
        started = time.thread_time()
        answer = self.application(environ, lambda status, headers: None)
        body = b"".join(answer)
        getattr(answer, "close", list)()
        took = time.thread_time() - started
        if b'"success":true' not in body.replace(b" ", b""):
            raise SystemExit(f"an event was refused: {body!r}")
        return took * 1e6

    def _environ(self) -> dict[str, Any]:
        from dev.benchmarks.world import SPREAD

        self._number += 1
        event = {
            "event_type": "quest_purchased",
            "campaign_code": SPREAD,
            "referred_user_id": f"u{8 + self._number % 1900:06}",
            "amount_base": "500.25",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "external_event_id": f"order-{self._number}",
        }
        body = json.dumps(event).encode()
        return {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/api/referral/v1/internal/event",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": sys.stderr,
        }


def departures() -> Sequence[Departure]:
    """All that an event meets on its way."""
    return (
        Departure("no middleware made for people", "referral_project/internal_handler.py", _one_handler),
        Departure("a viewset that negotiates nothing", "http_api/kit/lean.py", _plain_viewset),
        Departure("bodies decoded by msgspec, not by DRF's serializers", "kernel/decoding.py", _serializer),
        Departure("answers rendered by orjson, not by DRF", "kernel/rendering.py", _drf_renderer),
        Departure("verified tokens remembered for seconds", "access/tokens.py", _no_token_memory),
        Departure("campaigns kept for half a second", "campaigns/catalog.py", _no_catalog),
        Departure("one statement where nothing is in the way", "rewards/intake/fast_path.py", _carefully),
        Departure("functions called below the cursors", "kernel/database.py", _django_cursor),
        Departure("no round trip to check a connection", "referral_project/postgresql/base.py", _ask_first),
        Departure("fewer runs of the garbage collector", "referral_project/wsgi.py", _usual_collector),
    )


def _one_handler(undone: ExitStack) -> None:
    import referral_project.wsgi as wsgi

    undone.enter_context(patch.object(wsgi, "INTERNAL", "/nowhere/"))


def _plain_viewset(undone: ExitStack) -> None:
    from rest_framework.response import Response
    from rest_framework.views import APIView

    from http_api.internal import views
    from http_api.kit.lean import LeanViewSet

    undone.enter_context(patch.object(LeanViewSet, "initial", APIView.initial))
    undone.enter_context(
        patch.object(LeanViewSet, "default_response_headers", APIView.default_response_headers)
    )
    undone.enter_context(patch.object(views, "answer", Response))


def _serializer(undone: ExitStack) -> None:
    from rest_framework import serializers

    from dev.benchmarks.naive.views import EventSerializer
    from http_api.internal import views
    from rewards.intake.commands import EventReported

    class Reported(EventSerializer):
        amount_base = serializers.DecimalField(max_digits=21, decimal_places=9, required=False)

    def decode(data: bytes) -> EventReported:
        serializer = Reported(data=json.loads(data))
        serializer.is_valid(raise_exception=True)
        fields = dict(serializer.validated_data)
        return EventReported(**fields | {"occurred_at": fields["occurred_at"].isoformat()})

    undone.enter_context(patch.object(views, "decode_event", decode))


def _drf_renderer(undone: ExitStack) -> None:
    from rest_framework.renderers import JSONRenderer

    from http_api.kit import lean

    undone.enter_context(patch.object(lean, "dumps", JSONRenderer().render))


def _no_token_memory(undone: ExitStack) -> None:
    from access import tokens

    undone.enter_context(patch.object(tokens.service_memory, "get", lambda token: None))


def _no_catalog(undone: ExitStack) -> None:
    from campaigns import catalog

    undone.enter_context(patch.object(catalog, "CACHE_SECONDS", 0.0))


def _carefully(undone: ExitStack) -> None:
    from rewards.intake import acceptance

    undone.enter_context(patch.object(acceptance, "_at_once", lambda candidates: None))


def _django_cursor(undone: ExitStack) -> None:
    from django.db import connection

    from rewards.intake import fast_path

    class Result:
        ntuples = 1

        def __init__(self, rows: list[tuple[Any, ...]]) -> None:
            self._rows = rows

        def get_value(self, row: int, column: int) -> bytes | None:
            value = self._rows[row][column]
            return None if value is None else json.dumps(value).encode()

    def call(function: bytes, *arguments: bytes | None) -> Result:
        places = ", ".join(["%s"] * len(arguments))
        with connection.cursor() as cursor:
            texts = [None if argument is None else argument.decode() for argument in arguments]
            cursor.execute(f"SELECT * FROM {function.decode()}({places})", texts)
            return Result(cursor.fetchall())

    undone.enter_context(patch.object(fast_path, "call", call))


def _ask_first(undone: ExitStack) -> None:
    from django.db.backends.postgresql import base

    from referral_project.postgresql.base import DatabaseWrapper

    undone.enter_context(patch.object(DatabaseWrapper, "is_usable", base.DatabaseWrapper.is_usable))


def _usual_collector(undone: ExitStack) -> None:
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    undone.callback(gc.set_threshold, *usual)


if __name__ == "__main__":
    sys.exit(main())
