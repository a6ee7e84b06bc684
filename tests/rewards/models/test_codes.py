"""Only codes of the vocabularies are stored: the database refuses whatever else somebody writes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import TextChoices

from rewards.models import (
    PayoutAttempt,
    PeerCircuit,
    PeerProbe,
    ReconciliationFinding,
    ReconciliationRun,
    ReferralReward,
    RelationImport,
    RelationImportLine,
    RewardTransition,
)
from rewards.models.codes import Cause, Fact, LineProblem, MoveReason, RunProblem
from tests.factories import CampaignRowFactory, RewardFactory

NOW = datetime(2026, 11, 24, 10, 45, tzinfo=UTC)
MOVE = {"from_status": "locked", "to_status": "pending", "at": NOW, "actor": "worker"}
CALL = {"number": 1, "started_at": NOW, "finished_at": NOW, "outcome": "unknown", "request_id": "r"}
FOUND = {"state": "open", "peer": "points", "found_at": NOW, "found_again_at": NOW}


def reward_with(code: str) -> None:
    RewardFactory(last_error_code=code)


def circuit_with(code: str) -> None:
    PeerCircuit.objects.create(peer=code[:16], last_error_code=code)


def probe_with(code: str) -> None:
    PeerProbe.objects.create(peer=code[:16], asked_by="staff:olga", asked_at=NOW, cause=code)


def attempt_with(code: str) -> None:
    PayoutAttempt.objects.create(reward=RewardFactory(), cause=code, **CALL)


def transition_with(code: str) -> None:
    RewardTransition.objects.create(reward=RewardFactory(), reason_code=code, **MOVE)


def run_with(code: str) -> None:
    known = {"code": RunProblem.GATEWAY_SILENT}
    ReconciliationRun.objects.create(started_at=NOW, problem_list=[known, {"code": code}])


def our_side_with(code: str) -> None:
    ReconciliationFinding.objects.create(kind="extra", external_id=code, our_facts={"code": code}, **FOUND)


def their_side_with(code: str) -> None:
    ReconciliationFinding.objects.create(kind="extra", external_id=code, their_facts={"code": code}, **FOUND)


def line_with(code: str) -> None:
    imported = RelationImport.objects.create(campaign=CampaignRowFactory(), file_name="f", created_by="b")
    RelationImportLine.objects.create(
        relation_import=imported, number=1, expected="invalid", problem_list=[{"code": code}]
    )


COLUMNS: list[tuple[Any, type[TextChoices]]] = [
    (reward_with, Cause),
    (circuit_with, Cause),
    (probe_with, Cause),
    (attempt_with, Cause),
    (transition_with, MoveReason),
    (run_with, RunProblem),
    (our_side_with, Fact),
    (their_side_with, Fact),
    (line_with, LineProblem),
]


@pytest.mark.parametrize(("write", "vocabulary"), COLUMNS, ids=[write.__name__ for write, _ in COLUMNS])
def test_a_column_takes_every_code_of_its_vocabulary_and_no_other(
    db: None, write: Any, vocabulary: type[TextChoices]
) -> None:
    for code in vocabulary.values:
        write(code)
    for code in ("it refuses connections", vocabulary.values[0].upper()):
        with pytest.raises(IntegrityError), transaction.atomic():
            write(code)


def test_a_reason_or_a_failure_without_a_code_is_coded_or_refused(db: None) -> None:
    reward: ReferralReward = RewardFactory()

    move = RewardTransition.objects.create(reward=reward, reason="it was cold", **MOVE)
    call = PayoutAttempt.objects.create(reward=reward, message="it was cold", **CALL)

    move.refresh_from_db()
    call.refresh_from_db()
    assert (move.reason_code, call.cause) == ("unlocked_by_person", "other")
