"""How the calls of services are served: Django's handler, without the middleware that is made for people."""

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler

PLAIN_ANSWER = "http_api.kit.middleware.PlainAnswerMiddleware"


class InternalHandler(WSGIHandler):
    """Services have no cookies, sessions or languages, so nothing looks for them.

    What others have put in front of the usual list, as OpenTelemetry does, stands in front of this one, too.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Django reads the list from the settings once, here."""
        usual = settings.MIDDLEWARE
        kept = [name for name in usual if name not in settings.MADE_FOR_PEOPLE]
        settings.MIDDLEWARE = [*kept, PLAIN_ANSWER]
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = usual
