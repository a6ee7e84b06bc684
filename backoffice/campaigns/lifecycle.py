"""The life cycle in the back-office: what each step is called, what it will do, and the page that asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from access.people import person_name
from backoffice.campaigns.problems import by_field
from backoffice.kit.base import StaffAdmin
from campaigns.models import ReferralCampaign
from campaigns.services import NEXT_STATUSES, activation_obstacle, campaign_duplicate, campaign_update
from kernel.errors import DomainError

Status = ReferralCampaign.Status
CHANGE_PAGE = "admin:campaigns_referralcampaign_change"


@dataclass(frozen=True, slots=True)
class LifeStep:
    """One step of a campaign's life that a person may take."""

    status: str
    title: Any
    question: Any
    consequences: Sequence[Any]
    done: Any
    is_final: bool = False

    def legal_for(self, campaign: ReferralCampaign) -> bool:
        """Whether the campaign may take this step from where it is."""
        if self.status not in NEXT_STATUSES[campaign.status]:
            return False
        return self.status != Status.ACTIVE or activation_obstacle(campaign) is None


EARNED_STAYS = _("Earned rewards are kept and paid as usual.")

ACTIVATE = LifeStep(
    status=Status.ACTIVE,
    title=_("Activate"),
    question=_("Activate the campaign “%s”?"),
    consequences=(
        _("Events within its dates will earn rewards."),
        _("Users can create referral links."),
        _("Its code and type can no longer be changed."),
    ),
    done=_("The campaign “%s” is active."),
)
PAUSE = LifeStep(
    status=Status.PAUSED,
    title=_("Pause"),
    question=_("Pause the campaign “%s”?"),
    consequences=(
        _(
            "It takes no new events and no new links until it is activated again. Events that do not "
            "name it go to another active campaign that takes them, if there is one."
        ),
        EARNED_STAYS,
    ),
    done=_("The campaign “%s” is paused."),
)
ARCHIVE = LifeStep(
    status=Status.ARCHIVED,
    title=_("Archive"),
    question=_("Archive the campaign “%s”?"),
    consequences=(
        _("This cannot be undone: an archived campaign cannot be activated again."),
        _(
            "It takes no new events and no new links. Events that do not name it go to another active "
            "campaign that takes them, if there is one."
        ),
        EARNED_STAYS,
    ),
    done=_("The campaign “%s” is archived."),
    is_final=True,
)
STEPS = {"activate": ACTIVATE, "pause": PAUSE, "archive": ARCHIVE}


def window_text(campaign: ReferralCampaign) -> str:
    """What the time window means today, in a sentence."""
    now = timezone.now()
    if campaign.end_at and campaign.end_at <= now:
        return gettext(
            "It ended on %s UTC: only events from before that still count, if they are reported late."
        ) % (f"{campaign.end_at:%Y-%m-%d %H:%M}")
    if campaign.start_at and campaign.start_at > now:
        return gettext("It starts on %s UTC: earlier events earn nothing.") % (
            f"{campaign.start_at:%Y-%m-%d %H:%M}"
        )
    if campaign.end_at:
        return gettext("It runs until %s UTC.") % f"{campaign.end_at:%Y-%m-%d %H:%M}"
    return gettext("It is running and has no end date.")


class CopyForm(forms.Form):
    """What a copy of a campaign must have of its own."""

    name = forms.CharField(
        label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True})
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        help_text=_(
            "Used by other services: 3 to 64 characters of a-z, 0-9, _ and -. Example: user_invite_summer"
        ),
        widget=UnfoldAdminTextInputWidget(),
    )


