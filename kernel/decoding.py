"""JSON in: typed, strict and with decimals kept.

Bodies are decoded by msgspec straight into structs, so an amount never passes through a float. Whatever is
wrong becomes `validation_error` with the path of the field.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar, cast

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from kernel.errors import InvalidJson, Text, ValidationFailed

METADATA_LIMIT_BYTES = 8 * 1024
AHEAD_LIMIT = timedelta(minutes=5)
AMOUNT_INTEGER_DIGITS = 12
FINEST = Decimal("1e-9")
WIDE = Context(prec=60)
METADATA_DEPTH = 32
METADATA_EXPONENT = 300

ID_PATTERN = r"^[!-~]{1,64}\Z"
CODE_PATTERN = r"^[a-z0-9_-]{3,64}\Z"
EVENT_TYPE_PATTERN = r"^[a-z][a-z0-9_]{1,63}\Z"

Identifier = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
ExternalEventId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,128}\Z")]
CampaignCode = Annotated[str, msgspec.Meta(pattern=CODE_PATTERN)]
EventType = Annotated[str, msgspec.Meta(pattern=EVENT_TYPE_PATTERN)]
ReferralCode = Annotated[str, msgspec.Meta(max_length=64)]

# What a person is told in place of a regular expression.
SHAPES = {
    ID_PATTERN: _("must be 1 to 64 printable ASCII characters without spaces"),
    r"^[!-~]{1,128}\Z": _("must be 1 to 128 printable ASCII characters without spaces"),
    CODE_PATTERN: _("must be 3 to 64 characters of a-z, 0-9, _ and -"),
    EVENT_TYPE_PATTERN: _("must be 2 to 64 characters of a-z, 0-9 and _, beginning with a letter"),
}

Struct = TypeVar("Struct")
# What a number whose exponent no decimal can hold is read as: every check of a range refuses it.
OUT_OF_RANGE = Decimal("1e9999")


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        return OUT_OF_RANGE


_read_any = msgspec.json.Decoder(Any, float_hook=_exact).decode
_PATH = re.compile(r"^(?P<problem>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]+)`$")
_REGEX = re.compile(r"matching regex '(?P<regex>.*)'$", re.DOTALL)
_LENGTH = re.compile(r"^Expected `(?:str|array)` of length (?P<bound>>=|<=) (?P<length>\d+)$")
_TYPE = re.compile(r"^Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`$")
_TYPES = {
    "str": _("a text"),
    "int": _("a whole number"),
    "float": _("a number"),
    "bool": _("true or false"),
    "array": _("a list"),
    "object": _("an object"),
    "null": _("null"),
}


def decoder(struct: type[Struct], *, later: str = "") -> Callable[[bytes], Struct]:
    """A function that decodes a body into `struct`, made once per struct.

    `later` is a field whose content is decoded, and searched for NUL, on its own later. The function raises
    InvalidJson or ValidationFailed.
    """
    read = msgspec.json.Decoder(struct, float_hook=_exact).decode

    def decode(body: bytes) -> Struct:
        try:
            decoded = read(body)
            if not body.isascii():
                body.decode()  # The decoder does not look into fields that it skips.
        except msgspec.ValidationError as error:
            raise validation_failed(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidJson(_("The body is not valid JSON: {error}."), error=error) from None
        if b"\\u0000" in body:
            try:
                fields = cast(dict[str, Any], _read_any(body))
                refuse_nul({name: value for name, value in fields.items() if name != later}, "")
            except (msgspec.DecodeError, RecursionError):
                raise ValidationFailed.of("body", _("must not contain a NUL character")) from None
        return decoded

    return decode


def validation_failed(text: str) -> ValidationFailed:
    """Turn msgspec's sentence into the contract's field path and a person's words."""
    match = _PATH.match(text)
    problem, path = (match["problem"], match["path"] or "") if match else (text, "")
    if missing := _MISSING.match(problem):
        field = missing["field"]
        return ValidationFailed.of(f"{path}.{field}" if path else field, _("is required"))
    if not path:
        said = _("The body must be a JSON object.") if "Expected `object`" in problem else problem
        return ValidationFailed(said, {"body": [said]})
    return ValidationFailed.of(path, _said_of_field(problem))


def _said_of_field(problem: str) -> Text:
    """msgspec's sentence about a field in our words, which exist in every language."""
    if shape := _REGEX.search(problem):
        # msgspec quotes the pattern as Python would write it.
        return SHAPES.get(shape["regex"].replace("\\\\", "\\"), _("has the wrong form"))
    if kind := _TYPE.match(problem):
        wanted = [_TYPES.get(name, name) for name in kind["wanted"].split(" | ")]
        got = _TYPES.get(kind["got"], kind["got"])
        if len(wanted) == 2:
            sentence = _("must be {wanted} or {other}, not {got}")
            return format_lazy(sentence, wanted=wanted[0], other=wanted[1], got=got)
        return format_lazy(_("must be {wanted}, not {got}"), wanted=wanted[0], got=got)
    if length := _LENGTH.match(problem):
        at_least = length["bound"] == ">="
        sentence = (
            _("must not be shorter than {length}") if at_least else _("must not be longer than {length}")
        )
        return format_lazy(sentence, length=length["length"])
    if problem.startswith("Invalid enum value"):
        return _("is none of the possible values")
    return problem[:1].lower() + problem[1:]


