"""All that a database holds, in words that do not depend on when it was written and under which ids."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql
from psycopg.types.datetime import TimestamptzLoader

Row = dict[str, Any]
# A row of zeros is the same as none here: which of them are made is a matter of locks.
COUNTERS = ("rewards_referredcounter", "rewards_referrerdaycounter", "rewards_referralstats")


class _MomentLoader(TimestamptzLoader):
    """What no calendar has stays a word."""

    def load(self, data: Any) -> Any:
        return super().load(data) if data[0:1] != b"-" else bytes(data).decode()


def every_row() -> dict[str, list[Row]]:
    """Every column of every row of every table, by the table's name: new ones are there by themselves."""
    with connection.cursor() as cursor:
        cursor.adapters.register_loader("timestamptz", _MomentLoader)
        return {table: _rows(cursor, table) for table in connection.introspection.table_names(cursor)}


def _rows(cursor: Any, table: str) -> list[Row]:
    cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    columns = [column.name for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def comparable(tables: dict[str, list[Row]], began: datetime, ended: datetime) -> dict[str, list[str]]:
    """The rows in an order of their own. In the place of what is never the same twice stand

    - for ids that are drawn: what the row is about;
    - for moments between the two: which of these moments it is, in their order;
    - for numbers in the history: their order.
    """
    rows = [row for table in tables.values() for row in table]
    names = _names(tables)
    numbers = sorted(row["recorded_no"] for row in rows if "recorded_no" in row)
    moments = sorted({value for row in rows for value in row.values() if _lies(value, began, ended)})

    def word(column: str, value: Any) -> Any:
        if column == "recorded_no":
            return numbers.index(value)
        if isinstance(value, UUID):
            return names.get(value, value)
        return f"moment {moments.index(value)}" if _lies(value, began, ended) else value

    return {
        table: sorted(
            repr({column: word(column, value) for column, value in row.items()})
            for row in found
            if table not in COUNTERS or _counts(row)
        )
        for table, found in tables.items()
    }


def _names(tables: dict[str, list[Row]]) -> dict[UUID, tuple[Any, ...]]:
    """What those rows are about whose ids are drawn when an event is accepted."""
    names = {
        row["id"]: ("event", row["source_service"], row["idempotency_key"])
        for row in tables["referral_referralevent"]
    }
    names |= {
        row["id"]: ("reward", names[row["referral_event_id"]], row["beneficiary_level"], row["currency"])
        for row in tables["rewards_referralreward"]
    }
    return names | {
        row["id"]: ("statistics", row["user_id"], row["campaign_id"])
        for row in tables["rewards_referralstats"]
    }


def _lies(value: Any, began: datetime, ended: datetime) -> bool:
    return isinstance(value, datetime) and value.tzinfo is not None and began <= value <= ended


def _counts(row: Row) -> bool:
    return any(value for value in row.values() if not isinstance(value, str | UUID | date))
