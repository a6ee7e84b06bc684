"""Pages of lists (docs/http-api.md, Lists)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from kernel.counting import count_or_estimate
from kernel.errors import ValidationFailed

# What a caller asks for, by name: the query string of an address, or anything else of this form.
Query = Mapping[str, str]

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
# By number, every page costs reading all that come before it; by cursor it does not.
DEEPEST = 10_000


def whole_number(query: Query, name: str, default: int, *, least: int, most: int) -> int:
    """A whole number from the query string. Raises ValidationFailed naming the parameter."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise ValidationFailed.of(
            name, _("must be a whole number from {least} to {most}"), least=least, most=most
        )
    return int(text)


def one_of(query: Query, name: str, choices: Sequence[str]) -> str | None:
    """One of a few words from the query string, None when absent. Raises ValidationFailed."""
    text = query.get(name)
    if text and text not in choices:
        raise ValidationFailed.of(name, _("must be one of: {choices}"), choices=", ".join(choices))
    return text or None


def uuid_in(query: Query, name: str) -> UUID | None:
    """An id of ours from the query string, None when absent. Raises ValidationFailed."""
    text = query.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise ValidationFailed.of(name, _("must be a UUID")) from None


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list that is asked for: page `page`, from 1, of `page_size` rows.

    Fetch the rows from `start` to `end`: one more than is shown tells whether others follow.
    """

    page: int
    page_size: int

    @property
    def start(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * self.page_size

    @property
    def end(self) -> int:
        """Where to stop fetching."""
        return self.start + self.page_size + 1

    def answer(
        self, rows: Sequence[Any], count: Callable[[], int], *, from_the_top: bool = True
    ) -> dict[str, Any]:
        """The page in the form of the contract; `items` are rows, to be rendered by the caller.

        The rows are counted only when the page itself does not tell where the list ends; rows that begin
        behind a cursor (not `from_the_top`) never do.
        """
        items = list(rows[: self.page_size])
        ends_here = from_the_top and len(rows) <= self.page_size and (items or self.page == 1)
        total = self.start + len(items) if ends_here else count()
        return {"items": items, "page": self.page, "page_size": self.page_size, "total": total}

    def has_more(self, rows: Sequence[Any]) -> bool:
        """Whether other rows follow those that are shown."""
        return len(rows) > self.page_size


def window_of(query: Query, *, page_size: int = DEFAULT_PAGE_SIZE) -> Window:
    """What `page` and `page_size` ask for, at most MAX_PAGE_SIZE rows. Raises ValidationFailed."""
    return Window(
        page=whole_number(query, "page", 1, least=1, most=100_000),
        page_size=whole_number(query, "page_size", page_size, least=1, most=MAX_PAGE_SIZE),
    )


def page_of(query: Query, rows: QuerySet[Any], *, page_size: int = DEFAULT_PAGE_SIZE) -> dict[str, Any]:
    """One page of an ordered queryset: `items` are rows, to be rendered by the caller."""
    window = window_of(query, page_size=page_size)
    return window.answer(list(rows[window.start : window.end]), rows.count)


def newest_page_of(query: Query, rows: QuerySet[Any]) -> dict[str, Any]:
    """One page of a list that grows without bound, newest first, by page or behind a `cursor`.

    The cursor is the id of the last row that was shown, so new rows do not disturb it. Pages by number end
    DEEPEST rows down, and `total` is an estimate where the list is long. Raises ValidationFailed.
    """
    window, cursor = window_of(query), uuid_in(query, "cursor")
    if window.start > DEEPEST:
        raise ValidationFailed.of(
            "page", _("reaches no deeper than {deepest} rows; go on by cursor"), deepest=DEEPEST
        )
    newest = rows.order_by("-id")
    behind = newest.filter(id__lt=cursor) if cursor else newest
    found = list(behind[window.start : window.end])
    page = window.answer(found, lambda: count_or_estimate(rows), from_the_top=cursor is None)
    page["next_cursor"] = str(page["items"][-1].id) if window.has_more(found) else None
    return page
