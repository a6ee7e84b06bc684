"""Columns for ids that belong to other services."""

from typing import Any

from django.db import models

ID_LENGTH = 64


ID_REGEX = r"^[!-~]{1,64}$"


def id_field(verbose_name: Any = None, **options: Any) -> "models.CharField[Any, Any]":
    """A column for an opaque id that another service owns."""
    return models.CharField(verbose_name, max_length=ID_LENGTH, **options)
