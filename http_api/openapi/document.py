"""The whole document: every view of the API, and the few addresses outside of it."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from django.urls import URLPattern, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.views import APIView

from http_api.kit.authentication import AdminAuthentication, ServiceAuthentication, UserAuthentication
from http_api.openapi.describing import Operation, Parameter
from http_api.openapi.operations import OPERATIONS, PATH_PARAMETERS, SITE
from http_api.openapi.rendering import (
    HEADERS,
    KINDS,
    operation_json,
    refusals_of,
    schemas_of,
    sentence_of,
    types_of,
)
from http_api.openapi.texts import INTRODUCTION, SECURITY_SCHEMES, TAGS
from kernel import errors
from kernel.errors import DomainError

VERSION = "1.0.0"
BASE = "/api/referral/v1/"
CONVERTER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")

Refusals = tuple[type[DomainError], ...]
# Who proves to be whom, and what those may hear who cannot.
CALLERS: Mapping[Any, tuple[Sequence[Mapping[str, list[str]]], Refusals]] = {
    UserAuthentication: ([{"UserToken": []}], (errors.Unauthenticated,)),
    ServiceAuthentication: ([{"ServiceToken": []}], (errors.Unauthenticated, errors.Forbidden)),
    AdminAuthentication: (
        [{"AdminToken": []}, {"StaffSession": [], "CsrfToken": []}],
        (errors.Unauthenticated, errors.Forbidden),
    ),
    None: ([], ()),
}


class Undescribed(Exception):
    """A route that `operations` does not describe."""


class DescribedSchema(AutoSchema):
    """Takes a view's description from `operations` instead of from serializers."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> dict[str, Any]:
        """The operation of one method of one view. Raises Undescribed."""
        view: Any = self.view
        operation = OPERATIONS.get((type(view), view.action))
        if operation is None:
            raise Undescribed(
                f"{method} {path} ({type(view).__name__}.{view.action}) is not described: "
                "add it to http_api/openapi/operations"
            )
        return _operation_json(
            operation,
            doc=getattr(view, view.action).__doc__ or "",
            tag=path.removeprefix(BASE).partition("/")[0],
            path_parameters=path_parameters(path_regex),
            security=CALLERS[next(iter(view.authentication_classes), None)],
            extra=(errors.Throttled,),
        )


class Generator(SchemaGenerator):
    """Finds the views and has each described by DescribedSchema."""

    def create_view(self, callback: Any, method: str, request: Any = None) -> APIView:
        """A view with our schema; DRF keeps none by itself."""
        view = super().create_view(callback, method, request)
        self._set_schema_to_view(view, DescribedSchema())
        return view


def path_parameters(route: str) -> list[Parameter]:
    """The parameters of a route as Django writes it, such as `my/links/<uuid:link_id>`."""
    return [
        Parameter(
            name=match["name"],
            description="An id of ours.",
            shape={"type": "string", "format": "uuid"},
        )
        if match["kind"] == "uuid"
        else PATH_PARAMETERS[match["name"]]
        for match in CONVERTER.finditer(route)
    ]


def _operation_json(
    operation: Operation,
    *,
    doc: str,
    tag: str,
    path_parameters: Sequence[Parameter],
    security: tuple[Sequence[Mapping[str, list[str]]], Refusals],
    extra: Refusals = (),
) -> dict[str, Any]:
    schemes, refusals = security
    if any(parameter.shape.get("format") == "uuid" for parameter in path_parameters):
        refusals = (*refusals, errors.NotFound)
    if operation.query:
        refusals = (*refusals, errors.ValidationFailed)
    return operation_json(
        operation,
        doc=doc,
        tag=tag,
        path_parameters=path_parameters,
        security=schemes,
        refusals=(*refusals, *extra),
    )


def _site_paths() -> dict[str, Any]:
    documents = {str(entry.pattern): entry.callback.__doc__ or "" for entry in _plain_addresses()}
    return {
        "/" + CONVERTER.sub(r"{\g<name>}", route): {
            "get": _operation_json(
                operation,
                doc=documents[route],
                tag="operations",
                path_parameters=path_parameters(route),
                security=(schemes, ()),
            )
        }
        for route, (operation, schemes) in SITE.items()
    }


def _plain_addresses() -> list[URLPattern]:
    return [entry for entry in get_resolver().url_patterns if isinstance(entry, URLPattern)]


def document_make() -> dict[str, Any]:
    """The document as the code stands. Raises Undescribed."""
    paths = {**Generator().get_schema(public=True)["paths"], **_site_paths()}
    operations = [*OPERATIONS.values(), *(operation for operation, _ in SITE.values())]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Referral Service",
            "version": VERSION,
            "description": INTRODUCTION.replace("%ERRORS%", _error_table()),
        },
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas_of(types_of(operations)).items())),
            "responses": refusals_of(paths),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _error_table() -> str:
    return "\n".join(f"| `{kind.code}` | {kind.http_status} | {sentence_of(kind)} |" for kind in KINDS)


def document_text() -> str:
    """The document as the file in docs/ holds it."""
    return orjson.dumps(document_make(), option=orjson.OPT_INDENT_2).decode() + "\n"


@cache
def document_bytes() -> bytes:
    """The document as it is served, made once a process."""
    return orjson.dumps(document_make())
