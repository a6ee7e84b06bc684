"""The form of a campaign. It reads what was typed; `campaigns.services` decides whether it may be."""

from functools import cached_property
from typing import Any

from django import forms
from django.contrib.admin.utils import label_for_field
from django.db.models import Model
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from backoffice.campaigns.fields import EventTypesField, ExactJSONField, ScopeField
from backoffice.campaigns.merge import Input, Merge, Opened, inputs_of, merge, opened_of
from backoffice.campaigns.problems import by_field
from backoffice.campaigns.rules_form import RulesForm, texts_of
from campaigns.models import ReferralCampaign
from campaigns.rules.families import family_of
from campaigns.rules.schema import rules_parse
from campaigns.services import CONTENT_FIELDS, event_types_of
from kernel.errors import DomainError, EditConflict, ValidationFailed

RULES = "reward_rules"


class CampaignForm(forms.ModelForm):
    """Everything a person decides about a campaign, and what their page was opened with.

    The rules are typed in a table of their own, or as JSON by whoever prefers it. `refusal` is what the
    service said to the same data a moment ago; the form shows it and is not saved. `start_rules` are rules of
    an earlier version that a new page begins with.
    """

    refusal: DomainError | None = None
    start_rules: dict[str, Any] | None = None

    event_types = EventTypesField(
        label=gettext_lazy("Event types"),
        help_text=gettext_lazy("For custom campaigns only. Example: lesson_finished, review_written"),
    )
    scope = ScopeField(
        required=False,
        label=gettext_lazy("Scope"),
        help_text=gettext_lazy(
            "Only events of this module, country, city or partner. Leave blank to match any. Example: module "
            "Quest, country ID ru"
        ),
    )
    rules_as_json = forms.BooleanField(
        required=False,
        label=gettext_lazy("Edit rules as JSON"),
        help_text=gettext_lazy("The JSON below is saved; the table above only shows it."),
        widget=UnfoldBooleanWidget(),
    )
    reward_rules = ExactJSONField(
        rows=14,
        label=gettext_lazy("Reward rules as JSON"),
        help_text=gettext_lazy(
            'The same rules in the format of the API. Example: {"levels": {"level1": '
            '{"points_per_registration": 100}}, "limits": {"budget_points": 50000}}'
        ),
    )
    opened = forms.CharField(required=False, label="", widget=forms.HiddenInput())

    class Meta:
        model = ReferralCampaign
        fields = CONTENT_FIELDS
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {
            "name": gettext_lazy("Shown to people. Example: Invite friends"),
            "code": gettext_lazy(
                "Used by other services: 3 to 64 characters of a-z, 0-9, _ and -. Cannot be changed after "
                "draft. Example: user_invite_spring"
            ),
            "campaign_type": gettext_lazy(
                "Sets which events the campaign takes. Cannot be changed after draft."
            ),
            "is_default": gettext_lazy(
                "For user invitation campaigns: users get a link in this campaign when they first open their "
                "links."
            ),
            "start_at": gettext_lazy("In UTC. Earlier events earn nothing. Leave blank for no start date."),
            "end_at": gettext_lazy(
                "In UTC. Events from this moment on earn nothing; earlier events that are reported late "
                "still count. Leave blank for no end date."
            ),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        saved = self.instance.reward_rules or {}
        self.initial[RULES] = saved
        self.rules_form = RulesForm(self.data if self.is_bound else None, rules=saved)
        self.merged: Merge | None = None
        if not self.is_bound:
            self.initial["opened"] = str(Opened(self.instance.revision, self._saved_texts()))
            if self.start_rules is not None:
                self.initial[RULES] = self.start_rules
                self.rules_form = RulesForm(None, rules=self.start_rules)

    # --- what was typed -------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        """Take the rules from where they were typed, and put what the service refused beside its fields."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not cleaned.get("rules_as_json"):
            self.errors.pop(RULES, None)
            self.rules_form.full_clean()
            cleaned[RULES] = self.rules_form.rules()
        if isinstance(self.refusal, EditConflict):
            self._tell_conflict()
        elif self.refusal:
            self._tell_problems(self.refusal)
        elif self.errors and RULES in cleaned:
            self._tell_rules(cleaned[RULES])
        if self.rules_form.has_problems and self.merged is None:
            self.add_error(None, _("Some reward rules need correcting: they are marked in red below."))
        return cleaned

    def _post_clean(self) -> None:
        """The service checks the whole; the model's own checks would say the same in other words."""

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields of the campaign that differ from what is saved."""
        changed = [name for name in super().changed_data if name in CONTENT_FIELDS and name != RULES]
        return [*changed, RULES] if self._rules_changed() else changed

    def _rules_changed(self) -> bool:
        if self.cleaned_data.get("rules_as_json"):
            return self.fields[RULES].has_changed(self.instance.reward_rules, self.data.get(RULES))
        return self.rules_form.texts() != texts_of(self.instance.reward_rules)

    def changes(self) -> dict[str, Any]:
        """What the person has changed, as the service takes it."""
        kept = {name: self.cleaned_data[name] for name in self.changed_data}
        if self.campaign_type != ReferralCampaign.Type.CUSTOM:
            kept.pop("event_types", None)
        return kept

    @property
    def opened_revision(self) -> int:
        """Which revision the page was opened with."""
        return opened_of(self.cleaned_data.get("opened", "")).revision

    # --- what the page shows --------------------------------------------------------------------------------

    @property
    def campaign_type(self) -> str:
        """The type as chosen in the form, or as it is fixed."""
        return str(self._now("campaign_type") or ReferralCampaign.Type.USER_INVITE)

    @property
    def families(self) -> set[str]:
        """The families of events that the campaign would take as it stands in the form."""
        if self.campaign_type == ReferralCampaign.Type.CUSTOM:
            names = self._now("event_types") or []
            return {family_of(name) for name in names} or {family_of("")}
        scope = self._now("scope")
        module = scope.get("module") if isinstance(scope, dict) else None
        try:
            return {family_of(name) for name in event_types_of(self.campaign_type, module)}
        except (KeyError, TypeError):  # A module that does not exist is told beside its field.
            return {family_of(name) for name in event_types_of(self.campaign_type, None)}

    def _now(self, name: str) -> Any:
        """What a field says now; a broken entry counts as none."""
        if not self.is_bound or name not in self.fields:
            return self.initial.get(name, getattr(self.instance, name))
        try:
            return self.fields[name].clean(self[name].data)
        except forms.ValidationError:
            return None

    # --- what the service refused ---------------------------------------------------------------------------

    def _tell_rules(self, rules: Any) -> None:
        """Say what is wrong with the rules, too, when other fields keep us from asking the service."""
        partner = self.campaign_type == ReferralCampaign.Type.PARTNER_ONBOARDING
        try:
            rules_parse(rules, welcome_bonus_allowed=not partner)
        except ValidationFailed as refusal:
            self._tell_problems(refusal)

    def _tell_problems(self, refusal: DomainError) -> None:
        if not refusal.details:
            self.add_error(None, str(refusal))
        details = dict(refusal.details)
        as_json = self.cleaned_data.get("rules_as_json")
        if not as_json:
            inside = {path: details.pop(path) for path in list(details) if path.startswith(f"{RULES}.")}
            self.rules_form.tell(inside)
        for name, sentences in by_field(details).items():
            if name in self.fields and (name != RULES or as_json):
                self.add_error(name, sentences)
            else:
                labelled = f"{label_for_field(name, ReferralCampaign)}: "
                self.add_error(None, [labelled + sentence for sentence in sentences])

    # --- somebody else was faster ---------------------------------------------------------------------------

    def _saved_inputs(self) -> dict[str, Input]:
        """Every input of a page that would be opened now."""
        saved = type(self)(instance=self.instance) if self.is_bound else self
        own = inputs_of(saved[name] for name in saved.fields if name in CONTENT_FIELDS)
        return own | inputs_of(saved.rules_form)

    def _saved_texts(self) -> dict[str, str]:
        return {name: entry.value for name, entry in self._saved_inputs().items()}

    def _tell_conflict(self) -> None:
        """Take over what only the other has changed, say what both have, and let the next save replace it."""
        saved = self._saved_inputs()
        opened = Opened(self.instance.revision, {name: entry.value for name, entry in saved.items()})
        as_json = bool(self.cleaned_data.get("rules_as_json"))
        compared = {name: entry for name, entry in saved.items() if _counts(name, as_json=as_json)}
        typed = self.data if isinstance(self.data, QueryDict) else QueryDict()
        self.merged = merge(typed, opened_of(self.data.get("opened", "")), compared)
        self.merged.data["opened"] = str(opened)
        self.data = self.rules_form.data = self.merged.data
        if not as_json:
            self.rules_form.full_clean()
            self.cleaned_data[RULES] = self.rules_form.rules()
        self.add_error(
            None,
            _(
                "Someone else changed this campaign while you were editing, so nothing is saved yet. What "
                "you typed is still here: check it and save again."
            ),
        )
        for bound, now in self.merged.clashes:
            sentence = _("Saved value: %s. Saving again replaces it with yours.") % now
            form = self.rules_form if isinstance(bound.form, RulesForm) else self
            form.add_error(bound.name, sentence)


def taken_over(target: Model, saved: Model) -> None:
    """Let the admin's object be the row that the service has written."""
    target.__dict__.update(saved.__dict__)


def _counts(name: str, *, as_json: bool) -> bool:
    """Whether an input counts: the rules are taken from the table or from the JSON, never from both."""
    if name == RULES:
        return as_json
    return not (as_json and name.startswith("rules-"))
