"""Trying a campaign's rules while they are edited: a sample event, and what it would earn."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from backoffice.campaigns.forms import RULES, CampaignForm
from backoffice.campaigns.rules_form import NEED_AMOUNT, NumberEntry, texts_of
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.rules.calculation import Counters
from campaigns.rules.families import FAMILIES, PURCHASE
from campaigns.rules.preview import Sample, preview
from campaigns.rules.roles import USER, VIP
from campaigns.rules.schema import AMOUNTLESS, LEVEL_KEYS, rules_parse
from campaigns.rules.wording import KEYS, ROLES, SECTIONS
from kernel.errors import ValidationFailed
from kernel.humanize.amounts import amount_text

NOBODY = "nobody"
HAPPENINGS = {
    "registration": _("Registration"),
    "purchase": _("Purchase"),
    "onboarding": _("Partner onboarding"),
    "event": _("Custom event"),
}
# Who does it buys in purchase campaigns only.
BUYERS_ROLE, INVITED_USERS_ROLE = _("Buyer's role"), _("Invited user's role")
MOST = 10**9


def _select(label: Any, choices: Any, initial: str) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=choices, initial=initial, required=False, widget=UnfoldAdminSelectWidget()
    )


def _number(label: Any, initial: str, keyboard: str) -> NumberEntry:
    attrs = {"inputmode": keyboard, "autocomplete": "off", "maxlength": 40}
    return NumberEntry(
        label=label, initial=initial, required=False, widget=UnfoldAdminTextInputWidget(attrs=attrs)
    )


class SampleForm(forms.Form):
    """The sample event: what happens, to whom, and what has happened before."""

    family = _select(_("Event"), list(HAPPENINGS.items()), "")
    amount = _number(_("Amount"), "500", "decimal")
    referred = _select(INVITED_USERS_ROLE, list(ROLES.items()), USER)
    level1 = _select(_("Level 1 referrer"), [*ROLES.items(), (NOBODY, _("None"))], VIP)
    level2 = _select(_("Level 2 referrer"), [*ROLES.items(), (NOBODY, _("None"))], USER)
    events_of_referred = _number(_("Earlier rewarded events of this person"), "0", "numeric")
    events_of_referrer = _number(_("Earlier rewarded events of the level 1 referrer"), "0", "numeric")
    events_of_referrer_that_day = _number(_("Of these, on the same day"), "0", "numeric")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix="try")

    @classmethod
    def begun(cls) -> "SampleForm":
        """The form as a page begins with it."""
        return cls({f"try-{name}": field.initial for name, field in cls.base_fields.items()})

    def before(self) -> list[forms.BoundField]:
        """The fields about what has happened before."""
        return [self[name] for name in self.fields if name.startswith("events_")]

    def sample(self, families: set[str], spend: CampaignSpend) -> Sample:
        """The sample event, of a family that the campaign takes. Raises ValidationFailed."""
        self.full_clean()
        values = self.cleaned_data
        fitting = [family for family in FAMILIES if family in families]
        family = chosen if (chosen := str(values.get("family"))) in fitting else fitting[0]
        people = ("referred", "level1", "level2")
        return Sample(
            family=family,
            amount=None if family in AMOUNTLESS else self._amount(),
            roles={name: None if (role := values.get(name) or USER) == NOBODY else role for name in people},
            counters=Counters(
                points=spend.points,
                g2a=spend.g2a,
                **{name: self._count(name) for name in self.fields if name.startswith("events_")},
            ),
        )

    def _amount(self) -> Decimal | None:
        value = self.cleaned_data.get("amount")
        if value is None:
            return None
        try:
            amount = Decimal(value)
        except ArithmeticError:
            amount = Decimal(-1)
        if not 0 <= amount < 10**12:
            raise ValidationFailed.of("amount", str(_("Enter a number, e.g. 500 or 500.25")))
        return amount

    def _count(self, name: str) -> int:
        value = self.cleaned_data.get(name) or 0
        if not isinstance(value, int) or not 0 <= value <= MOST:
            raise ValidationFailed.of(name, str(_("Enter a whole number")))
        return value


def preview_answer(form: CampaignForm, sample_form: SampleForm) -> dict[str, Any]:
    """What the page needs to follow what is typed: the preview, which rows are of use, the other notation."""
    form.is_valid()
    cleaned = getattr(form, "cleaned_data", form.initial)
    rules, families = cleaned.get(RULES, {}), form.families
    shown = _shown(form, sample_form, rules, families)
    answer = {
        "html": render_to_string("admin/campaign_preview.html", shown),
        "summary": summary_of(shown),
        "families": sorted(families),
        "has_amount": not families <= AMOUNTLESS,
        "is_custom": form.campaign_type == ReferralCampaign.Type.CUSTOM,
        "referred_role": str(BUYERS_ROLE if families <= {PURCHASE} else INVITED_USERS_ROLE),
        "welcome": form.campaign_type != ReferralCampaign.Type.PARTNER_ONBOARDING,
    }
    if cleaned.get("rules_as_json"):
        return answer | {"fields": _texts(rules)}
    return answer | {"json": json.dumps(rules, ensure_ascii=False, indent=2, default=str)}


def useful_rows(families: set[str]) -> set[str]:
    """The keys of a level that events of these families have a use for."""
    fixed = {f"{unit}_per_{family}" for unit in ("points", "g2a") for family in FAMILIES}
    unused = fixed - {f"{unit}_per_{family}" for unit in ("points", "g2a") for family in families}
    return set(LEVEL_KEYS) - unused - (set(NEED_AMOUNT) if families <= AMOUNTLESS else set())


def _texts(rules: Any) -> dict[str, str] | None:
    """The table's texts for rules typed as JSON; None while they cannot be shown there."""
    try:
        rules_parse(rules)
    except ValidationFailed:
        return None
    return texts_of(rules)


