"""Why an event earned what it earned, or nothing, level by level.

Exact are: the event with its people, amount, reason and rule version; the rewards; and the relations, which
are never changed, so that those made before the event was accepted are those that it was decided by. Not
kept is who had which role and how much of the limits and budgets was taken. What follows from that is told
by the recorded reason, by the rewards, or by exclusion, and never by the roles and counters of today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Q
from django.utils.translation import gettext as _

from campaigns import calculations
from campaigns.admin_texts import amount_text, g2a_text, points_text
from campaigns.calculations import Counters, Facts, LevelOutcome
from campaigns.explanations import why, why_amounts
from campaigns.families import ONBOARDING, family_of
from campaigns.models import RuleVersion
from campaigns.roles import USER
from campaigns.rule_words import KEYS, ROLES, SECTIONS, Words
from campaigns.rules import LEVELS, SKIP, LevelRule, Limits, Rules
from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.models import ReferralReward, RewardStatus
from rewards.support.moments import moment_text
from rewards.support.replay import LEVEL_NAMES, amount_in, amount_of, facts_of, outcomes, rules_of

UNINVITED = (calculations.NO_REFERRER, calculations.SELF_REFERRAL, calculations.CIRCULAR)
USED_UP = (calculations.LIMIT_REACHED, calculations.BUDGET_EXHAUSTED)


@dataclass(frozen=True, slots=True)
class LevelStory:
    """One level: who stands there and how we know, what it earned, and why."""

    words: Words
    person: str | None
    known_by: str
    role_today: str
    rewards: tuple[ReferralReward, ...]
    why: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventStory:
    """The whole event in a line, then its levels, then what else is worth knowing."""

    headline: str
    levels: tuple[LevelStory, ...]
    notes: tuple[str, ...] = ()
    earned: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is on record about an event; it comes with its rule version."""

    event: ReferralEvent
    rules: Rules | None
    limits: Limits
    limits_number: int
    rewards: Mapping[str, Sequence[ReferralReward]]
    above: ReferralRelation | None = None
    later: Sequence[ReferralRelation] = ()
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def level1(self) -> str | None:
        """Who was decided to be the referrer; a reward says it best."""
        for reward in self.rewards.get("level1", ()):
            return reward.beneficiary_user_id
        return None if self.event.reason in UNINVITED else self.event.referrer_user_id

    @property
    def level2(self) -> str | None:
        """The level-1 user's own referrer, unless that one stands in the event already."""
        for reward in self.rewards.get("level2", ()):
            return reward.beneficiary_user_id
        if self.above is None or self.level1 is None:
            return None
        person = self.above.referrer_user_id
        return None if person in (self.level1, self.event.referred_user_id) else person

    @property
    def facts(self) -> Facts:
        """As the calculation takes it; without a referrer it knows why."""
        facts = facts_of(self.event, level1=self.level1, level2=self.level2)
        return facts if self.level1 else replace(facts, refusal=self.event.reason)


def recorded(event: ReferralEvent) -> Recorded:
    """Read what belongs to the event's story: five look-ups by an index each."""
    rewards: dict[str, list[ReferralReward]] = {}
    for reward in event.rewards.order_by("id"):
        rewards.setdefault(LEVEL_NAMES[reward.beneficiary_level], []).append(reward)
    limits, number = _limits_then(event)
    found = Recorded(event, rules_of(event.rule_version), limits, number, rewards)
    relations = _relations_of(event, (event.referred_user_id, found.level1))
    before = [row for row in relations if row.created_at <= event.created_at]
    above = next((row for row in before if row.referred_user_id == found.level1), None)
    later = [row for row in relations if row.created_at > event.created_at]
    found = replace(found, above=above, later=later)
    people = {person for person in (found.level1, found.level2, event.referred_user_id) if person}
    roles = dict(UserRole.objects.filter(pk__in=people).values_list("user_id", "role"))
    return replace(found, roles=roles)


def _limits_then(event: ReferralEvent) -> tuple[Limits, int]:
    """The limits when the event was accepted: those of the newest version of that time."""
    if event.reason not in USED_UP:
        return Limits(), 0
    versions = RuleVersion.objects.filter(campaign=event.campaign_id, created_at__lte=event.created_at)
    version = versions.order_by("-number").first() or event.rule_version
    rules = rules_of(version)
    return (rules.limits if rules else Limits()), version.number


def _relations_of(event: ReferralEvent, people: Sequence[str | None]) -> list[ReferralRelation]:
    """Who invited these people, as far as the event's campaign is concerned: its own relation goes first."""
    rows = ReferralRelation.objects.filter(
        Q(campaign=event.campaign_id) | Q(is_invitation=True),
        referred_user_id__in=[person for person in people if person],
    )
    return sorted(rows, key=lambda row: row.campaign_id != event.campaign_id)


# --- in words -----------------------------------------------------------------------------------------------


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
        return _("This event has earned nobody anything.")
    text = _("This event has earned %s in all.") % _sum(rewards)
    cancelled = [reward for reward in rewards if reward.status == RewardStatus.CANCELLED]
    return text + " " + _("Of this, cancelled since then: %s.") % _sum(cancelled) if cancelled else text


