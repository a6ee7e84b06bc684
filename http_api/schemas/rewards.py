"""What the API answers about events and rewards: types without behaviour, for the OpenAPI document."""

from datetime import date
from typing import Annotated, Literal, NotRequired, TypedDict
from uuid import UUID

import msgspec

from http_api.schemas.campaigns import CampaignType
from kernel.schemas import G2A, ErrorDetails, Page, Points, Time
from rewards.models import RewardStatus

Status = Annotated[str, msgspec.Meta(extra_json_schema={"enum": RewardStatus.values})]
Level = Annotated[
    int,
    msgspec.Meta(ge=1, le=2, description="1 invited the referred user, 2 invited level 1."),
]
MinRole = Annotated[str, msgspec.Meta(extra_json_schema={"enum": ["vip", "pro"]})]
EventId = Annotated[UUID, msgspec.Meta(description="Our id of the event.")]
Duplicate = Annotated[
    bool, msgspec.Meta(description="Whether this is the first answer again, with today's statuses.")
]
Reason = Annotated[str, msgspec.Meta(description="Why the event earned nothing, or less than the rules say.")]

RefusalReason = Annotated[
    str,
    msgspec.Meta(
        extra_json_schema={
            "enum": [
                "no_code",
                "unknown_code",
                "inactive_code",
                "campaign_inactive",
                "campaign_mismatch",
                "self_referral",
                "circular",
                "already_referred",
                "claim_window_closed",
            ]
        }
    ),
]


class Reward(TypedDict):
    """One amount of one currency owed to one beneficiary; the unused amount is zero."""

    id: UUID
    beneficiary_user_id: str
    beneficiary_level: Annotated[Level | None, msgspec.Meta(description="null is a welcome bonus.")]
    points_amount: Points
    g2a_amount: G2A
    status: Status
    required_min_role: Annotated[MinRole | None, msgspec.Meta(description="Which role unlocks it.")]


class ListedReward(Reward):
    """A reward in its beneficiary's list."""

    external_tx_id: Annotated[str | None, msgspec.Meta(description="The peer's transaction, once paid.")]
    available_at: Annotated[Time, msgspec.Meta(description="Not paid before; hold days end then.")]
    created_at: Time
    campaign_code: str
    event_type: str


class SupportReward(ListedReward):
    """A reward as support sees it: with why it is where it is."""

    referral_event_id: EventId
    external_task_id: str | None
    in_doubt: Annotated[bool, msgspec.Meta(description="The peer may have booked it without our knowing.")]
    attempts: int
    next_attempt_at: Time | None
    failing_since: Time | None
    last_error: str
    updated_at: Time


class CursorPage(Page):
    """A page of a list that grows without bound."""

    next_cursor: Annotated[
        str | None, msgspec.Meta(description="`cursor` of the next page; null on the last one.")
    ]


class ListedRewardPage(CursorPage):
    """A user's rewards, newest first."""

    items: list[ListedReward]


class SupportRewardPage(CursorPage):
    """Rewards, newest first."""

    items: list[SupportReward]


class Recorded(TypedDict):
    """An event is on record."""

    success: Literal[True]
    referral_event_id: EventId
    duplicate: Duplicate
    reason: Reason | None
    reason_detail: str | None
    rewards: list[Reward]


class AcceptedEvent(Recorded):
    """A purchase is on record."""

    code_reason: Annotated[
        str | None, msgspec.Meta(description="Why the referral code of the event was of no use.")
    ]


class AcceptedRegistration(Recorded):
    """The new user is referred."""

    referrer_user_id: str | None
    relation_id: UUID | None


class RefusedRegistration(TypedDict):
    """The new user is not referred; signing up goes on all the same."""

    success: Literal[False]
    reason: RefusalReason


class ReferredUser(TypedDict):
    """One person of a user's tree, with what this person brought."""

    user_id: str
    level: Level
    via_user_id: Annotated[str | None, msgspec.Meta(description="On level 2: who of level 1 invited them.")]
    registered_at: Time
    events: Annotated[int, msgspec.Meta(ge=0, description="Those that earned something.")]
    points_earned: Points


