"""DRF's rendering and negotiation: there is one format, so nothing is negotiated."""

from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from kernel.rendering import dumps


class JsonRenderer(BaseRenderer):
    """The only renderer of the API."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Render an answer; no content stays empty."""
        return b"" if data is None else dumps(data)


class OnlyJson(BaseContentNegotiation):
    """Content negotiation without the negotiation: whatever is asked for, JSON is answered."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first parser; media types are checked where the body is decoded."""
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first renderer."""
        return renderers[0], renderers[0].media_type
