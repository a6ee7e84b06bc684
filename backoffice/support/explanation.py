"""The pages of a reward and of an event say in words what happened; the words come from `rewards.support`."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from backoffice.kit.base import ReadOnlyAdmin, badge
from backoffice.people.links import user_link
from backoffice.people.people_admin import EventAdmin
from backoffice.rewards.actions import ACTIONS, CHANGE
from backoffice.rewards.labels import STATUS_COLORS, reward_page, reward_text, status_shown
from campaigns.models import RuleVersion
from campaigns.rules.wording import ROLES
from kernel.humanize.amounts import amount_text
from kernel.humanize.moments import moment_text
from referral.models import ReferralEvent
from rewards.models import ReferralReward
from rewards.support.explanation.amounts import derivation, made_locked
from rewards.support.explanation.error_classification import error_text
from rewards.support.explanation.event_record import recorded
from rewards.support.explanation.levels import LevelStory, event_story
from rewards.support.explanation.reward import story
from rewards.support.explanation.situation import situation_of

VIEW = "rewards.view_referralreward"


class StoryMedia:
    """The styles of the cards."""

    css = {"all": ["backoffice/story.css"]}


class RewardStoryPage(ReadOnlyAdmin):
    """The page of a reward begins with why it is where it is, and how its amount came about."""

    change_form_outer_before_template = "admin/support/reward_page.html"
    Media = StoryMedia

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralReward]:
        """The page of one reward speaks of all that stands behind it."""
        rows = super().get_queryset(request)
        behind = ("campaign", "referral_event__rule_version")
        is_page = request.resolver_match and "object_id" in request.resolver_match.kwargs
        return rows.select_related(*behind) if is_page else rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """The page with its story."""
        if reward := options.get("obj"):
            context |= reward_story_context(request, reward)
        return super().render_change_form(request, context, *args, **options)


def reward_story_context(request: HttpRequest, reward: ReferralReward) -> dict[str, Any]:
    """What stands above the fields of a reward that comes with its campaign, event and rule version."""
    event = reward.referral_event
    version = event.rule_version
    return {
        "story_of": format_html("{} → {}", reward_text(reward), user_link(reward.beneficiary_user_id)),
        "story": story(situation_of(reward, timezone.now())),
        "obstacles": obstacles(request, reward),
        "derivation": derivation(reward, was_locked=made_locked(reward)),
        "event_link": _link("referral_referralevent", event.pk, event.event_type),
        "event_facts": _event_facts(event),
        "campaign_link": _link("campaigns_referralcampaign", reward.campaign_id, reward.campaign.name),
        "version_link": _link("campaigns_ruleversion", version.pk, _("Version %d") % version.number),
        "version_facts": _version_facts(event, version),
        "facts": reward_facts(reward),
    }


def reward_facts(reward: ReferralReward) -> list[dict[str, Any]]:
    """What is on record about a reward, in groups."""
    event = reward.referral_event
    role = ROLES[reward.required_min_role] if reward.required_min_role else None
    payout = ("available_at", "next_attempt_at", "attempts", "failures", "first_failed_at")
    return [
        {
            "title": _("Reward"),
            "pairs": [
                (_("status"), status_shown(reward)),
                (_("amount"), reward_text(reward)),
                (_("recipient"), user_link(reward.beneficiary_user_id)),
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
                (_("event"), _link("referral_referralevent", event.pk, str(event.pk))),
                *_columns(reward, "campaign", "created_at", "updated_at"),
            ],
        },
    ]


def _columns(row: Model, *names: str) -> list[tuple[Any, Any]]:
    """Columns of a row by their names in the language of the page."""
    return [(label_for_field(name, type(row)), getattr(row, name)) for name in names]


def obstacles(request: HttpRequest, reward: ReferralReward) -> list[str]:
    """Why some of the actions cannot be taken on the reward; empty when all can."""
    if not request.user.has_perm(CHANGE):
        return [_("You are not allowed to change rewards")]
    return [why for move in ACTIONS.values() if (why := move.obstacle(reward))]


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


def _link(page: str, pk: Any, text: str) -> SafeString:
    return format_html(
        '<a href="{}" class="text-link">{}</a>', reverse(f"admin:{page}_change", args=[pk]), text
    )


# --- events -------------------------------------------------------------------------------------------------


@admin.register(ReferralEvent)
class EventStoryAdmin(EventAdmin):
    """The page of an event begins with what it earned at each level, or why nothing."""

    change_form_outer_before_template = "admin/support/event_page.html"
    Media = StoryMedia

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReferralEvent]:
        """The page of one event speaks of its campaign and rules."""
        rows = super().get_queryset(request)
        is_page = request.resolver_match and "object_id" in request.resolver_match.kwargs
        return rows.select_related("campaign", "rule_version", "replayed", "replays") if is_page else rows

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        """The page with its levels."""
        event = options.get("obj")
        if event and request.user.has_perm(VIEW):
            tale = event_story(recorded(event))
            context |= {
                "story": tale,
                "levels": [_level(level) for level in tale.levels],
                "told_again": _told_again(event),
            }
        return super().render_change_form(request, context, *args, **options)


def _told_again(event: ReferralEvent) -> SafeString | str:
    """That the event was rewarded later by another one, or rewards a past one itself."""
    if replayed := getattr(event, "replayed", None):
        text, other = _("The referrer was added later; the reward was earned by"), replayed.replay_id
    elif replays := getattr(event, "replays", None):
        text, other = (
            _("The referrer was added later; this event rewards the past event"),
            replays.original_id,
        )
    else:
        return ""
    return format_html("{} {}.", text, _link("referral_referralevent", other, str(other)))


def _level(level: LevelStory) -> dict[str, Any]:
    return {
        "story": level,
        "person": user_link(level.person) if level.person else "",
        "rewards": [_earned(reward) for reward in level.rewards],
    }


def _earned(reward: ReferralReward) -> dict[str, Any]:
    role = reward.required_min_role
    return {
        "link": format_html(
            '<a href="{}" class="text-link">{}</a>', reward_page(reward.pk), reward_text(reward)
        ),
        "status": badge(reward.get_status_display(), STATUS_COLORS.get(reward.status)),
        "lock": _("requires the role %s") % ROLES[role] if role else "",
    }
