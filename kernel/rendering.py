"""JSON out: orjson, with money as the contract writes it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

NINE_PLACES = Decimal("0.000000001")


def g2a_text(amount: Decimal | None) -> str:
    """G2A on the wire: a string with nine places; an absent amount is zero."""
    return f"{amount or Decimal(0):.9f}"


def time_text(moment: datetime | None) -> str | None:
    """A time on the wire: UTC, ISO 8601, to the microsecond."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def dumps(data: Any) -> bytes:
    """Render plain data; UUIDs become text, aware times end in Z."""
    try:
        return orjson.dumps(data, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        # Free JSON may hold whole numbers beyond 64 bits, which only the slow renderer knows.
        return json.dumps(data, default=_plain, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    return time_text(value) if isinstance(value, datetime) else str(value)
