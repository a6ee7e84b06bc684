"""Who did something to a reward and why, in plain words, from what the trail keeps.

People write their reasons themselves; those of workers and messages are fixed texts of this service, written
by `rewards.ledger.services`, `rewards.payouts.claim`, `rewards.payouts.callbacks` and
`rewards.payouts.reconciliation`.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.rules.wording import ROLES

ACTORS: dict[str, Promise] = {
    "worker": gettext_lazy("a worker"),
    "reconciliation": gettext_lazy("reconciliation"),
}
REASONS: dict[str, Promise] = {
    "the worker gave it back before it asked": gettext_lazy("the worker gave it back before it asked"),
    "confirmed by callback": gettext_lazy("the gateway reported the task as confirmed"),
    "failed by callback": gettext_lazy("the gateway reported the task as failed"),
    "the peer's record shows the booking": gettext_lazy("the provider's records show the payout"),
    "the gateway shows that the task has ended": gettext_lazy("the gateway shows that the task has finished"),
}
BECAME, GIVEN_UP = "became ", "given up: "


def actor_text(actor: str) -> str:
    """Who it was: a person by name, a service by its own."""
    kind, _colon, name = actor.partition(":")
    if kind == "staff" and name:
        return name
    if kind == "admin" and name:
        return _("%s (by token)") % name
    return str(ACTORS.get(actor, actor))


def reason_text(reason: str) -> str:
    """Why, in the reader's language where the text is ours."""
    if reason.startswith(BECAME) and reason.removeprefix(BECAME) in ROLES:
        return _("the user's role became %s") % ROLES[reason.removeprefix(BECAME)]
    if reason.startswith(GIVEN_UP):
        return _("attempts stopped: %s") % reason.removeprefix(GIVEN_UP)
    return str(REASONS.get(reason, reason))
