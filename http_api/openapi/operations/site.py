"""Addresses outside of the API's base path: plain views, found by their routes in the project's addresses."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from http_api.openapi.describing import Answer, Operation
from kernel.errors import NotFound, Throttled, Unauthenticated


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class Readiness(TypedDict):
    """Whether requests can be served; each check says `ok` or what is wrong."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]


CHECKS = {"database": "ok", "broker": "ok", "migrations": "ok"}
NOT_READY = {
    "status": "unavailable",
    "checks": {"database": "the database does not answer", "broker": "ok", "migrations": "unknown"},
}

# By route: the operation, and who may call; the text is the docstring of the view at that address.
SITE: Mapping[str, tuple[Operation, Sequence[Mapping[str, list[str]]]]] = {
    "ref/<str:code>": (
        Operation(
            name="ref_redirect",
            answers={302: Answer(description="To the configured landing page.", headers=["Location"])},
            errors=[Throttled],
        ),
        [],
    ),
    "metrics": (
        Operation(
            name="metrics",
            answers={
                200: Answer(description="The text form.", other_media={"text/plain": {"type": "string"}})
            },
            errors=[NotFound, Unauthenticated],
        ),
        [{"MetricsToken": []}],
    ),
    "healthz/live": (
        Operation(
            name="health_live",
            answers={200: Answer(description="Yes.", shapes=[Alive], examples={"yes": {"status": "ok"}})},
        ),
        [],
    ),
    "healthz/ready": (
        Operation(
            name="health_ready",
            answers={
                200: Answer(
                    description="Yes.",
                    shapes=[Readiness],
                    examples={"yes": {"status": "ok", "checks": CHECKS}},
                ),
                503: Answer(
                    description="No, and why.", shapes=[Readiness], examples={"database away": NOT_READY}
                ),
            },
        ),
        [],
    ),
}
