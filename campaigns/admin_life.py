"""The life cycle in the back-office: what each step is called and what it will do, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant

from campaigns.models import ReferralCampaign
from campaigns.services import NEXT_STATUSES

Status = ReferralCampaign.Status


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
        return self.status in NEXT_STATUSES[campaign.status]


EARNED_STAYS = _("What has been earned already stays and is paid as usual.")

ACTIVATE = LifeStep(
    status=Status.ACTIVE,
    title=_("Activate"),
    question=_("Activate the campaign “%s”?"),
    consequences=(
        _("From now on it takes events of its time window, and they earn rewards by its rules."),
        _("Users can make links in it."),
        _("Its code and type can no longer be changed."),
    ),
    done=_("The campaign “%s” is active."),
)
PAUSE = LifeStep(
    status=Status.PAUSED,
    title=_("Pause"),
    question=_("Pause the campaign “%s”?"),
    consequences=(
        _("New events are refused, and new links cannot be made, until somebody activates it again."),
        EARNED_STAYS,
    ),
    done=_("The campaign “%s” is paused."),
)
ARCHIVE = LifeStep(
    status=Status.ARCHIVED,
    title=_("Archive"),
    question=_("Archive the campaign “%s”?"),
    consequences=(
        _("This is final: an archived campaign can never be active again."),
        _("New events are refused, and new links cannot be made."),
        EARNED_STAYS,
    ),
    done=_("The campaign “%s” is archived."),
    is_final=True,
)
STEPS = {"activate": ACTIVATE, "pause": PAUSE, "archive": ARCHIVE}
VARIANTS = {
    "activate": ActionVariant.PRIMARY,
    "pause": ActionVariant.DEFAULT,
    "archive": ActionVariant.DANGER,
}
