"""The back-office as an app: it has pages, templates and styles, and no tables."""

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """Its pages are registered by `backoffice.admin`, which Django's admin looks for."""

    name = "backoffice"
