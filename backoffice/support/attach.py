"""Attaching a lost referrer: choose, look at what it changes and pays, give a reason, do it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from access.people import person_name
from backoffice.kit.choices import campaigns_offer
from backoffice.support.backfill import PERMISSION, AttachReasonForm, past_page, plan_context, reward_shown
from campaigns.models import ReferralCampaign
from kernel.errors import DomainError, ValidationFailed
from referral.models import ID_LENGTH, ReferralRelation
from rewards.support.attach.plan import MOST_COUNTED, is_known, plan_of, relations_made_by_hand, upline_change
from rewards.support.attach.relation import (
    Choice,
    attached_before,
    campaigns_to_choose,
    choice_of,
    obstacle,
    referrer_attach,
)


class ChoiceForm(forms.Form):
    """Who invited whom, and whether what the user did before is rewarded."""

    user = forms.CharField(
        label=gettext_lazy("User"),
        max_length=ID_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("ID of the user whose referrer is missing."),
    )
    code = forms.CharField(
        label=gettext_lazy("Referral code"),
        max_length=64,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "From the link the user came by. It sets the referrer and the campaign: leave the next two "
            "fields blank."
        ),
    )
    referrer = forms.CharField(
        label=gettext_lazy("Referrer"),
        max_length=ID_LENGTH,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("ID of the referrer if the code is not known."),
    )
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Campaign"),
        queryset=ReferralCampaign.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy(
            "Required with a referrer ID. In a user invitation campaign this is the user’s only invitation "
            "and counts in all campaigns; otherwise it counts in this campaign only."
        ),
    )
    registration = forms.BooleanField(
        label=gettext_lazy("Reward the registration"),
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
    )
    past = forms.BooleanField(
        label=gettext_lazy("Reward past events"),
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("Events from before the referrer was known. You can also reward them later."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        campaigns_offer(self, "campaign", campaigns_to_choose())

    def choice(self) -> Choice | None:
        """What was chosen, when it can be done; what is wrong is told beside its field."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        campaign = given["campaign"]
        try:
            choice = choice_of(
                user=given["user"],
                referrer=given["referrer"],
                code=given["code"],
                campaign_id=campaign.pk if campaign else None,
            )
            if refusal := obstacle(choice):
                raise refusal
        except ValidationFailed as refusal:
            self.refused(refusal)
            return None
        return choice

    def refused(self, refusal: DomainError) -> None:
        """Tell each problem beside its field; of a field that is not here, above the form."""
        for name, problems in refusal.details.items() or {None: [refusal.message]}.items():
            place = name if name in self.fields else None
            self.add_error(place, [str(problem) for problem in problems])


def attach_view(request: HttpRequest) -> HttpResponse:
    """The choice, what it would change and pay, and the button that does it."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    is_sent = request.method == "POST"
    given = request.POST if is_sent else request.GET
    is_chosen = is_sent or "referrer" in given or "code" in given
    form = ChoiceForm(given) if is_chosen else ChoiceForm(initial={"user": given.get("user", "")})
    choice = form.choice() if is_chosen else None
    why = AttachReasonForm(request.POST if is_sent else None)
    if is_sent and choice and why.is_valid() and (relation := _attach(request, form, choice, why)):
        return HttpResponseRedirect(past_page(relation.pk))
    if choice and (held := attached_before(choice)):
        return HttpResponseRedirect(past_page(held.pk))
    return TemplateResponse(request, "admin/support/attach.html", _context(request, form, choice, why))


def _attach(
    request: HttpRequest, form: ChoiceForm, choice: Choice, why: AttachReasonForm
) -> ReferralRelation | None:
    """Write the relation, and then reward what was shown of the past, if that was chosen."""
    by, reason = person_name(request.user), why.cleaned_data["reason"]
    try:
        relation = referrer_attach(choice=choice, by=by, reason=reason)
    except ValidationFailed as refusal:
        form.refused(refusal)
        return None
    messages.success(request, _("Referrer added."))
    reward_shown(request, relation.pk, form.cleaned_data["registration"], reason)
    return relation


def _context(
    request: HttpRequest, form: ChoiceForm, choice: Choice | None, why: AttachReasonForm
) -> dict[str, Any]:
    user = form["user"].value() or ""
    context = {
        **admin.site.each_context(request),
        "title": _("Add referrer"),
        "form": form,
        "why": why,
        "user_id": user,
        "attached": [
            {"relation": relation, "page": past_page(relation.pk)} for relation in _made_by_hand(user)
        ],
    }
    if choice is None or form.errors:
        return context
    plan = plan_of(
        user=choice.user,
        referrer=choice.referrer,
        campaign=choice.campaign,
        with_registration=form.cleaned_data["registration"],
        with_events=form.cleaned_data["past"],
    )
    return context | {
        "choice": choice,
        "chosen_fields": [form[name] for name in ("user", "code", "referrer", "campaign")],
        "campaign_name": ReferralCampaign.objects.values_list("name", flat=True).get(pk=choice.campaign.id),
        "change": upline_change(choice.user, choice.referrer, choice.campaign),
        "most_counted": MOST_COUNTED,
        "unknown": [user for user in (choice.user, choice.referrer) if not is_known(user)],
        **plan_context(plan),
    }


def _made_by_hand(user: str) -> list[ReferralRelation]:
    return [] if "\x00" in user else relations_made_by_hand(user)
