"""What the product is measured against does the same work: it writes the same rows, row by row."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from rest_framework.test import APIRequestFactory

from access.tokens import service_token
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from dev.benchmarks.naive.views import NaiveEventView
from dev.benchmarks.pgbench import L1, PgBench
from dev.benchmarks.world import LIMITS, SPREAD, world_make
from dev.launcher.database import binaries
from rewards.ledger.recount import differences
from tests.helpers.api import service
from tests.helpers.processes import database_url

PERSON = 20
TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(campaigns|referral|rewards)_'
"""
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")

Limits = dict[str, int]
Write = Callable[[Limits], None]


def body() -> dict[str, Any]:
    return {
        "event_type": "quest_purchased",
        "campaign_code": SPREAD,
        "referred_user_id": f"u{PERSON:06d}",
        "subject_type": "quest",
        "subject_id": "quest-1",
        "amount_base": 499.9,
        "occurred_at": datetime.now(UTC).isoformat(),
        "external_event_id": str(uuid4()),
    }


def product(limits: Limits) -> None:
    answer = service("quest_service").post("/internal/event", body())
    assert answer.status == 200, answer.body


def product_in_bulk(limits: Limits) -> None:
    answer = service("quest_service").post("/internal/events/bulk", {"items": [body()]})
    assert answer.body["accepted"] == 1, answer.body


def separate_statements(limits: Limits) -> None:
    pgbench = PgBench(binaries.installed(), database_url())
    pgbench.run(L1, "--transactions=1", clients=1, people=(PERSON, PERSON), limits=limits)


def one_function(limits: Limits) -> None:
    call = "SELECT benchmark_event(%s, %s, %s, %s, %s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(call, [SPREAD, f"u{PERSON:06d}", str(uuid4()), *limits.values()])


def one_batch(limits: Limits) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT benchmark_events(%s, %s, %s, %s, %s)", [SPREAD, [f"u{PERSON:06d}"], *limits.values()]
        )


def naive(limits: Limits) -> None:
    request = APIRequestFactory().post(
        "/naive/event",
        body(),
        format="json",
        headers={"Authorization": f"Bearer {service_token('quest_service')}"},
    )
    answer = NaiveEventView.as_view()(request)
    assert answer.status_code == 200, answer.data


WAYS = [product_in_bulk, separate_statements, one_function, one_batch, naive]


@pytest.fixture
def world(committed_db: None) -> None:
    world_make(users=64, hot_users=2)


@pytest.mark.parametrize("beyond", ["", *LIMITS])
def test_every_reference_writes_the_rows_that_the_product_writes(world: None, beyond: str) -> None:
    # given: room for one event under the named limit, or for any number
    limits = LIMITS | ({beyond: 1} if beyond else {})
    campaign = ReferralCampaign.objects.get(code=SPREAD)
    rules = {**campaign.reward_rules, "limits": limits}
    campaign_update(campaign_id=campaign.id, changes={"reward_rules": rules}, by="tests")
    before = rows()

    # when: the product takes two events, and then each reference, from the same beginning
    written = added_by_two(product, limits, before)
    assert len(written["referral_referralevent"]) == 2
    assert len(written["rewards_referralreward"]) == (2 if beyond else 4)
    for way in WAYS:
        forget()
        same = added_by_two(way, limits, before)

        # then
        assert same == written, way.__name__
        assert not [one for portion in differences() for one in portion], way.__name__


def added_by_two(write: Write, limits: Limits, before: dict[str, list[Any]]) -> dict[str, list[Any]]:
    write(limits)
    write(limits)
    return {table: added for table, found in rows().items() if (added := found[len(before[table]) :])}


def forget() -> None:
    """The next writer begins as the first did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE referral_referralevent, rewards_referredcounter, rewards_referrerdaycounter CASCADE"
        )
        cursor.execute("DELETE FROM rewards_referralstats WHERE total_referred_users = 0")


def rows() -> dict[str, list[Any]]:
    """Every row of every table of ours, new ones last, without what differs from event to event."""
    # New rows come in one order, whoever wrote them and in which order.
    last = {
        "rewards_referralstats": "total_referred_users = 0, user_id",
        "rewards_referralreward": "referral_event_id, beneficiary_level",
    }
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [table for (table,) in cursor.fetchall()]
        found = {}
        for table in tables:
            cursor.execute(f"SELECT to_jsonb(t) FROM {table} t ORDER BY {last.get(table, '1')}")
            found[table] = [lasting(json.loads(row)) for (row,) in cursor.fetchall()]
    return found


def lasting(row: dict[str, Any]) -> dict[str, Any]:
    """The row with words in place of ids and times; campaigns and rule versions stay what they are."""
    return {
        name: value if name in ("campaign_id", "rule_version_id") else lasting_value(name, value)
        for name, value in row.items()
    }


def lasting_value(name: str, value: Any) -> Any:
    if name == "recorded_no":
        return "a number"
    if name == "fingerprint":
        return len(value)
    return TIME.sub("a time", ID.sub("an id", value)) if isinstance(value, str) else value