def refuse_nul(value: Any, path: str) -> None:
    """Refuse a NUL character in any text of a decoded body. Raises ValidationFailed with its path."""
    if isinstance(value, str):
        if "\x00" in value:
            raise ValidationFailed.of(path or "body", _("must not contain a NUL character"))
    elif isinstance(value, dict):
        for key, inner in value.items():
            refuse_nul(key, path)
            refuse_nul(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            refuse_nul(inner, f"{path}[{index}]")


class TimeRefused(ValidationFailed):
    """A time that is none, or that cannot be meant; `why` says so by code, for those who keep it."""

    def __init__(self, field: str, why: str, problem: Text) -> None:
        super().__init__("{field}: {problem}", {field: [problem]}, field=field, problem=problem)
        self.why = why


def time_of(field: str, text: str) -> datetime:
    """A time on the wire as UTC. Raises TimeRefused when it is no time or has no offset."""
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        problem = _("must be an ISO 8601 time such as 2025-01-02T09:00:00Z")
        raise TimeRefused(field, "not_a_time", problem) from None
    if moment.tzinfo is None:
        raise TimeRefused(field, "no_offset", _("must have an offset such as Z or +02:00"))
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise TimeRefused(field, "outside_calendar", _("lies outside the calendar")) from None


def moment_of(field: str, text: str, *, now: datetime) -> datetime:
    """When something happened, as UTC.

    Raises TimeRefused as `time_of` does, and when it lies more than five minutes ahead of `now`.
    """
    moment = time_of(field, text)
    if moment > now + AHEAD_LIMIT:
        raise TimeRefused(field, "in_future", _("lies more than 5 minutes in the future"))
    return moment


def amount_of(field: str, value: Any) -> Decimal | None:
    """An amount on the wire, as decoded without a type, as an exact decimal.

    Takes numbers and strings of digits, at most 12 before and 9 after the point. Raises ValidationFailed.
    """
    if value is None:
        return None
    text = isinstance(value, str) and re.fullmatch(r"-?\d{1,40}(\.\d{1,40})?", value, re.ASCII)
    number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not (text or number):
        raise ValidationFailed.of(field, _('must be a number such as 500 or "500.25"'))
    amount = Decimal(value)
    if amount < 0:
        raise ValidationFailed.of(field, _("must not be negative"))
    if amount == 0:
        return Decimal(0)
    too_large = amount.adjusted() >= AMOUNT_INTEGER_DIGITS
    if too_large or amount != (exact := amount.quantize(FINEST, context=WIDE)):
        raise ValidationFailed.of(field, _("must have at most 12 digits before and 9 after the point"))
    return exact


def metadata_of(
    field: str, raw: msgspec.Raw, *, limit_bytes: int = METADATA_LIMIT_BYTES
) -> dict[str, Any] | None:
    """Free JSON of the caller, decoded with decimals kept; None when absent.

    Raises ValidationFailed unless it is an object of at most `limit_bytes` whose numbers a database can hold.
    """
    data = bytes(raw)
    if data in (b"", b"null"):
        return None
    if len(data) > limit_bytes:
        raise ValidationFailed.of(field, _("must be at most {limit} bytes of JSON"), limit=limit_bytes)
    try:
        metadata = _read_any(data)
    except (msgspec.DecodeError, RecursionError):
        raise ValidationFailed.of(
            field, _("must be valid JSON with less nesting and no broken characters")
        ) from None
    if not isinstance(metadata, dict):
        raise ValidationFailed.of(field, _("must be an object"))
    _refuse_unstorable(metadata, field)
    return metadata


def _refuse_unstorable(value: Any, path: str, depth: int = 0) -> None:
    """Refuse what PostgreSQL's jsonb cannot keep: NUL, numbers out of range, very deep nesting."""
    if depth > METADATA_DEPTH:
        raise ValidationFailed.of(path, _("is nested more than {most} levels deep"), most=METADATA_DEPTH)
    if isinstance(value, str):
        refuse_nul(value, path)
    elif isinstance(value, int | Decimal) and abs(Decimal(value).adjusted()) > METADATA_EXPONENT:
        raise ValidationFailed.of(path, _("is a number out of range"))
    elif isinstance(value, dict):
        for key, inner in value.items():
            refuse_nul(key, path)
            _refuse_unstorable(inner, f"{path}.{key}", depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_unstorable(inner, f"{path}[{index}]", depth + 1)
