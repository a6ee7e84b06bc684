"""The table of answers in docs/payout.md, row by row, against a Points Service over HTTP."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from kernel.errors import IllegalTransition
from rewards.ledger.services import reward_cancel, reward_retry
from rewards.models import ReferralReward, ReferralStats
from rewards.models.codes import Failure
from rewards.payouts.circuit_breaker import Circuit
from rewards.payouts.drain import pay_due_now
from tests.helpers.raw_peer import RawPeer
from tests.helpers.rewards import attempts_of, earn, fresh, time_passes, trail_of

pytestmark = pytest.mark.usefixtures("campaigns", "patient")

CLAIMED = ("pending", "sent_to_points")
GIVEN_BACK = ("sent_to_points", "pending")
PAID = ("sent_to_points", "completed")
REFUSED = ("sent_to_points", "failed")


def assert_paid_once(sandbox, reward):
    """One credit in the peer's ledger, under the reward's id, and the reward knows it."""
    reward = fresh(reward)
    (transaction,) = sandbox.ledger(str(reward.id))["transactions"]
    assert transaction["user_id"] == reward.beneficiary_user_id
    assert transaction["amount"] == reward.points_amount
    assert len(sandbox.state()["points"]["transactions"]) == 1
    assert (reward.status, reward.in_doubt, reward.next_attempt_at) == ("completed", False, None)
    assert reward.external_tx_id == transaction["transaction_id"]
    assert (reward.failures, reward.first_failed_at, reward.last_failure) == (0, None, None)
    stats = ReferralStats.objects.get(user_id=reward.beneficiary_user_id)
    assert (stats.points_earned, stats.points_pending) == (reward.points_amount, 0)


def assert_heals(sandbox, reward):
    """When the trouble and the wait are over, the reward is paid, once."""
    sandbox.clear_faults()
    time_passes()
    assert pay_due_now("points") == 1
    assert_paid_once(sandbox, reward)


def test_a_booked_reward_is_completed_with_its_transaction(sandbox):
    # given
    reward = earn("points", "user-a")

    # when
    assert pay_due_now("points") == 1

    # then
    assert_paid_once(sandbox, reward)
    (attempt,) = attempts_of(reward)
    assert (attempt.number, attempt.outcome, attempt.http_status) == (1, "booked", 200)
    assert attempt.peer_reference == fresh(reward).external_tx_id
    assert attempt.started_at <= attempt.finished_at
    assert trail_of(reward) == [CLAIMED, PAID]


def test_what_is_paid_is_not_paid_again(sandbox):
    reward = earn("points", "user-a")
    pay_due_now("points")

    time_passes()

    assert pay_due_now("points") == 0
    assert_paid_once(sandbox, reward)


UNKNOWN = {
    "408": ({"mode": "status", "status": 408}, 408, "SANDBOX_FAULT"),
    "500": ({"mode": "status", "status": 500}, 500, "SANDBOX_FAULT"),
    "503": ({"mode": "status", "status": 503}, 503, "SANDBOX_FAULT"),
    "500 after booking": ({"mode": "status_after_commit", "status": 500}, 500, "SANDBOX_FAULT"),
    "timeout": ({"mode": "hang", "seconds": 5}, None, ""),
    "timeout after booking": ({"mode": "commit_then_hang", "seconds": 5}, None, ""),
    "reset": ({"mode": "reset"}, None, ""),
    "reset after booking": ({"mode": "commit_then_reset"}, None, ""),
    "not JSON": ({"mode": "garbage"}, 200, ""),
    "not JSON after booking": ({"mode": "commit_then_garbage"}, 200, ""),
    "other JSON": ({"mode": "wrong_json"}, 200, ""),
    "not completed": (
        {"mode": "status", "status": 200, "body": {"transaction_id": "t", "status": "queued"}},
        200,
        "",
    ),
    "an unusable transaction id": (
        {"mode": "status", "status": 200, "body": {"transaction_id": "t\x00\ud800", "status": "completed"}},
        200,
        "",
    ),
    "204": ({"mode": "status", "status": 204, "body": ""}, 204, ""),
    "slow body": ({"mode": "slow_body", "seconds": 4}, None, ""),
    "oversized body": ({"mode": "status", "status": 200, "body": "x" * 70_000}, None, ""),
}


@pytest.mark.parametrize(("order", "status", "code"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_an_unknown_outcome_is_asked_about_again_with_the_same_key(sandbox, order, status, code):
    # given
    sandbox.fault(peer="points", **order)
    reward = earn("points", "user-a")

    # when
    started = time.monotonic()
    assert pay_due_now("points") == 1

    # then it stays sent, in doubt, and waits its turn
    assert time.monotonic() - started < 2
    held = fresh(reward)
    assert (held.status, held.in_doubt) == ("sent_to_points", True)
    assert (held.attempts, held.failures, held.external_tx_id) == (1, 1, None)
    assert timedelta(seconds=15) < held.next_attempt_at - timezone.now() < timedelta(seconds=45)
    assert held.first_failed_at is not None
    assert held.last_error_code
    (attempt,) = attempts_of(reward)
    assert (attempt.number, attempt.outcome) == (1, "unknown")
    assert (attempt.http_status, attempt.error_code) == (status, code)
    assert trail_of(reward) == [CLAIMED]

    # and nobody can cancel it meanwhile
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="a mistake")

    # and in the end it is paid once
    assert_heals(sandbox, reward)
    assert [attempt.number for attempt in attempts_of(reward)] == [1, 2]
    assert trail_of(reward) == [CLAIMED, PAID]


@pytest.mark.parametrize("status", [425, 429])
def test_a_throttled_reward_is_surely_not_booked(sandbox, status):
    # given
    body = {"error": {"code": "SLOW_DOWN", "message": "m" * 900}}
    sandbox.fault(peer="points", mode="status", status=status, body=body)
    reward = earn("points", "user-a")

    # when
    pay_due_now("points")

    # then
    held = fresh(reward)
    assert (held.status, held.in_doubt, held.failures) == ("pending", False, 1)
    assert timedelta(seconds=15) < held.next_attempt_at - timezone.now() < timedelta(seconds=45)
    (attempt,) = attempts_of(reward)
    assert (attempt.outcome, attempt.http_status, attempt.error_code) == ("not_booked", status, "SLOW_DOWN")
    assert attempt.message == "m" * 500
    assert trail_of(reward) == [CLAIMED, GIVEN_BACK]
    assert_heals(sandbox, reward)
    assert trail_of(reward) == [CLAIMED, GIVEN_BACK, CLAIMED, PAID]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("wish", "least", "most"),
    [
        ("120", 115, 121),
        ("2", 1, 2.1),
        ("3000", 2990, 3001),
        ("99999", 3590, 3601),
        ("0", 15, 45),
        ("soon", 15, 45),
        ("-5", 15, 45),
    ],
)
def test_retry_after_in_seconds_decides_the_next_try_up_to_an_hour(sandbox, status, wish, least, most):
    sandbox.fault(peer="points", mode="status", status=status, headers={"Retry-After": wish})
    reward = earn("points", "user-a")

    pay_due_now("points")

    wait = fresh(reward).next_attempt_at - timezone.now()
    assert timedelta(seconds=least) < wait < timedelta(seconds=most)


def test_retry_after_as_a_date_decides_the_next_try(sandbox):
    moment = datetime.now(UTC) + timedelta(seconds=1800)
    headers = {"Retry-After": format_datetime(moment, usegmt=True)}
    sandbox.fault(peer="points", mode="status", status=429, headers=headers)
    reward = earn("points", "user-a")

    pay_due_now("points")

    assert abs(fresh(reward).next_attempt_at - moment) < timedelta(seconds=2)


MISCONFIGURED = {
    "401": {"mode": "status", "status": 401},
    "403": {"mode": "status", "status": 403},
    "404": {"mode": "status", "status": 404},
    "405": {"mode": "status", "status": 405},
    "302": {"mode": "redirect", "location": "http://127.0.0.1:9/elsewhere"},
}


@pytest.mark.parametrize(
    ("status", "order"), [(int(key), order) for key, order in MISCONFIGURED.items()], ids=MISCONFIGURED.keys()
)
def test_a_wrong_setting_keeps_the_rewards_and_stops_the_calls(sandbox, status, order):
    # given
    sandbox.fault(peer="points", **order)
    reward = earn("points", "user-a")

    # when
    pay_due_now("points")

    # then
    held = fresh(reward)
    assert (held.status, held.in_doubt) == ("pending", False)
    (attempt,) = attempts_of(reward)
    assert (attempt.outcome, attempt.http_status) == ("misconfigured", status)
    assert Circuit("points").is_open()

    # and the next reward does not even call
    other = earn("points", "user-b")
    assert pay_due_now("points") == 0
    assert attempts_of(other) == []
    sandbox.clear_faults()
    time_passes()
    pay_due_now("points")
    assert {fresh(reward).status, fresh(other).status} == {"completed"}


@pytest.mark.parametrize("status", [400, 402, 409, 410, 422])
def test_a_permanent_refusal_fails_at_once_with_the_peers_reason(sandbox, status):
    # given
    body = {"error": "USER_CLOSED", "message": "the account is closed"}
    sandbox.fault(peer="points", mode="status", status=status, body=body)
    reward = earn("points", "user-a")

    # when
    pay_due_now("points")

    # then
    failed = fresh(reward)
    assert (failed.status, failed.in_doubt, failed.next_attempt_at) == ("failed", False, None)
    refusal = Failure("http_status", status, "USER_CLOSED", "the account is closed")
    assert failed.last_failure == refusal
    last = failed.transitions.get(to_status="failed")
    assert (last.reason_code, last.reason_params) == ("payout_failed", {"error": refusal.as_json()})
    (attempt,) = attempts_of(reward)
    assert (attempt.outcome, attempt.http_status, attempt.error_code) == ("refused", status, "USER_CLOSED")
    assert attempt.message == "the account is closed"
    assert trail_of(reward) == [CLAIMED, REFUSED]

    # and nobody asks again until support says so
    sandbox.clear_faults()
    time_passes()
    assert pay_due_now("points") == 0
    reward_retry(reward_id=reward.id, by="support", reason="the account is open again")
    assert pay_due_now("points") == 1
    assert_paid_once(sandbox, reward)


def test_a_key_that_was_used_with_other_parameters_is_a_permanent_refusal(sandbox):
    # given the peer has booked 10 points under this reward's id, and the reward is for 11 by now
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "user-a")
    pay_due_now("points")
    ReferralReward.objects.filter(pk=reward.pk).update(points_amount=11)

    # when
    time_passes()
    pay_due_now("points")

    # then
    failed = fresh(reward)
    assert (failed.status, failed.in_doubt) == ("failed", True)
    attempt = attempts_of(reward)[-1]
    assert (attempt.outcome, attempt.http_status) == ("refused", 409)
    assert attempt.error_code == "IDEMPOTENCY_CONFLICT"


def test_a_refusal_in_doubt_cannot_be_cancelled(sandbox):
    # given the first call ended without an answer
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "user-a")
    pay_due_now("points")

    # when the second is refused
    sandbox.fault(peer="points", mode="status", status=422)
    time_passes()
    pay_due_now("points")

    # then it is failed, and still in doubt
    failed = fresh(reward)
    assert (failed.status, failed.in_doubt) == ("failed", True)
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="refused")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:{plain_port}"]
)
def test_a_peer_that_cannot_be_reached_has_booked_nothing(sandbox, settings, address):
    # given
    plain_port = sandbox.points_url.rpartition(":")[2]
    settings.POINTS_SERVICE_URL = address.format(plain_port=plain_port)
    settings.PAYOUT_TIMEOUT_SECONDS = 3
    reward = earn("points", "user-a")

    # when
    pay_due_now("points")

    # then
    held = fresh(reward)
    assert (held.status, held.in_doubt) == ("pending", False)
    (attempt,) = attempts_of(reward)
    assert (attempt.outcome, attempt.http_status) == ("not_booked", None)
    assert attempt.message
    assert trail_of(reward) == [CLAIMED, GIVEN_BACK]
    reward_cancel(reward_id=reward.id, by="support", reason="it can be cancelled")


def test_what_is_in_doubt_stays_in_doubt_while_the_peer_cannot_be_reached(sandbox):
    # given
    sandbox.fault(peer="points", mode="commit_then_reset", times=1)
    reward = earn("points", "user-a")
    pay_due_now("points")

    # when the peer is throttling, and then away
    sandbox.fault(peer="points", mode="status", status=429, times=1)
    time_passes()
    pay_due_now("points")
    sandbox.fault(peer="points", mode="refuse", seconds=60)
    time_passes()
    pay_due_now("points")

    # then the reward is neither given back nor cancelled
    held = fresh(reward)
    assert (held.status, held.in_doubt, held.failures) == ("sent_to_points", True, 3)
    assert [attempt.outcome for attempt in attempts_of(reward)] == ["unknown", "not_booked", "not_booked"]
    with pytest.raises(IllegalTransition):
        reward_cancel(reward_id=reward.id, by="support", reason="a mistake")
    assert_heals(sandbox, reward)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": "A\x00B", "message": "half \x00 done"}, "AB", "half  done"),
        ({"error": "A", "message": "half a character: \ud800"}, "", ""),
        ({"error": {"code": None, "message": None}}, "", ""),
        ({"error": "C" * 300, "message": ["no text"]}, "C" * 64, "['no text']"),
        ("plain text", "", ""),
        ([1, 2], "", ""),
    ],
)
def test_whatever_the_peer_says_can_be_kept(sandbox, body, code, message):
    sandbox.fault(peer="points", mode="status", status=422, body=body)
    reward = earn("points", "user-a")

    pay_due_now("points")

    (attempt,) = attempts_of(reward)
    assert (fresh(reward).status, attempt.outcome) == ("failed", "refused")
    assert (attempt.error_code, attempt.message) == (code, message)


@pytest.mark.parametrize("drip", [b"H", b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["status line", "headers"])
def test_an_answer_that_drips_is_cut_off_in_time(settings, drip):
    # given a peer that always sends one more byte before the timeout
    with RawPeer(drip, then_drip=b"x", every=0.1) as peer:
        settings.POINTS_SERVICE_URL = peer.url
        reward = earn("points", "user-a")

        # when
        started = time.monotonic()
        pay_due_now("points")

    # then
    assert time.monotonic() - started < 1.5
    assert fresh(reward).in_doubt
    assert attempts_of(reward)[0].outcome == "unknown"


def test_the_wait_doubles_with_every_failure_up_to_the_maximum(sandbox, settings):
    # given
    settings.PAYOUT_RETRY_BASE_SECONDS = 100
    sandbox.fault(peer="points", mode="status", status=429)
    reward = earn("points", "user-a")

    # when
    waits = []
    for _ in range(6):
        time_passes()
        pay_due_now("points")
        waits.append((fresh(reward).next_attempt_at - timezone.now()).total_seconds())

    # then
    for wait, middle in zip(waits, [100, 200, 400, 800, 900, 900], strict=True):
        assert 0.74 * middle <= wait <= min(1.26 * middle, 900)