def summary_of(shown: Mapping[str, Any]) -> str:
    """The preview in one line, which stays in sight while the rules are typed."""
    if "problems" in shown:
        return str(_("Correct the rules to see the preview."))
    texts = []
    for line in shown["preview"].lines:
        earned = ", ".join(f"{earning.amount} ({earning.when})" for earning in line.earnings)
        texts.append(f"{line.level.label}: {earned or _('nothing')}")
    happening = str(shown["happening"])
    if shown["amount"] is not None:
        happening += f", {shown['amount']}"
    return f"{happening} → {'; '.join(texts)}"


def _shown(form: CampaignForm, sample_form: SampleForm, typed: Any, families: set[str]) -> dict[str, Any]:
    spend = CampaignSpend.objects.filter(campaign=form.instance.pk).first() or CampaignSpend(
        points=0, g2a=Decimal(0)
    )
    if broken := form.errors.get(RULES):
        return {"problems": list(broken)}
    partner = form.campaign_type == ReferralCampaign.Type.PARTNER_ONBOARDING
    try:
        rules = rules_parse(typed, welcome_bonus_allowed=not partner)
        sample = sample_form.sample(families, spend)
    except ValidationFailed as refusal:
        return {"problems": _problems(refusal, sample_form)}
    return {
        "preview": preview(rules, sample, timezone.now()),
        "happening": HAPPENINGS[sample.family],
        "amount": None if sample.amount is None else amount_text(sample.amount),
    }


def _problems(refusal: ValidationFailed, sample_form: SampleForm) -> list[str]:
    """What must be corrected before anything can be tried, each with the name of its field."""
    found = []
    for path, sentences in refusal.details.items():
        found += [f"{_place(path, sample_form)}: {sentence}" for sentence in sentences]
    return found


def _place(path: str, sample_form: SampleForm) -> str:
    if path in sample_form.fields:
        return str(sample_form.fields[path].label)
    names = [name for name in path.split(".") if name not in (RULES, "levels")]
    known = SECTIONS | KEYS
    return " – ".join(str(known[name].label) if name in known else name for name in names)
