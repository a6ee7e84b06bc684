"""What is on record about an event and still says why it earned what it earned, read for its page.

Exact are: the event with its people, amount, reason and rule version; the rewards; and the relations, which
are never changed, so that those made before the event was accepted are those that it was decided by. Not
kept is who had which role, and how much of the limits and budgets was taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Q

from campaigns.models import RuleVersion
from campaigns.rules import calculation
from campaigns.rules.calculation import Facts
from campaigns.rules.schema import Limits, Rules
from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.models import ReferralReward
from rewards.support.explanation.recalculation import LEVEL_NAMES, facts_of, rules_of

UNINVITED = (calculation.NO_REFERRER, calculation.SELF_REFERRAL, calculation.CIRCULAR)
USED_UP = (calculation.LIMIT_REACHED, calculation.BUDGET_EXHAUSTED)


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
