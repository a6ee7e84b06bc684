"""Sums per user and campaign, changed by differences."""

from collections.abc import Iterable
from typing import Any

import orjson
from django.db import connection


def stats_add(deltas: Iterable[dict[str, Any]]) -> None:
    """Add differences to stats rows; each entry names `user_id`, `campaign_id` and what changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT referral_stats_add(%s::jsonb)", [orjson.dumps(list(deltas), default=str).decode()]
        )
