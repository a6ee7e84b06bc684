"""Events of referred users: single and bulk calls, one path."""

from collections.abc import Sequence
from dataclasses import replace

from campaigns.catalog import CampaignEntry, catalog
from kernel.errors import DomainError
from referral.codes import normalize_code
from referral.models import ReferralLink, ReferralRelation
from referral.selectors import link_by_code, relation_in
from referral.services import ALREADY_REFERRED, RelationRefused, relation_by_link
from rewards.intake.acceptance import campaign_for, decide, retrying
from rewards.intake.commands import NewEvent
from rewards.intake.results import Accepted, conflict_about, first_answers, known_key
from rewards.intake.store import Candidate


def event_accept(event: NewEvent) -> Accepted:
    """Accept one event, or answer a repeated one. Raises DomainError."""
    outcome = events_accept([event])[0]
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def events_accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """Accept events in their order; each gets its answer or its own refusal.

    An event with a referral code may make a relation that later ones depend on, so it goes alone; runs of
    others go together.
    """
    outcomes: list[Accepted | DomainError] = []
    run: list[NewEvent] = []
    for event in events:
        if event.referral_code is None:
            run.append(event)
            continue
        outcomes += _run_accept(run)
        run = []
        outcomes += _run_accept([event])
    return outcomes + _run_accept(run)


def _run_accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """A run of events, all of them or none. A key that comes twice in the run is answered from the first."""
    if not events:
        return []
    first = {(event.service, event.key): index for index, event in reversed(list(enumerate(events)))}
    fresh = [events[index] for index in sorted(first.values())]
    try:
        # A code may make a relation, which stays with its event or not at all.
        codes = any(event.referral_code for event in fresh)
        answered = retrying(lambda: _accept(fresh), one_transaction=codes)
        answers = dict(zip(sorted(first.values()), answered, strict=True))
    except DomainError as error:
        if len(fresh) > 1:
            raise
        answers = {0: error}
    for index, event in enumerate(events):
        if index not in answers:
            original = first[event.service, event.key]
            answers[index] = _repeated(answers[original], events[original], event)
    return [answers[index] for index in range(len(events))]


def _repeated(answer: Accepted | DomainError, original: NewEvent, event: NewEvent) -> Accepted | DomainError:
    if isinstance(answer, DomainError):
        # A refusal is not remembered, so this one is judged by itself.
        return _run_accept([event])[0]
    if original.fingerprint != event.fingerprint:
        return conflict_about(event)
    return replace(answer, duplicate=True)


def _accept(events: Sequence[NewEvent]) -> list[Accepted | DomainError]:
    """Who goes where, what each earns, everything written.

    The refusal of a single event is raised, so that nothing of it stays, not even its relation.
    """
    if any(event.campaign_code is None for event in events):
        catalog.keep_current()
    answers: dict[int, Accepted | DomainError] = {}
    candidates: dict[int, Candidate] = {}
    for index, event in enumerate(events):
        try:
            candidates[index] = _candidate(event)
        except DomainError as error:
            known = first_answers([event])
            answers[index] = known.get(0) or error
    opened_answers = decide(list(candidates.values()))
    answers.update(zip(candidates, opened_answers, strict=True))
    outcome = [answers[index] for index in range(len(events))]
    if len(outcome) == 1 and isinstance(outcome[0], DomainError):
        raise outcome[0]
    return outcome


def _candidate(event: NewEvent) -> Candidate:
    """The event with its campaign and, where a code was applied to the purchase, its relation.

    Raises CampaignNotFound, EventTypeNotAllowed, CampaignInactive, OutOfScope.
    """
    campaign = campaign_for(event)
    if event.referral_code is None or known_key(event):
        return Candidate(event, campaign)
    referrer, code_reason = _code_apply(event, campaign)
    return Candidate(event, campaign, referrer, code_reason)


def _code_apply(event: NewEvent, campaign: CampaignEntry) -> tuple[str | None, str | None]:
    """Use the code that was applied to a purchase: the referrer of a new relation, or why there is none."""
    link = link_by_code(normalize_code(event.referral_code or ""))
    if link is None:
        return None, "unknown_code"
    if link.campaign_id != campaign.id:
        return None, "campaign_mismatch"
    referred = str(event.referred)
    if held := relation_in(referred, campaign.id, is_invitation=campaign.is_invitation):
        return None, _why_unused(held, link)
    if not link.is_active:
        return None, "inactive_code"
    try:
        relation_by_link(
            link=link,
            campaign=campaign,
            referred=referred,
            source=ReferralRelation.Source.CODE,
            registered_at=event.occurred_at,
        )
    except RelationRefused as refusal:
        made_meanwhile = relation_in(referred, campaign.id, is_invitation=campaign.is_invitation)
        return None, _why_unused(made_meanwhile, link) if made_meanwhile else refusal.reason
    return link.owner_user_id, None


def _why_unused(held: ReferralRelation, link: ReferralLink) -> str | None:
    """A code of the referrer on record says nothing new; anybody else's comes too late."""
    return None if held.referrer_user_id == link.owner_user_id else ALREADY_REFERRED
