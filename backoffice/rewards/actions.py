"""Unlock, retry and cancel in the back-office: the choice is shown first, a reason is asked, then it is done.

Each reward is moved by the service in a transaction of its own, so one that cannot be moved stops no other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from access.people import person_name
from backoffice.rewards.labels import reward_named
from kernel.errors import DomainError
from rewards.ledger.services import REASON_LENGTH, reward_cancel, reward_retry, reward_unlock
from rewards.ledger.transitions import CANCELLABLE, RETRYABLE, UNLOCKABLE
from rewards.models import ReferralReward

MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that a person may do to rewards, in words."""

    service: Callable[..., ReferralReward]
    allowed: frozenset[str]
    title: Any
    only: Any
    effect: Any
    done: Any
    is_final: bool = False

    def obstacle(self, reward: ReferralReward) -> str | None:
        """Why this reward cannot be moved so; None when it can."""
        if reward.status not in self.allowed:
            return str(self.only)
        if self.is_final and reward.in_doubt:
            return _("Unconfirmed rewards cannot be cancelled: this one may have been paid")
        return None


MOVES = {
    "unlock": Move(
        service=reward_unlock,
        allowed=UNLOCKABLE,
        title=gettext_lazy("Unlock"),
        only=gettext_lazy("Only locked rewards can be unlocked"),
        effect=gettext_lazy(
            "The reward is unlocked as if the user had the required role. It is paid after its hold period."
        ),
        done=gettext_lazy("Unlocked:"),
    ),
    "retry": Move(
        service=reward_retry,
        allowed=RETRYABLE,
        title=gettext_lazy("Retry"),
        only=gettext_lazy("Only failed rewards can be retried"),
        effect=gettext_lazy(
            "The reward is sent again under the same ID, so it cannot be paid twice. (Only a token task that "
            "the gateway itself reports as failed gets a new ID.)"
        ),
        done=gettext_lazy("Sent again:"),
    ),
    "cancel": Move(
        service=reward_cancel,
        allowed=CANCELLABLE,
        title=gettext_lazy("Cancel the reward"),
        only=gettext_lazy("Only locked, pending, on hold and failed rewards can be cancelled"),
        effect=gettext_lazy(
            "The reward is cancelled for good and will not be paid. Its amount returns to the campaign’s "
            "budget."
        ),
        done=gettext_lazy("Cancelled:"),
        is_final=True,
    ),
}


class WhyForm(forms.Form):
    """Why a person moves rewards; kept with each status change."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=gettext_lazy(
            "Required. Shown to colleagues in the reward's history. Example: role confirmed by phone, ticket "
            "4711."
        ),
    )


def rewards_chosen(ids: list[str]) -> list[ReferralReward]:
    """The rewards with these ids, newest first; what is no id is left out."""
    rewards: QuerySet[ReferralReward] = ReferralReward.objects.select_related("campaign", "referral_event")
    return list(rewards.filter(pk__in=valid_ids(ids)).order_by("-id"))


def valid_ids(texts: list[str], *, most: int = MOST_AT_ONCE) -> list[str]:
    """Those that are ids, and no more than a person can look at."""
    return [text for text in texts if _is_uuid(text)][:most]


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def rewards_move(request: HttpRequest, move: Move, rewards: list[ReferralReward], reason: str) -> None:
    """Move each reward and tell the person what became of it."""
    done, refused = [], []
    for reward in rewards:
        try:
            move.service(reward_id=reward.pk, by=person_name(request.user), reason=reason)
        except DomainError as refusal:
            reward.refresh_from_db()
            refused.append((reward_named(reward), move.obstacle(reward) or str(refusal)))
        else:
            done.append((reward_named(reward),))
    tell_outcome(request, move.done, done, refused)


def tell_outcome(
    request: HttpRequest, heading: Any, done: Sequence[tuple[str]], refused: Sequence[tuple[str, str]]
) -> None:
    """Name what was done, and what was not with the reason."""
    if done:
        messages.success(request, _listed(heading, format_html_join("", "<li>{}</li>", done)))
    if refused:
        lines = format_html_join("", "<li>{} – {}</li>", refused)
        messages.error(request, _listed(_("Not changed:"), lines))


def _listed(heading: Any, lines: SafeString) -> SafeString:
    """A heading and a list beneath it."""
    return format_html("{} <ul>{}</ul>", heading, lines)
