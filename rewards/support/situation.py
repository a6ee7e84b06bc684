"""Where a reward stands: its own row and the few others that say why, read for its page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from campaigns.admin_texts import g2a_text, points_text
from campaigns.roles import USER, reaches
from referral.models import UserRole
from rewards.admin_texts import PEER_NAMES
from rewards.models import (
    PayoutAttempt,
    PeerCircuit,
    ReconciliationFinding,
    ReferralReward,
    RewardTransition,
)
from rewards.peers import PEER_OF_CURRENCY, POINTS

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
        return g2a_text(self.reward.g2a_amount or 0)  # type: ignore[arg-type]

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
    """Read what belongs to the reward's story: five look-ups by an index each."""
    peer = PEER_OF_CURRENCY[reward.currency]
    address = settings.POINTS_SERVICE_URL if peer == POINTS else settings.TOKEN_GATEWAY_URL
    open_findings = reward.findings.filter(state=ReconciliationFinding.State.OPEN)
    return Situation(
        reward=reward,
        now=now,
        role=UserRole.objects.filter(pk=reward.beneficiary_user_id).first(),
        circuit=PeerCircuit.objects.filter(pk=peer).first(),
        last_attempt=reward.payout_attempts.order_by("-finished_at", "-id").first(),
        # The one that brought it to its status: several of one moment have no order among them.
        last_move=reward.transitions.filter(to_status=reward.status).order_by("-at", "-id").first(),
        findings=tuple(open_findings.order_by("id")[:MOST_FINDINGS]),
        has_address=bool(address),
        give_up_after=timedelta(hours=settings.PAYOUT_GIVE_UP_AFTER_HOURS),
    )
