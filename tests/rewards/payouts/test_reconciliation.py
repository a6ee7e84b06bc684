"""The peers' records against ours: what is repaired, what is told, and that nothing is paid twice."""

import time
from datetime import timedelta
from io import StringIO

import pytest
import requests
from django.core.management import call_command
from django.utils import timezone

from rewards.ledger.services import reward_cancel, reward_retry
from rewards.models import ReconciliationFinding, ReconciliationRun, ReferralReward
from rewards.models.codes import Failure
from rewards.payouts.claim import claim
from rewards.payouts.discrepancies import finding_close
from rewards.payouts.drain import pay_due_now
from rewards.payouts.providers.registry import peer_named
from rewards.payouts.reconciliation import reconcile, reconciliation_due
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    attempts_of,
    earn,
    fresh,
    nothing_is_under_way,
    pay_until,
    time_passes,
    trail_of,
)

pytestmark = pytest.mark.usefixtures("campaigns", "patient")


@pytest.fixture(autouse=True)
def _patient_sandbox(sandbox, patient, settings):
    """The waits of `patient`, after the sandbox has set its own."""
    settings.PAYOUT_RETRY_BASE_SECONDS = 30
    settings.PAYOUT_RETRY_MAX_SECONDS = 900
    settings.PAYOUT_TIMEOUT_SECONDS = 0.5


def paid(campaign: str = "points", user: str = "anna") -> ReferralReward:
    """A reward that is completed on both sides."""
    reward = earn(campaign, user)
    pay_until(nothing_is_under_way)
    assert fresh(reward).status == "completed"
    return fresh(reward)


def booked_in_doubt(sandbox, user: str = "anna") -> ReferralReward:
    """A reward that the peer has booked and about which we have no answer."""
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", user)
    pay_due_now("points")
    reward = fresh(reward)
    assert (reward.status, reward.in_doubt) == ("sent_to_points", True)
    return reward


def book(sandbox, external_id: str, *, user: str = "anna", amount: int = 10) -> str:
    """Something that the peer books without our asking; returns its transaction."""
    body = {
        "external_id": external_id,
        "user_id": user,
        "amount": amount,
        "currency": "points",
        "reason": "referral.reward_level1",
        "source_service": "referral_service",
    }
    answer = requests.post(f"{sandbox.points_url}/api/points/v1/internal/credit", json=body, timeout=5)
    answer.raise_for_status()
    return answer.json()["transaction_id"]


def shown(sandbox, transactions: list[dict[str, object]]) -> None:
    """Have the peer show just these transactions, once."""
    for body in (transactions, []):
        sandbox.fault(peer="points", mode="status", status=200, body=body, times=1)


def long_ago(reward: ReferralReward, **changes) -> None:
    """The reward has been there for two days."""
    then = timezone.now() - timedelta(days=2)
    ReferralReward.objects.filter(pk=reward.pk).update(
        created_at=then, available_at=then, updated_at=then, **changes
    )


def found() -> list[tuple[str, str, str]]:
    rows = ReconciliationFinding.objects.order_by("id")
    return [(row.kind, row.state, row.external_id) for row in rows]


