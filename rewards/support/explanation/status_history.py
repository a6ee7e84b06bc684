"""Who did something to a reward and why, in plain words, from what the trail keeps by code.

People write their reasons themselves, and these stay what they wrote.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.rules.wording import ROLES
from rewards.models import RewardTransition
from rewards.models.codes import Failure, MoveReason
from rewards.support.explanation.error_classification import error_text

ACTORS: dict[str, Promise] = {
    "worker": gettext_lazy("a worker"),
    "reconciliation": gettext_lazy("reconciliation"),
}
REASONS: dict[str, Promise] = {
    MoveReason.RETURNED_UNASKED: gettext_lazy("the worker gave it back before it asked"),
    MoveReason.CALLBACK_CONFIRMED: gettext_lazy("the gateway reported the task as confirmed"),
    MoveReason.CALLBACK_FAILED: gettext_lazy("the gateway reported the task as failed"),
    MoveReason.LEDGER_SHOWS_BOOKING: gettext_lazy("the provider's records show the payout"),
    MoveReason.TASK_ENDED: gettext_lazy("the gateway shows that the task has finished"),
}


def actor_text(actor: str) -> str:
    """Who it was: a person by name, a service by its own."""
    kind, _colon, name = actor.partition(":")
    if kind == "staff" and name:
        return name
    if kind == "admin" and name:
        return _("%s (by token)") % name
    return str(ACTORS.get(actor, actor))


def reason_text(move: RewardTransition) -> str:
    """Why, in the reader's language where the words are ours; empty where nothing is to be said."""
    code, values = move.reason_code, move.reason_params
    if code in REASONS:
        return str(REASONS[code])
    if code == MoveReason.ROLE_UPGRADED:
        return _("the user's role became %s") % ROLES[values["role"]]
    if code in (MoveReason.TRY_FAILED, MoveReason.PAYOUT_FAILED):
        return error_text(Failure.of_json(values["error"]))
    if code == MoveReason.GIVEN_UP:
        return _("attempts stopped: %s") % error_text(Failure.of_json(values["error"]))
    return move.reason
