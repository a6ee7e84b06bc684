"""Values that several examples share: Alice invited Bob, and Bob buys a quest."""

from typing import Any

EVENT_ID = "01a208c6-1c36-716e-a159-76078e2d3936"
CAMPAIGN_ID = "01a208c0-7a10-7c3e-9c55-0b6d9f1f4a01"
LINK_ID = "01a208c1-30b2-7d11-8f0a-5a4f6f2c9b02"
TIME = "2025-06-01T09:30:00Z"

LINK: dict[str, Any] = {
    "id": LINK_ID,
    "campaign_id": CAMPAIGN_ID,
    "campaign_code": "user_invite_default",
    "campaign_type": "user_invite",
    "code": "K7QMWX2P",
    "url": "https://ref.example/ref/K7QMWX2P",
    "deep_link_payload": {"module": "space", "target": "app_home"},
    "created_at": TIME,
    "is_active": True,
    "clicks": 12,
    "registrations": 3,
}
REWARD: dict[str, Any] = {
    "id": "01a208c6-1c37-7aa2-b1f3-2f7b8d1c5e10",
    "beneficiary_user_id": "alice",
    "beneficiary_level": 1,
    "points_amount": 50,
    "g2a_amount": "0.000000000",
    "status": "pending",
    "required_min_role": None,
}
LISTED_REWARD = {
    **REWARD,
    "status": "completed",
    "external_tx_id": "24dbd817-93a7-44dc-88fe-d3d84436ad1e",
    "available_at": TIME,
    "created_at": TIME,
    "campaign_code": "quest_purchase_default",
    "event_type": "quest_purchased",
}
SUPPORT_REWARD = {
    **LISTED_REWARD,
    "referral_event_id": EVENT_ID,
    "external_task_id": None,
    "in_doubt": False,
    "attempts": 1,
    "next_attempt_at": None,
    "failing_since": None,
    "last_error": "",
    "updated_at": TIME,
}
RECORDED: dict[str, Any] = {
    "success": True,
    "referral_event_id": EVENT_ID,
    "duplicate": False,
    "reason": None,
    "reason_detail": None,
    "rewards": [REWARD],
}
REGISTERED = {
    **RECORDED,
    "referrer_user_id": "alice",
    "relation_id": "01a208c6-1c38-7f00-9d52-4f9a2b1f6c11",
}
REFERRED: dict[str, Any] = {
    "user_id": "bob",
    "level": 1,
    "via_user_id": None,
    "registered_at": TIME,
    "events": 4,
    "points_earned": 200,
}
CAMPAIGN: dict[str, Any] = {
    "id": CAMPAIGN_ID,
    "code": "quest_purchase_default",
    "name": "Quest purchases",
    "description": "",
    "campaign_type": "purchase",
    "event_types": ["quest_purchased"],
    "scope": {"module": "quest"},
    "reward_rules": {"levels": {"level1": {"points_per_purchase": 50}}},
    "is_default": False,
    "status": "active",
    "start_at": None,
    "end_at": None,
    "revision": 3,
    "created_at": TIME,
    "updated_at": TIME,
}
SIMULATED: dict[str, Any] = {
    "items": [
        {
            "referral_event_id": None,
            "event_type": "quest_purchased",
            "occurred_at": TIME,
            "amount_base": "500.000000000",
            "reason": None,
            "reason_detail": None,
            "levels": [
                {
                    "level": 1,
                    "beneficiary_user_id": "level1",
                    "role": "vip",
                    "rewards": [
                        {
                            "points_amount": 50,
                            "g2a_amount": "0.000000000",
                            "status": "pending",
                            "required_min_role": None,
                            "available_at": TIME,
                        }
                    ],
                    "reason": None,
                    "reason_detail": None,
                    "explanation": "50 points",
                },
                {
                    "level": 2,
                    "beneficiary_user_id": "level2",
                    "role": "user",
                    "rewards": [],
                    "reason": "no_rule",
                    "reason_detail": "level2.points_per_purchase",
                    "explanation": "These rules set no amount for this level (event: purchase).",
                },
            ],
            "on_record": None,
        }
    ],
    "points_amount": 50,
    "g2a_amount": "0.000000000",
}


def page(*items: Any, **more: Any) -> dict[str, Any]:
    """A page that holds everything there is."""
    return {"items": list(items), "page": 1, "page_size": 20, "total": len(items), **more}
