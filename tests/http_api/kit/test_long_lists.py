"""Lists that grow without bound: totals are estimated and pages by number end, cursors do not."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import RewardFactory
from tests.helpers.api import user


@pytest.fixture
def rewards(db):
    """Eight rewards of one person."""
    RewardFactory.create_batch(8)


def page_of(**query):
    return user("user-a").get("/my/rewards", **query)


def test_a_short_list_is_counted_exactly(rewards):
    assert page_of(page_size=3).body["total"] == 8


def test_a_long_list_is_counted_no_further_than_needed_and_then_estimated(rewards, monkeypatch):
    monkeypatch.setattr("kernel.counting.COUNT_EXACTLY_UP_TO", 5)

    with CaptureQueriesContext(connection) as queries:
        total = page_of(page_size=3).body["total"]

    assert total >= 6
    (count,) = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert "LIMIT 6" in count


def test_pages_by_number_end_and_say_how_to_go_on(rewards, monkeypatch):
    monkeypatch.setattr("kernel.paging.DEEPEST", 4)

    refused = page_of(page=4, page_size=2)

    error = refused.body["error"]
    assert error["code"] == "validation_error"
    assert list(error["details"]) == ["page"]
    assert "cursor" in error["details"]["page"][0]
    assert len(page_of(page=3, page_size=2).body["items"]) == 2


def test_a_cursor_goes_on_where_pages_end(rewards, monkeypatch):
    monkeypatch.setattr("kernel.paging.DEEPEST", 0)
    seen, cursor = [], None
    while True:
        answer = page_of(page_size=3, **({"cursor": cursor} if cursor else {})).body
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break

    assert len(seen) == len(set(seen)) == 8
