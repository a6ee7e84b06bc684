"""What has changed between two OpenAPI documents, and whether a caller of the older one would notice.

Breaking for a request is what forbids something that was allowed; breaking for an answer is what takes away
something that was promised. Descriptions and examples may change freely.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SILENT = ("description", "example", "examples", "summary", "tags", "title", "links")
LOWER_IS_STRICTER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
HIGHER_IS_STRICTER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
METHODS = ("get", "post", "put", "patch", "delete")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `breaking` when a caller that obeys the older document may fail."""

    where: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{'BREAKING ' if self.breaking else ''}{self.where}: {self.what}"


def changes_between(old: Json, new: Json) -> list[Change]:
    """Every difference that is more than words, breaking ones first."""
    found = list(_Comparison(old, new).changes())
    return sorted(dict.fromkeys(found), key=lambda change: (not change.breaking, change.where, change.what))


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self.old, self.new = old, new

    def changes(self) -> Iterator[Change]:
        """Operation by operation."""
        before, after = _operations(self.old), _operations(self.new)
        for where in before.keys() - after.keys():
            yield Change(where, "the call is gone", True)
        for where in after.keys() - before.keys():
            yield Change(where, "a new call", False)
        for where in before.keys() & after.keys():
            yield from self._operation(where, before[where], after[where])

    def _operation(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        if old.get("operationId") != new.get("operationId"):
            yield Change(where, "another operationId: generated clients name it otherwise", True)
        for entry in old.get("security", []):
            if entry not in new.get("security", []):
                yield Change(where, f"can no longer be called with {' and '.join(entry) or 'no token'}", True)
        yield from self._parameters(where, _parameters(old), _parameters(new))
        yield from self._request_body(where, _content(old.get("requestBody")), new)
        yield from self._responses(where, old["responses"], new["responses"])

    def _parameters(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        for name in old.keys() - new.keys():
            yield Change(where, f"parameter {name} is gone", True)
        for name in new.keys() - old.keys():
            yield Change(where, f"a new parameter {name}", bool(new[name].get("required")))
        for name in old.keys() & new.keys():
            if new[name].get("required") and not old[name].get("required"):
                yield Change(where, f"parameter {name} has become required", True)
            yield from self._shapes(f"{where} {name}", old[name]["schema"], new[name]["schema"], asked=True)

    def _request_body(self, where: str, old: Json, operation: Json) -> Iterator[Change]:
        new = _content(operation.get("requestBody"))
        for media in old.keys() - new.keys():
            yield Change(where, f"no longer takes a body of {media}", True)
        for media in new.keys() - old.keys():
            yield Change(where, f"takes a body of {media}", not old)
        for media in old.keys() & new.keys():
            yield from self._shapes(f"{where} body", old[media]["schema"], new[media]["schema"], asked=True)

    def _responses(self, where: str, old: Json, new: Json) -> Iterator[Change]:
        for status in old.keys() - new.keys():
            yield Change(where, f"no longer answers {status}", status < "300")
        for status in new.keys() - old.keys():
            yield Change(where, f"may answer {status}", False)
        for status in old.keys() & new.keys():
            before = _content(_resolved(self.old, old[status]))
            after = _content(_resolved(self.new, new[status]))
            for media in before.keys() - after.keys():
                yield Change(where, f"no longer answers {status} as {media}", True)
            for media in before.keys() & after.keys():
                place = f"{where} {status}"
                yield from self._shapes(place, before[media]["schema"], after[media]["schema"], asked=False)

    def _shapes(
        self, where: str, old: Any, new: Any, *, asked: bool, seen: tuple[str, ...] = ()
    ) -> Iterator[Change]:
        """Compare two schemas; `asked` when the caller sends it, else the caller reads it."""
        pair = f"{old.get('$ref')} {new.get('$ref')}"
        if "$ref" in old and pair in seen:
            return
        seen = (*seen, pair)
        old, new = _plain(self.old, old), _plain(self.new, new)
        yield from self._keywords(where, old, new, asked=asked)
        before, after = old.get("properties", {}), new.get("properties", {})
        required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before.keys() - after.keys():
            yield Change(f"{where}.{name}", "the field is gone", True)
        for name in after.keys() - before.keys():
            yield Change(f"{where}.{name}", "a new field", asked and name in required_after)
        for name in before.keys() & after.keys():
            if name in required_after - required_before:
                yield Change(f"{where}.{name}", "is always there now", asked)
            if name in required_before - required_after:
                yield Change(f"{where}.{name}", "is not always there any more", not asked)
            yield from self._shapes(f"{where}.{name}", before[name], after[name], asked=asked, seen=seen)
        if isinstance(old.get("items"), Mapping) and isinstance(new.get("items"), Mapping):
            yield from self._shapes(f"{where}[]", old["items"], new["items"], asked=asked, seen=seen)
        yield from self._alternatives(where, old, new, asked=asked, seen=seen)

    def _alternatives(
        self, where: str, old: Json, new: Json, *, asked: bool, seen: tuple[str, ...]
    ) -> Iterator[Change]:
        before, after = old.get("anyOf", []), new.get("anyOf", [])
        if len(before) == len(after):
            for number, (one, other) in enumerate(zip(before, after, strict=True)):
                place = where if len(before) == 2 and {"type": "null"} in before else f"{where}|{number + 1}"
                yield from self._shapes(place, one, other, asked=asked, seen=seen)
        else:
            yield Change(where, "other alternatives", asked == (len(after) < len(before)))

    @staticmethod
    def _keywords(where: str, old: Json, new: Json, *, asked: bool) -> Iterator[Change]:
        handled = {"properties", "required", "items", "anyOf", *SILENT}
        for key in sorted((old.keys() | new.keys()) - handled):
            if old.get(key) != new.get(key):
                stricter = _is_stricter(key, old.get(key), new.get(key))
                breaking = stricter is None or stricter == asked
                yield Change(where, f"{key} was {old.get(key)!r} and is {new.get(key)!r}", breaking)


def _is_stricter(key: str, old: Any, new: Any) -> bool | None:
    """Whether fewer values pass; None when that cannot be told."""
    if key == "default":
        return None
    if new is None or old is None:
        return old is None
    if key in LOWER_IS_STRICTER:
        return bool(new < old)
    if key in HIGHER_IS_STRICTER:
        return bool(new > old)
    if key == "enum":
        if set(new) < set(old):
            return True
        return False if set(old) < set(new) else None
    return None


def _operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, entry in document["paths"].items()
        for method, operation in entry.items()
        if method in METHODS
    }


def _parameters(operation: Json) -> dict[str, Json]:
    return {f"{entry['in']} {entry['name']}": entry for entry in operation.get("parameters", [])}


def _content(part: Json | None) -> Json:
    return part.get("content", {}) if part else {}


def _resolved(document: Json, part: Any) -> Any:
    while "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _plain(document: Json, part: Any) -> dict[str, Any]:
    """A schema with its reference followed and its `allOf` merged."""
    plain = dict(_resolved(document, part))
    for entry in plain.pop("allOf", []):
        plain = _merged(plain, _plain(document, entry))
    return plain


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = {**one, **other}
    merged["properties"] = {**one.get("properties", {}), **other.get("properties", {})}
    merged["required"] = [*one.get("required", []), *other.get("required", [])]
    return merged
