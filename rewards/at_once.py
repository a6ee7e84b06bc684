"""The short way of the event path: a batch accepted in one statement, if nothing stands in the way.

Prices are calculated before it is known who stands at which level and what role they have: by the same pure
calculation, for people who have every role. What depends on the role goes along, and the database puts in who
it is. Where anything else could matter (a limit or budget is reached, the event is known, the caller names a
referrer who is not on record, the campaign has changed) nothing is written, and the careful way of
rewards/deciding.py is taken.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from campaigns.calculations import NO_REFERRER, Calculation, Counters, Draft, Facts, calculate
from campaigns.catalog import CampaignEntry
from campaigns.families import family_of
from campaigns.roles import PRO
from campaigns.rules import LEVELS, SKIP, Rules
from rewards.answers import Accepted
from rewards.event_store import Candidate, RewardRow, call, event_row

# Whoever stands there; the database knows. Everybody reaches every role.
SOMEBODY = {name: name for name in LEVELS}
ROLES = dict.fromkeys(SOMEBODY.values(), PRO)
NOTHING_USED = Counters()


def accept_at_once(candidates: Sequence[Candidate]) -> list[Accepted] | None:
    """Accept all of them and commit, or write nothing and return None: then the careful way must be taken."""
    campaign = candidates[0].campaign
    if any(not _is_plain(candidate, campaign) for candidate in candidates):
        return None
    events: list[dict[str, Any]] = []
    drafts: list[dict[str, Any]] = []
    priced: list[Draft] = []
    for item, candidate in enumerate(candidates, 1):
        version_id, rules = campaign.version_at(candidate.event.occurred_at)
        calculation = _price(candidate, rules)
        if not _earns_whatever_the_role(calculation, rules):
            return None
        event_id = uuid7()
        events.append(_event(item, event_id, candidate, version_id))
        for draft in calculation.drafts:
            drafts.append(_draft(len(priced), item, event_id, draft, rules))
            priced.append(draft)
    written = _write(campaign, events, drafts)
    return _answers(written, candidates, events, drafts, priced) if written else None


def _is_plain(candidate: Candidate, campaign: CampaignEntry) -> bool:
    """An event about a user, of the batch's one campaign, that brings no relation along."""
    return (
        candidate.campaign is campaign
        and candidate.event.referred is not None
        and candidate.new_relation_of is None
        and candidate.code_reason is None
    )


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


def _earns_whatever_the_role(calculation: Calculation, rules: Rules) -> bool:
    """Level 1 earns, be it locked: then the event needs no reason, whoever stands at the others."""
    first = calculation.levels[0]
    return bool(first.drafts) and not _skips(rules, first.name)


def _skips(rules: Rules, level: str) -> bool:
    rule = rules.levels[level]
    return rule.locked_until_role is not None and rule.before_role == SKIP


def _event(item: int, event_id: UUID, candidate: Candidate, version_id: UUID) -> dict[str, Any]:
    event = candidate.event
    return {
        **event_row(event_id, event, version_id),
        "item": item,
        "referred": event.referred,
        "named": event.referrer_named,
        "day": event.occurred_at.date(),
    }


def _draft(number: int, item: int, event_id: UUID, draft: Draft, rules: Rules) -> dict[str, Any]:
    return {
        "number": number,
        "item": item,
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
    campaign: CampaignEntry, events: list[dict[str, Any]], drafts: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Who stands where and what the database made of the drafts; None when it wrote nothing."""
    limits = campaign.limits
    result = call(
        b"referral_events_at_once",
        str(campaign.id).encode(),
        _text(campaign.revision),
        _text(limits.max_events_per_referred),
        _text(limits.max_events_per_referrer),
        _text(limits.max_events_per_referrer_per_day),
        _text(limits.budget_points),
        _text(limits.budget_g2a),
        _text(any(campaign.opening[name] for name in ("role1", "role2", "role0"))),
        _text(limits.has_budget),
        orjson.dumps(events),
        orjson.dumps(drafts),
    )
    answer = result.get_value(0, 0)
    return orjson.loads(answer) if answer else None


def _text(value: Any) -> bytes | None:
    return None if value is None else str(value).encode()


def _answers(
    written: dict[str, Any],
    candidates: Sequence[Candidate],
    events: list[dict[str, Any]],
    drafts: list[dict[str, Any]],
    priced: list[Draft],
) -> list[Accepted]:
    answers = [
        Accepted(
            event_id=event["id"],
            duplicate=False,
            reason=None if level1 else NO_REFERRER,
            reason_detail=None,
            code_reason=None,
            referrer_user_id=level1,
        )
        for event, level1 in zip(events, written["level1"], strict=True)
    ]
    for number, user, status in zip(written["numbers"], written["users"], written["statuses"], strict=True):
        row, draft = drafts[number], priced[number]
        answers[row["item"] - 1].rewards.append(
            RewardRow(row["id"], user, draft.level, draft.points, draft.g2a, status, draft.required_min_role)
        )
    return answers
