"""A viewset for calls that come thousands of times a second."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.viewsets import ViewSet

from kernel.rendering import dumps


class LeanViewSet(ViewSet):
    """DRF's viewset without what an internal call has no use for on its way to an answer.

    There is one format, so nothing is negotiated; who calls is authentication's matter, which counts and
    throttles too, and what they may do is looked up by each call. Errors take DRF's usual way.
    """

    default_response_headers: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who calls."""
        self.perform_authentication(request)


def answer(data: Any) -> HttpResponse:
    """200 with JSON, rendered here and now rather than by way of DRF's template response."""
    return HttpResponse(dumps(data), content_type="application/json")
