"""`/admin/*`: campaigns, rewards and reports."""

from collections.abc import Mapping
from typing import Any

from campaigns.models import ReferralCampaign
from http_api.admin.campaigns import AdminCampaignsViewSet, CampaignBody
from http_api.admin.reports import AdminReportsViewSet
from http_api.admin.rewards import AdminRewardsViewSet, Why
from http_api.admin.simulation import AdminSimulationViewSet
from http_api.openapi.describing import Answer, Operation, Parameter, choice, identifier, text, whole
from http_api.openapi.operations import examples
from http_api.openapi.operations.lists import CURSOR, PAGE
from http_api.schemas.campaigns import Campaign, CampaignPage
from http_api.schemas.rewards import CampaignsReport, Simulated, SupportReward, SupportRewardPage, UsersReport
from kernel import errors
from rewards.models import ReferralReward, RewardStatus
from rewards.reporting.users import MOST
from rewards.simulation.events import Simulation

IF_MATCH = Parameter(
    name="If-Match",
    description="The ETag of the campaign as it was read: then another editor's change is not overwritten.",
    shape={"type": "string"},
    example='"3"',
)
CSV = "With `Accept: text/csv` all of it is streamed as CSV, whatever page is asked for."
SIMULATION_NOTES = (
    "Nothing is written. The events are played one after another as if nothing had happened before them, or "
    "what `used` says; events on record in the order of their acceptance, with the relations and roles of "
    "now. Without `reward_rules` the campaign's own count: the levels in force when the event happened, the "
    "newest limits. Status, window and scope are not looked at. People without `user_id` are the same "
    "strangers in every event."
)
USER = {
    "user_id": "alice",
    "total_referred_users": 3,
    "total_events": 7,
    "total_points_earned": 350,
    "total_g2a_earned": "0.000000000",
}
DAY = {
    "day": "2025-06-01",
    "campaign_id": examples.CAMPAIGN_ID,
    "campaign_code": "user_invite_default",
    "name": "Invite a friend",
    "campaign_type": "user_invite",
    "clicks": 120,
    "registrations": 14,
    "buyers": 5,
    "rewards": 28,
    "cost_points": 1680,
    "cost_g2a": "0.000000000",
    "paid_points": 1500,
    "paid_g2a": "0.000000000",
}
CAMPAIGN_LINKS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "read_it": ("admin_campaigns_get", {"campaign_id": "$response.body#/id"}),
    "change_it": ("admin_campaigns_change", {"campaign_id": "$response.body#/id"}),
}


def _campaign(description: str) -> Answer:
    return Answer(
        description=description,
        shapes=[Campaign],
        examples={"campaign": examples.CAMPAIGN},
        headers=["ETag"],
        links=CAMPAIGN_LINKS,
    )


def _move(name: str) -> Operation:
    return Operation(
        name=f"admin_rewards_{name}",
        notes="The reason is required and recorded with the person.",
        body=Why,
        body_required=["reason"],
        body_examples={"why": {"reason": "asked for by the user, ticket 4711"}},
        answers={
            200: Answer(
                description="The reward as it is now.",
                shapes=[SupportReward],
                examples={"reward": examples.SUPPORT_REWARD},
            )
        },
        errors=[errors.IllegalTransition],
    )


def _report(shape: Any, row: Mapping[str, Any]) -> Answer:
    return Answer(
        description="A page of the report; with `Accept: text/csv` all of it as CSV.",
        shapes=[shape],
        examples={"one": examples.page(row)},
        other_media={"text/csv": {"type": "string"}},
    )


