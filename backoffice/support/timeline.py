"""What happened to a user in sentences, each leading to what it is about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.models import AuditEntry
from backoffice.kit.base import row_link
from backoffice.people.labels import user_link, why_nothing
from backoffice.rewards.labels import level_text, reward_amount_link
from backoffice.staff.audit_log import kind_named
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.models import ReferralReward, RewardTransition
from rewards.support.explanation.status_history import actor_text, reason_text
from rewards.support.user.timeline import TimelinePage

# Of rewards that were moved together, so many are named.
NAMED = 5
# What was reported later than this after it happened is told with both times.
LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline; `icon` is a symbol of the theme's font."""

    at: datetime
    icon: str
    text: SafeString


def lines_of(page: TimelinePage) -> Iterator[Line]:
    """Each line of the page in words."""
    for happenings in page.lines:
        first = happenings[0]
        if first.kind == "move":
            yield _moves(first.at, [happening.row for happening in happenings])
        else:
            icon, words = WORDS[first.kind]
            yield Line(first.at, icon, words(first.row))


def _moves(at: datetime, moves: list[RewardTransition]) -> Line:
    """What became of one reward, or of several together."""
    named = format_html_join(", ", "{}", ((reward_amount_link(move.reward),) for move in moves[:NAMED]))
    if len(moves) > NAMED:
        more = len(moves) - NAMED
        named = format_html("{} {}", named, ngettext("and %d more", "and %d more", more) % more)
    first = moves[0]
    text = format_html(
        "{}: {} → {}. {}",
        named,
        first.get_from_status_display(),
        first.get_to_status_display(),
        _by(first.actor, reason_text(first)),
    )
    return Line(at, MOVE_ICONS.get(first.to_status, "sync_alt"), text)


def _by(actor: str, reason: str) -> str:
    if reason:
        return _("By %(who)s: %(why)s") % {"who": actor_text(actor), "why": reason}
    return _("By %s.") % actor_text(actor)


def _heard(role: UserRole) -> SafeString:
    return format_html("{}", _("User first seen."))


def _role(role: UserRole) -> SafeString:
    return format_html("{}", _("Role changed to %s.") % role.get_role_display())


def _invited_by(relation: ReferralRelation) -> SafeString:
    if relation.is_invitation:
        words = _("Invited by {user} in the campaign {campaign} ({source}).{late}")
    else:
        words = _("Referred by {user} in the campaign {campaign} ({source}).{late}")
    return format_html(
        words,
        user=user_link(relation.referrer_user_id),
        campaign=relation.campaign.name,
        source=source_text(relation),
        late=_late(_("Registered"), relation.registered_at, relation.created_at),
    )


def source_text(relation: ReferralRelation) -> SafeString:
    """How a relation became known: by which code, by hand, by an import."""
    if relation.referral_link is None:
        return format_html("{}", relation.get_source_display())
    return format_html("{} {}", relation.get_source_display(), link_link(relation.referral_link))


def _invited(relation: ReferralRelation) -> SafeString:
    return format_html(
        _("Invited {user} in the campaign {campaign} ({source}).{late}"),
        user=user_link(relation.referred_user_id),
        campaign=relation.campaign.name,
        source=relation.get_source_display(),
        late=_late(_("Registered"), relation.registered_at, relation.created_at),
    )


def _partner(relation: PartnerReferralRelation) -> SafeString:
    return format_html(
        _("Referred the partner {partner} in the campaign {campaign}."),
        partner=partner_link(relation),
        campaign=relation.campaign.name,
    )


def _link(link: ReferralLink) -> SafeString:
    return format_html(
        _("Created the link {code} in the campaign {campaign}."),
        code=link_link(link),
        campaign=link.campaign.name,
    )


def _event_about(event: ReferralEvent) -> SafeString:
    return format_html(
        _("Event {event} in the campaign {campaign}: {outcome}.{late}"),
        event=event_link(event),
        campaign=event.campaign.name,
        outcome=outcome_text(event),
        late=_late(_("Occurred"), event.occurred_at, event.created_at),
    )


def _event_brought(event: ReferralEvent) -> SafeString:
    about = event.referred_user_id
    return format_html(
        _("Event {event} of {user} in the campaign {campaign}: {outcome}.{late}"),
        event=event_link(event),
        user=user_link(about) if about else event.business_partner_id,
        campaign=event.campaign.name,
        outcome=outcome_text(event),
        late=_late(_("Occurred"), event.occurred_at, event.created_at),
    )


def outcome_text(event: ReferralEvent) -> str:
    """What came of an event."""
    if not event.reason:
        return _("rewards earned")
    return _("no reward: %s") % why_nothing(event)


def _reward(reward: ReferralReward) -> SafeString:
    return format_html(
        _("Earned {amount} ({level}) for {event} in the campaign {campaign}."),
        amount=reward_amount_link(reward),
        level=level_text(reward),
        event=event_link(reward.referral_event),
        campaign=reward.campaign.name,
    )


def _change(entry: AuditEntry) -> SafeString:
    return format_html(
        _("{what}: {did}, {who}. {why}"),
        who=actor_text(entry.actor),
        did=entry.get_verb_display(),
        what=_entry_link(entry),
        why=entry.reason,
    )


def _entry_link(entry: AuditEntry) -> SafeString:
    """What was changed, leading to its page."""
    table = entry.object_type.replace(".", "_")
    named = row_link(table, entry.object_id, entry.object_name)
    return format_html("{} {}", capfirst(kind_named(entry.object_type)), named)


def _late(word: str, happened: datetime, heard: datetime) -> str:
    """When it happened, where that is long before we heard of it."""
    if abs(heard - happened) < LATE:
        return ""
    moment = date_format(localtime(happened), "SHORT_DATETIME_FORMAT")
    return f" {word}: {moment}."


# --- links to what is named ---------------------------------------------------------------------------------


def event_link(event: ReferralEvent) -> SafeString:
    """The event's type, leading to its page."""
    # Long types break behind an underscore.
    words = format_html_join(mark_safe("_<wbr>"), "{}", ((word,) for word in event.event_type.split("_")))
    return row_link("referral_referralevent", event.pk, words)


def link_link(link: ReferralLink) -> SafeString:
    """The code, leading to the link's page."""
    return row_link("referral_referrallink", link.pk, link.code)


def partner_link(relation: PartnerReferralRelation) -> SafeString:
    """The partner's id, leading to the page of who brought it."""
    return row_link("referral_partnerreferralrelation", relation.pk, relation.business_partner_id)


WORDS: dict[str, tuple[str, Callable[[Any], SafeString]]] = {
    "heard": ("waving_hand", _heard),
    "role": ("military_tech", _role),
    "invited_by": ("group_add", _invited_by),
    "invited": ("person_add", _invited),
    "partner": ("handshake", _partner),
    "link": ("link", _link),
    "event_about": ("bolt", _event_about),
    "event_brought": ("bolt", _event_brought),
    "reward": ("redeem", _reward),
    "change": ("edit", _change),
}
MOVE_ICONS = {"completed": "paid", "failed": "error", "cancelled": "cancel", "pending": "hourglass_top"}
