"""Attaching a lost referrer by hand: what may be chosen, why a choice is refused, and writing the relation.

The relation is made as by a registration, with the same checks and under the same lock; its past events are
rewarded apart from it (`rewards.support.attach.backfill`), so whatever dies in between is only left to be
done.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from campaigns.catalog import CampaignEntry, catalog
from campaigns.locks import lock_relations
from campaigns.models import CampaignQuerySet, ReferralCampaign
from kernel.decoding import ID_PATTERN, SHAPES
from kernel.errors import ValidationFailed
from referral.codes import normalize_code
from referral.models import ReferralLink, ReferralRelation
from referral.selectors import leads_to, link_by_code, relation_in
from referral.services import ALREADY_REFERRED, CIRCULAR, SELF_REFERRAL, RelationRefused, relation_create
from rewards.ledger.services import reason_of
from rewards.ledger.statistics import stats_add
from rewards.support.attach.backfill import first_heard


@dataclass(frozen=True, slots=True)
class Choice:
    """Who is to have invited whom, in which campaign; by which link, where its code is known."""

    user: str
    referrer: str
    campaign: CampaignEntry
    link: ReferralLink | None = None


def campaigns_to_choose() -> CampaignQuerySet:
    """Active campaigns that invite users, and others in which users have a referrer of their own."""
    relations = ReferralRelation.objects.filter(campaign_id=OuterRef("pk"))
    return ReferralCampaign.objects.filter(
        Q(campaign_type=ReferralCampaign.Type.USER_INVITE) | Exists(relations),
        status=ReferralCampaign.Status.ACTIVE,
    )


def choice_of(*, user: str, referrer: str = "", code: str = "", campaign_id: UUID | None = None) -> Choice:
    """What was typed, checked and looked up: either a code, or a user and a campaign.

    Raises ValidationFailed, which names the field. Whether the relation may be is another question
    (`obstacle`).
    """
    _require_id("user", user)
    if bool(code) == bool(referrer):
        raise ValidationFailed.of("referrer", _("Enter either the referrer’s ID or their referral code"))
    if code:
        return _choice_by_code(user, code)
    _require_id("referrer", referrer)
    if campaign_id is None:
        raise ValidationFailed.of("campaign", _("Choose a campaign: it is required with a referrer ID"))
    if not campaigns_to_choose().filter(pk=campaign_id).exists():
        raise ValidationFailed.of(
            "campaign", _("Choose an active campaign that invites users or has invited users already")
        )
    return Choice(user, referrer, _entry(campaign_id))


def _choice_by_code(user: str, code: str) -> Choice:
    """The code says who and in which campaign; it may have been switched off since."""
    link = None if "\x00" in code else link_by_code(normalize_code(code))
    if link is None:
        raise ValidationFailed.of("code", _("There is no such code"))
    is_for_partners = link.campaign.campaign_type == ReferralCampaign.Type.PARTNER_ONBOARDING
    if link.campaign.status != ReferralCampaign.Status.ACTIVE or is_for_partners:
        raise ValidationFailed.of(
            "code",
            _(
                "This code is from the campaign {campaign}, which is not an active campaign that invites "
                "users"
            ),
            campaign=link.campaign.name,
        )
    return Choice(user, link.owner_user_id, _entry(link.campaign_id), link)


def _require_id(field: str, text: str) -> None:
    if not re.match(ID_PATTERN, text):
        raise ValidationFailed.of(field, SHAPES[ID_PATTERN])


def _entry(campaign_id: UUID) -> CampaignEntry:
    entry = catalog.by_id(campaign_id)
    if entry is None:
        raise ValidationFailed.of("campaign", _("There is no such campaign"))
    return entry


# --- why not ------------------------------------------------------------------------------------------------


def obstacle(choice: Choice) -> ValidationFailed | None:
    """Why the relation may not be, as things stand: the checks of `relation_create`, without its lock.

    The same choice made once more is none.
    """
    if attached_before(choice):
        return None
    if choice.referrer == choice.user:
        return _refused(choice, SELF_REFERRAL)
    if relation_in(choice.user, choice.campaign.id, is_invitation=choice.campaign.is_invitation):
        return _refused(choice, ALREADY_REFERRED)
    if leads_to(ancestor=choice.user, descendant=choice.referrer):
        return _refused(choice, CIRCULAR)
    return None


def _refused(choice: Choice, reason: str) -> ValidationFailed:
    if reason == SELF_REFERRAL:
        return ValidationFailed.of("referrer", _("Self-referral: this is the same user"))
    if reason == CIRCULAR:
        return ValidationFailed.of(
            "referrer",
            _("Circular referral: this user was invited by {user}, directly or through others"),
            user=choice.user,
        )
    held = relation_in(choice.user, choice.campaign.id, is_invitation=choice.campaign.is_invitation)
    return ValidationFailed.of(
        "user",
        _("Already invited by {referrer} in the campaign {campaign}"),
        referrer=held.referrer_user_id if held else "?",
        campaign=held.campaign.name if held else "?",
    )


# --- doing it -----------------------------------------------------------------------------------------------


def referrer_attach(*, choice: Choice, by: str, reason: str) -> ReferralRelation:
    """Write that the referrer invited the user; the same choice once more finds what it wrote.

    The relation is dated by when we first heard of the user, who was invited then and not today.

    Raises ValidationFailed without a reason, or when the relation may not be.
    """
    reason = reason_of(reason)
    with transaction.atomic():
        lock_relations()
        if held := attached_before(choice):
            return held
        try:
            relation = relation_create(
                campaign=choice.campaign,
                referrer=choice.referrer,
                referred=choice.user,
                source=ReferralRelation.Source.MANUAL,
                registered_at=first_heard(choice.user),
                link_id=choice.link.pk if choice.link else None,
            )
        except RelationRefused as refusal:
            raise _refused(choice, refusal.reason) from None
        stats_add([{"user_id": choice.referrer, "campaign_id": choice.campaign.id, "referred_users": 1}])
        audit_note(
            by=by,
            verb=Verb.CREATED,
            target=relation,
            name=choice.campaign.code,
            after={"source": relation.source, "registered_at": relation.registered_at},
            reason=reason,
        )
    return relation


def attached_before(choice: Choice) -> ReferralRelation | None:
    """The relation that somebody has made of the same choice already."""
    return ReferralRelation.objects.filter(
        campaign_id=choice.campaign.id,
        referred_user_id=choice.user,
        referrer_user_id=choice.referrer,
        source=ReferralRelation.Source.MANUAL,
    ).first()
