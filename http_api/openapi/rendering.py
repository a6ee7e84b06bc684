"""Turning descriptions into OpenAPI 3.1: operations, refusals, parameters, components."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from http_api.kit.envelope import error_body
from http_api.openapi.describing import Answer, Operation, Parameter
from kernel import errors
from kernel.schemas import Error

JSON = "application/json"
SCHEMAS = "#/components/schemas/"
RESPONSES = "#/components/responses/"
KINDS: list[type[errors.DomainError]] = sorted(
    errors.DomainError.__subclasses__(), key=lambda kind: (kind.http_status, kind.code)
)
EXAMPLE_REQUEST_ID = "01a208c6-1c36-716e-a159-76078e2d3936"
ALWAYS: tuple[type[errors.DomainError], ...] = (errors.InternalError, errors.Unavailable)
WITH_BODY: tuple[type[errors.DomainError], ...] = (
    errors.ValidationFailed,
    errors.InvalidJson,
    errors.PayloadTooLarge,
    errors.UnsupportedMediaType,
)
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "The id of this request: the caller's, or one made up here. It stands in our logs.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        "example": EXAMPLE_REQUEST_ID,
    },
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 0},
        "example": 2,
    },
    "ETag": {
        "description": "The revision of what was answered; If-Match of a change takes it.",
        "schema": {"type": "string"},
        "example": '"3"',
    },
    "WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}, "example": "Bearer"},
    "Location": {"description": "Where to go.", "schema": {"type": "string", "format": "uri-reference"}},
}
REQUEST_ID = Parameter(
    name="X-Request-Id",
    description="1 to 128 of `A-Za-z0-9._-`, echoed and logged; anything else is replaced.",
    shape={"type": "string"},
    example=EXAMPLE_REQUEST_ID,
)


def operation_json(
    operation: Operation,
    *,
    doc: str,
    tag: str,
    path_parameters: Sequence[Parameter],
    security: Sequence[Mapping[str, list[str]]],
    refusals: Sequence[type[errors.DomainError]],
) -> dict[str, Any]:
    """One operation; `doc` is the view's docstring, `refusals` what its caller may hear."""
    summary, _, rest = cleandoc(doc).partition("\n")
    rendered: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": summary.strip().rstrip("."),
        "description": "\n\n".join(part for part in (summary.strip(), rest.strip(), operation.notes) if part),
        "parameters": [
            *(_parameter("path", parameter) | {"required": True} for parameter in path_parameters),
            *(_parameter("query", parameter) for parameter in operation.query),
            *(_parameter("header", parameter) for parameter in (*operation.headers, REQUEST_ID)),
        ],
        "security": [dict(entry) for entry in security],
        "responses": _responses(operation, refusals),
    }
    if operation.body:
        rendered["requestBody"] = {"required": True, "content": {JSON: _body(operation)}}
    return rendered


def _responses(operation: Operation, refusals: Sequence[type[errors.DomainError]]) -> dict[str, Any]:
    answers = {str(status): _answer(answer) for status, answer in operation.answers.items()}
    kinds = (*operation.errors, *refusals, *ALWAYS, *(WITH_BODY if operation.body else ()))
    # A described answer with the status of a refusal, such as "not ready", takes its place.
    return answers | {status: entry for status, entry in _refusals(kinds).items() if status not in answers}


def types_of(operations: Iterable[Operation]) -> list[Any]:
    """Every type that the operations name."""
    named = [Error]
    for operation in operations:
        named += [operation.body] if operation.body else []
        named += [shape for answer in operation.answers.values() for shape in answer.shapes]
    return named


def schemas_of(types: Iterable[Any]) -> dict[str, Any]:
    """The types as components, by the library that also decodes them."""
    _, components = msgspec.json.schema_components(list(types), ref_template=SCHEMAS + "{name}")
    schemas: dict[str, Any] = _portable(components)
    return schemas


