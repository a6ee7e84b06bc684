"""The checks of the pages ask the database nothing, so a new one can be set up."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.processes import ROOT, database_url


@pytest.fixture
def empty_database(committed_db: None) -> Iterator[str]:
    """The address of a database without a single table."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
        yield f"{database_url().rpartition('/')[0]}/{name}"
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_migrate_sets_an_empty_database_up(empty_database: str) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": empty_database},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_checks_ask_the_database_nothing(db: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        problems = run_checks()

    assert problems == []
    assert [query["sql"] for query in asked.captured_queries] == []
