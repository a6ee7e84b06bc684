"""The numbers in the menu: how many rewards need a person, by kind.

The menu stands on every page, so they are counted once a page, by indexes and up to a limit, and only for
those who may look at rewards: the theme asks for the number of an entry when it shows the entry.
"""

from django.http import HttpRequest

from rewards.support.review.rewards import FAILED, IN_DOUBT, STUCK, review_counts
from rewards.support.review.wording import count_text


def _counted(request: HttpRequest, kind: str) -> str:
    """The number of one kind, empty when there is none; a page counts once."""
    counts: dict[str, int] | None = getattr(request, "review_counts", None)
    if counts is None:
        counts = review_counts()
        # The request carries them to the other entries.
        request.review_counts = counts  # type: ignore[attr-defined]
    return count_text(counts[kind]) if counts[kind] else ""


def failed(request: HttpRequest) -> str:
    """How many have failed."""
    return _counted(request, FAILED)


def in_doubt(request: HttpRequest) -> str:
    """How many have been in doubt for long."""
    return _counted(request, IN_DOUBT)


def stuck(request: HttpRequest) -> str:
    """How many do not get on."""
    return _counted(request, STUCK)
