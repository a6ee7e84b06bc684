"""`/admin/campaigns/{id}/simulate`: what events would earn, and why."""

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from campaigns.rules.calculation import Draft, LevelOutcome
from campaigns.rules.roles import USER
from campaigns.rules.schema import LEVEL_NUMBERS
from http_api.kit.authentication import AdminAuthentication, IsAdmin
from http_api.kit.bodies import body_of
from http_api.schemas import rewards as wire
from kernel.rendering import g2a_text
from rewards.models import RewardStatus
from rewards.simulation.events import decode_simulation
from rewards.simulation.simulate import Played, Simulated, Sums, simulate


class AdminSimulationViewSet(ViewSet):
    """Campaigns tried out."""

    authentication_classes = (AdminAuthentication,)
    permission_classes = (IsAdmin,)
    staff_permissions = {"simulate": "campaigns.view_referralcampaign"}

    def simulate(self, request: Request, campaign_id: UUID) -> Response:
        """What events would earn, and why; nothing is written."""
        asked = decode_simulation(body_of(request))
        return Response(simulated_json(simulate(campaign_id, asked, timezone.now())))


def simulated_json(simulated: Simulated) -> wire.Simulated:
    """The answer to a simulation."""
    return {
        "items": [_event_json(played, simulated.on_record) for played in simulated.events],
        "points_amount": simulated.points,
        "g2a_amount": g2a_text(simulated.g2a),
    }


def _event_json(played: Played, on_record: Mapping[UUID, Sums]) -> wire.SimulatedEvent:
    case, calculation = played.case, played.calculation
    amount, earned = case.facts.amount_base, on_record.get(case.event_id) if case.event_id else None
    return {
        "referral_event_id": case.event_id,
        "event_type": case.event_type,
        "occurred_at": case.facts.occurred_at,
        "amount_base": None if amount is None else g2a_text(amount),
        "reason": calculation.reason,
        "reason_detail": calculation.reason_detail,
        "levels": [_level_json(played, level) for level in played.levels],
        "on_record": {"points_amount": earned[0], "g2a_amount": g2a_text(earned[1])} if earned else None,
    }


def _level_json(played: Played, level: LevelOutcome) -> wire.SimulatedLevel:
    return {
        "level": LEVEL_NUMBERS[level.name],
        "beneficiary_user_id": level.beneficiary,
        "role": played.case.roles.get(level.beneficiary, USER) if level.beneficiary else None,
        "rewards": [_reward_json(draft) for draft in level.drafts],
        "reason": level.reason,
        "reason_detail": level.reason_detail,
        "explanation": played.why(level),
    }


def _reward_json(draft: Draft) -> wire.SimulatedReward:
    return {
        "points_amount": draft.points or 0,
        "g2a_amount": g2a_text(draft.g2a),
        "status": (RewardStatus.LOCKED if draft.locked else RewardStatus.PENDING).value,
        "required_min_role": draft.required_min_role,
        "available_at": draft.available_at,
    }
