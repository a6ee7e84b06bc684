"""Races need a database in which everything is committed."""

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture(autouse=True)
def _committed(committed_db: None) -> None:
    """Every test here runs with several connections."""


@pytest.fixture(params=["repeatable read", "serializable"])
def strict_server(request: pytest.FixtureRequest, committed_db: None) -> Iterator[None]:
    """A database whose transactions see what was there at their beginning, unless they say otherwise."""
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    setting = f"ALTER DATABASE {database} SET default_transaction_isolation"
    with connection.cursor() as cursor:
        cursor.execute(f"{setting} = '{request.param}'")
    # The setting holds for connections made from now on.
    connection.close()
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"{setting} TO DEFAULT")
    connection.close()
