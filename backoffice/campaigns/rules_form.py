"""The rules as a table of typed fields: a row for each key, a column for each level."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.formats import get_format
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns.rules.entries import LIMITS, NAMES, entries_of, is_default, rules_of
from campaigns.rules.families import FAMILIES
from campaigns.rules.roles import PRO, VIP
from campaigns.rules.schema import LEVELS, LIMIT_KEYS, LOCK
from campaigns.rules.wording import BEFORE_ROLE, KEYS, ROLES, SECTIONS, value_text
from kernel.errors import Details

PATH = "reward_rules."
NEED_AMOUNT = ("points_percent", "g2a_percent", "min_amount")
WHOLE = ("points_per_", "max_points_", "max_events_", "budget_points", "hold_days")
GROUPS = (
    (_("Fixed amounts"), tuple(f"{unit}_per_{family}" for unit in ("points", "g2a") for family in FAMILIES)),
    (_("Percentage of the amount"), NEED_AMOUNT),
    (_("Maximum per event"), ("max_points_per_event", "max_g2a_per_event")),
    (_("Payout conditions"), ("locked_until_role", "before_role", "hold_days")),
)


class NumberEntry(forms.CharField):
    """A number as people type it; what is no number stays a text, for the rules to refuse."""

    def clean(self, value: Any) -> Any:
        """A whole number, a text with a decimal point, or what was typed; None when nothing was."""
        typed = super().clean(value)
        text = re.sub(r"\s", "", typed)
        if get_format("DECIMAL_SEPARATOR") == ",":
            text = text.replace(",", ".")
        if re.fullmatch(r"-?\d{1,30}", text, re.ASCII):
            return int(text)
        return (text if re.fullmatch(r"-?\d+\.\d+", text, re.ASCII) else typed) or None


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of the table: its input, or its value for somebody who may only look."""

    field: forms.BoundField
    section: str
    key: str
    text: str

    @property
    def title(self) -> Any:
        """What its column is called."""
        return SECTIONS[self.section].label

    @property
    def short_label(self) -> Any:
        """What its key is called."""
        return KEYS[self.key].label

    @property
    def is_limit(self) -> bool:
        """Limits stand alone, each with a label of its own."""
        return self.section == LIMITS

    @property
    def problem_id(self) -> str:
        """The place of its problems, which the input names as its description."""
        return f"problem-{self.field.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One key at every level. `family` and `needs_amount` say for which events it is of use."""

    key: str
    label: Any
    help: Any
    family: str
    needs_amount: bool
    cells: list[Cell]

    @property
    def is_filled(self) -> bool:
        """Whether any level says something here."""
        return any(cell.field.value() not in (None, "", LOCK) or cell.field.errors for cell in self.cells)


class RulesForm(forms.Form):
    """Every key of the rules as a field of its own, named by its entry."""

    def __init__(self, data: Any, *, rules: Mapping[str, Any]) -> None:
        super().__init__(data, prefix="rules", initial=texts_of(rules))
        self.saved = entries_of(rules)
        self.fields.update({name: _field(name) for name in NAMES})
        self.section_errors: dict[str, list[str]] = {}

    @property
    def entries(self) -> dict[str, Any]:
        """What was typed, by entry; empty ones and spelled-out defaults are left out."""
        cleaned = getattr(self, "cleaned_data", {})
        return {
            name: value
            for name, value in cleaned.items()
            if value not in (None, "") and not is_default(name, value)
        }

    def rules(self) -> dict[str, Any]:
        """What was typed as rules, not yet checked."""
        return rules_of(self.entries)

    def texts(self) -> dict[str, str]:
        """What was typed, as texts; to be compared with `texts_of` stored rules."""
        return {name: str(value) for name, value in self.entries.items()}

    def tell(self, details: Details) -> None:
        """Put each problem of the rules beside its field, or above the column that it is about."""
        for path, sentences in details.items():
            name = path.removeprefix(PATH).removeprefix("levels.")
            # The one thing that can be wrong with a choice of this row.
            alone = name.endswith(".before_role")
            texts = [gettext("Choose the role above first.")] if alone else list(map(str, sentences))
            if name in self.fields:
                self.add_error(name, texts)
            else:
                self.section_errors.setdefault(name, []).extend(texts)

    @property
    def has_problems(self) -> bool:
        """Whether any field or column has been told of."""
        return bool(self.errors or self.section_errors)

    def groups(self) -> list[tuple[Any, list[Row]]]:
        """The rows of the levels, under their headings."""
        return [(title, [self._row(key) for key in keys]) for title, keys in GROUPS]

    def limits(self) -> list[Cell]:
        """The fields of limits and budgets."""
        return [self._cell(LIMITS, key) for key in LIMIT_KEYS]

    def columns(self) -> list[tuple[str, Any, list[str]]]:
        """The levels with what is wrong with each as a whole."""
        return [(level, SECTIONS[level], self.section_errors.get(level, [])) for level in LEVELS]

    def _row(self, key: str) -> Row:
        unit, _, family = key.partition("_per_")
        return Row(
            key=key,
            label=KEYS[key].label,
            help=KEYS[key].help,
            family=family if unit in ("points", "g2a") else "",
            needs_amount=key in NEED_AMOUNT,
            cells=[self._cell(level, key) for level in LEVELS],
        )

    def _cell(self, section: str, key: str) -> Cell:
        name = f"{section}.{key}"
        return Cell(self[name], section, key, value_text(key, self.saved.get(name)))


def texts_of(rules: Mapping[str, Any]) -> dict[str, str]:
    """Stored rules as the texts that the form shows."""
    return {name: str(value) for name, value in entries_of(rules).items() if name in NAMES}


def _field(name: str) -> forms.Field:
    section, _dot, key = name.partition(".")
    words = KEYS[key]
    label = format_lazy("{} – {}", SECTIONS[section].label, words.label)
    attrs = {"autocomplete": "off", "aria-describedby": f"help-{key} problem-{name}"}
    if key == "locked_until_role":
        choices = [("", _("No role required")), (VIP, ROLES[VIP]), (PRO, ROLES[PRO])]
    elif key == "before_role":
        choices = list(BEFORE_ROLE.items())
    else:
        keyboard = "numeric" if key.startswith(WHOLE) else "decimal"
        widget = UnfoldAdminTextInputWidget(attrs={**attrs, "inputmode": keyboard, "maxlength": 40})
        return NumberEntry(required=False, label=label, help_text=words.help, widget=widget)
    return forms.ChoiceField(
        required=False,
        choices=choices,
        label=label,
        help_text=words.help,
        widget=UnfoldAdminSelectWidget(attrs=attrs),
    )
