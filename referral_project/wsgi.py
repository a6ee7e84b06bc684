"""The WSGI application that granian or gunicorn serves."""

import gc
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_project.settings")

INTERNAL = "/api/referral/v1/internal/"
# New objects after which the youngest are looked through for rings that nobody uses any longer.
GARBAGE_THRESHOLD = 20_000


def _application() -> Callable[..., Iterable[bytes]]:
    """Two handlers of the same addresses: a short one for calls of services, and one for everybody else."""
    everything = get_wsgi_application()
    from referral_project.internal_handler import InternalHandler  # noqa: PLC0415 - needs the settings

    internal = InternalHandler()
    # What is loaded by now stays; the garbage collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    # A call of a service makes hardly any rings: Python's usual 700 new objects are those of a few calls.
    gc.set_threshold(GARBAGE_THRESHOLD)

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        handler = internal if environ["PATH_INFO"].startswith(INTERNAL) else everything
        return handler(environ, start_response)

    return application


application = _application()
