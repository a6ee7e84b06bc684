"""The raw body of a request: who reads it decides by its own struct (`kernel.decoding`)."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from kernel.errors import PayloadTooLarge, UnsupportedMediaType

BODY_LIMIT_BYTES = 1024 * 1024


class BodyParser:
    """A DRF parser that leaves the body alone: each view decodes it into its own struct."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> dict[str, Any]:
        """Never used for data; present because DRF wants a parser."""
        return {}


def body_of(request: Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """The raw body of a request that says it is JSON.

    Raises UnsupportedMediaType, PayloadTooLarge.
    """
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise UnsupportedMediaType(_("The body must be JSON: send Content-Type: application/json."))
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
        if declared > limit_bytes:
            raise PayloadTooLarge(_("The body is over {limit} bytes."), limit=limit_bytes)
        body = _chunked(request, limit_bytes) if _is_chunked(request) else request._request.body
    except (RequestDataTooBig, ValueError) as error:
        raise PayloadTooLarge(_("The body is over {limit} bytes."), limit=limit_bytes) from error
    if len(body) > limit_bytes:
        raise PayloadTooLarge(_("The body is over {limit} bytes."), limit=limit_bytes)
    return body


def _is_chunked(request: Request) -> bool:
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def _chunked(request: Request, limit_bytes: int) -> bytes:
    """A body without a declared length, which Django would take for an empty one."""
    return bytes(request.META["wsgi.input"].read(limit_bytes + 1))