def _portable(value: Any) -> Any:
    """Patterns end with `$` in JSON Schema; what says nothing is left out."""
    if isinstance(value, dict):
        return {
            key: _portable(inner)
            for key, inner in value.items()
            if not (key == "default" and inner is None)
            and not (key == "title" and isinstance(inner, str))
            and not (key == "required" and inner == [])
        }
    if isinstance(value, list):
        return [_portable(inner) for inner in value]
    return re.sub(r"\\Z$", "$", value) if isinstance(value, str) else value


def _parameter(where: str, parameter: Parameter) -> dict[str, Any]:
    rendered = {
        "name": parameter.name,
        "in": where,
        "description": parameter.description,
        "schema": dict(parameter.shape),
    }
    return rendered if parameter.example is None else rendered | {"example": parameter.example}


def _body(operation: Operation) -> dict[str, Any]:
    shape: dict[str, Any] = {"$ref": SCHEMAS + operation.body.__name__}
    if operation.body_required:
        shape = {"allOf": [shape, {"type": "object", "required": list(operation.body_required)}]}
    return {"schema": shape, "examples": _examples(operation.body_examples)}


def _answer(answer: Answer) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "description": answer.description,
        "headers": _headers(("X-Request-Id", *answer.headers)),
    }
    content: dict[str, Any] = {media: {"schema": dict(shape)} for media, shape in answer.other_media.items()}
    if answer.shapes:
        references = [{"$ref": SCHEMAS + shape.__name__} for shape in answer.shapes]
        schema = references[0] if len(references) == 1 else {"anyOf": references}
        content = {JSON: {"schema": schema, "examples": _examples(answer.examples)}, **content}
    if content:
        rendered["content"] = content
    if answer.links:
        rendered["links"] = {
            name: {"operationId": target, "parameters": dict(parameters)}
            for name, (target, parameters) in answer.links.items()
        }
    return rendered


def _refusals(kinds: Sequence[type[errors.DomainError]]) -> dict[str, Any]:
    by_status: dict[int, list[type[errors.DomainError]]] = defaultdict(list)
    for kind in sorted(set(kinds), key=KINDS.index):
        by_status[kind.http_status].append(kind)
    return {
        str(status): {"$ref": RESPONSES + ".".join(kind.__name__ for kind in by_status[status])}
        for status in sorted(by_status)
    }


def refusals_of(paths: Mapping[str, Any]) -> dict[str, Any]:
    """The refusals that the operations refer to, as components: several calls share each."""
    names = {
        response["$ref"].removeprefix(RESPONSES)
        for path in paths.values()
        for operation in path.values()
        for response in operation["responses"].values()
        if "$ref" in response
    }
    known = {kind.__name__: kind for kind in KINDS}
    return {name: _refusal([known[part] for part in name.split(".")]) for name in sorted(names)}


def _refusal(kinds: Sequence[type[errors.DomainError]]) -> dict[str, Any]:
    status = kinds[0].http_status
    headers = ["X-Request-Id"]
    headers += ["Retry-After"] if status in (429, 503) else []
    headers += ["WWW-Authenticate"] if status == 401 else []
    codes = {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"enum": [kind.code for kind in kinds]},
                    "http_status": {"const": status},
                },
            }
        },
    }
    return {
        "description": "\n".join(f"`{kind.code}`: {sentence_of(kind)}" for kind in kinds),
        "headers": _headers(headers),
        "content": {
            JSON: {
                "schema": {"allOf": [{"$ref": f"{SCHEMAS}Error"}, codes]},
                "examples": _examples({kind.code: _example_of(kind) for kind in kinds}),
            }
        },
    }


def sentence_of(kind: type[errors.DomainError]) -> str:
    """What a refusal means: the first line of its docstring."""
    return cleandoc(kind.__doc__ or "").partition("\n")[0]


def _example_of(kind: type[errors.DomainError]) -> dict[str, Any]:
    if kind is errors.ValidationFailed:
        return error_body(
            errors.ValidationFailed.of("occurred_at", "must have an offset such as Z or +02:00"),
            EXAMPLE_REQUEST_ID,
        )
    error = kind.__new__(kind)
    errors.DomainError.__init__(error, sentence_of(kind))
    return error_body(error, EXAMPLE_REQUEST_ID)


def _headers(names: Sequence[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _examples(examples: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in examples.items()}
