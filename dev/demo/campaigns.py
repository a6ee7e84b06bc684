"""The campaigns that a demo starts with; the tour knows what they pay."""

from typing import Any

from campaigns.models import ReferralCampaign
from campaigns.services import CampaignContent, campaign_create

BY = "demo"

CAMPAIGNS: tuple[dict[str, Any], ...] = (
    {
        "code": "user_invite_default",
        "name": "Invite friends",
        "description": "Points for every friend who signs up, and a welcome bonus for the friend.",
        "campaign_type": "user_invite",
        "is_default": True,
        "reward_rules": {
            "levels": {
                "level1": {"points_per_registration": 100},
                "level2": {"points_per_registration": 50, "locked_until_role": "vip"},
                "referred": {"points_per_registration": 20},
            }
        },
    },
    {
        "code": "partner_onboarding_default",
        "name": "Bring a business partner",
        "description": "Points and G2A for whoever brings a business partner.",
        "campaign_type": "partner_onboarding",
        "reward_rules": {
            "levels": {
                "level1": {"points_per_onboarding": 500, "g2a_per_onboarding": "5"},
                "level2": {"points_per_onboarding": 100, "locked_until_role": "vip"},
            }
        },
    },
    {
        "code": "quest_purchase_default",
        "name": "Quest purchases",
        "description": "A fixed reward for every quest that an invited friend buys.",
        "campaign_type": "purchase",
        "scope": {"module": "quest"},
        "reward_rules": {
            "levels": {
                "level1": {"points_per_purchase": 10},
                "level2": {"points_per_purchase": 5, "locked_until_role": "vip"},
            }
        },
    },
    {
        "code": "voucher_premium_default",
        "name": "Premium vouchers",
        "description": "Points and G2A for every premium voucher that an invited friend buys.",
        "campaign_type": "purchase",
        "scope": {"module": "voucher"},
        "reward_rules": {
            "levels": {
                "level1": {"points_per_purchase": 30, "g2a_per_purchase": "1.5"},
                "level2": {"points_per_purchase": 15, "g2a_per_purchase": "0.5", "locked_until_role": "vip"},
            }
        },
    },
    {
        "code": "rielt_booking_default",
        "name": "Property bookings",
        "description": "A share of every booking that an invited friend makes.",
        "campaign_type": "purchase",
        "scope": {"module": "rielt"},
        "reward_rules": {
            "levels": {
                "level1": {"points_percent": "5", "max_points_per_event": 5000},
                "level2": {"points_percent": "2", "max_points_per_event": 2000, "locked_until_role": "vip"},
            }
        },
    },
)


def demo_campaigns_ensure() -> list[str]:
    """Make those demo campaigns that do not exist, active; returns the codes of the new ones."""
    known = set(ReferralCampaign.objects.values_list("code", flat=True))
    missing = [entry for entry in CAMPAIGNS if entry["code"] not in known]
    for entry in missing:
        campaign_create(content=CampaignContent(**entry), by=BY, status=ReferralCampaign.Status.ACTIVE)
    return [entry["code"] for entry in missing]
