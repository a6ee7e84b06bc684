"""Why an event earned what it earned, or nothing, level by level: a pure function of what is on record.

What the record does not keep (`rewards.support.explanation.event_record`) is told by the recorded reason, by
the rewards, or by exclusion, and never by the roles and counters of today.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from campaigns.rules import calculation
from campaigns.rules.calculation import Counters, Facts, LevelOutcome
from campaigns.rules.explanation import why, why_amounts
from campaigns.rules.families import ONBOARDING, family_of
from campaigns.rules.roles import USER
from campaigns.rules.schema import LEVELS, SKIP, LevelRule, Limits, Rules
from campaigns.rules.wording import KEYS, ROLES, SECTIONS, Words
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from kernel.humanize.moments import moment_text
from rewards.models import ReferralReward, RewardStatus
from rewards.support.explanation.event_record import USED_UP, Recorded
from rewards.support.explanation.recalculation import amount_in, amount_of, outcomes


@dataclass(frozen=True, slots=True)
class Why:
    """Why a level earned what it earned, in words; `reason` is the code of why it earned nothing."""

    text: str
    reason: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LevelStory:
    """One level: who stands there and how we know, what it earned, and why."""

    words: Words
    person: str | None
    known_by: str
    role_today: str
    rewards: tuple[ReferralReward, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class EventStory:
    """The whole event in a line, then its levels, then what else is worth knowing."""

    headline: str
    levels: tuple[LevelStory, ...]
    notes: tuple[str, ...] = ()
    earned: bool = False


def event_story(found: Recorded) -> EventStory:
    """The story of an event; pure."""
    event = found.event
    calculated = outcomes(found.rules, found.facts) if found.rules else {}
    names = [name for name in LEVELS if name != "referred" or family_of(event.event_type) != ONBOARDING]
    return EventStory(
        headline=_headline(found),
        levels=tuple(_level(found, name, calculated.get(name)) for name in names),
        notes=tuple(note for note in (_came_later(found), _version_note(found)) if note),
        earned=bool(found.rewards),
    )


def _headline(found: Recorded) -> str:
    rewards = [reward for level in found.rewards.values() for reward in level]
    if not rewards:
        return _("No one earned a reward for this event.")
    text = _("Total earned for this event: %s.") % _sum(rewards)
    cancelled = [reward for reward in rewards if reward.status == RewardStatus.CANCELLED]
    return text + " " + _("Cancelled since: %s.") % _sum(cancelled) if cancelled else text


def _sum(rewards: Sequence[ReferralReward]) -> str:
    points = sum(reward.points_amount or 0 for reward in rewards)
    g2a = sum(reward.g2a_amount or 0 for reward in rewards)
    parts = ([points_text(points)] if points else []) + ([g2a_text(g2a)] if g2a else [])
    return " + ".join(parts)


def _level(found: Recorded, name: str, calculated: LevelOutcome | None) -> LevelStory:
    rewards = tuple(found.rewards.get(name, ()))
    person = {"level1": found.level1, "level2": found.level2, "referred": found.event.referred_user_id}[name]
    return LevelStory(
        words=SECTIONS[name],
        person=person,
        known_by=_known_by(found, name, person),
        role_today=str(ROLES[found.roles.get(person, USER)]) if person else "",
        rewards=rewards,
        why=_why(found, name, calculated, rewards),
    )


def _known_by(found: Recorded, name: str, person: str | None) -> str:
    """How it is known who stands at this level."""
    if person is None:
        return ""
    if found.rewards.get(name):
        return _("from the reward")
    if name != "level2":
        return _("recorded with the event")
    return _("from the referral recorded when the event was accepted")


def _why(
    found: Recorded, name: str, calculated: LevelOutcome | None, rewards: Sequence[ReferralReward]
) -> Why:
    """Why one level earned what it earned, in the words of the campaign's preview."""
    event = found.event
    if event.reason in USED_UP and not found.rewards:
        return Why(_used_up(found), event.reason)
    if calculated is None or found.rules is None:
        return Why(_("The rules of that time cannot be read, so the reason is not known."))
    if rewards:
        return _why_earned(found.rules.levels.get(name), calculated, found.facts, rewards)
    if (event.reason, event.reason_detail) == (calculation.ROLE_TOO_LOW, f"{name}.locked_until_role"):
        return _role_too_low(found, name)
    if not calculated.drafts:
        text = why(calculated, found.rules, Limits(), found.facts, Counters())
        return Why(text, calculated.reason)
    return _why_not_after_all(found, name)


