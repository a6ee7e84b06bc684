"""The short way of the event path: events accepted in one statement, if nothing stands in the way.

Prices are calculated before it is known who stands at which level and what role they have: by the same pure
calculation, for people who have every role. What depends on the role goes along, and the database puts in who
it is. Where anything else could matter (a limit or budget is reached, the event is known, the caller names a
referrer who is not on record, the campaign has changed) nothing is written, and the careful way of
rewards/intake/acceptance.py is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from campaigns.catalog import CampaignEntry
from campaigns.rules.calculation import NO_REFERRER, Calculation, Counters, Draft, Facts, calculate
from campaigns.rules.families import family_of
from campaigns.rules.roles import PRO
from campaigns.rules.schema import LEVELS, SKIP, Rules
from kernel.database import call
from rewards.intake.results import Accepted
from rewards.intake.store import Candidate, RewardRow, event_row

# Whoever stands there; the database knows. Everybody reaches every role.
SOMEBODY = {name: name for name in LEVELS}
ROLES = dict.fromkeys(SOMEBODY.values(), PRO)
NOTHING_USED = Counters()


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event with what it would earn at each level, wherever somebody stands there."""

    campaign: CampaignEntry
    event: dict[str, Any]
    rewards: list[dict[str, Any]]
    drafts: tuple[Draft, ...]


def prepared(candidate: Candidate) -> Prepared | None:
    """The event ready for the short way; None where the careful one must be taken.

    Level 1 must earn, be it locked: then the event needs no reason, whoever stands at the other levels.
    """
    if candidate.event.referred is None or candidate.new_relation_of or candidate.code_reason:
        return None
    version_id, rules = candidate.campaign.version_at(candidate.event.occurred_at)
    calculation = _price(candidate, rules)
    first = calculation.levels[0]
    if not first.drafts or _skips(rules, first.name):
        return None
    event_id = uuid7()
    return Prepared(
        candidate.campaign,
        _event(event_id, candidate, version_id),
        [_reward(event_id, draft, rules) for draft in calculation.drafts],
        calculation.drafts,
    )


def accept_at_once(events: Sequence[Prepared]) -> list[Accepted] | None:
    """Write all of them in one statement, or nothing (None). All must be of one revision of a campaign."""
    rewards: list[dict[str, Any]] = []
    for item, event in enumerate(events, 1):
        event.event["item"] = item
        for reward in event.rewards:
            reward["item"], reward["number"] = item, len(rewards)
            rewards.append(reward)
    written = _write(events[0].campaign, [event.event for event in events], rewards)
    return _answers(written, events, rewards) if written else None


def _price(candidate: Candidate, rules: Rules) -> Calculation:
    event = candidate.event
    facts = Facts(
        family=family_of(event.event_type),
        occurred_at=event.occurred_at,
        amount_base=event.amount_base,
        level1=SOMEBODY["level1"],
        level2=SOMEBODY["level2"],
        referred=SOMEBODY["referred"],
    )
    return calculate(rules, candidate.campaign.limits, facts, ROLES, NOTHING_USED)


def _skips(rules: Rules, level: str) -> bool:
    """Whether the level earns nothing as long as its role is not reached."""
    rule = rules.levels[level]
    return rule.locked_until_role is not None and rule.before_role == SKIP


def _event(event_id: UUID, candidate: Candidate, version_id: UUID) -> dict[str, Any]:
    event = candidate.event
    return {
        **event_row(event_id, event, version_id),
        "referred": event.referred,
        "named": event.referrer_named,
        "day": event.occurred_at.date(),
    }


def _reward(event_id: UUID, draft: Draft, rules: Rules) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "event_id": event_id,
        "level": draft.level,
        "currency": "points" if draft.points is not None else "g2a",
        "points": draft.points,
        "g2a": None if draft.g2a is None else f"{draft.g2a:f}",
        "role": draft.required_min_role,
        "skip": _skips(rules, draft.beneficiary),
        "available_at": draft.available_at,
    }


def _write(
    campaign: CampaignEntry, events: list[dict[str, Any]], rewards: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Who stands where, and what the database made of the drafts; None when it wrote nothing."""
    limits = campaign.limits
    result = call(
        b"referral_events_at_once",
        _text(campaign.id),
        _text(campaign.revision),
        _text(limits.max_events_per_referred),
        _text(limits.max_events_per_referrer),
        _text(limits.max_events_per_referrer_per_day),
        _text(limits.budget_points),
        _text(limits.budget_g2a),
        _text(bool(campaign.gated)),
        _text(limits.has_budget),
        orjson.dumps(events),
        orjson.dumps(rewards),
    )
    answer = result.get_value(0, 0)
    return orjson.loads(answer) if answer else None


def _text(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _answers(
    written: dict[str, Any], events: Sequence[Prepared], rewards: list[dict[str, Any]]
) -> list[Accepted]:
    answers = [
        Accepted(
            event_id=event.event["id"],
            duplicate=False,
            reason=None if level1 else NO_REFERRER,
            reason_detail=None,
            code_reason=None,
            referrer_user_id=level1,
        )
        for event, level1 in zip(events, written["level1"], strict=True)
    ]
    drafts = [draft for event in events for draft in event.drafts]
    for number, user, status in zip(written["numbers"], written["users"], written["statuses"], strict=True):
        row, draft = rewards[number], drafts[number]
        answers[row["item"] - 1].rewards.append(
            RewardRow(row["id"], user, draft.level, draft.points, draft.g2a, status, draft.required_min_role)
        )
    return answers