class ReferredUserPage(CursorPage):
    """A page of the tree, newest first."""

    items: list[ReferredUser]


class ItemError(TypedDict):
    """Why one event of many was refused."""

    code: str
    message: str
    details: ErrorDetails


class BulkItem(TypedDict):
    """The answer to one event of many: as a single call would give it, or an error."""

    index: int
    success: NotRequired[Literal[True]]
    referral_event_id: NotRequired[EventId]
    duplicate: NotRequired[Duplicate]
    reason: NotRequired[Reason | None]
    reason_detail: NotRequired[str | None]
    code_reason: NotRequired[str | None]
    rewards: NotRequired[list[Reward]]
    error: NotRequired[ItemError]


class BulkAnswer(TypedDict):
    """How many events were accepted, repeated and refused, and each one's answer in the order of the call."""

    accepted: int
    duplicates: int
    rejected: int
    items: list[BulkItem]


class Unlocked(TypedDict):
    """A role is on record."""

    success: Literal[True]
    unlocked_rewards_count: Annotated[int, msgspec.Meta(ge=0)]


class Acknowledged(TypedDict):
    """Taken note of."""

    ok: Literal[True]


class CampaignStats(TypedDict):
    """What a user has to show in one campaign."""

    campaign_id: UUID
    campaign_code: str
    campaign_type: CampaignType
    name: str
    total_referred_users: int
    total_events: int
    total_points_earned: Points
    total_g2a_earned: G2A
    points_pending: Points
    points_locked: Points
    g2a_pending: G2A
    g2a_locked: G2A
    unlock_role: Annotated[MinRole | None, msgspec.Meta(description="Which role unlocks what is locked.")]


class Stats(TypedDict):
    """Every campaign in which the user has a link, a relation or a reward."""

    campaigns: list[CampaignStats]


class ReportedUser(TypedDict):
    """What one user has brought and earned in the period."""

    user_id: str
    total_referred_users: int
    total_events: int
    total_points_earned: Points
    total_g2a_earned: G2A


class UsersReport(Page):
    """A page of the users' report, who has earned most first."""

    items: list[ReportedUser]


class ReportedDay(TypedDict):
    """One campaign on one UTC day: from clicks to what they cost."""

    day: date
    campaign_id: UUID
    campaign_code: str
    name: str
    campaign_type: CampaignType
    clicks: int
    registrations: int
    buyers: int
    rewards: int
    cost_points: Points
    cost_g2a: G2A
    paid_points: Points
    paid_g2a: G2A


class CampaignsReport(Page):
    """A page of the campaigns' report, newest day first."""

    items: list[ReportedDay]


class SimulatedReward(TypedDict):
    """A reward that would be made; the unused amount is zero."""

    points_amount: Points
    g2a_amount: G2A
    status: Status
    required_min_role: MinRole | None
    available_at: Time


class SimulatedLevel(TypedDict):
    """What one level would earn, or why nothing."""

    level: Annotated[Level | None, msgspec.Meta(description="null is the welcome bonus.")]
    beneficiary_user_id: str | None
    role: Annotated[str | None, msgspec.Meta(description="The role that was reckoned with.")]
    rewards: list[SimulatedReward]
    reason: Reason | None
    reason_detail: str | None
    explanation: Annotated[str, msgspec.Meta(description="In words, in the language of the request.")]


class EarnedOnRecord(TypedDict):
    """What an event on record has earned in truth, without what was cancelled."""

    points_amount: Points
    g2a_amount: G2A


class SimulatedEvent(TypedDict):
    """What one event would earn."""

    referral_event_id: Annotated[UUID | None, msgspec.Meta(description="null for a sample.")]
    event_type: str
    occurred_at: Time
    amount_base: str | None
    reason: Reason | None
    reason_detail: str | None
    levels: list[SimulatedLevel]
    on_record: Annotated[EarnedOnRecord | None, msgspec.Meta(description="null for a sample.")]


class Simulated(TypedDict):
    """What the events would earn, one after another, and in all."""

    items: list[SimulatedEvent]
    points_amount: Points
    g2a_amount: G2A
