"""The page of a reward: why it is where it is, how its amount came about, what is on record."""

from typing import Any

from django.contrib.admin.utils import label_for_field
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice.kit.base import row_link
from backoffice.people.labels import user_link
from backoffice.rewards.actions import CHANGE, obstacles
from backoffice.rewards.labels import reward_text, status_shown
from campaigns.models import RuleVersion
from campaigns.rules.wording import ROLES
from kernel.humanize.amounts import amount_text
from kernel.humanize.moments import moment_text
from referral.models import ReferralEvent
from rewards.models import ReferralReward
from rewards.support.explanation.amounts import derivation, made_locked
from rewards.support.explanation.error_classification import error_text
from rewards.support.explanation.reward import story
from rewards.support.explanation.situation import situation_of


def page_context(request: HttpRequest, reward: ReferralReward) -> dict[str, Any]:
    """What the page says of a reward that comes with its campaign, event and rule version."""
    event = reward.referral_event
    version = event.rule_version
    amount, recipient = reward_text(reward), user_link(reward.beneficiary_user_id)
    return {
        "story_of": format_html("{} → {}", amount, recipient),
        "story": story(situation_of(reward, timezone.now())),
        "obstacles": _why_not(request, reward),
        "derivation": derivation(reward, was_locked=made_locked(reward)),
        "event_link": row_link("referral_referralevent", event.pk, event.event_type),
        "event_facts": _event_facts(event),
        "campaign_link": row_link("campaigns_referralcampaign", reward.campaign_id, reward.campaign.name),
        "version_link": row_link("campaigns_ruleversion", version.pk, _("Version %d") % version.number),
        "version_facts": _version_facts(event, version),
        "facts": _facts(reward, amount, recipient),
    }


def _facts(reward: ReferralReward, amount: str, recipient: SafeString) -> list[dict[str, Any]]:
    """What is on record about a reward, in groups."""
    event = reward.referral_event
    role = ROLES[reward.required_min_role] if reward.required_min_role else None
    payout = ("available_at", "next_attempt_at", "attempts", "failures", "first_failed_at")
    return [
        {
            "title": _("Reward"),
            "pairs": [
                (_("status"), status_shown(reward)),
                (_("amount"), amount),
                (_("recipient"), recipient),
                (_("level"), reward.beneficiary_level or _("welcome bonus")),
                (_("required role"), role),
            ],
        },
        {
            "title": _("Payout"),
            "pairs": [
                *_columns(reward, *payout),
                (_("last error"), error_text(reward.last_failure)),
                *_columns(reward, "external_tx_id", "external_task_id"),
            ],
        },
        {
            "title": _("Record"),
            "pairs": [
                (_("ID"), reward.pk),
                (_("event"), row_link("referral_referralevent", event.pk, str(event.pk))),
                *_columns(reward, "campaign", "created_at", "updated_at"),
            ],
        },
    ]


def _columns(row: Model, *names: str) -> list[tuple[Any, Any]]:
    """Columns of a row by their names in the language of the page."""
    return [(label_for_field(name, type(row)), getattr(row, name)) for name in names]


def _why_not(request: HttpRequest, reward: ReferralReward) -> list[str]:
    """Why some of the actions cannot be taken on the reward; empty when all can."""
    if not request.user.has_perm(CHANGE):
        return [_("You are not allowed to change rewards")]
    return list(obstacles(reward).values())


def _event_facts(event: ReferralEvent) -> str:
    about = event.referred_user_id or event.business_partner_id
    parts = [
        _("occurred %s") % moment_text(event.occurred_at),
        _("user %s") % about,
        *([_("amount %s") % amount_text(event.amount_base)] if event.amount_base is not None else []),
    ]
    return ", ".join(parts)


def _version_facts(event: ReferralEvent, version: RuleVersion) -> str:
    since = moment_text(version.valid_from)
    if event.occurred_at < version.valid_from:
        return _("in force since %s; the event is older, so the first version applies") % since
    return _("in force since %s, including at the time of the event") % since