OPERATIONS: Mapping[tuple[Any, str], Operation] = {
    (AdminCampaignsViewSet, "list"): Operation(
        name="admin_campaigns_list",
        query=[
            choice("status", "Only campaigns in this status.", ReferralCampaign.Status.values),
            choice("campaign_type", "Only campaigns of this type.", ReferralCampaign.Type.values),
            *PAGE,
        ],
        answers={
            200: Answer(
                description="A page of campaigns.",
                shapes=[CampaignPage],
                examples={"one": examples.page(examples.CAMPAIGN)},
            )
        },
    ),
    (AdminCampaignsViewSet, "create"): Operation(
        name="admin_campaigns_create",
        body=CampaignBody,
        body_required=("code", "name", "campaign_type"),
        body_examples={
            "quests": {
                "code": "quest_summer",
                "name": "Quests in summer",
                "campaign_type": "purchase",
                "scope": {"module": "quest"},
                "reward_rules": {"levels": {"level1": {"points_per_purchase": 50}}},
            }
        },
        answers={201: _campaign("The new campaign.")},
    ),
    (AdminCampaignsViewSet, "retrieve"): Operation(
        name="admin_campaigns_get",
        answers={200: _campaign("The campaign.")},
    ),
    (AdminCampaignsViewSet, "partial_update"): Operation(
        name="admin_campaigns_change",
        notes="Only the fields that are sent change. `status` goes draft → active ⇄ paused → archived.",
        headers=[IF_MATCH],
        body=CampaignBody,
        body_examples={
            "pause": {"status": "paused"},
            "rules": {"reward_rules": examples.CAMPAIGN["reward_rules"]},
        },
        answers={200: _campaign("The campaign as it is now.")},
        errors=[errors.EditConflict, errors.IllegalTransition],
    ),
    (AdminSimulationViewSet, "simulate"): Operation(
        name="admin_campaigns_simulate",
        notes=SIMULATION_NOTES,
        body=Simulation,
        body_examples={
            "sample": {
                "reward_rules": examples.CAMPAIGN["reward_rules"],
                "events": [
                    {
                        "event_type": "quest_purchased",
                        "amount_base": 500,
                        "level1": {"role": "vip"},
                        "level2": {"role": "user"},
                    }
                ],
            },
            "on_record": {"event_ids": [examples.EVENT_ID]},
        },
        answers={
            200: Answer(
                description="What each event would earn, and why.",
                shapes=[Simulated],
                examples={"sample": examples.SIMULATED},
            )
        },
        errors=[errors.ValidationFailed],
    ),
    (AdminRewardsViewSet, "list"): Operation(
        name="admin_rewards_list",
        query=[
            choice("status", "Only rewards in this status.", RewardStatus.values),
            choice("currency", "Only rewards in this currency.", ReferralReward.Currency.values),
            text("user_id", "Only this beneficiary's rewards.", "alice"),
            identifier("campaign_id", "Only rewards of this campaign."),
            identifier("event_id", "Only rewards of this event."),
            text("tx_id", "Only the reward that was paid by this transaction.", "0x5f3a9c"),
            *PAGE,
            CURSOR,
        ],
        answers={
            200: Answer(
                description="A page of rewards.",
                shapes=[SupportRewardPage],
                examples={"one": examples.page(examples.SUPPORT_REWARD, next_cursor=None)},
                links={
                    "unlock_the_first": (
                        "admin_rewards_unlock",
                        {"reward_id": "$response.body#/items/0/id"},
                    ),
                    "cancel_the_first": (
                        "admin_rewards_cancel",
                        {"reward_id": "$response.body#/items/0/id"},
                    ),
                },
            )
        },
    ),
    (AdminRewardsViewSet, "unlock"): _move("unlock"),
    (AdminRewardsViewSet, "retry"): _move("retry"),
    (AdminRewardsViewSet, "cancel"): _move("cancel"),
    (AdminReportsViewSet, "users"): Operation(
        name="admin_reports_users",
        notes=CSV,
        query=[
            identifier("campaign_id", "Only what happened in this campaign."),
            text("from", "From this day or time on (`occurred_at`).", "2025-06-01"),
            text("to", "Until before this day or time.", "2025-07-01T00:00:00Z"),
            whole("min_points_earned", "Only users with so many.", least=0, most=MOST, default=0),
            whole("min_referred", "Only users who brought so many.", least=0, most=MOST, default=0),
            *PAGE,
        ],
        answers={200: _report(UsersReport, USER)},
        errors=[errors.ValidationFailed],
    ),
    (AdminReportsViewSet, "campaigns"): Operation(
        name="admin_reports_campaigns",
        notes=CSV,
        query=[
            identifier("campaign_id", "Only this campaign."),
            choice("status", "Only campaigns in this status.", ReferralCampaign.Status.values),
            choice("campaign_type", "Only campaigns of this type.", ReferralCampaign.Type.values),
            text("from", "From this UTC day on.", "2025-06-01"),
            text("to", "Until before this UTC day.", "2025-07-01"),
            *PAGE,
        ],
        answers={200: _report(CampaignsReport, DAY)},
        errors=[errors.ValidationFailed],
    ),
}