def _why_earned(
    rule: LevelRule | None, calculated: LevelOutcome, facts: Facts, rewards: Sequence[ReferralReward]
) -> Why:
    differs = any(amount_in(calculated, reward.currency) != amount_of(reward) for reward in rewards)
    if rule is None or differs or len(calculated.drafts) != len(rewards):
        return Why(
            _(
                "The calculation now gives a different result; the recorded one counts. Contact the on-call "
                "engineer."
            )
        )
    return Why(why_amounts(rule, calculated, facts))


def _used_up(found: Recorded) -> str:
    """A limit or a budget, by the recorded reason; how much of it was taken at that moment is not kept."""
    key = found.event.reason_detail or ""
    limit = getattr(found.limits, key, None)
    version = _("version %d of the rules") % found.limits_number
    if found.event.reason == calculation.BUDGET_EXHAUSTED:
        if limit is None:
            return _("Budget exceeded: the rewards did not fit into what was left. The event earns nothing.")
        return _(
            "Budget exceeded: the rewards did not fit into what was left of %(budget)s (%(version)s). The "
            "event earns nothing."
        ) % {
            "budget": points_text(limit) if key == "budget_points" else g2a_text(limit),
            "version": version,
        }
    label = str(KEYS[key].label).lower() if key in KEYS else key
    if limit is None:
        return _("Limit reached: %s. The event earns nothing at any level.") % label
    return _("Limit reached: %(limit)s – %(number)s (%(version)s). The event earns nothing at any level.") % {
        "limit": label,
        "number": amount_text(limit),
        "version": version,
    }


def _role_too_low(found: Recorded, name: str, note: str = "") -> Why:
    outcome = LevelOutcome(name, None, (), calculation.ROLE_TOO_LOW)
    text = why(outcome, found.rules or Rules(), Limits(), found.facts, Counters())
    return Why(text, calculation.ROLE_TOO_LOW, note)


def _why_not_after_all(found: Recorded, name: str) -> Why:
    """The level would earn if its role were reached, and has earned nothing."""
    rule = (found.rules or Rules()).levels.get(name, LevelRule())
    if rule.locked_until_role and rule.before_role == SKIP:
        note = _("Only the role was missing at that time.")
        return _role_too_low(found, name, note)
    text = _("No reward was earned, although the rules set one for this level.")
    if name == "level2":
        return Why(
            text,
            note=_(
                "Most likely the referral was created while the event was being accepted, and came too late "
                "for it."
            ),
        )
    return Why(text, note=_("Contact the on-call engineer."))


def _came_later(found: Recorded) -> str:
    """A relation that came after the event changes nothing of it (docs/event-path.md, Who is the
    referrer)."""
    for row in found.later:
        if row.referred_user_id in (found.event.referred_user_id, found.level1):
            return _(
                "Since %(moment)s the referrer of %(referred)s is %(referrer)s. The referral came after this "
                "event, and only what was recorded when the event was accepted counts."
            ) % {
                "moment": moment_text(row.created_at),
                "referrer": row.referrer_user_id,
                "referred": row.referred_user_id,
            }
    return ""


def _version_note(found: Recorded) -> str:
    """The first version also prices what happened before it."""
    version = found.event.rule_version
    if found.event.occurred_at >= version.valid_from:
        return ""
    return _("The event is older than version %d of the rules. This is the first version, so it applies.") % (
        version.number
    )
