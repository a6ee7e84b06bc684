"""What is kept in the service's own short texts, in words that support can read."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import translation

import rewards
from kernel.humanize.moments import until_text
from rewards.support.explanation.error_classification import trouble_text
from rewards.support.explanation.status_history import (
    ACTORS,
    BECAME,
    GIVEN_UP,
    REASONS,
    actor_text,
    reason_text,
)

NOW = datetime(2026, 11, 24, 10, 45, tzinfo=UTC)
WRITERS = (path for path in Path(rewards.__file__).parent.rglob("*.py") if "support" not in path.parts)
SOURCES = "".join(path.read_text() for path in WRITERS)

TROUBLES = {
    "ConnectionRefusedError: [Errno 111] Connection refused": "it refuses the connection",
    "gaierror: [Errno -2] Name or service not known": "its address is not found (DNS)",
    "SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]": "no secure connection",
    "TimeoutError: timed out": "it does not respond in time",
    "ConnectionResetError: [Errno 104] Connection reset by peer": "it drops the connection",
    "RemoteDisconnected: Remote end closed connection without response": "it drops the connection",
    "the answer ended early": "it drops the connection",
    "the answer is too large": "its response is not as agreed",
    "the head of the answer is too large": "its response is not as agreed",
    "the answer is not HTTP: Expected HTTP/, RTSP/ or ICE/": "its response is not as agreed",
    "the answer is not usable: HTTP 101": "its response is not as agreed",
    "HTTP 200 the answer is not the promised JSON": "its response is not as agreed",
    "HTTP 404 the gateway does not know the task": "it does not know the token task",
    "HTTP 302": "its address is wrong in our settings (HTTP 302)",
    "HTTP 401 bad token": "it denies us access (HTTP 401)",
    "HTTP 403": "it denies us access (HTTP 403)",
    "HTTP 404 no such page": "its address is wrong in our settings (HTTP 404)",
    "HTTP 405": "its address is wrong in our settings (HTTP 405)",
    "HTTP 408": "an error on its side (HTTP 408)",
    "HTTP 409 conflict": "it rejects the request (HTTP 409)",
    "HTTP 422 account_closed": "it rejects the request (HTTP 422)",
    "HTTP 425": "it asks us to retry later (HTTP 425)",
    "HTTP 429 velocity_cap": "it asks us to retry later (HTTP 429)",
    "HTTP 503 unavailable": "an error on its side (HTTP 503)",
    "internal: 'NoneType' object": "an error in our worker",
    "the answer (booked) cannot be recorded: value too long": "its response could not be saved",
    "something else": "the last request failed",
    "": "the last request failed",
}


@pytest.mark.parametrize("error", TROUBLES)
def test_a_kept_error_is_told_in_words(error: str) -> None:
    assert trouble_text(error) == TROUBLES[error]
    with translation.override("ru"):
        assert not re.search("[A-Za-z]", trouble_text(error).replace("HTTP", "").replace("DNS", ""))


def test_whoever_did_it_is_called_as_people_call_them() -> None:
    assert actor_text("staff:olga") == "olga"
    assert actor_text("admin:root-1") == "root-1 (by token)"
    assert actor_text("worker") == "a worker"
    assert actor_text("user_service") == "user_service"


def test_a_persons_reason_stays_as_it_was_written() -> None:
    assert reason_text("ticket 4711") == "ticket 4711"
    assert reason_text("became vip") == "the user's role became VIP"
    assert reason_text("became a member") == "became a member"
    assert reason_text("given up: HTTP 503") == "attempts stopped: HTTP 503"


def test_every_fixed_text_is_one_that_the_service_writes() -> None:
    for text in [*REASONS, *ACTORS]:
        assert f'"{text}"' in SOURCES, text
    assert f'f"{BECAME}{{role}}"' in SOURCES
    assert f'f"{GIVEN_UP}{{error}}"' in SOURCES


@pytest.mark.parametrize(
    ("left", "english", "russian"),
    [
        (timedelta(seconds=-5), "now", "сейчас"),
        (timedelta(seconds=20), "in less than a minute", "меньше чем через минуту"),
        (timedelta(minutes=1), "in 1 minute", "через 1 минуту"),
        (timedelta(minutes=3), "in 3 minutes", "через 3 минуты"),
        (timedelta(minutes=21), "in 21 minutes", "через 21 минуту"),
        (timedelta(hours=5), "in 5 hours", "через 5 часов"),
        (timedelta(days=14), "in 14 days", "через 14 дней"),
    ],
)
def test_a_wait_is_told_in_round_numbers(left: timedelta, english: str, russian: str) -> None:
    assert until_text(NOW + left, NOW).partition(" (")[0] == english
    with translation.override("ru"):
        assert until_text(NOW + left, NOW).partition(" (")[0] == russian
