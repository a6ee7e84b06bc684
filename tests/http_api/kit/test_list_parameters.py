"""What lists refuse in their query strings, each with the name of the parameter; and what they let pass."""

import pytest

from tests.helpers.api import admin, user

pytestmark = pytest.mark.django_db

NOWHERE = "00000000-0000-7000-8000-000000000000"
MY_REWARDS, REWARDS = "/my/rewards", "/admin/rewards"
CAMPAIGNS, USERS = "/admin/campaigns", "/admin/reports/users"
LISTS = (MY_REWARDS, REWARDS, CAMPAIGNS, USERS)
NUMBERS = ("0", "-1", "1.5", "x", "", "1e3", "٣", "²", "9999999999", "1\x00")

BAD = [
    *((path, "page", value) for path in LISTS for value in (*NUMBERS, "100001")),
    *((path, "page_size", value) for path in LISTS for value in (*NUMBERS, "101", "1000")),
    *(
        (path, "cursor", value)
        for path in (MY_REWARDS, REWARDS)
        for value in ("x", "1", f"{NOWHERE}0", "\x00", "' OR 1=1 --", "🙂")
    ),
    *((path, "status", value) for path in (MY_REWARDS, REWARDS) for value in ("paid", "PENDING", "\x00")),
    *((CAMPAIGNS, "status", value) for value in ("live", "Active", "\x00")),
    *((CAMPAIGNS, "campaign_type", value) for value in ("game", "\x00")),
    *((REWARDS, "currency", value) for value in ("usd", "Points")),
    *((REWARDS, name, value) for name in ("campaign_id", "event_id") for value in ("x", "\x00")),
    *((REWARDS, name, "a\x00b") for name in ("user_id", "tx_id")),
    *((USERS, "campaign_id", value) for value in ("x", "\x00")),
    *(
        (USERS, name, value)
        for name in ("from", "to")
        for value in ("soon", "2025-02-30", "2025-01-01T00:00:00", "0001-01-01T00:00:00+05:00", "\x00", "🙂")
    ),
    *(
        (USERS, name, value)
        for name in ("min_points_earned", "min_referred")
        for value in ("-1", "x", "1.5", "", "9999999999")
    ),
]


@pytest.mark.parametrize(("path", "name", "value"), BAD)
def test_a_bad_parameter_is_named(path, name, value):
    caller = user("user-a") if path.startswith("/my") else admin()

    answer = caller.get(path, **{name: value})

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [name]


@pytest.mark.parametrize(("since", "until"), [("2025-02-01", "2025-01-01"), ("2025-01-01", "2025-01-01")])
def test_a_period_that_ends_before_it_begins_is_refused(since, until):
    answer = admin().get(USERS, **{"from": since, "to": until})

    assert (answer.status, list(answer.body["error"]["details"])) == (400, ["to"])


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *((path, {"page_size": "100", "page": "100"}) for path in LISTS),
        *((path, {"page_size": "007"}) for path in LISTS),
        *((path, {"unknown": "x", "page[]": "y"}) for path in LISTS),
        (MY_REWARDS, {"status": "", "cursor": ""}),
        (MY_REWARDS, {"cursor": NOWHERE}),
        (REWARDS, {"user_id": "x" * 500, "tx_id": "no such", "campaign_id": NOWHERE}),
        (USERS, {"from": "2025-01-01T00:00:00+03:00", "to": "2025-01-01"}),
    ],
)
def test_what_merely_finds_nothing_is_an_empty_page(path, query):
    caller = user("user-a") if path.startswith("/my") else admin()

    answer = caller.get(path, **query)

    assert answer.status == 200
    assert (answer.body["items"], answer.body["total"]) == ([], 0)
