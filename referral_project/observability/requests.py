"""One look at every request: counted and timed by route, and one access line for those worth it."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Histogram

from referral_project.observability.caller import current_request

logger = logging.getLogger("access")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
REQUESTS = Histogram(
    "referral_http_request_seconds",
    "Duration of HTTP requests, by route pattern, method and status; its count is their number.",
    ["route", "method", "status"],
    buckets=BUCKETS,
)


class ObserveMiddleware:
    """Counts, times and, where ACCESS_LOG says so, logs. No query, no body, no header is read for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        # Finding a child among the labels takes longer than counting.
        self._children: dict[tuple[str, str, int], Any] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Wrap one request."""
        started = time.perf_counter()
        token = current_request.set(request)
        try:
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            self._count(request, response.status_code, seconds)
            if is_told(response.status_code, seconds):
                _tell(request, response.status_code, seconds)
        finally:
            current_request.reset(token)
        return response

    def _count(self, request: HttpRequest, status: int, seconds: float) -> None:
        match = request.resolver_match
        key = (match.route if match else "", request.method or "", status)
        child = self._children.get(key)
        if child is None:
            route, method, _ = key
            # A name that somebody made up must not become a time series.
            known = method if method in METHODS else "other"
            child = REQUESTS.labels(route or "none", known, status)
            if known == method:
                self._children[key] = child
        child.observe(seconds)


def is_told(status: int, seconds: float) -> bool:
    """Whether a request gets an access line."""
    if settings.ACCESS_LOG == "errors":
        return status >= 400 or seconds >= settings.ACCESS_LOG_SLOW_SECONDS
    return bool(settings.ACCESS_LOG == "all")


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    match = request.resolver_match
    fields = {
        "method": (request.method or "")[:16],
        "route": match.route if match else None,
        "path": request.path[:200],
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
    }
    logger.log(logging.ERROR if status >= 500 else logging.INFO, "request", extra=fields)
