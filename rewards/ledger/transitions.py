"""The moves between the statuses of a reward, in one place.

Source: docs/reward-status.md. Services and payouts take their moves from here, a trigger in the
database refuses any other, and tests compare all three.
"""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from kernel.errors import IllegalTransition
from rewards.models import RewardStatus as S

MOVES: Mapping[str, frozenset[str]] = {
    S.ON_HOLD: frozenset({S.PENDING, S.CANCELLED}),
    S.LOCKED: frozenset({S.PENDING, S.CANCELLED}),
    S.PENDING: frozenset({S.SENT_TO_POINTS, S.SENT_TO_TOKEN, S.CANCELLED}),
    S.SENT_TO_POINTS: frozenset({S.COMPLETED, S.PENDING, S.FAILED}),
    S.SENT_TO_TOKEN: frozenset({S.COMPLETED, S.PENDING, S.FAILED}),
    S.FAILED: frozenset({S.PENDING, S.CANCELLED}),
    S.COMPLETED: frozenset(),
    S.CANCELLED: frozenset(),
}
# What people may ask for, and from where.
UNLOCKABLE = frozenset({S.LOCKED})
RETRYABLE = frozenset({S.FAILED})
CANCELLABLE = frozenset(status for status, targets in MOVES.items() if S.CANCELLED in targets)


def require(status: str, allowed: frozenset[str]) -> None:
    """Refuse an action that the reward's status does not allow. Raises IllegalTransition."""
    if status not in allowed:
        raise IllegalTransition(
            _("The reward is {status}; for this it must be: {allowed}."),
            status=status,
            allowed=", ".join(sorted(allowed)),
        )
