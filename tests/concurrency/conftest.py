"""Races need a database in which everything is committed."""

import pytest


@pytest.fixture(autouse=True)
def _committed(committed_db: None) -> None:
    """Every test here runs with several connections."""
