"""A host whose clock goes wrong."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone


def host_clock_apart(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Have this host's clock go ahead of the database's, or behind it by a negative number."""
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(seconds=seconds))


def database_time() -> datetime:
    """This moment by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        (moment,) = cursor.fetchone()
    return moment
