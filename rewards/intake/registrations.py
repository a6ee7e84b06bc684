"""Registrations, claims and onboarded partners: events that make the relation which pays for them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry, catalog
from campaigns.locks import lock_relations
from campaigns.rules.families import RF_PARTNER_ONBOARDED, USER_REGISTERED
from kernel.database import database_now
from kernel.errors import CampaignNotFound, DomainError, ReferrerMismatch
from referral.codes import normalize_code
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from referral.selectors import link_by_code, relation_in
from referral.services import ALREADY_REFERRED, RelationRefused, relation_by_link, user_heard
from rewards.intake.acceptance import StaleCatalog, campaign_for, decide, retrying
from rewards.intake.commands import NewEvent, PartnerOnboarded, UserRegistered, onboarding_of, registration_of
from rewards.intake.results import Accepted, conflict_about, first_answer, known_key
from rewards.intake.store import Candidate

# Who reports a registration that its user claims afterwards: we ourselves.
CLAIMS = "referral_service"


@dataclass(slots=True)
class Registered:
    """The answer to a registration; `reason` is set when no referral came of it."""

    reason: str | None = None
    relation_id: UUID | None = None
    accepted: Accepted | None = None


def registration_accept(service: str, body: UserRegistered) -> Registered:
    """Write who invited a new user, and pay for it; a bad referral is an answer, never an error.

    Raises ValidationFailed, and IdempotencyConflict when the key belongs to another user's registration.
    """
    now = timezone.now()
    probe = registration_of(service, body, campaign_code="", referrer="", now=now)
    if probe.external_event_id and (known := known_key(probe)) and known.referred_user_id != body.new_user_id:
        raise conflict_about(probe)
    user_heard(body.new_user_id)
    return retrying(lambda: _register(service, body, ReferralRelation.Source.LINK, now))


def claim_accept(user_id: str, code: str) -> Registered:
    """Write who invited a user who signed up without the code, and pay for it as for a registration.

    Refused with `claim_window_closed` unless the user was first heard of within `CLAIM_WINDOW_DAYS`. Whoever
    has a referrer keeps it: the same code gets the first answer again, another one `already_referred`.
    """
    now = database_now()
    body = UserRegistered(new_user_id=user_id, registered_at=now.isoformat(), referral_code=code)
    return retrying(lambda: _register(CLAIMS, body, ReferralRelation.Source.CODE, now))


def _register(service: str, body: UserRegistered, source: str, now: datetime) -> Registered:
    """Inside the transaction: the first answer again, a reason, or a relation with its event."""
    if not body.referral_code or not body.referral_code.strip():
        return Registered("no_code")
    link = link_by_code(normalize_code(body.referral_code))
    if link is None:
        return Registered("unknown_code")
    held = relation_in(body.new_user_id, link.campaign_id, is_invitation=link.campaign.is_invitation)
    if held and held.referrer_user_id == link.owner_user_id and (again := _registered_again(held)):
        return again
    campaign = catalog.by_id(link.campaign_id)
    if campaign is None or campaign.revision != link.campaign.revision:
        raise StaleCatalog
    event = registration_of(service, body, campaign_code=campaign.code, referrer=link.owner_user_id, now=now)
    if reason := _why_not_registered(link, campaign, body, event, held):
        return Registered(reason)
    referrer = None if held else link.owner_user_id
    try:
        relation = held or relation_by_link(
            link=link,
            campaign=campaign,
            referred=body.new_user_id,
            source=source,
            registered_at=event.occurred_at,
        )
    except RelationRefused as refusal:
        again = _registered_meanwhile(body.new_user_id, link.owner_user_id, campaign)
        return again or Registered(refusal.reason)
    answer = decide([Candidate(event, campaign, referrer)])[0]
    if isinstance(answer, DomainError):
        raise answer
    return Registered(relation_id=relation.id, accepted=answer)


def _why_not_registered(
    link: ReferralLink,
    campaign: CampaignEntry,
    body: UserRegistered,
    event: NewEvent,
    held: ReferralRelation | None,
) -> str | None:
    """Why a known code brings nothing; an imported relation in the same campaign still gets its event."""
    if event.service == CLAIMS and not _may_claim(body.new_user_id, event.occurred_at):
        return "claim_window_closed"
    if not link.is_active:
        return "inactive_code"
    if body.campaign_code not in (None, campaign.code) or USER_REGISTERED not in campaign.event_types:
        return "campaign_mismatch"
    if not campaign.takes_at(event.occurred_at):
        return "campaign_inactive"
    if held and (held.referrer_user_id, held.campaign_id) != (link.owner_user_id, campaign.id):
        return ALREADY_REFERRED
    return None


def _may_claim(user_id: str, claimed_at: datetime) -> bool:
    """Whether the user is known to us, and not for longer than the claim window."""
    opened = claimed_at - timedelta(days=settings.CLAIM_WINDOW_DAYS)
    return UserRole.objects.filter(pk=user_id, first_heard_at__gt=opened).exists()


def _registered_again(relation: ReferralRelation) -> Registered | None:
    """The first answer to a registration that is on record; None when only the relation is (an import)."""
    event = ReferralEvent.objects.filter(
        campaign_id=relation.campaign_id,
        referred_user_id=relation.referred_user_id,
        event_type=USER_REGISTERED,
    ).first()
    if event is None:
        return None
    return Registered(relation_id=relation.id, accepted=first_answer(event))


def _registered_meanwhile(user_id: str, referrer: str, campaign: CampaignEntry) -> Registered | None:
    """The twin of this very call won the lock: its answer is ours."""
    held = relation_in(user_id, campaign.id, is_invitation=campaign.is_invitation)
    return _registered_again(held) if held and held.referrer_user_id == referrer else None


def partner_accept(service: str, body: PartnerOnboarded) -> Accepted:
    """Write who brought a business partner, and pay for it.

    Raises ReferrerMismatch when somebody else brought the partner, IdempotencyConflict, and the refusals of
    an event.
    """
    event = onboarding_of(service, body, now=timezone.now())
    known = known_key(event)
    if known is not None and known.business_partner_id != event.partner:
        raise conflict_about(event)
    return retrying(lambda: _onboard(event))


def _onboard(event: NewEvent) -> Accepted:
    campaign = catalog.by_code(str(event.campaign_code))
    if campaign is None:
        raise CampaignNotFound(_("There is no campaign {code}."), code=event.campaign_code)
    lock_relations()
    held = PartnerReferralRelation.objects.filter(
        campaign_id=campaign.id, business_partner_id=event.partner
    ).first()
    if held is not None and held.referrer_user_id != event.referrer_named:
        raise ReferrerMismatch(
            _("The partner has another referrer."),
            {"onboarding_user_id": [_("is not the recorded referrer")]},
        )
    if held is not None and (first := _onboarded_event(campaign, event)):
        return first_answer(first)
    campaign_for(event)
    if held is None:
        PartnerReferralRelation.objects.create(
            campaign_id=campaign.id, referrer_user_id=event.referrer_named, business_partner_id=event.partner
        )
    answer = decide([Candidate(event, campaign)])[0]
    if isinstance(answer, DomainError):
        raise answer
    return answer


def _onboarded_event(campaign: CampaignEntry, event: NewEvent) -> ReferralEvent | None:
    return ReferralEvent.objects.filter(
        campaign_id=campaign.id, business_partner_id=event.partner, event_type=RF_PARTNER_ONBOARDED
    ).first()
