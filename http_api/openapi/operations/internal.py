"""`/internal/*`: what other services report and ask."""

from collections.abc import Mapping
from typing import Any

from http_api.internal.upline import UplineViewSet
from http_api.internal.views import InternalViewSet
from http_api.openapi.describing import Answer, Operation
from http_api.openapi.operations import examples
from http_api.schemas.referral import Upline
from http_api.schemas.rewards import (
    AcceptedEvent,
    AcceptedRegistration,
    Acknowledged,
    BulkAnswer,
    Recorded,
    RefusedRegistration,
    Unlocked,
)
from kernel import errors
from rewards.intake.commands import (
    EventReported,
    EventsReported,
    PartnerOnboarded,
    RoleUpgraded,
    UserRegistered,
)
from rewards.payouts.callbacks import TaskReport

ANSWER_AGAIN = "The call can be repeated: the first answer comes again, marked `duplicate`."
EVENT = {
    "event_type": "quest_purchased",
    "referred_user_id": "bob",
    "amount_base": 500,
    "occurred_at": examples.TIME,
    "external_event_id": "order-1",
}
ACCEPTED = {**examples.RECORDED, "code_reason": None}
# What any event may be refused for.
EVENT_ERRORS = (
    errors.CampaignInactive,
    errors.CampaignNotFound,
    errors.OutOfScope,
    errors.EventTypeNotAllowed,
    errors.IdempotencyConflict,
    errors.ReferrerMismatch,
)
UPLINE = {"who_invited_this_user": ("internal_upline", {"user_id": "$request.body#/new_user_id"})}

OPERATIONS: Mapping[tuple[Any, str], Operation] = {
    (InternalViewSet, "user_registered"): Operation(
        name="internal_user_registered",
        notes=f"A bad referral is an answer, never an error: signing up must not fail. {ANSWER_AGAIN}",
        body=UserRegistered,
        body_examples={
            "with a code": {
                "new_user_id": "bob",
                "referral_code": "K7QMWX2P",
                "registered_at": examples.TIME,
                "external_event_id": "signup-bob",
            },
            "without": {"new_user_id": "carol", "registered_at": examples.TIME},
        },
        answers={
            200: Answer(
                description="Who is recorded as referrer, or why nobody is.",
                shapes=[AcceptedRegistration, RefusedRegistration],
                examples={
                    "referred": examples.REGISTERED,
                    "not referred": {"success": False, "reason": "unknown_code"},
                },
                links=UPLINE,
            )
        },
        errors=[errors.IdempotencyConflict],
    ),
    (InternalViewSet, "partner_onboarded"): Operation(
        name="internal_partner_onboarded",
        notes=ANSWER_AGAIN,
        body=PartnerOnboarded,
        body_examples={
            "onboarded": {
                "business_partner_id": "cafe-17",
                "onboarding_user_id": "alice",
                "campaign_code": "partner_onboarding_default",
                "occurred_at": examples.TIME,
            }
        },
        answers={
            200: Answer(
                description="The partner is on record.",
                shapes=[Recorded],
                examples={"recorded": examples.RECORDED},
            )
        },
        errors=EVENT_ERRORS,
    ),
    (InternalViewSet, "event"): Operation(
        name="internal_event",
        notes=(
            "Without `campaign_code`: the active campaign that takes this type and scope. "
            f"`country_id`, `city_id` and `rf_partner_id` are read from `metadata`. {ANSWER_AGAIN}"
        ),
        body=EventReported,
        body_examples={"purchase": EVENT},
        answers={
            200: Answer(
                description="The event is on record.", shapes=[AcceptedEvent], examples={"first": ACCEPTED}
            )
        },
        errors=EVENT_ERRORS,
    ),
    (InternalViewSet, "events_bulk"): Operation(
        name="internal_events_bulk",
        notes="One bad item does not spoil the rest. The whole call can be repeated. A body of up to 8 MiB.",
        body=EventsReported,
        body_examples={"two": {"items": [EVENT, {**EVENT, "external_event_id": "order-2"}]}},
        answers={
            200: Answer(
                description="One answer an event, in the order of the call.",
                shapes=[BulkAnswer],
                examples={
                    "one accepted, one refused": {
                        "accepted": 1,
                        "duplicates": 0,
                        "rejected": 1,
                        "items": [
                            {"index": 0, **ACCEPTED},
                            {
                                "index": 1,
                                "error": {
                                    "code": "validation_error",
                                    "message": "referred_user_id: is required",
                                    "details": {"referred_user_id": ["is required"]},
                                },
                            },
                        ],
                    }
                },
            )
        },
    ),
    (InternalViewSet, "user_role_upgraded"): Operation(
        name="internal_user_role_upgraded",
        notes="The newest message is the truth; an older one or a repeat changes nothing.",
        body=RoleUpgraded,
        body_examples={"vip": {"user_id": "alice", "new_role": "vip", "occurred_at": examples.TIME}},
        answers={
            200: Answer(
                description="How many rewards the role has unlocked.",
                shapes=[Unlocked],
                examples={"unlocked": {"success": True, "unlocked_rewards_count": 37}},
            )
        },
    ),
    (InternalViewSet, "g2a_callback"): Operation(
        name="internal_g2a_callback",
        notes="`confirmed` needs `tx_hash`. Repeats are harmless; a confirmed task never becomes failed.",
        body=TaskReport,
        body_examples={
            "confirmed": {"task_id": "task-81", "status": "confirmed", "tx_hash": "0x5f3a9c"},
            "failed": {"task_id": "task-82", "status": "failed", "error": "out of gas"},
        },
        answers={
            200: Answer(description="Taken note of.", shapes=[Acknowledged], examples={"noted": {"ok": True}})
        },
        errors=[errors.NotFound],
    ),
    (UplineViewSet, "retrieve"): Operation(
        name="internal_upline",
        answers={
            200: Answer(
                description="Two levels up; nulls where there is nobody.",
                shapes=[Upline],
                examples={
                    "invited": {"user_id": "bob", "level1": "alice", "level2": None},
                    "unknown": {"user_id": "nobody", "level1": None, "level2": None},
                },
            )
        },
        errors=[errors.ValidationFailed],
    ),
}
