"""The WSGI application that granian or gunicorn serves."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_project.settings")

INTERNAL = "/api/referral/v1/internal/"


def _application() -> Callable[..., Iterable[bytes]]:
    """Two handlers of the same addresses: a short one for calls of services, and one for everybody else."""
    everything = get_wsgi_application()
    internal = _with_middleware("INTERNAL_MIDDLEWARE")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = internal if environ["PATH_INFO"].startswith(INTERNAL) else everything
        return handler(environ, start_response)

    return application


def _with_middleware(name: str) -> Callable[..., Iterable[bytes]]:
    """A handler with another list of middleware; Django reads the list once, when the handler is made."""
    from django.conf import settings  # noqa: PLC0415 - only now are the settings there
    from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415

    usual = settings.MIDDLEWARE
    settings.MIDDLEWARE = getattr(settings, name)
    try:
        return WSGIHandler()
    finally:
        settings.MIDDLEWARE = usual


application = _application()
