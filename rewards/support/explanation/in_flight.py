"""The story of a reward that waits to be paid or was sent to its peer.

Source: docs/reward-status.md; docs/invariants.md, D8 to D12; docs/payout.md; rewards/payouts/claim.py, which
decides when a reward is asked about again; rewards/payouts/circuit_breaker.py, which holds rewards back while
a peer is sick.
"""

from datetime import timedelta

from django.utils.translation import gettext as _

from campaigns.rules.wording import days_text
from kernel.humanize.amounts import amount_text
from kernel.humanize.moments import MINUTE, moment_text, until_text
from rewards.models import ReferralReward, RewardStatus
from rewards.support.explanation.error_classification import error_text, trouble_text
from rewards.support.explanation.shape import Severity, Story, told
from rewards.support.explanation.situation import Situation
from rewards.support.explanation.status_history import actor_text, reason_text

# Workers look every few seconds; what nobody has taken up for so long is worth a look at them.
LONG_DUE = timedelta(minutes=5)


def pending_story(now_is: Situation) -> Story:
    """It may be paid, or will be when its hold days are over."""
    came, kept = _how_it_came(now_is), (_doubt_kept(now_is), _task_kept(now_is))
    if now_is.is_held:
        return told(
            _("Pending: on hold period until %s.") % moment_text(now_is.reward.available_at),
            _("By the rules, the hold period is %s from the event.") % days_text(now_is.hold_days),
            came,
            *kept,
            _peer_now(now_is),
            next_step=_("It becomes payable automatically %s and is then paid by a worker.")
            % until_text(now_is.reward.available_at, now_is.now),
        )
    headline, severity = _pending_headline(now_is)
    return told(
        headline,
        came,
        *kept,
        _slowed_down(now_is),
        last_words(now_is),
        giving_up(now_is),
        next_step=next_try(now_is),
        severity=severity,
    )


def _pending_headline(now_is: Situation) -> tuple[str, Severity]:
    values = {"peer": now_is.peer}
    if not now_is.has_address:
        return _("Pending: the address of %(peer)s is not set.") % values, Severity.TROUBLE
    if now_is.circuit and now_is.is_peer_sick:
        values |= {
            "since": moment_text(now_is.circuit.opened_at or now_is.now),
            "trouble": trouble_text(now_is.circuit.last_failure),
        }
        return (
            _("Pending: %(peer)s has been unavailable since %(since)s – %(trouble)s.") % values,
            Severity.WATCH,
        )
    if now_is.reward.first_failed_at:
        if _is_slowed_down(now_is):
            return (
                _("Pending: %(peer)s asked us to retry this reward later (HTTP 429).") % values,
                Severity.WATCH,
            )
        values |= {"trouble": trouble_text(now_is.reward.last_failure)}
        return (
            _("Pending: the last attempt at %(peer)s did not succeed – %(trouble)s.") % values,
            Severity.WATCH,
        )
    if _is_late(now_is):
        return _("Pending: payable since %s, but no worker has picked it up.") % moment_text(
            now_is.due_since
        ), Severity.WATCH
    if now_is.reward.next_attempt_at and now_is.reward.next_attempt_at > now_is.now:
        return _("Pending: waiting for its turn."), Severity.CALM
    return _("Pending: ready to be paid."), Severity.CALM


def _is_slowed_down(now_is: Situation) -> bool:
    """Whether the peer, well for others, has asked for patience with this reward (D10)."""
    failure = now_is.reward.last_failure
    return not now_is.is_peer_sick and failure is not None and failure.http_status == 429


def _slowed_down(now_is: Situation) -> str:
    if not now_is.reward.first_failed_at or not _is_slowed_down(now_is):
        return ""
    return _(
        "Usually this is a limit on how much one user can get in a short time. Other users are not delayed."
    )


def _is_late(now_is: Situation) -> bool:
    return now_is.due_since < now_is.now - LONG_DUE


def sent_story(now_is: Situation) -> Story:
    """A worker has taken it up, or what became of its call is not settled."""
    if now_is.is_claimed:
        return _claimed(now_is)
    if now_is.was_claimed:
        return _claim_lapsed(now_is)
    if now_is.reward.external_task_id:
        return _task_under_way(now_is)
    values = {"peer": now_is.peer}
    if now_is.reward.in_doubt:
        return told(
            _("Unconfirmed: %(peer)s has not confirmed the payout.") % values,
            last_words(now_is),
            giving_up(now_is),
            next_step=" ".join(
                (
                    _(
                        "We send it again under the same ID until %(peer)s confirms or rejects it, so it "
                        "cannot be paid twice. Until then it cannot be cancelled."
                    )
                    % values,
                    next_try(now_is),
                )
            ),
            severity=Severity.WATCH,
        )
    return told(
        _("Sent to %(peer)s; no response recorded.") % values,
        next_step=next_try(now_is),
        severity=Severity.WATCH,
    )


def _claimed(now_is: Situation) -> Story:
    task, values = now_is.reward.external_task_id, {"peer": now_is.peer}
    if task:
        headline = _("A worker is checking the token task at %(peer)s.") % values
    else:
        headline = _("A worker is paying it through %(peer)s.") % values
    lease = moment_text(now_is.reward.next_attempt_at or now_is.now)
    return told(
        headline,
        _("Picked up on %s.") % moment_text(now_is.reward.updated_at),
        _doubt_kept(now_is),
        _task_kept(now_is),
        last_words(now_is),
        giving_up(now_is),
        next_step=_(
            "The response is recorded as soon as it arrives. If the worker stops, another one picks it up "
            "from %s and uses the same ID, so it cannot be paid twice."
        )
        % lease,
    )


