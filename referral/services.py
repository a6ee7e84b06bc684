"""Making links and relations, and remembering users."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.catalog import CampaignEntry
from campaigns.locks import lock_links, lock_relations
from campaigns.models import ReferralCampaign
from kernel.errors import CampaignInactive, NotFound, ValidationFailed
from referral.codes import new_code
from referral.keys import FINGERPRINT, keyed_hash
from referral.models import ReferralLink, ReferralRelation, UserRole
from referral.selectors import leads_to, own_link, relation_in

LINKS_PER_USER = 50
SELF_REFERRAL = "self_referral"
CIRCULAR = "circular"
ALREADY_REFERRED = "already_referred"


class RelationRefused(Exception):
    """A relation that may not be; `reason` is `self_referral`, `circular` or `already_referred`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def relation_create(
    *,
    campaign: CampaignEntry,
    referrer: str,
    referred: str,
    source: str,
    registered_at: datetime,
    link_id: UUID | None = None,
) -> ReferralRelation:
    """Write "referrer invited referred"; call it inside a transaction.

    One at a time over all campaigns, so that no two calls can close a ring between them (invariants D1, D2).
    Raises RelationRefused.
    """
    lock_relations()
    if referrer == referred:
        raise RelationRefused(SELF_REFERRAL)
    if relation_in(referred, campaign.id, is_invitation=campaign.is_invitation):
        raise RelationRefused(ALREADY_REFERRED)
    if leads_to(ancestor=referred, descendant=referrer):
        raise RelationRefused(CIRCULAR)
    return ReferralRelation.objects.create(
        campaign_id=campaign.id,
        is_invitation=campaign.is_invitation,
        referrer_user_id=referrer,
        referred_user_id=referred,
        referral_link_id=link_id,
        source=source,
        registered_at=registered_at,
    )


def relation_by_link(
    *, link: ReferralLink, campaign: CampaignEntry, referred: str, source: str, registered_at: datetime
) -> ReferralRelation:
    """Write "the link's owner invited referred"; as `relation_create`. Raises RelationRefused."""
    return relation_create(
        campaign=campaign,
        referrer=link.owner_user_id,
        referred=referred,
        source=source,
        registered_at=registered_at,
        link_id=link.id,
    )


def user_heard(user_id: str) -> None:
    """Remember when a user was first mentioned as new; later mentions change nothing."""
    UserRole.objects.bulk_create([UserRole(user_id=user_id)], ignore_conflicts=True)


def link_create(
    *, owner_user_id: str, campaign_code: str, deep_link_payload: dict[str, Any] | None = None
) -> tuple[ReferralLink, bool]:
    """The user's link for this campaign and payload, and whether it was made just now.

    Raises NotFound, CampaignInactive, and ValidationFailed beyond LINKS_PER_USER.
    """
    payload = deep_link_payload or {}
    campaign = ReferralCampaign.objects.filter(code=campaign_code).first()
    if campaign is None:
        raise NotFound(_("There is no campaign with this code."))
    digest = keyed_hash(FINGERPRINT, "deep_link", payload)
    same = ReferralLink.objects.select_related("campaign").filter(
        owner_user_id=owner_user_id, campaign=campaign, payload_digest=digest
    )
    if link := same.first():
        return link, False
    if not ReferralCampaign.objects.active_at(timezone.now()).filter(pk=campaign.pk).exists():
        raise CampaignInactive(_("Links can be created in active campaigns only."))
    with transaction.atomic():
        # One user's links are made one after another, so the limit is exact and no link is made twice.
        lock_links(owner_user_id)
        if link := same.first():
            return link, False
        if ReferralLink.objects.filter(owner_user_id=owner_user_id).count() >= LINKS_PER_USER:
            raise ValidationFailed.of(
                "campaign_code", _("a user can have at most {most} links"), most=LINKS_PER_USER
            )
        return _link_with_free_code(owner_user_id, campaign, payload, digest), True


def _link_with_free_code(
    owner_user_id: str, campaign: ReferralCampaign, payload: dict[str, Any], digest: str
) -> ReferralLink:
    while True:
        try:
            with transaction.atomic():
                return ReferralLink.objects.create(
                    owner_user_id=owner_user_id,
                    campaign=campaign,
                    code=new_code(),
                    # Fractions were read as decimals, which jsonb takes as plain numbers.
                    deep_link_payload=json.loads(json.dumps(payload, default=float)),
                    payload_digest=digest,
                )
        except IntegrityError as error:
            if "code" not in str(error).partition("\n")[0]:
                raise


def default_links_ensure(*, owner_user_id: str) -> None:
    """Give a user a link in each active default `user_invite` campaign in which they have none.

    Leaves out what cannot be made: the user has LINKS_PER_USER already, or the campaign has just ended.
    """
    theirs = ReferralLink.objects.filter(owner_user_id=owner_user_id, campaign_id=OuterRef("pk"))
    defaults = ReferralCampaign.objects.active_at(timezone.now()).filter(
        ~Exists(theirs), campaign_type=ReferralCampaign.Type.USER_INVITE, is_default=True
    )
    for code in defaults.order_by("created_at", "id").values_list("code", flat=True):
        with suppress(CampaignInactive, ValidationFailed):
            link_create(owner_user_id=owner_user_id, campaign_code=code)


def link_switch(*, owner_user_id: str, link_id: UUID, is_active: bool) -> ReferralLink:
    """Switch a user's own link on or off. Raises NotFound, also for somebody else's link."""
    own = ReferralLink.objects.filter(pk=link_id, owner_user_id=owner_user_id)
    own.update(is_active=is_active, updated_at=Now())
    return own_link(owner_user_id=owner_user_id, link_id=link_id)
