"""Long reports as CSV, on connections as the web server has them: outside of any transaction."""

import tracemalloc

import pytest
from django.db import connection
from django.test import Client

from tests.factories import CampaignFactory
from tests.helpers.api import BASE, admin

pytestmark = pytest.mark.usefixtures("committed_db")

USERS = 15_000


@pytest.fixture
def many_referrers(committed_db):
    """Users who have invited one friend each."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO referral_referralrelation (id, campaign_id, is_invitation, referrer_user_id,
                                                   referred_user_id, source, registered_at, created_at)
            SELECT referral_uuid7(), %s, false, 'user-' || n, 'friend-' || n, 'import', now(), now()
            FROM generate_series(1, %s) n
            """,
            [CampaignFactory().id, USERS],
        )


def download():
    headers = {**admin()._headers, "Accept": "text/csv"}
    return Client(raise_request_exception=False).get(f"{BASE}/admin/reports/users", headers=headers)


def open_cursors():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors")
        return cursor.fetchone()[0]


def memory_of_a_download(monkeypatch, rows_at_once):
    """How many lines came, and how many bytes were held at most while they did."""
    monkeypatch.setattr("rewards.reporting.reports.ROWS_AT_ONCE", rows_at_once)
    tracemalloc.start()
    lines = sum(1 for _ in download())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return lines, peak


@pytest.mark.usefixtures("many_referrers")
def test_a_long_report_takes_the_memory_of_a_piece_of_it(monkeypatch):
    list(download())  # What a first request loads for good is not counted.

    lines, whole = memory_of_a_download(monkeypatch, rows_at_once=USERS)
    same_lines, piece = memory_of_a_download(monkeypatch, rows_at_once=USERS // 30)

    assert lines == same_lines == 1 + USERS
    assert piece < whole / 4
    assert open_cursors() == 0


@pytest.mark.usefixtures("many_referrers")
def test_a_download_that_is_broken_off_leaves_nothing_open():
    response = download()
    pieces = iter(response)
    next(pieces), next(pieces)
    assert open_cursors() == 1

    response.close()
    del pieces, response

    assert open_cursors() == 0


@pytest.mark.usefixtures("many_referrers")
def test_a_report_that_the_database_breaks_off_is_an_error_and_no_file():
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 1")
    try:
        response = download()
    finally:
        connection.close()

    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
    assert "Content-Disposition" not in response.headers
