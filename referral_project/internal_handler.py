"""How the calls of services are served: Django's request and views, and as little as possible around them."""

from typing import Any, cast

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, get_resolver

# Addresses with nothing variable in them; there are fewer than this.
MOST_ADDRESSES = 32


class InternalHandler(WSGIHandler):
    """Loads INTERNAL_MIDDLEWARE, sends no request signals, and hands over whole answers.

    Of what listens to the signals only the look at the database connection concerns these calls; it is taken
    here. A list is what web servers send on at once, a response is something they ask for chunks.
    """

    def __init__(self) -> None:
        self._matches: dict[str, ResolverMatch] = {}
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """Django reads the list from the settings once, here."""
        usual = settings.MIDDLEWARE
        settings.MIDDLEWARE = settings.INTERNAL_MIDDLEWARE
        try:
            super().load_middleware(is_async)
        finally:
            settings.MIDDLEWARE = usual

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve one request; returns its answer's bytes in a list."""
        connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()
        # Past `get_response`, which chooses among sets of addresses and logs what ObserveMiddleware logs.
        # The stubs do not know where Django keeps the chain that `load_middleware` makes.
        chain = self._middleware_chain  # type: ignore[attr-defined]
        response = cast(HttpResponse, chain(self.request_class(environ)))
        start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return [response.content]

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Find the view; an address that names nobody is looked for once."""
        path = request.path_info
        match = self._matches.get(path)
        if match is None:
            match = get_resolver().resolve(path)
            if not match.kwargs and len(self._matches) < MOST_ADDRESSES:
                self._matches[path] = match
        request.resolver_match = match
        return match