def _claim_lapsed(now_is: Situation) -> Story:
    lease = moment_text(now_is.reward.next_attempt_at or now_is.now)
    if now_is.reward.external_task_id:
        return told(
            _("The worker checking the token task did not report back by %s.") % lease,
            _task_kept(now_is),
            next_step=_("Another worker checks the same task.") + f" {next_try(now_is)}",
            severity=Severity.WATCH,
        )
    return told(
        _("Unconfirmed: the worker paying it did not report back by %s.") % lease,
        _("It is not known whether it was paid."),
        last_words(now_is),
        next_step=_("Another worker sends it under the same ID, so it cannot be paid twice.")
        + f" {next_try(now_is)}",
        severity=Severity.WATCH,
    )


def _task_under_way(now_is: Situation) -> Story:
    values = {"peer": now_is.peer, "task": now_is.reward.external_task_id}
    paid_when = _("It is paid only when the task is confirmed.")
    if now_is.reward.first_failed_at or now_is.is_peer_sick:
        failure = now_is.reward.last_failure or (now_is.circuit.last_failure if now_is.circuit else None)
        return told(
            _("In progress as task %(task)s, but %(peer)s cannot be asked about it – %(trouble)s.")
            % {**values, "trouble": trouble_text(failure)},
            _("The task itself may continue."),
            last_words(now_is),
            giving_up(now_is),
            next_step=f"{paid_when} {next_try(now_is)}",
            severity=Severity.WATCH,
        )
    reports = _("%(peer)s may also report the result itself.") % values
    return told(
        _("In progress: %(peer)s is working on task %(task)s.") % values,
        next_step=f"{paid_when} {next_try(now_is)} {reports}",
    )


# --- sentences that several have in common ------------------------------------------------------------------


def next_try(now_is: Situation) -> str:
    """When its peer is asked next, and what that depends on."""
    own = now_is.reward.next_attempt_at or now_is.now
    if not now_is.has_address:
        is_points = now_is.reward.currency == ReferralReward.Currency.POINTS
        setting = "POINTS_SERVICE_URL" if is_points else "TOKEN_GATEWAY_URL"
        return _("Nothing is sent until %s is set in the configuration.") % setting
    if now_is.circuit and now_is.is_peer_sick:
        probe_at = now_is.circuit.probe_at or now_is.now
        text = _(
            "Next attempt: %s, with one pending reward; if it succeeds, all others follow automatically."
        ) % until_text(probe_at, now_is.now)
        if own >= max(probe_at, now_is.now) + MINUTE:
            text += " " + _("This reward: not before %s.") % moment_text(own)
        return text
    if own > now_is.now:
        return _("Next attempt: %s.") % until_text(own, now_is.now)
    if _is_late(now_is):
        return _(
            "The oldest rewards are paid first, so there may be many ahead of this one. If nothing moves for "
            "several minutes, no worker is running: contact the on-call engineer."
        )
    return _("It is due: workers check every few seconds and pay the oldest first.")


def giving_up(now_is: Situation) -> str:
    """Since when it fails, and when that ends (docs/reward-status.md, Giving up)."""
    since = now_is.reward.first_failed_at
    if since is None:
        return ""
    return _(
        "It has been failing since %(since)s (failed attempts: %(tries)s). If it still fails after %(until)s "
        "while %(peer)s works for others, its status becomes “Failed” and support decides; while %(peer)s "
        "works for no one, it stays pending without a time limit."
    ) % {
        "since": moment_text(since),
        "tries": amount_text(now_is.reward.failures),
        "until": moment_text(since + now_is.give_up_after),
        "peer": now_is.peer,
    }


def last_words(now_is: Situation) -> str:
    """What was heard last, as it was said."""
    error = error_text(now_is.reward.last_failure)
    if not error and now_is.is_peer_sick and now_is.circuit:
        return _("Last response of %(peer)s: “%(error)s”.") % {
            "peer": now_is.peer,
            "error": error_text(now_is.circuit.last_failure),
        }
    return _("Last result for this reward: “%s”.") % error if error else ""


def _how_it_came(now_is: Situation) -> str:
    """Who unlocked it or had it sent again."""
    move = now_is.last_move
    if move is None or move.from_status not in (RewardStatus.LOCKED, RewardStatus.FAILED):
        return ""
    values = {"who": actor_text(move.actor), "moment": moment_text(move.at), "why": reason_text(move)}
    if move.from_status == RewardStatus.LOCKED:
        return _("Unlocked on %(moment)s by %(who)s: “%(why)s”.") % values
    return _("Sent again on %(moment)s by %(who)s: “%(why)s”.") % values


def _doubt_kept(now_is: Situation) -> str:
    if not now_is.reward.in_doubt or now_is.reward.external_task_id:
        return ""
    return _(
        "An earlier attempt ended without confirmation. It is sent under the same ID, so it cannot be paid "
        "twice; until it is confirmed or rejected, it cannot be cancelled."
    )


def _task_kept(now_is: Situation) -> str:
    task = now_is.reward.external_task_id
    if not task:
        return ""
    return _("Its token task is %s; we check it before sending anything else.") % task


def _peer_now(now_is: Situation) -> str:
    """While it is held anyway: that its peer is sick, which it may be well from by then."""
    if not now_is.has_address:
        return _("The address of %s is not set.") % now_is.peer
    if not now_is.is_peer_sick or not now_is.circuit:
        return ""
    return _("%(peer)s is unavailable now: %(trouble)s.") % {
        "peer": now_is.peer,
        "trouble": trouble_text(now_is.circuit.last_failure),
    }
