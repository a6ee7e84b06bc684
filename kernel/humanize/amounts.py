"""Amounts in words, for the back-office pages of every app."""

from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import ngettext


def amount_text(value: Any) -> str:
    """A number for people: in their language's grouping, without the zeros at its end."""
    number = Decimal(value)
    plain = f"{number.normalize():f}" if number else "0"
    places = len(plain.partition(".")[2])
    return str(number_format(Decimal(plain), decimal_pos=places, force_grouping=True))


def points_text(points: int) -> str:
    """A sum of points with its word."""
    return ngettext("%s point", "%s points", points) % amount_text(points)


def g2a_text(amount: Decimal | str) -> str:
    """A sum of G2A with its sign."""
    return f"{amount_text(amount)} G2A"


def amounts_text(points: int, g2a: Decimal) -> str:
    """Sums of both currencies, without those that are nothing."""
    parts = [points_text(points)] if points else []
    return ", ".join([*parts, g2a_text(g2a)] if g2a else parts) or "–"
