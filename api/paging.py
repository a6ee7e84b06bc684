"""Pages of lists, as `contract/http-api.md` words them."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request

from api.errors import ValidationFailed

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


def whole_number(request: Request, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from the query string. Raises ValidationFailed naming the parameter."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise ValidationFailed.of(name, f"must be a whole number from {least} to {most}")
    return int(text)


def page_number_of(request: Request) -> int:
    """`page`, from 1. Raises ValidationFailed."""
    return whole_number(request, "page", 1, least=1, most=100_000)


def page_size_of(request: Request) -> int:
    """`page_size`, at most MAX_PAGE_SIZE. Raises ValidationFailed."""
    return whole_number(request, "page_size", DEFAULT_PAGE_SIZE, least=1, most=MAX_PAGE_SIZE)


def page_of(request: Request, rows: QuerySet[Any]) -> dict[str, Any]:
    """One page of an ordered queryset: `items` are rows, to be rendered by the caller."""
    page, page_size = page_number_of(request), page_size_of(request)
    start = (page - 1) * page_size
    return {
        "items": list(rows[start : start + page_size]),
        "page": page,
        "page_size": page_size,
        "total": rows.count(),
    }
