"""Filters of the back-office's templates."""

from decimal import Decimal
from typing import Any

from django import template

from kernel.humanize.amounts import amount_text

register = template.Library()


@register.filter
def amount(value: Any, places: int | None = None) -> str:
    """A number in the reader's grouping, rounded to so many places if any are named."""
    number = Decimal(value)
    return amount_text(number if places is None else round(number, places))
