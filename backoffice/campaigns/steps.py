"""The steps of a campaign's life: what each is called, what it will do, and the page that asks."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from backoffice.campaigns.problems import by_field
from backoffice.kit.confirmed_action import ConfirmedAction
from campaigns.models import ReferralCampaign
from campaigns.services import NEXT_STATUSES, activation_obstacle, campaign_update
from kernel.errors import DomainError
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from rewards.reporting.campaign_figures import figures_of

Status = ReferralCampaign.Status
CHANGE_PAGE = "admin:campaigns_referralcampaign_change"


class RevisionForm(forms.Form):
    """Which revision of the campaign the person has seen."""

    revision = forms.CharField(required=False, widget=forms.HiddenInput)


class LifeStep(ConfirmedAction[ReferralCampaign]):
    """One step of a campaign's life that a person may take."""

    permission = "campaigns.change_referralcampaign"
    parameter = "campaign"
    template = "admin/campaign_step.html"
    form_class = RevisionForm
    only_if_possible = True
    status: str
    question: Any
    consequences: Sequence[Any]

    def chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[ReferralCampaign]:
        """The one campaign."""
        return list(ReferralCampaign.objects.filter(pk__in=ids))

    def legal_for(self, campaign: ReferralCampaign) -> bool:
        """Whether the campaign may take this step from where it is."""
        if self.status not in NEXT_STATUSES[campaign.status]:
            return False
        return self.status != Status.ACTIVE or activation_obstacle(campaign) is None

    def obstacle(self, row: ReferralCampaign) -> str | None:
        """By the campaign's status."""
        if self.legal_for(row):
            return None
        return gettext("Not possible for a campaign with the status “%s”.") % row.get_status_display()

    def carry_out(self, row: ReferralCampaign, *, by: str, given: Mapping[str, Any]) -> ReferralCampaign:
        """By the campaigns' service, unless somebody else has changed the campaign meanwhile."""
        revision = given["revision"]
        return campaign_update(
            campaign_id=row.pk,
            changes={"status": self.status},
            by=by,
            expected_revision=int(revision) if revision.isdecimal() else 0,
        )

    def facts(self, rows: Sequence[ReferralCampaign]) -> dict[str, Any]:
        """The question, and what the step means for this very campaign."""
        (campaign,) = rows
        return {
            "original": campaign,
            "opts": campaign._meta,
            "question": self.question % campaign.name,
            "consequences": [*self.consequences, *self.meaning(campaign)],
        }

    def meaning(self, campaign: ReferralCampaign) -> list[str]:
        """How many links it concerns, and what stays to be paid."""
        return links_and_waiting(campaign)

    def tell(
        self,
        request: HttpRequest,
        done: Sequence[ReferralCampaign],
        refused: Sequence[tuple[ReferralCampaign, DomainError]],
    ) -> None:
        """One sentence; of a refusal each problem."""
        pages = admin.site.get_model_admin(ReferralCampaign)
        for campaign in done:
            pages.log_change(request, campaign, [{"changed": {"fields": [gettext("status")]}}])
            messages.success(request, self.done % campaign.name)
        for _campaign, refusal in refused:
            problems = [text for texts in by_field(refusal.details).values() for text in texts]
            messages.error(request, "; ".join(problems) or str(refusal))

    def way_back(self, request: HttpRequest, rows: Sequence[ReferralCampaign]) -> str:
        """To the campaign."""
        return reverse(CHANGE_PAGE, args=[row.pk for row in rows])


EARNED_STAYS = _("Earned rewards are kept and paid as usual.")


class Activate(LifeStep):
    """Let it take events."""

    status = Status.ACTIVE
    title = _("Activate")
    question = _("Activate the campaign “%s”?")
    consequences = (
        _("Events within its dates will earn rewards."),
        _("Users can create referral links."),
        _("Its code and type can no longer be changed."),
    )
    done = _("The campaign “%s” is active.")

    def meaning(self, campaign: ReferralCampaign) -> list[str]:
        """What its time window means today."""
        return [window_text(campaign)]


class Pause(LifeStep):
    """Stop it for a while."""

    status = Status.PAUSED
    title = _("Pause")
    question = _("Pause the campaign “%s”?")
    consequences = (
        _(
            "It takes no new events and no new links until it is activated again. Events that do not "
            "name it go to another active campaign that takes them, if there is one."
        ),
        EARNED_STAYS,
    )
    done = _("The campaign “%s” is paused.")


class Archive(LifeStep):
    """Stop it for ever."""

    status, is_final = Status.ARCHIVED, True
    title = _("Archive")
    question = _("Archive the campaign “%s”?")
    consequences = (
        _("This cannot be undone: an archived campaign cannot be activated again."),
        _(
            "It takes no new events and no new links. Events that do not name it go to another active "
            "campaign that takes them, if there is one."
        ),
        EARNED_STAYS,
    )
    done = _("The campaign “%s” is archived.")


STEPS: Mapping[str, LifeStep] = {"activate": Activate(), "pause": Pause(), "archive": Archive()}


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


def links_and_waiting(campaign: ReferralCampaign) -> list[str]:
    """How many links it concerns, and what stays to be paid."""
    facts = []
    if links := campaign.links.filter(is_active=True).count():
        facts.append(
            ngettext(
                "%s user link leads to it; people who come by it will not be counted.",
                "%s user links lead to it; people who come by them will not be counted.",
                links,
            )
            % amount_text(links)
        )
    figures = figures_of([campaign.pk], timezone.now())[campaign.pk]
    waiting = [
        *([points_text(figures.points_waiting)] if figures.points_waiting else []),
        *([g2a_text(figures.g2a_waiting)] if figures.g2a_waiting else []),
    ]
    if waiting:
        facts.append(gettext("Not paid yet or locked: %s.") % ", ".join(waiting))
    return facts
