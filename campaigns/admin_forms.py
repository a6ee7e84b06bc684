"""The form of a campaign. It reads what was typed; `campaigns.services` decides whether it may be."""

from typing import Any

from django import forms
from django.contrib.admin.utils import label_for_field
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from api.errors import DomainError, EditConflict
from campaigns.admin_fields import EventTypesField, ExactJSONField
from campaigns.admin_problems import by_field
from campaigns.models import ReferralCampaign
from campaigns.services import CONTENT_FIELDS


class CampaignForm(forms.ModelForm):
    """Everything a person decides about a campaign, and the revision that they started from.

    `refusal` is what the service said to the same data a moment ago; the form shows it and is not saved.
    """

    refusal: DomainError | None = None

    event_types = EventTypesField(
        label=gettext_lazy("Event types"),
        help_text=gettext_lazy(
            "Only for custom campaigns: their own event types. Example: lesson_finished, review_written"
        ),
    )
    scope = ExactJSONField(
        rows=3,
        label=gettext_lazy("Scope"),
        help_text=gettext_lazy(
            "Which events belong here: any of module, country_id, city_id and rf_partner_id. "
            'Empty: all events. Example: {"module": "quest", "country_id": "ru"}'
        ),
    )
    reward_rules = ExactJSONField(
        rows=14,
        label=gettext_lazy("Reward rules"),
        help_text=gettext_lazy(
            "What each level earns, and the limits. level1 is who invited, level2 is who invited them, "
            "referred is the welcome bonus of the invited person. Example: "
            '{"levels": {"level1": {"points_per_registration": 100}}, "limits": {"budget_points": 50000}}'
        ),
    )
    opened_revision = forms.IntegerField(required=False, label="", widget=forms.HiddenInput())

    class Meta:
        model = ReferralCampaign
        fields = CONTENT_FIELDS
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {
            "name": gettext_lazy("What people see. Example: Invite friends"),
            "code": gettext_lazy(
                "What other services call it: 3 to 64 of a-z, 0-9, _ and -. It is fixed once the campaign "
                "has left draft. Example: user_invite_spring"
            ),
            "campaign_type": gettext_lazy(
                "Decides which events it takes. It is fixed once the campaign has left draft."
            ),
            "is_default": gettext_lazy(
                "For campaigns that invite users: a user who opens their links for the first time gets one "
                "in each such campaign."
            ),
            "start_at": gettext_lazy(
                "In UTC. Events that happened earlier earn nothing. Empty: no beginning."
            ),
            "end_at": gettext_lazy(
                "In UTC. Events that happened at this moment or later earn nothing; those that happened "
                "before and are reported late still count. Empty: no end."
            ),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial.setdefault("opened_revision", self.instance.revision)

    def clean(self) -> dict[str, Any]:
        """Put what the service refused beside the fields it is about."""
        cleaned: dict[str, Any] = super().clean() or {}
        if isinstance(self.refusal, EditConflict):
            self._tell_conflict()
        elif self.refusal:
            self._tell_problems(self.refusal)
        return cleaned

    def _post_clean(self) -> None:
        """The service checks the whole; the model's own checks would say the same in other words."""

    def changes(self) -> dict[str, Any]:
        """What the person has changed, as the service takes it."""
        kept = {name: self.cleaned_data[name] for name in self.changed_data if name != "opened_revision"}
        campaign_type = self.cleaned_data.get("campaign_type", self.instance.campaign_type)
        if campaign_type != ReferralCampaign.Type.CUSTOM:
            kept.pop("event_types", None)
        return kept

    def _tell_problems(self, refusal: DomainError) -> None:
        if not refusal.details:
            self.add_error(None, refusal.message)
        for name, sentences in by_field(refusal.details).items():
            if name in self.fields:
                self.add_error(name, sentences)
            else:
                labelled = f"{label_for_field(name, ReferralCampaign)}: "
                self.add_error(None, [labelled + sentence for sentence in sentences])

    def _tell_conflict(self) -> None:
        """Say what differs from the row of now, and let the next save replace it."""
        self.add_error(
            None,
            _(
                "Somebody else has changed this campaign since you opened it, so nothing is saved yet. "
                "Nothing you typed is lost. Where it differs from what is saved now, the field says so: "
                "correct it, or save again to put yours in its place."
            ),
        )
        for name in self.changed_data:
            if name in CONTENT_FIELDS:
                self.add_error(name, _("Saved now: %s") % self._shown(name))
        self.data = {**self.data.dict(), "opened_revision": self.instance.revision}  # type: ignore[attr-defined]

    def _shown(self, name: str) -> str:
        field, value = self.fields[name], getattr(self.instance, name)
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if value in (None, "", [], {}):
            return _("empty")
        if hasattr(value, "strftime"):
            return f"{value:%Y-%m-%d %H:%M:%S} UTC"
        if choices := dict(getattr(field, "choices", ())):
            return str(choices.get(value, value))
        return str(field.prepare_value(value))


def taken_over(target: Model, saved: Model) -> None:
    """Let the admin's object be the row that the service has written."""
    target.__dict__.update(saved.__dict__)
