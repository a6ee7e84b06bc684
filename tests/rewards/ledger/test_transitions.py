"""The table of moves, in Python, in the database and in docs/reward-status.md."""

import re
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from rewards.intake.events import events_accept
from rewards.ledger.transitions import CANCELLABLE, MOVES, RETRYABLE, UNLOCKABLE
from rewards.models import WORKABLE, PayoutAttempt, ReferralReward, RewardStatus, RewardTransition
from tests.helpers.processes import ROOT
from tests.helpers.rewards import done, earn

pytestmark = pytest.mark.usefixtures("campaigns")

S = RewardStatus


def test_the_database_allows_exactly_the_moves_of_the_table():
    # given a reward for every pair of statuses
    pairs = [(source, target) for source in S.values for target in S.values if source != target]
    events = events_accept([done("points", None) for _ in pairs])
    rewards = [
        _reward_in(source, event.event_id, _currency(source, target))
        for (source, target), event in zip(pairs, events, strict=True)
    ]

    # when each is moved by hand
    allowed = {
        (source, target)
        for (source, target), reward in zip(pairs, rewards, strict=True)
        if _moves(reward, target)
    }

    # then
    assert allowed == {(source, target) for source, targets in MOVES.items() for target in targets}


def test_the_page_of_statuses_tells_every_status_and_every_move():
    statuses, moves = (ROOT / "docs" / "reward-status.md").read_text().split("## Moves")

    first_cells = " ".join(re.findall(r"^\| (.+?) \|", statuses, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(S.values)
    told = re.findall(r"^\| `(\w+)` \| `(\w+)` \| \w", moves, re.MULTILINE)
    assert sorted(told) == sorted((source, target) for source, targets in MOVES.items() for target in targets)


def _currency(source: str, target: str) -> str:
    token = source == S.SENT_TO_TOKEN or (target == S.SENT_TO_TOKEN and source != S.SENT_TO_POINTS)
    return "g2a" if token else "points"


def _reward_in(status: str, event_id: object, currency: str) -> ReferralReward:
    now = timezone.now()
    campaign_id = _campaign_of(event_id)
    return ReferralReward.objects.create(
        referral_event_id=event_id,
        campaign_id=campaign_id,
        beneficiary_user_id="user-a",
        beneficiary_level=1,
        currency=currency,
        points_amount=10 if currency == "points" else None,
        g2a_amount="1.5" if currency == "g2a" else None,
        status=status,
        required_min_role="vip",
        available_at=now,
        next_attempt_at=now if status in WORKABLE else None,
        external_tx_id="transaction" if status == S.COMPLETED else None,
        created_at=now,
        updated_at=now,
    )


def _campaign_of(event_id: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaign_id FROM referral_referralevent WHERE id = %s", [event_id])
        return cursor.fetchone()[0]


def _moves(reward: ReferralReward, target: str) -> bool:
    changes = {
        "status": target,
        "next_attempt_at": timezone.now() if target in WORKABLE else None,
        "external_tx_id": "transaction" if target == S.COMPLETED else reward.external_tx_id,
    }
    try:
        with transaction.atomic():
            ReferralReward.objects.filter(pk=reward.pk).update(**changes)
    except IntegrityError as error:
        if "cannot go" not in str(error):
            raise
        return False
    return True


def test_the_database_refuses_to_cancel_what_is_in_doubt():
    reward = earn("points", "user-a")
    ReferralReward.objects.filter(pk=reward.pk).update(in_doubt=True)

    with pytest.raises(IntegrityError, match="cannot go from pending to cancelled"):
        ReferralReward.objects.filter(pk=reward.pk).update(
            status="cancelled", next_attempt_at=None, in_doubt=False
        )


def test_what_people_may_ask_for_is_in_the_table():
    assert {S.LOCKED} == UNLOCKABLE
    assert {S.FAILED} == RETRYABLE
    assert {S.LOCKED, S.PENDING, S.FAILED, S.ON_HOLD} == CANCELLABLE
    assert set(MOVES) == set(S.values)


def test_a_reward_cannot_be_deleted():
    reward = earn("points", "user-a")

    with pytest.raises(IntegrityError, match="append-only"):
        ReferralReward.objects.filter(pk=reward.pk).delete()


@pytest.mark.parametrize("change", ["UPDATE {table} SET reward_id = reward_id", "DELETE FROM {table}"])
@pytest.mark.parametrize("table", ["rewards_payoutattempt", "rewards_rewardtransition"])
def test_attempts_and_transitions_are_append_only(table, change):
    # given
    reward, now = earn("points", "user-a"), timezone.now()
    PayoutAttempt.objects.create(reward=reward, number=1, started_at=now, finished_at=now, outcome="booked")
    RewardTransition.objects.create(reward=reward, from_status="locked", to_status="pending", at=now)

    # then
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(change.format(table=table))


@pytest.mark.parametrize(
    "changes",
    [
        {"next_attempt_at": None},
        {"points_amount": None},
        {"points_amount": 0},
        {"g2a_amount": "1"},
        {"in_doubt": True, "status": "completed", "external_tx_id": "t", "next_attempt_at": None},
        {"status": "sent_to_token"},
    ],
    ids=str,
)
def test_a_reward_that_nobody_would_pay_or_everybody_cannot_be_written(changes):
    reward = earn("points", "user-a")
    ReferralReward.objects.filter(pk=reward.pk).update(
        status="sent_to_points", next_attempt_at=timezone.now() + timedelta(hours=1)
    )

    with pytest.raises(IntegrityError):
        ReferralReward.objects.filter(pk=reward.pk).update(**changes)
