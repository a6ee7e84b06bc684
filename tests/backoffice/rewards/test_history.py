"""Whatever happens in whatever order: what was paid is what is completed, and the counters agree."""

import contextlib
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.errors import IllegalTransition
from rewards.intake.events import events_accept
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock, role_upgrade
from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    campaign_of,
    done,
    nothing_is_under_way,
    pay_until,
    time_passes,
)

USERS = ("user-a", "user-b", "user-c")
MODES = (
    {"mode": "commit_then_reset"},
    {"mode": "commit_then_garbage"},
    {"mode": "reset"},
    {"mode": "wrong_json"},
    {"mode": "status", "status": 429},
    {"mode": "status", "status": 401},
    {"mode": "status", "status": 422},
    {"mode": "status_after_commit", "status": 503},
)

users = st.sampled_from(USERS)
steps = st.one_of(
    st.tuples(st.just("earn"), st.lists(st.tuples(st.sampled_from(["free", "tight"]), users), max_size=4)),
    st.tuples(st.just("pay"), st.sampled_from(["points", "tokens"])),
    st.tuples(
        st.just("trouble"),
        st.tuples(st.sampled_from(["points", "tokens"]), st.sampled_from(MODES), st.integers(1, 3)),
    ),
    st.tuples(st.just("doom"), st.none()),
    st.tuples(st.just("wait"), st.none()),
    st.tuples(st.just("role"), st.tuples(users, st.sampled_from(["user", "vip", "pro"]), st.integers(-3, 0))),
    st.tuples(st.sampled_from(["cancel", "retry", "unlock"]), st.integers(0, 1000)),
)
ACTIONS = {"cancel": reward_cancel, "retry": reward_retry, "unlock": reward_unlock}


class History:
    """Carries out steps."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def earn(self, wanted):
        events_accept([done(campaign, user, amount_base="20.25") for campaign, user in wanted])

    def pay(self, peer):
        pay_due_now(peer)

    def trouble(self, what):
        peer, mode, times = what
        self.sandbox.fault(peer=peer, times=times, **mode)

    def doom(self, _):
        self.sandbox.fault(peer="tokens", mode="task_fails", times=1)

    def wait(self, _):
        time_passes()

    def role(self, what):
        user, role, minutes = what
        moment = timezone.now() + timedelta(minutes=minutes)
        role_upgrade(user_id=user, new_role=role, occurred_at=moment, by="user_service")

    def by_hand(self, action, number):
        ids = list(ReferralReward.objects.order_by("id").values_list("id", flat=True))
        if ids:
            with contextlib.suppress(IllegalTransition):
                ACTIONS[action](reward_id=ids[number % len(ids)], by="support", reason="as drawn")


@pytest.fixture
def two_campaigns(db):
    levels = {
        "level1": {"points_per_event": 10, "g2a_percent": "10"},
        "referred": {"points_per_event": 3, "locked_until_role": "vip"},
    }
    campaign_of("free", levels)
    locked = {"level1": {"points_percent": "50", "g2a_per_event": "0.000000001", "locked_until_role": "pro"}}
    campaign_of("tight", locked, max_events_per_referrer=6, budget_points=35, budget_g2a="0.5")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, min_size=5, max_size=25))
@pytest.mark.usefixtures("two_campaigns")
def test_the_ledgers_say_what_the_rewards_say_after_any_history(sandbox, history):
    # given rewards and answers as they come; what earlier examples left behind is part of the history
    told = History(sandbox)
    for name, detail in history:
        if name in ACTIONS:
            told.by_hand(name, detail)
        else:
            getattr(told, name)(detail)
        assert_counters_agree_with_a_recount()

    # when the troubles are over
    sandbox.clear_faults()
    pay_until(nothing_is_under_way)

    # then
    assert_counters_agree_with_a_recount()
    assert_ledgers_agree(sandbox)


def assert_ledgers_agree(sandbox):
    """Each reward that is completed has one credit or one confirmed task; no other credit exists, except
    for a failed reward that is in doubt."""
    state = sandbox.state()
    points = {row["external_id"]: row["amount"] for row in state["points"]["transactions"]}
    assert len(points) == len(state["points"]["transactions"])
    mints = Counter()
    amounts = {}
    for task in state["tokens"]["tasks"]:
        if task["status"] == "confirmed":
            reward_id = task["external_id"].partition(":")[0]
            mints[reward_id] += 1
            amounts[reward_id] = Decimal(task["amount"])
    assert set(mints.values()) <= {1}
    for reward in ReferralReward.objects.all():
        paid = points.pop(str(reward.id), None) or amounts.pop(str(reward.id), None)
        if reward.status == "completed":
            assert paid == (reward.points_amount or reward.g2a_amount)
        else:
            assert paid is None or (reward.status == "failed" and reward.in_doubt), reward.status
    assert not points
    assert not amounts
