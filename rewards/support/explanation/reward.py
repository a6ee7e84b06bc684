"""Why a reward is where it is and what comes next, in plain words.

A pure function of our own rows (`rewards.support.explanation.situation`): nothing is decided here, and no
sentence stands here that the rows do not bear out. Source: docs/reward-status.md;
docs/payout.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from django.utils.translation import gettext as _

from campaigns.models import ReferralCampaign
from campaigns.rules.roles import RANKS
from campaigns.rules.wording import ROLES, days_text
from kernel.humanize.amounts import amount_text
from kernel.humanize.moments import moment_text
from rewards.models import RewardStatus
from rewards.payouts.providers.base import Outcome
from rewards.support.explanation.error_classification import error_text, is_its_word
from rewards.support.explanation.in_flight import last_words, pending_story, sent_story
from rewards.support.explanation.shape import Severity, Story, told
from rewards.support.explanation.situation import Situation
from rewards.support.explanation.status_history import actor_text, reason_text

OVER = (ReferralCampaign.Status.PAUSED, ReferralCampaign.Status.ARCHIVED)
FINAL = (RewardStatus.COMPLETED, RewardStatus.CANCELLED)


def story(now_is: Situation) -> Story:
    """The story of one reward."""
    return _with_findings(now_is, _with_campaign(now_is, STORIES[now_is.reward.status](now_is)))


def _with_campaign(now_is: Situation, tale: Story) -> Story:
    """Many take a campaign that has ended for the reason."""
    campaign = now_is.reward.campaign
    if campaign.status not in OVER or now_is.reward.status in FINAL:
        return tale
    text = _("The campaign is now “%s”; this does not affect rewards already earned.")
    return replace(tale, sentences=(*tale.sentences, text % campaign.get_status_display()))


def _with_findings(now_is: Situation, tale: Story) -> Story:
    """What a comparison with the peer found stands against whatever we believe."""
    if not now_is.findings:
        return tale
    found = ", ".join(finding.get_kind_display() for finding in now_is.findings)
    text = _("Reconciliation with %(peer)s found a discrepancy that needs attention: %(found)s.")
    return replace(
        tale,
        sentences=(*tale.sentences, text % {"peer": now_is.peer, "found": found}),
        severity=Severity.TROUBLE,
    )


# --- before it may be paid ----------------------------------------------------------------------------------


def _on_hold(now_is: Situation) -> Story:
    return told(
        _("On hold: needs review first."),
        next_step=_("You can cancel it here. To have it paid, ask those who put it on hold."),
        severity=Severity.WATCH,
    )


def _locked(now_is: Situation) -> Story:
    needed = now_is.reward.required_min_role or ""
    values = {"needed": ROLES[needed], "role": ROLES[now_is.role_now]}
    if now_is.has_role:
        return told(
            _("Locked, although the user has the role %(role)s and only %(needed)s is required.") % values,
            _role_known(now_is),
            next_step=_("This should not happen: unlock it manually and contact the on-call engineer."),
            severity=Severity.TROUBLE,
        )
    enough = " / ".join(str(ROLES[role]) for role, rank in RANKS.items() if rank >= RANKS[needed])
    return told(
        _("Locked: requires the role %(needed)s, and the user’s role is “%(role)s”.") % values,
        _role_known(now_is),
        _hold_beside_lock(now_is),
        next_step=_(
            "It unlocks automatically when User Service reports the role %s for this user. Support can "
            "unlock it manually, with a reason."
        )
        % enough,
    )


def _role_known(now_is: Situation) -> str:
    """Where the role comes from."""
    role = now_is.role
    if role is None:
        return _("No service has reported this user, so the lowest role applies.")
    if role.occurred_at is None:
        return _("First seen on %s; no role has been reported, so the lowest role applies.") % moment_text(
            role.first_heard_at
        )
    return _("By the latest report, the user has had this role since %(since)s; first seen on %(known)s.") % {
        "since": moment_text(role.occurred_at),
        "known": moment_text(role.first_heard_at),
    }


def _hold_beside_lock(now_is: Situation) -> str:
    if now_is.is_held:
        return _("Even when unlocked, it is on hold period until %(moment)s: %(days)s after the event.") % {
            "moment": moment_text(now_is.reward.available_at),
            "days": days_text(now_is.hold_days),
        }
    return (
        _("Its hold period is over, so it is payable as soon as it is unlocked.") if now_is.hold_days else ""
    )


# --- the end, for now or for ever ---------------------------------------------------------------------------


def _completed(now_is: Situation) -> Story:
    task = now_is.reward.external_task_id
    return told(
        _("Paid: %(amount)s through %(peer)s, transaction %(transaction)s.")
        % {"amount": now_is.amount, "peer": now_is.peer, "transaction": now_is.reward.external_tx_id},
        _recorded(now_is),
        _("Token task: %s.") % task if task else "",
        next_step=_("Nothing: a paid reward never changes."),
        severity=Severity.GOOD,
    )


def _cancelled(now_is: Situation) -> Story:
    move = now_is.last_move
    ends = _(
        "This is final: the reward is not paid, and its amount does not count towards the campaign’s budget."
    )
    if move is None:
        return told(_("Cancelled."), next_step=ends)
    return told(
        _("Cancelled by %(who)s: “%(why)s”.") % {"who": actor_text(move.actor), "why": reason_text(move)},
        _("Cancelled on %(moment)s; the status before was “%(status)s”.")
        % {"moment": moment_text(move.at), "status": move.get_from_status_display()},
        next_step=ends,
    )


def _failed(now_is: Situation) -> Story:
    reward, values = now_is.reward, {"peer": now_is.peer}
    if now_is.last_attempt and now_is.last_attempt.outcome == Outcome.TASK_FAILED:
        return _task_failed(now_is)
    if reward.first_failed_at:
        headline = _(
            "Failed: attempts stopped. It had been failing since %(since)s while %(peer)s worked for others."
        ) % {
            **values,
            "since": moment_text(reward.first_failed_at),
        }
    elif now_is.last_attempt and now_is.last_attempt.outcome == Outcome.REFUSED:
        headline = _("Failed: rejected by %(peer)s.") % values
    else:
        headline = _("Failed: %(peer)s could not pay it.") % values
    return told(
        headline,
        _what_was_said(now_is),
        _recorded(now_is),
        _conflict(now_is),
        _maybe_paid(now_is),
        next_step=_after_failing(now_is),
        severity=Severity.TROUBLE,
    )


def _task_failed(now_is: Situation) -> Story:
    reward = now_is.reward
    return told(
        _("Failed: %s reports that the token task ended without a transfer.") % now_is.peer,
        _what_was_said(now_is),
        _recorded(now_is),
        next_step=_(
            "When the cause is fixed, support can retry it: a failed task is final, so the retry starts a "
            "new one under the ID %(number)s. If it must not be paid, cancel it."
        )
        % {"number": f"{reward.pk}:{reward.mint_number}"},
        severity=Severity.TROUBLE,
    )


def _what_was_said(now_is: Situation) -> str:
    """Its last word; what has no HTTP status was never said by it, unless it is the end of a token task."""
    failure = now_is.reward.last_failure
    if failure and is_its_word(failure):
        values = {"peer": now_is.peer, "error": error_text(failure)}
        return _("Last response of %(peer)s: “%(error)s”.") % values
    return last_words(now_is)


def _recorded(now_is: Situation) -> str:
    """When it came to its status, by whom, after how many attempts."""
    move = now_is.last_move
    if move is None:
        return ""
    return _("Recorded on %(moment)s by %(who)s (attempts: %(attempts)s).") % {
        "moment": moment_text(move.at),
        "who": actor_text(move.actor),
        "attempts": amount_text(now_is.reward.attempts),
    }


def _conflict(now_is: Situation) -> str:
    """A number used with other particulars stays so (docs/payout.md: any other 4xx)."""
    failure = now_is.reward.last_failure
    if failure is None or failure.http_status != 409:
        return ""
    return _(
        "HTTP 409 means that its ID was used there with another user or amount. Retrying will not help: "
        "contact the on-call engineer."
    )


def _maybe_paid(now_is: Situation) -> str:
    if not now_is.reward.in_doubt:
        return ""
    return _("It may have been paid, so it cannot be cancelled.")


def _after_failing(now_is: Situation) -> str:
    task = now_is.reward.external_task_id
    if task:
        return _(
            "Support can retry it: we check the same task %(task)s at %(peer)s first, so it cannot be paid "
            "twice."
        ) % {
            "peer": now_is.peer,
            "task": task,
        }
    if now_is.reward.in_doubt:
        return _("Support can retry it: it is sent under the same ID, so it cannot be paid twice.")
    return _(
        "When the cause is fixed, support can retry it: it is sent under the same ID, so it cannot be paid "
        "twice. If it must not be paid, cancel it."
    )


STORIES: Mapping[str, Callable[[Situation], Story]] = {
    RewardStatus.ON_HOLD: _on_hold,
    RewardStatus.LOCKED: _locked,
    RewardStatus.PENDING: pending_story,
    RewardStatus.SENT_TO_POINTS: sent_story,
    RewardStatus.SENT_TO_TOKEN: sent_story,
    RewardStatus.COMPLETED: _completed,
    RewardStatus.FAILED: _failed,
    RewardStatus.CANCELLED: _cancelled,
}
