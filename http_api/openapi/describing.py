"""The vocabulary in which `operations` describes what a view takes and answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel.errors import DomainError

Shape = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A value in the query string, a header or the path; `shape` is its JSON Schema."""

    name: str
    description: str
    shape: Shape
    example: Any = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A 2xx or 3xx answer. Of several shapes it has one; of no shape it has no body."""

    description: str
    shapes: Sequence[Any] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    headers: Sequence[str] = ()
    other_media: Mapping[str, Shape] = field(default_factory=dict)
    # Further calls that this answer leads to: name → (operation id, parameter → runtime expression).
    links: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What one method of one view takes and answers.

    `name` is the operation id. `errors` are the refusals of this call alone: those that follow from its
    caller, body and parameters are added by themselves.
    """

    name: str
    answers: Mapping[int, Answer]
    body: Any = None
    body_required: Sequence[str] = ()
    body_examples: Mapping[str, Any] = field(default_factory=dict)
    query: Sequence[Parameter] = ()
    headers: Sequence[Parameter] = ()
    errors: Sequence[type[DomainError]] = ()
    notes: str = ""


def choice(name: str, description: str, values: Sequence[str]) -> Parameter:
    """A query parameter that is one of a few words; an empty one is as one that is not there."""
    return Parameter(name=name, description=description, shape={"type": "string", "enum": [*values, ""]})


def text(name: str, description: str, example: str, **shape: Any) -> Parameter:
    """A query parameter that is free text."""
    return Parameter(name=name, description=description, shape={"type": "string", **shape}, example=example)


def identifier(name: str, description: str) -> Parameter:
    """A query parameter that is an id of ours; an empty one is taken for an absent one."""
    shape = {"type": "string", "anyOf": [{"format": "uuid"}, {"maxLength": 0}]}
    return Parameter(name=name, description=description, shape=shape)


def whole(name: str, description: str, *, least: int, most: int, default: int) -> Parameter:
    """A query parameter that is a whole number."""
    shape = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return Parameter(name=name, description=description, shape=shape)
