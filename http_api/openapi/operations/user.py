"""`/my/*` and `/public/*`."""

from collections.abc import Mapping
from typing import Any

from campaigns.models import ReferralCampaign
from http_api.openapi.describing import Answer, Operation, choice
from http_api.openapi.operations import examples
from http_api.openapi.operations.lists import CURSOR, PAGE, pages
from http_api.public.views import PublicViewSet
from http_api.schemas.referral import CountedClick, IdleClick, Link, LinkPage
from http_api.schemas.rewards import (
    AcceptedRegistration,
    ListedRewardPage,
    ReferredUserPage,
    RefusedRegistration,
    Stats,
)
from http_api.user.links import LinkChange, MyLinksViewSet, NewLink
from http_api.user.rewards import Claim, MyRewardsViewSet
from kernel.errors import CampaignInactive, NotFound
from referral.services import LINKS_PER_USER
from rewards.models import RewardStatus
from rewards.reporting.referrals import LEVELS

STATS = {
    "campaign_id": examples.CAMPAIGN_ID,
    "campaign_code": "quest_purchase_default",
    "campaign_type": "purchase",
    "name": "Quest purchases",
    "total_referred_users": 3,
    "total_events": 7,
    "total_points_earned": 350,
    "total_g2a_earned": "0.000000000",
    "points_pending": 50,
    "points_locked": 20,
    "g2a_pending": "0.000000000",
    "g2a_locked": "0.000000000",
    "unlock_role": "vip",
}
CHANGE_LINK = {"switch_the_link": ("my_links_change", {"link_id": "$response.body#/id"})}
QR_CODES = {"qr_code": ("my_links_qr_svg", {"link_id": "$response.body#/items/0/id"})}

OPERATIONS: Mapping[tuple[Any, str], Operation] = {
    (MyLinksViewSet, "list"): Operation(
        name="my_links_list",
        query=[
            choice("campaign_type", "Only links of such campaigns.", ReferralCampaign.Type.values),
            *pages(LINKS_PER_USER),
        ],
        answers={
            200: Answer(
                description="A page of links, which holds all of them unless told otherwise.",
                shapes=[LinkPage],
                examples={"one": examples.page(examples.LINK)},
                links=QR_CODES,
            )
        },
    ),
    (MyLinksViewSet, "create"): Operation(
        name="my_links_create",
        notes="Active campaigns only. At most 50 links a user.",
        body=NewLink,
        body_examples={
            "with a deep link": {
                "campaign_code": "user_invite_default",
                "deep_link_payload": {"module": "space", "target": "app_home"},
            },
            "plain": {"campaign_code": "user_invite_default"},
        },
        answers={
            201: Answer(
                description="The new link.",
                shapes=[Link],
                examples={"made": examples.LINK},
                links=CHANGE_LINK,
            ),
            200: Answer(
                description="The link that was made earlier with the same campaign and payload.",
                shapes=[Link],
                examples={"again": examples.LINK},
                links=CHANGE_LINK,
            ),
        },
        errors=[CampaignInactive, NotFound],
    ),
    (MyLinksViewSet, "partial_update"): Operation(
        name="my_links_change",
        body=LinkChange,
        body_examples={"off": {"is_active": False}},
        answers={
            200: Answer(
                description="The link as it is now.",
                shapes=[Link],
                examples={"off": {**examples.LINK, "is_active": False}},
            )
        },
    ),
    (MyLinksViewSet, "qr_svg"): Operation(
        name="my_links_qr_svg",
        answers={200: Answer(description="The image.", other_media={"image/svg+xml": {"type": "string"}})},
    ),
    (MyLinksViewSet, "qr_png"): Operation(
        name="my_links_qr_png",
        answers={200: Answer(description="The image.", other_media={"image/png": {}})},
    ),
    (MyRewardsViewSet, "referrals"): Operation(
        name="my_referrals",
        query=[choice("level", "Only this level of the tree.", LEVELS), *PAGE, CURSOR],
        answers={
            200: Answer(
                description="A page of people.",
                shapes=[ReferredUserPage],
                examples={
                    "one on each level": examples.page(
                        examples.REFERRED,
                        {**examples.REFERRED, "user_id": "carol", "level": 2, "via_user_id": "bob"},
                        next_cursor=None,
                    )
                },
            )
        },
    ),
    (MyRewardsViewSet, "claim"): Operation(
        name="my_claim",
        notes="Only within a few days after we first heard of the user (7 unless configured), and once.",
        body=Claim,
        body_examples={"code": {"code": "K7QMWX2P"}},
        answers={
            200: Answer(
                description="Who is recorded as referrer, or why nobody is.",
                shapes=[AcceptedRegistration, RefusedRegistration],
                examples={
                    "referred": examples.REGISTERED,
                    "too late": {"success": False, "reason": "claim_window_closed"},
                },
            )
        },
    ),
    (MyRewardsViewSet, "stats"): Operation(
        name="my_stats",
        answers={
            200: Answer(
                description="One entry a campaign.", shapes=[Stats], examples={"one": {"campaigns": [STATS]}}
            )
        },
    ),
    (MyRewardsViewSet, "rewards"): Operation(
        name="my_rewards",
        query=[choice("status", "Only rewards in this status.", RewardStatus.values), *PAGE, CURSOR],
        answers={
            200: Answer(
                description="A page of rewards.",
                shapes=[ListedRewardPage],
                examples={"one": examples.page(examples.LISTED_REWARD, next_cursor=None)},
            )
        },
    ),
    (PublicViewSet, "track_click"): Operation(
        name="public_track_click",
        notes="Known bots and repeats by the same visitor within 24 hours do not count.",
        answers={
            200: Answer(
                description="Whether the code brings anything today.",
                shapes=[CountedClick, IdleClick],
                examples={
                    "counted": {
                        "code": "K7QMWX2P",
                        "campaign_code": "user_invite_default",
                        "valid": True,
                    },
                    "of no use": {"code": "NOBODYS", "valid": False},
                },
            )
        },
    ),
}
