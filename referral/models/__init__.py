"""The tables of who invited whom, a module for each reason; everything is imported from here."""

from referral.models.events import GIVEN_ID, EventReplay, ReferralEvent
from referral.models.fields import ID_LENGTH, ID_REGEX, id_field
from referral.models.installation import InstallationKey
from referral.models.links import LinkClicks, LinkVisit, ReferralLink, VisitorKey
from referral.models.people import UserRole
from referral.models.relations import PartnerReferralRelation, ReferralRelation

__all__ = (
    "GIVEN_ID",
    "ID_LENGTH",
    "ID_REGEX",
    "EventReplay",
    "InstallationKey",
    "LinkClicks",
    "LinkVisit",
    "PartnerReferralRelation",
    "ReferralEvent",
    "ReferralLink",
    "ReferralRelation",
    "UserRole",
    "VisitorKey",
    "id_field",
)
