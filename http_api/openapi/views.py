"""`/api/schema` and `/api/docs`."""

from django.http import HttpRequest, HttpResponse
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer

from http_api.openapi.document import document_bytes
from http_api.public.site import only_safe


@only_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return HttpResponse(document_bytes(), content_type="application/json")


class _Docs(SpectacularSwaggerSplitView):
    """Swagger UI with its script at an address of its own, as a strict content policy wants it."""

    schema = None  # It has no place in the document.
    renderer_classes = [TemplateHTMLRenderer]


docs = only_safe(_Docs.as_view())
