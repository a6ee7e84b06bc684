"""Two people edit one campaign: what the other has changed meanwhile, and whose entry stands where.

A page carries what it was opened with. When the campaign has changed since, each input has three values:
opened, saved now, typed. Where only the other changed it, theirs is taken over; what was typed is never lost.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

Inputs = dict[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """What the page was opened with: the campaign's revision, and the value of every input."""

    revision: int
    inputs: Inputs

    def __str__(self) -> str:
        filled = {name: value for name, value in self.inputs.items() if value}
        return json.dumps({"revision": self.revision, "inputs": filled}, ensure_ascii=False)


def opened_of(text: str) -> Opened:
    """Read what a page sent back; nonsense is revision 0, which no campaign has."""
    try:
        data = json.loads(text)
        inputs = {str(name): str(value) for name, value in data["inputs"].items()}
        return Opened(int(data["revision"]), inputs)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Opened(0, {})


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a form as a browser would send it, and the field it belongs to."""

    bound: forms.BoundField
    value: str


def inputs_of(fields: Iterable[forms.BoundField]) -> dict[str, Input]:
    """Every input of these fields by its name."""
    found = {}
    for bound in fields:
        context = bound.field.widget.get_context(bound.html_name, bound.value(), {})["widget"]
        for part in context.get("subwidgets", [context]):
            found[part["name"]] = Input(bound, _sent(part))
    return found


def _sent(part: Mapping[str, Any]) -> str:
    if part.get("type") == "checkbox":
        return "on" if part["attrs"].get("checked") else ""
    value = part["value"]
    if isinstance(value, list):
        value = value[0] if value else None
    return "" if value is None else _plain(str(value))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


@dataclass(frozen=True, slots=True)
class Taken:
    """A change of the other's that stands in the form now."""

    label: Any
    was: str
    now: str


@dataclass(slots=True)
class Merge:
    """What came of it. `clashes` names the inputs that both have changed, with what is saved."""

    data: QueryDict
    taken: list[Taken] = field(default_factory=list)
    clashes: list[tuple[forms.BoundField, str]] = field(default_factory=list)


def merge(typed: QueryDict, opened: Opened, saved: Mapping[str, Input]) -> Merge:
    """Put the other's changes into what was typed, wherever nothing else was typed."""
    result = Merge(typed.copy())
    for name, now in saved.items():
        was, mine = _plain(opened.inputs.get(name, "")), _plain(typed.get(name, ""))
        if now.value in (was, mine):
            continue
        if mine == was:
            result.data[name] = now.value
            if not now.value:
                del result.data[name]
            result.taken.append(Taken(now.bound.label, shown(now.bound, was), shown(now.bound, now.value)))
        else:
            result.clashes.append((now.bound, shown(now.bound, now.value)))
    return result


def shown(bound: forms.BoundField, value: str) -> str:
    """The value of an input for people."""
    if isinstance(bound.field, forms.BooleanField):
        return _("Yes") if value else _("No")
    choices = {str(key): str(label) for key, label in getattr(bound.field, "choices", ())}
    return choices.get(value, value) or _("empty")
