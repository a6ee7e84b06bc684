"""Keeping what reconciliation and callbacks find, until it is repaired, gone or closed by a person."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from kernel.errors import IllegalTransition, NotFound, ValidationFailed
from kernel.rendering import g2a_text
from rewards.models import ReconciliationFinding, ReconciliationRun, ReferralReward
from rewards.models.codes import Fact as Facts

State = ReconciliationFinding.State
TEXT_LENGTH = 500
EXTERNAL_ID_LENGTH = 200


# A code of `rewards.models.codes.Fact` with its parameters.
Fact = dict[str, Any]


def reward_fact(reward: ReferralReward) -> Fact:
    """A reward as our record has it: status, amount, whose, and what holds it up."""
    failure = reward.last_failure
    facts = {
        "code": Facts.REWARD,
        "status": str(reward.status),
        "points": reward.points_amount,
        "g2a": g2a_text(reward.g2a_amount) if reward.g2a_amount else None,
        "user_id": reward.beneficiary_user_id,
        "transaction": reward.external_tx_id,
        "task": reward.external_task_id,
        "in_doubt": reward.in_doubt,
        "failing_since": reward.first_failed_at.isoformat() if reward.first_failed_at else None,
        "error": failure.as_json() if failure else None,
    }
    return {name: value for name, value in facts.items() if value}


def task_fact(task_id: str | None, outcome: str, reference: str) -> Fact:
    """A token task as the gateway tells of it."""
    return {"code": Facts.TASK, "task": task_id, "outcome": outcome, "reference": reference}


def finding_note(
    *,
    kind: str,
    peer: str,
    external_id: str,
    reward_id: UUID | None,
    ours: Fact,
    theirs: Fact | None,
    run: ReconciliationRun | None = None,
    repaired_by: str = "",
) -> ReconciliationFinding:
    """Write a finding down; one that is open already is brought up to date instead."""
    now = timezone.now()
    content = {
        "run": run,
        "reward_id": reward_id,
        "our_facts": ours,
        "their_facts": theirs,
        "found_again_at": now,
    }
    finding, _ = ReconciliationFinding.objects.update_or_create(
        kind=kind,
        peer=peer,
        external_id=_kept(external_id, EXTERNAL_ID_LENGTH),
        state=State.OPEN,
        defaults=content,
        create_defaults={**content, "found_at": now},
    )
    if repaired_by:
        finding.state, finding.closed_at, finding.closed_by = State.REPAIRED, now, repaired_by[:160]
        finding.save(update_fields=["state", "closed_at", "closed_by"])
    return finding


def finding_close(*, finding_id: UUID, by: str, note: str) -> ReconciliationFinding:
    """A person has dealt with it. Raises NotFound, ValidationFailed without a note, IllegalTransition."""
    if not note.strip():
        raise ValidationFailed.of("note", _("Enter a note: what was done"))
    with transaction.atomic():
        finding = ReconciliationFinding.objects.select_for_update().filter(pk=finding_id).first()
        if finding is None:
            raise NotFound(_("There is no such discrepancy."))
        if finding.state != State.OPEN:
            raise IllegalTransition(
                _("The discrepancy is {state}; only an open one can be closed."), state=finding.state
            )
        finding.state, finding.closed_at = State.CLOSED, timezone.now()
        finding.closed_by, finding.note = by[:160], _kept(note.strip(), TEXT_LENGTH)
        finding.save(update_fields=["state", "closed_at", "closed_by", "note"])
        audit_note(
            by=by,
            verb=Verb.CHANGED,
            target=finding,
            name=finding.kind,
            before={"state": State.OPEN},
            after={"state": State.CLOSED},
            reason=finding.note,
        )
    return finding


def _kept(text: str, length: int) -> str:
    """What the database can store of a peer's text."""
    return text.replace("\x00", "")[:length]
