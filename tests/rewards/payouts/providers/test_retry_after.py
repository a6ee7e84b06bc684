"""Reading the Retry-After header."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.payouts.providers.base import RETRY_AFTER_LIMIT_SECONDS, retry_after

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 30 ", 30),
        ("3600", 3600),
        ("3601", 3600),
        ("99999999999", 3600),
        ("999999999999999999999999", None),
        ("Mon, 23 Nov 2026 12:00:10 GMT", 10),
        ("Mon, 23 Nov 2026 13:00:10 +0100", 10),
        ("Mon, 23 Nov 2026 12:00:10", 10),
        ("Monday, 23-Nov-26 12:00:10 GMT", 10),
        ("Mon, 23 Nov 2026 11:59:50 GMT", 0),
        ("Tue, 24 Nov 2026 12:00:00 GMT", 3600),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("Mon, 99 Nov 2026 12:00:10 GMT", None),
        ("2026-11-23T12:00:10Z", None),
    ],
)
def test_seconds_and_dates_are_understood_and_nothing_else(text, seconds):
    assert retry_after({"retry-after": text}, now=NOW) == seconds


def test_without_the_header_there_is_no_wish():
    assert retry_after({}, now=NOW) is None


@given(
    st.text(max_size=60) | st.from_regex(r"\w{3}, \d{1,5} \w{3} \d{1,6} \d{1,4}:\d{1,4}:\d{1,4} [+-]?\w{1,6}")
)
def test_no_header_whatever_raises_or_goes_beyond_the_limit(text):
    seconds = retry_after({"retry-after": text}, now=NOW)

    assert seconds is None or 0 <= seconds <= RETRY_AFTER_LIMIT_SECONDS