class LifeCyclePages(StaffAdmin):
    """The buttons of the life cycle, each with a page that says what will happen."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the steps that the campaign may take now."""
        campaign = self.get_object(request, str(object_id))
        illegal = [name for name, step in STEPS.items() if not (campaign and step.legal_for(campaign))]
        return [
            entry
            for entry in super().get_actions_detail(request, object_id)
            if entry.action_name.rpartition("_")[2] not in illegal
        ]

    @action(
        description=ACTIVATE.title,
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        permissions=["change"],
    )
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let it take events."""
        return self._life_step(request, object_id, ACTIVATE)

    @action(description=PAUSE.title, icon="pause", permissions=["change"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for a while."""
        return self._life_step(request, object_id, PAUSE)

    @action(
        description=ARCHIVE.title,
        icon="archive",
        variant=ActionVariant.DANGER,
        permissions=["change"],
    )
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for ever."""
        return self._life_step(request, object_id, ARCHIVE)

    def step_facts(self, campaign: ReferralCampaign, step: LifeStep) -> list[str]:
        """What the step means for this very campaign, beyond what it means for any."""
        return [window_text(campaign)] if step is ACTIVATE else []

    def _life_step(self, request: HttpRequest, object_id: str, step: LifeStep) -> HttpResponse:
        """Ask, and on POST do it."""
        campaign = self.row_to_view(request, object_id)
        page = reverse(CHANGE_PAGE, args=[campaign.pk])
        if not step.legal_for(campaign):
            messages.error(
                request,
                gettext("Not possible for a campaign with the status “%s”.") % campaign.get_status_display(),
            )
            return HttpResponseRedirect(page)
        if request.method == "POST":
            self._step_take(request, campaign.pk, step)
            return HttpResponseRedirect(page)
        context = {
            "title": step.title,
            "question": step.question % campaign.name,
            "consequences": [*step.consequences, *self.step_facts(campaign, step)],
            "is_final": step.is_final,
        }
        return self._asking(request, campaign, context)

    def _step_take(self, request: HttpRequest, campaign_id: UUID, step: LifeStep) -> None:
        revision = request.POST.get("revision", "")
        try:
            campaign = campaign_update(
                campaign_id=campaign_id,
                changes={"status": step.status},
                by=person_name(request.user),
                expected_revision=int(revision) if revision.isdecimal() else 0,
            )
        except DomainError as refusal:
            problems = [text for texts in by_field(refusal.details).values() for text in texts]
            messages.error(request, "; ".join(problems) or str(refusal))
            return
        self.log_change(request, campaign, [{"changed": {"fields": [gettext("status")]}}])
        messages.success(request, step.done % campaign.name)

    # --- a copy ---------------------------------------------------------------------------------------------

    def has_duplicate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether this person may make campaigns; the theme asks with the page's object."""
        return self.has_add_permission(request)

    @action(description=_("Duplicate"), icon="content_copy", permissions=["duplicate"])
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a draft with the same rules."""
        campaign = self.row_to_view(request, object_id)
        begun = {"name": gettext("%s (copy)") % campaign.name, "code": f"{campaign.code[:59]}_copy"}
        form = CopyForm(request.POST if request.method == "POST" else None, initial=begun)
        if form.is_valid() and (copy := self._copy_made(request, campaign, form)):
            messages.success(request, gettext("The copy is a draft. Check its dates, then activate it."))
            return HttpResponseRedirect(reverse(CHANGE_PAGE, args=[copy.pk]))
        context = {
            "title": gettext("Duplicate"),
            "question": gettext("Duplicate the campaign “%s”?") % campaign.name,
            "consequences": [
                gettext("The copy is a draft: it earns no rewards until it is activated."),
                gettext("Type, scope, description, rules, limits and budgets are copied."),
                gettext("Dates, links, invited users, rewards and history are not copied."),
            ],
            "form": form,
        }
        return self._asking(request, campaign, context)

    def _copy_made(
        self, request: HttpRequest, campaign: ReferralCampaign, form: CopyForm
    ) -> ReferralCampaign | None:
        try:
            copy = campaign_duplicate(
                campaign_id=campaign.pk, by=person_name(request.user), **form.cleaned_data
            )
        except DomainError as refusal:
            for name, texts in by_field(refusal.details).items():
                form.add_error(name if name in form.fields else None, texts)
            return None
        self.log_addition(request, copy, [{"added": {}}])
        return copy

    # --- both -----------------------------------------------------------------------------------------------

    def _asking(
        self, request: HttpRequest, campaign: ReferralCampaign, context: dict[str, Any]
    ) -> HttpResponse:
        context |= {
            **self.admin_site.each_context(request),
            **context,
            "opts": self.opts,
            "original": campaign,
            "page": reverse(CHANGE_PAGE, args=[campaign.pk]),
        }
        return TemplateResponse(request, "admin/campaign_step.html", context)
