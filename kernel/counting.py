"""How many rows a list has: exactly while that is cheap, by the planner's estimate beyond."""

import json
from typing import Any

from django.db.models import QuerySet

# Counting so many rows takes milliseconds. Nobody pages through more, so beyond it the order of size will do.
COUNT_EXACTLY_UP_TO = 10_000


def count_or_estimate(rows: QuerySet[Any]) -> int:
    """The number of rows: exact up to COUNT_EXACTLY_UP_TO, about so many beyond, and then never fewer."""
    plain = rows.order_by()
    counted = plain[: COUNT_EXACTLY_UP_TO + 1].count()
    return counted if counted <= COUNT_EXACTLY_UP_TO else max(counted, _estimate(plain))


def _estimate(rows: QuerySet[Any]) -> int:
    plan = json.loads(rows.explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
