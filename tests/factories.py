"""Rows that tests need directly; what the API can make, tests make through it."""

import uuid
from datetime import UTC, datetime

import factory
from django.utils import timezone

from campaigns.models import CampaignSpend, ReferralCampaign, RuleVersion
from campaigns.services import CampaignContent, campaign_create
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.models import ReferralReward, ReferralStats

RULES = {"levels": {"level1": {"points_per_purchase": 10}}}


class CampaignFactory(factory.Factory):
    """An active purchase campaign with the first version of its rules, made by the service."""

    class Meta:
        model = ReferralCampaign

    code = factory.Sequence(lambda number: f"campaign_{number}")
    name = "A campaign"
    campaign_type = "purchase"
    reward_rules = factory.LazyFunction(lambda: RULES)
    status = "active"

    @classmethod
    def _create(cls, model_class, *args, status, **content):
        return campaign_create(content=CampaignContent(**content), by="tests", status=status)


class CampaignRowFactory(factory.django.DjangoModelFactory):
    """A bare campaign row, past all checks but the database's."""

    class Meta:
        model = ReferralCampaign

    code = factory.Sequence(lambda number: f"row_{number}")
    name = "A row"
    campaign_type = "purchase"


class RuleVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RuleVersion

    campaign = factory.SubFactory(CampaignRowFactory)
    number = 1
    rules = factory.LazyFunction(dict)
    valid_from = factory.LazyFunction(timezone.now)
    created_by = "tests"


class SpendFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CampaignSpend

    campaign = factory.SubFactory(CampaignRowFactory)


class LinkFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReferralLink

    campaign = factory.SubFactory(CampaignRowFactory)
    owner_user_id = "user-a"
    code = factory.Sequence(lambda number: f"LINK{number:04d}")
    payload_digest = factory.Sequence(str)


class RelationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReferralRelation

    campaign = factory.SubFactory(CampaignRowFactory)
    is_invitation = False
    referrer_user_id = "user-a"
    referred_user_id = factory.Sequence(lambda number: f"user-{number}")
    source = "import"
    registered_at = datetime(2025, 1, 1, tzinfo=UTC)


class PartnerRelationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PartnerReferralRelation

    campaign = factory.SubFactory(CampaignRowFactory)
    referrer_user_id = "user-a"
    business_partner_id = factory.Sequence(lambda number: f"partner-{number}")


class EventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReferralEvent

    campaign = factory.SubFactory(CampaignRowFactory)
    rule_version = factory.SubFactory(RuleVersionFactory, campaign=factory.SelfAttribute("..campaign"))
    event_type = "quest_purchased"
    source_service = "quest_service"
    idempotency_key = factory.LazyFunction(lambda: f"i:{uuid.uuid4()}")
    fingerprint = "f"
    referrer_user_id = "user-a"
    referred_user_id = "user-b"
    occurred_at = datetime(2025, 1, 1, tzinfo=UTC)
    created_at = datetime(2025, 1, 1, tzinfo=UTC)


class RewardFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReferralReward

    referral_event = factory.SubFactory(EventFactory)
    campaign = factory.SelfAttribute("referral_event.campaign")
    beneficiary_user_id = "user-a"
    beneficiary_level = 1
    currency = "points"
    points_amount = 10
    status = "pending"
    available_at = datetime(2025, 1, 1, tzinfo=UTC)
    next_attempt_at = datetime(2025, 1, 1, tzinfo=UTC)
    created_at = datetime(2025, 1, 1, tzinfo=UTC)
    updated_at = datetime(2025, 1, 1, tzinfo=UTC)


class UserRoleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = UserRole

    user_id = factory.Sequence(lambda number: f"user-{number}")
    first_heard_at = datetime(2025, 1, 1, tzinfo=UTC)


class StatsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ReferralStats

    campaign = factory.SubFactory(CampaignRowFactory)
    user_id = "user-a"
