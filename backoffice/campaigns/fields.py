"""Form fields for what plain Django fields would bend: exact JSON, lists of event types, scopes."""

import json
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.rules.families import PURCHASES_BY_MODULE


class CodeWidget(UnfoldAdminTextareaWidget):
    """A textarea for JSON: equally wide letters and no spell checker."""

    def __init__(self, rows: int) -> None:
        look = {"spellcheck": "false", "autocomplete": "off", "class": "campaign-code"}
        super().__init__(attrs={"rows": rows, **look})


class ExactJSONField(forms.CharField):
    """A JSON object in a textarea: numbers stay decimals, a key that stands twice is refused."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(required=False, strip=True, widget=CodeWidget(rows), **options)

    def prepare_value(self, value: Any) -> Any:
        """Stored data as indented JSON; what was typed as it was typed."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=False, indent=2)

    def clean(self, value: Any) -> Any:
        """The decoded object, an empty one when nothing was typed."""
        text = super().clean(value)
        return exact_json(text) if text else {}

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the data differ; spaces and the order of keys do not count."""
        try:
            return bool((exact_json(data) if data and data.strip() else {}) != (initial or {}))
        except forms.ValidationError:
            return True


def exact_json(text: str) -> Any:
    """Decode JSON without floats. Raises a form's ValidationError that says where it is broken."""
    try:
        return json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        raise forms.ValidationError(
            _("Invalid JSON: check line %(line)s, column %(column)s.")
            % {"line": error.lineno, "column": error.colno}
        ) from None
    except (ValueError, RecursionError):
        raise forms.ValidationError(_("Numbers are too large or nesting is too deep.")) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise forms.ValidationError(_("The key “%s” appears twice in one object.") % key)
        found[key] = value
    return found


class EventTypesField(forms.CharField):
    """Names of event types with commas, spaces or line breaks between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=UnfoldAdminTextInputWidget(), **options)

    def prepare_value(self, value: Any) -> Any:
        """Stored names with commas between them."""
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """The list of names."""
        return _names(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the names differ."""
        return _names(data or "") != list(initial or [])


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split()


SCOPE_LABELS = {
    "module": gettext_lazy("Module"),
    "country_id": gettext_lazy("Country ID"),
    "city_id": gettext_lazy("City ID"),
    "rf_partner_id": gettext_lazy("Partner ID"),
}
ANY = gettext_lazy("any")
MODULES = {
    "quest": gettext_lazy("Quest"),
    "voucher": gettext_lazy("Voucher"),
    "rielt": gettext_lazy("Rielt"),
}


class ScopeWidget(forms.MultiWidget):
    """An input for each key of a scope."""

    template_name = "backoffice/scope.html"

    def __init__(self) -> None:
        modules = [("", ANY), *((name, MODULES[name]) for name in PURCHASES_BY_MODULE)]
        inputs = {
            "module": UnfoldAdminSelectWidget(attrs={"title": SCOPE_LABELS["module"]}, choices=modules),
            **{
                key: UnfoldAdminTextInputWidget(
                    attrs={"title": label, "maxlength": 64, "autocomplete": "off", "placeholder": ANY}
                )
                for key, label in SCOPE_LABELS.items()
                if key != "module"
            },
        }
        super().__init__(inputs)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What the template shows; a module that we do not know stays as it is stored."""
        values = value if isinstance(value, list) else self.decompress(value)
        modules: Any = self.widgets[0]
        if values[0] and values[0] not in dict(modules.choices):
            modules.choices = [*modules.choices, (values[0], values[0])]
        return super().get_context(name, values, attrs)

    def decompress(self, value: Any) -> list[Any]:
        """The values of a stored scope, by input."""
        return [(value or {}).get(key) for key in SCOPE_LABELS]


class ScopeField(forms.Field):
    """Which events belong to a campaign: each key that is filled in narrows it."""

    widget = ScopeWidget

    def clean(self, value: Any) -> dict[str, Any]:
        """The scope, without the keys that are left empty."""
        texts = [str(text or "").strip() for text in value or []]
        if any("\x00" in text for text in texts):
            raise forms.ValidationError(_("Null characters are not allowed."))
        return {key: text for key, text in zip(SCOPE_LABELS, texts, strict=False) if text}

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether any key differs; a number and its digits are the same id."""
        try:
            return self.clean(data) != {key: str(value) for key, value in (initial or {}).items()}
        except forms.ValidationError:
            return True
