"""JSON out: orjson, with money as the contract writes it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

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


class JsonRenderer(BaseRenderer):
    """The only renderer of the API."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Render an answer; no content stays empty."""
        return b"" if data is None else dumps(data)


class OnlyJson(BaseContentNegotiation):
    """Content negotiation without the negotiation: whatever is asked for, JSON is answered."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first parser; media types are checked where the body is decoded."""
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first renderer."""
        return renderers[0], renderers[0].media_type
