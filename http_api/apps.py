"""The HTTP API as an app, so that Django finds its commands; it has no tables."""

from django.apps import AppConfig


class HttpApiConfig(AppConfig):
    """Addresses stand in `http_api.urls`."""

    name = "http_api"
