"""Where a reward stands: its own row and the few others that say why, read for its page."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F

from campaigns.rules.roles import USER, reaches
from kernel.humanize.amounts import g2a_text, points_text
from referral.models import UserRole
from rewards.models import (
    PayoutAttempt,
    PeerCircuit,
    ReconciliationFinding,
    ReferralReward,
    RewardTransition,
)
from rewards.provider_names import PEER_NAMES, PEER_OF_CURRENCY, POINTS, TOKENS

MOST_FINDINGS = 5


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the story of a reward is told from; the reward comes with its event and campaign.

    `last_move` is the one that brought the reward to its status, `findings` are the open ones.
    """

    reward: ReferralReward
    now: datetime
    role: UserRole | None = None
    circuit: PeerCircuit | None = None
    last_attempt: PayoutAttempt | None = None
    last_move: RewardTransition | None = None
    findings: tuple[ReconciliationFinding, ...] = ()
    has_address: bool = True
    give_up_after: timedelta = timedelta(hours=72)

    @property
    def peer(self) -> str:
        """The name of the service that pays it."""
        return PEER_NAMES[PEER_OF_CURRENCY[self.reward.currency]]

    @property
    def amount(self) -> str:
        """The amount with its currency."""
        if self.reward.points_amount is not None:
            return points_text(self.reward.points_amount)
        return g2a_text(self.reward.g2a_amount or Decimal(0))

    @property
    def role_now(self) -> str:
        """The beneficiary's role as of now; who was never heard of is a user."""
        return self.role.role if self.role else USER

    @property
    def has_role(self) -> bool:
        """Whether that role would open the reward."""
        return reaches(self.role_now, self.reward.required_min_role)

    @property
    def is_held(self) -> bool:
        """Whether its hold days still run."""
        return self.reward.available_at > self.now

    @property
    def hold_days(self) -> int:
        """How many days it waits from the event on, as its rule said when it was made."""
        return (self.reward.available_at - self.reward.referral_event.occurred_at).days

    @property
    def is_peer_sick(self) -> bool:
        """Whether nothing but a probe now and then is sent to its peer."""
        return self.circuit is not None and self.circuit.state == PeerCircuit.State.OPEN

    @property
    def was_claimed(self) -> bool:
        """Whether a worker has taken it up and has not reported yet."""
        return self.reward.claim_token is not None

    @property
    def is_claimed(self) -> bool:
        """Whether that worker's lease still runs."""
        due = self.reward.next_attempt_at
        return self.was_claimed and due is not None and due > self.now

    @property
    def due_since(self) -> datetime:
        """Since when a worker could take it; an event reported late is due from the past, but new."""
        return max(self.reward.next_attempt_at or self.now, self.reward.updated_at)


def situation_of(reward: ReferralReward, now: datetime) -> Situation:
    """Read what belongs to the reward's story."""
    return situations_of([reward], now)[reward.pk]


def situations_of(rewards: Iterable[ReferralReward], now: datetime) -> dict[UUID, Situation]:
    """The same for as many rewards as fit on a page: five look-ups by an index each, for one or for fifty."""
    found = {reward.pk: reward for reward in rewards}
    roles = UserRole.objects.in_bulk({reward.beneficiary_user_id for reward in found.values()})
    circuits = PeerCircuit.objects.in_bulk()
    attempts = PayoutAttempt.objects.filter(reward_id__in=found).order_by("reward_id", "-finished_at", "-id")
    last_attempts = {attempt.reward_id: attempt for attempt in attempts.distinct("reward_id")}
    # Those that brought them to their status: several of one moment have no order among them.
    moves = RewardTransition.objects.filter(reward_id__in=found, to_status=F("reward__status"))
    last_moves = {
        move.reward_id: move for move in moves.order_by("reward_id", "-at", "-id").distinct("reward_id")
    }
    findings = _open_findings(found)
    addresses = {POINTS: settings.POINTS_SERVICE_URL, TOKENS: settings.TOKEN_GATEWAY_URL}
    return {
        pk: Situation(
            reward=reward,
            now=now,
            role=roles.get(reward.beneficiary_user_id),
            circuit=circuits.get(PEER_OF_CURRENCY[reward.currency]),
            last_attempt=last_attempts.get(pk),
            last_move=last_moves.get(pk),
            findings=tuple(findings[pk][:MOST_FINDINGS]),
            has_address=bool(addresses[PEER_OF_CURRENCY[reward.currency]]),
            give_up_after=timedelta(hours=settings.PAYOUT_GIVE_UP_AFTER_HOURS),
        )
        for pk, reward in found.items()
    }


def _open_findings(reward_ids: Iterable[UUID]) -> Mapping[UUID, list[ReconciliationFinding]]:
    """What still needs a person, oldest first, by reward."""
    rows = ReconciliationFinding.objects.filter(
        reward_id__in=list(reward_ids), state=ReconciliationFinding.State.OPEN
    )
    found: dict[Any, list[ReconciliationFinding]] = defaultdict(list)
    for finding in rows.order_by("id"):
        found[finding.reward_id].append(finding)
    return found
