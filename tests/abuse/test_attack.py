"""The judge of `make abuse` sees what must not be."""

import random

import pytest

from tests.abuse.attack import problem_of
from tests.abuse.malformed import Malformed, Wire

ENVELOPE = b'5\r\n{"error": {"http_status": 400}}\r\n0\r\n'


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        ("400", ENVELOPE, ""),
        ("200", b"{}", ""),
        ("500", ENVELOPE, "500"),
        ("503", ENVELOPE, "503"),
        ("timeout", b"", "timeout"),
        ("closed", b"", "no answer"),
        ("200", b"Traceback (most recent call last)", "a trace or a query"),
        ("400", b"<h1>Bad Request</h1>", "not the envelope"),
        ("404", ENVELOPE, "another status in the envelope"),
    ],
)
def test_an_answer_is_judged(status, body, problem):
    assert problem_of(Wire("any", b"POST / HTTP/1.1"), status, b"HTTP/1.1\r\n", body) == problem


def test_every_kind_can_be_made():
    malformed = Malformed(random.Random(1))
    for make in malformed.kinds:
        wires = [make() for _ in range(20)]
        assert {wire.kind for wire in wires} == {make.__name__}
        assert all(wire.data for wire in wires)