def command() -> tuple[int, str]:
    """What `manage.py reconcile_payouts` prints and exits with."""
    out = StringIO()
    try:
        call_command("reconcile_payouts", stdout=out, stderr=StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


# --- agreement ----------------------------------------------------------------------------------------------


def test_two_records_that_agree_give_no_finding(sandbox):
    for number in range(3):
        paid(user=f"user-{number}")
    paid("tokens")

    code, text = command()

    assert (code, found()) == (0, [])
    assert "Ledger entries read: 3." in text
    run = ReconciliationRun.objects.get()
    assert (run.bookings, run.repaired, run.problem_list) == (3, 0, [])
    assert run.finished_at is not None


def test_all_pages_of_a_long_record_are_read(sandbox):
    for number in range(230):
        book(sandbox, f"foreign-{number}")
    reward = paid()

    report = reconcile()

    assert report.run.bookings == 231
    assert len(found()) == 230
    assert str(reward.id) not in {external_id for _, _, external_id in found()}


def test_credits_of_other_services_are_not_ours_to_judge(sandbox):
    entry = {"transaction_id": "t1", "external_id": "quest-1", "user_id": "anna", "amount": 5}
    shown(sandbox, [{**entry, "kind": "credit", "reason": "quest.prize"}])

    report = reconcile()

    assert (report.run.bookings, report.problems, found()) == (1, [], [])


# --- what is repaired ---------------------------------------------------------------------------------------


def test_a_reward_in_doubt_that_the_peer_shows_is_completed(sandbox):
    reward = booked_in_doubt(sandbox)

    code, text = command()

    transaction = sandbox.ledger(str(reward.id))["transactions"][0]["transaction_id"]
    reward = fresh(reward)
    assert (reward.status, reward.external_tx_id, reward.in_doubt) == ("completed", transaction, False)
    last = reward.transitions.first()
    assert (last.actor, last.reason_code) == ("reconciliation", "ledger_shows_booking")
    assert attempts_of(reward)[-1].peer_reference == transaction
    assert (code, found()) == (0, [("extra", "repaired", str(reward.id))])
    assert f"repaired  extra  points {reward.id}" in text
    assert len(sandbox.state()["points"]["transactions"]) == 1
    assert_counters_agree_with_a_recount()


def test_a_reward_given_up_in_doubt_that_the_peer_shows_is_completed(sandbox, settings):
    # given: the peer serves others, so that this reward is given up
    reward = booked_in_doubt(sandbox)
    settings.PAYOUT_GIVE_UP_AFTER_HOURS = 0
    sandbox.fault(peer="points", mode="status", status=500, user_id="anna")
    paid_other = earn("points", "boris")
    pay_until(lambda: fresh(reward).status == "failed" and fresh(paid_other).status == "completed")
    assert fresh(reward).in_doubt

    reconcile()

    assert fresh(reward).status == "completed"
    moves = trail_of(reward)
    assert moves[-3:] == [
        ("failed", "pending"),
        ("pending", "sent_to_points"),
        ("sent_to_points", "completed"),
    ]
    assert_counters_agree_with_a_recount()


def test_a_reward_that_a_worker_asks_about_right_now_is_left_to_it(sandbox):
    reward = earn("points", "anna")
    (held,) = claim(peer_named("points"), 1)
    peer_named("points").settle(held.order)

    reconcile()

    assert (fresh(reward).status, fresh(reward).claim_token) == ("sent_to_points", held.token)
    assert found() == []


def test_a_stuck_reward_is_made_due_first_and_told_to_a_person_if_that_did_not_help(sandbox):
    # given a reward put off for days by an accident
    reward = earn("points", "anna")
    long_ago(reward, next_attempt_at=timezone.now() + timedelta(days=30))

    reconcile()

    assert fresh(reward).next_attempt_at <= timezone.now()
    assert found() == [("stuck", "repaired", str(reward.id))]

    # when nobody has taken it an hour later
    ReconciliationFinding.objects.update(found_at=timezone.now() - timedelta(hours=2))
    ReferralReward.objects.update(next_attempt_at=timezone.now() - timedelta(hours=2))
    code, _ = command()

    assert code == 1
    assert found()[-1] == ("stuck", "open", str(reward.id))

    # then, once it moves, the finding goes by itself
    pay_until(nothing_is_under_way)
    assert command()[0] == 0
    assert found()[-1] == ("stuck", "gone", str(reward.id))


def test_a_new_reward_of_an_event_reported_late_is_not_stuck(sandbox):
    reward = earn("points", "anna", occurred_at=timezone.now() - timedelta(days=30))

    assert (
        fresh(reward).next_attempt_at < timezone.now() - timedelta(days=29),
        reconcile().run.repaired,
    ) == (
        True,
        0,
    )


def test_a_due_reward_that_nobody_takes_is_stuck(sandbox):
    reward = earn("points", "anna")
    long_ago(reward, next_attempt_at=timezone.now() - timedelta(days=2))

    reconcile()

    assert found() == [("stuck", "repaired", str(reward.id))]


def test_hold_days_are_never_shortened(sandbox):
    held_until = timezone.now() + timedelta(days=3)
    reward = earn("points", "anna")
    ReferralReward.objects.update(
        available_at=held_until, next_attempt_at=held_until + timedelta(days=30), first_failed_at=None
    )

    reconcile()

    assert fresh(reward).next_attempt_at == held_until


def test_a_reward_in_doubt_for_long_that_the_peer_does_not_show_is_asked_about_again(sandbox):
    sandbox.fault(peer="points", mode="reset", times=1)
    reward = earn("points", "anna")
    pay_due_now("points")
    long_ago(fresh(reward), first_failed_at=timezone.now() - timedelta(hours=2))
    assert fresh(reward).next_attempt_at > timezone.now()

    reconcile()

    assert found() == [("stuck", "repaired", str(reward.id))]
    pay_due_now("points")
    assert fresh(reward).status == "completed"
    assert len(sandbox.state()["points"]["transactions"]) == 1


# --- what needs a person ------------------------------------------------------------------------------------


def test_a_completed_reward_that_the_peer_does_not_show_is_told_and_never_paid_again(sandbox):
    reward = paid()
    sandbox.reset()

    first, again = command(), command()

    assert (first[0], again[0]) == (1, 1)
    assert found() == [("missing", "open", str(reward.id))]
    assert f"OPEN      missing  points {reward.id}" in first[1]
    time_passes()
    pay_due_now("points")
    assert sandbox.state()["points"]["transactions"] == []


@pytest.mark.parametrize("change", [{"user": "mallory"}, {"amount": 11}])
def test_a_booking_with_other_particulars_is_told(sandbox, change):
    reward = earn("points", "anna")
    book(sandbox, str(reward.id), **change)

    reconcile()

    assert found() == [("different", "open", str(reward.id))]
    assert fresh(reward).status == "pending"


def test_another_transaction_than_ours_is_told(sandbox):
    reward = paid()
    sandbox.reset()
    book(sandbox, str(reward.id))

    reconcile()

    assert found() == [("different", "open", str(reward.id))]


def test_a_booking_of_a_cancelled_reward_is_told(sandbox):
    reward = earn("points", "anna")
    reward_cancel(reward_id=reward.id, by="staff:olga", reason="a mistake")
    book(sandbox, str(reward.id))

    assert command()[0] == 1

    assert found() == [("extra", "open", str(reward.id))]
    assert fresh(reward).status == "cancelled"


def test_a_booking_of_a_refused_reward_is_told(sandbox):
    sandbox.fault(peer="points", mode="status_after_commit", status=422, times=1)
    reward = earn("points", "anna")
    pay_due_now("points")
    assert (fresh(reward).status, fresh(reward).in_doubt) == ("failed", False)

    reconcile()
    assert found() == [("extra", "open", str(reward.id))]

    # a retry by support settles it under the same key
    reward_retry(reward_id=reward.id, by="staff:olga", reason="the peer shows it as booked")
    pay_due_now("points")
    assert command()[0] == 0
    assert found() == [("extra", "gone", str(reward.id))]
    assert len(sandbox.state()["points"]["transactions"]) == 1


def test_a_booking_for_no_reward_of_ours_is_told(sandbox):
    book(sandbox, "somebody-else")
    book(sandbox, "0190a8a0-0000-7000-8000-000000000000")

    assert command()[0] == 1

    assert [row[:2] for row in found()] == [("extra", "open")] * 2


def test_a_person_closes_a_finding_with_a_note(sandbox):
    reward = paid()
    sandbox.reset()
    reconcile()
    finding = ReconciliationFinding.objects.get()

    closed = finding_close(finding_id=finding.id, by="staff:olga", note="credited by hand")

    assert (closed.state, closed.closed_by) == ("closed", "staff:olga")
    assert fresh(reward).status == "completed"


# --- peers that cannot be compared --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 405])
def test_without_a_list_the_same_key_is_asked_again(sandbox, status):
    reward = booked_in_doubt(sandbox)
    sandbox.fault(peer="points", mode="status", status=status, path="/api/points/v1/internal/transactions")

    code, text = command()

    assert code == 0
    assert f"keeps no list of transactions (HTTP {status})" in text
    assert "1 rewards in doubt are asked about again" in text
    pay_due_now("points")
    assert fresh(reward).status == "completed"
    assert len(sandbox.state()["points"]["transactions"]) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_record_that_may_not_be_read_is_a_problem_and_closes_no_finding(sandbox, status):
    paid()
    ledger = sandbox.state()
    sandbox.reset()
    reconcile()
    assert [row[1] for row in found()] == ["open"]
    assert ledger["points"]["transactions"]
    sandbox.fault(peer="points", mode="status", status=status)

    code, text = command()

    assert code == 1
    assert f"could not be read: HTTP {status}" in text
    assert [row[1] for row in found()] == ["open"]


def test_a_record_that_stumbles_is_read_after_a_pause(sandbox, settings):
    reward = booked_in_doubt(sandbox)
    settings.PAYOUT_RETRY_BASE_SECONDS = 0.01
    sandbox.fault(peer="points", mode="status", status=503, times=2)

    reconcile()

    assert fresh(reward).status == "completed"


@pytest.mark.parametrize(
    "body", [{"items": []}, [1], [{"transaction_id": "t"}], [{"transaction_id": "t", "amount": True}]]
)
def test_a_record_in_another_form_is_a_problem(sandbox, body):
    sandbox.fault(peer="points", mode="status", status=200, body=body)

    report = reconcile()

    assert report.problems == [{"code": "record_unreadable", "error": {"code": "unpromised_answer"}}]
    assert report.run.problem_list == report.problems
    assert found() == []


def test_a_list_that_begins_again_for_ever_is_noticed(sandbox):
    entry = {
        "transaction_id": "t1",
        "external_id": "a",
        "user_id": "anna",
        "amount": 1,
        "kind": "credit",
        "reason": "purchase",
    }
    sandbox.fault(peer="points", mode="status", status=200, body=[entry])

    (problem,) = reconcile().problems
    assert problem == {"code": "record_unreadable", "error": {"code": "list_begins_again"}}


def test_a_key_that_the_peer_has_booked_twice_is_told(sandbox):
    reward = paid()
    entry = {
        "external_id": str(reward.id),
        "user_id": "anna",
        "amount": 10,
        "kind": "credit",
        "reason": "referral.reward_level1",
    }
    twice = [{**entry, "transaction_id": reward.external_tx_id}, {**entry, "transaction_id": "second"}]
    shown(sandbox, twice)

    assert reconcile().problems == []

    assert found() == [("double", "open", str(reward.id))]


# --- Token Gateway ------------------------------------------------------------------------------------------


def test_a_task_that_has_ended_unnoticed_settles_its_reward(sandbox):
    confirmed = earn("tokens", "anna")
    pay_due_now("tokens")
    sandbox.fault(peer="tokens", mode="task_fails", error="reverted", times=1)
    failed = earn("tokens", "boris")
    pay_due_now("tokens")
    _wait_for_tasks(sandbox)

    code, _ = command()

    assert (code, found()) == (0, [])
    assert (fresh(confirmed).status, fresh(failed).status) == ("completed", "failed")
    assert (fresh(failed).mint_number, fresh(failed).last_failure) == (
        2,
        Failure("task_failed", message="reverted"),
    )
    assert trail_of(confirmed)[-1] == ("sent_to_token", "completed")
    assert confirmed.transitions.first().actor == "reconciliation"
    assert len(sandbox.state()["tokens"]["tasks"]) == 2
    assert_counters_agree_with_a_recount()


def test_a_task_that_had_ended_long_ago_is_told_as_repaired(sandbox, monkeypatch):
    reward = earn("tokens", "anna")
    pay_due_now("tokens")
    _wait_for_tasks(sandbox)
    monkeypatch.setattr("rewards.payouts.reconciliation.PATIENCE", timedelta(0))

    reconcile()

    assert fresh(reward).status == "completed"
    assert found() == [("extra", "repaired", str(reward.id))]


def test_a_gateway_that_does_not_answer_is_a_problem(sandbox):
    for number in range(4):
        earn("tokens", f"user-{number}")
    sandbox.fault(peer="tokens", mode="task_stuck")
    pay_due_now("tokens")
    sandbox.fault(peer="tokens", mode="status", status=500)

    report = reconcile()

    (problem,) = report.problems
    assert (problem["code"], problem["error"]["code"]) == ("gateway_silent", "http_status")
    assert problem["error"]["http_status"] == 500
    assert report.run.tasks == 3


def _wait_for_tasks(sandbox) -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        tasks = sandbox.state()["tokens"]["tasks"]
        if all(task["status"] in ("confirmed", "failed") for task in tasks):
            return
        time.sleep(0.02)
    pytest.fail("the tasks do not end")


# --- every night --------------------------------------------------------------------------------------------


def test_a_day_has_one_comparison_and_an_hourly_repeat_while_there_are_problems(sandbox):
    noon = timezone.now().replace(hour=12, minute=0)
    assert not reconciliation_due(noon)
    reward = earn("points", "anna")
    assert not reconciliation_due(noon), "there was nothing before today"
    ReferralReward.objects.filter(pk=reward.pk).update(created_at=noon - timedelta(days=1))
    assert reconciliation_due(noon)

    run = ReconciliationRun.objects.create(started_at=noon - timedelta(minutes=30))
    assert not reconciliation_due(noon), "it runs, or has just been stopped"
    ReconciliationRun.objects.filter(pk=run.pk).update(started_at=noon - timedelta(hours=2))
    assert reconciliation_due(noon)
    ReconciliationRun.objects.filter(pk=run.pk).update(
        finished_at=noon - timedelta(hours=2), problem_list=[{"code": "other", "text": "away"}]
    )
    assert reconciliation_due(noon)
    ReconciliationRun.objects.filter(pk=run.pk).update(problem_list=[])
    assert not reconciliation_due(noon)
    assert reconciliation_due(noon + timedelta(days=1))