def _sum(rewards: Sequence[ReferralReward]) -> str:
    points = sum(reward.points_amount or 0 for reward in rewards)
    g2a = sum(reward.g2a_amount or 0 for reward in rewards)
    parts = ([points_text(points)] if points else []) + ([g2a_text(g2a)] if g2a else [])
    return " + ".join(parts)


def _level(found: Recorded, name: str, calculated: LevelOutcome | None) -> LevelStory:
    rewards = tuple(found.rewards.get(name, ()))
    person = {"level1": found.level1, "level2": found.level2, "referred": found.event.referred_user_id}[name]
    reason, notes = _why(found, name, calculated, rewards)
    return LevelStory(
        words=SECTIONS[name],
        person=person,
        known_by=_known_by(found, name, person),
        role_today=str(ROLES[found.roles.get(person, USER)]) if person else "",
        rewards=rewards,
        why=reason,
        notes=tuple(note for note in notes if note),
    )


def _known_by(found: Recorded, name: str, person: str | None) -> str:
    """How it is known who stands at this level."""
    if person is None:
        return ""
    if found.rewards.get(name):
        return _("by the reward")
    if name != "level2":
        return _("recorded with the event")
    return _("by the relation that was on record when the event was accepted")


def _why(
    found: Recorded, name: str, calculated: LevelOutcome | None, rewards: Sequence[ReferralReward]
) -> tuple[str, list[str]]:
    """Why one level earned what it earned, in the words of the campaign's preview, and what to add."""
    if rewards:
        return _why_earned(found, name, calculated, rewards)
    if found.event.reason in USED_UP and not found.rewards:
        return _used_up(found), []
    if calculated is None or found.rules is None:
        return _("The rules of that time cannot be read any more, so the reason cannot be told."), []
    if not calculated.drafts:
        return why(calculated, found.rules, Limits(), found.facts, Counters()), []
    return _why_not_after_all(found, name, calculated)


def _why_earned(
    found: Recorded, name: str, calculated: LevelOutcome | None, rewards: Sequence[ReferralReward]
) -> tuple[str, list[str]]:
    if calculated is None or found.rules is None:
        return _("The rules of that time cannot be read any more, so the reason cannot be told."), []
    differs = any(amount_in(calculated, reward.currency) != amount_of(reward) for reward in rewards)
    if differs or len(calculated.drafts) != len(rewards):
        return _(
            "The calculation gives something else now; what is on record counts. Tell those who operate the "
            "service."
        ), []
    return why_amounts(found.rules.levels[name], calculated, found.facts), []


def _used_up(found: Recorded) -> str:
    """A limit or a budget, by the recorded reason; how much of it was taken at that moment is not kept."""
    key = found.event.reason_detail or ""
    limit = getattr(found.limits, key, None)
    version = _("version %d of the rules") % found.limits_number
    if found.event.reason == calculations.BUDGET_EXHAUSTED:
        if limit is None:
            return _("It did not fit into what was left of the budget. The event earns nothing.")
        return _(
            "It did not fit into what was left of the budget: %(budget)s in all by %(version)s. The event "
            "earns nothing."
        ) % {
            "budget": points_text(limit) if key == "budget_points" else g2a_text(limit),
            "version": version,
        }
    label = str(KEYS[key].label).lower() if key in KEYS else key
    if limit is None:
        return _("The limit was used up: %s. The event earns nothing at any level.") % label
    return _(
        "The limit was used up: %(limit)s – %(number)s by %(version)s. The event earns nothing at any level."
    ) % {"limit": label, "number": amount_text(limit), "version": version}


def _why_not_after_all(found: Recorded, name: str, calculated: LevelOutcome) -> tuple[str, list[str]]:
    """The level would earn if its role were reached, and has earned nothing."""
    rules = found.rules or Rules()
    rule = rules.levels.get(name, LevelRule())
    if rule.locked_until_role and rule.before_role == SKIP:
        outcome = LevelOutcome(name, calculated.beneficiary, (), calculations.ROLE_TOO_LOW)
        recorded_so = found.event.reason_detail == f"{name}.locked_until_role"
        note = "" if recorded_so else _("Nothing else kept it from earning: the role was not reached then.")
        return why(outcome, rules, Limits(), found.facts, Counters()), [note]
    if name == "level2":
        return _("Nothing was earned here, although the rules have an amount for this level."), [
            _(
                "Most likely the relation was made in the very moment in which the event was accepted, and "
                "came too late for it."
            )
        ]
    return _(
        "Nothing was earned here, although the rules have an amount for this level. Tell those who operate "
        "the service."
    ), []


def _came_later(found: Recorded) -> str:
    """A relation that came after the event changes nothing of it (contract/domain.md, Who is the
    referrer)."""
    for row in found.later:
        if row.referred_user_id in (found.event.referred_user_id, found.level1):
            return _(
                "Since %(moment)s it is on record that %(referrer)s invited %(referred)s. That came after "
                "this event, which is decided by what was on record when it was accepted."
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
    return _("The event is older than version %d of the rules, which is the first, so that one counts.") % (
        version.number
    )
