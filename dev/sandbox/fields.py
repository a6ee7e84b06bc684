"""Reading a request's JSON strictly: what is not as promised is refused by name."""

import json
import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from aiohttp import web

from dev.sandbox.peers.peer import RefusalError

LONGEST_TEXT = 255
LARGEST_AMOUNT = 10**12
_USER_ID = re.compile(r"[!-~]{1,64}")
_TOKEN_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def json_object(request: web.Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object."""
    try:
        body = json.loads(request["body"], parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RefusalError(400, "INVALID_JSON", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise RefusalError(400, "INVALID_JSON", "the body is not a JSON object")
    return body


def text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        raise _invalid(name, f"must be a text of 1 to {LONGEST_TEXT} characters")
    return value


def one_of(body: dict[str, Any], name: str, allowed: Collection[str]) -> str:
    value = text(body, name)
    if value not in allowed:
        raise _invalid(name, f"must be one of {', '.join(allowed)}")
    return value


def user_id(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not _USER_ID.fullmatch(value):
        raise _invalid(name, "must be 1 to 64 printable characters without spaces")
    return value


def points(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= LARGEST_AMOUNT:
        raise _invalid(name, "must be a whole number above zero")
    return value


def tokens(body: dict[str, Any], name: str) -> Decimal:
    """Return a token amount, which travels as a string so that no parser rounds it."""
    value = body.get(name)
    if not isinstance(value, str) or not _TOKEN_AMOUNT.fullmatch(value) or Decimal(value) == 0:
        raise _invalid(name, "must be a string above zero with at most 12 digits and 9 decimals")
    return Decimal(value)


def optional_object(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise _invalid(name, "must be an object")
    return value or {}


def peek_users(request: web.Request, *names: str) -> set[str]:
    """Return the users named in a body that may be anything."""
    try:
        body = json.loads(request["body"] or b"null")
    except (ValueError, RecursionError):
        return set()
    values = [body.get(name) for name in names] if isinstance(body, dict) else []
    return {value for value in values if isinstance(value, str)}


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _invalid(name: str, message: str) -> RefusalError:
    return RefusalError(422, "VALIDATION_ERROR", f"{name} {message}", field=name)
