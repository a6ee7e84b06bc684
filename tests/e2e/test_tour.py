"""Web, worker, scheduler and peers as processes of their own: the tour, and what stands when some die."""

import os
import time
from io import StringIO

import pytest
import requests
from django.core.management import CommandError, call_command

from rewards.models import ReferralReward
from tests.helpers.api import buy_quest, invite
from tests.helpers.processes import ServiceProcesses

OUT_KEY = os.environ.get("SERVICE_JWT_OUT_KEY", "")


@pytest.fixture
def service(committed_campaigns, sandbox, tmp_path):
    environment = {
        "POINTS_SERVICE_URL": sandbox.points_url,
        "TOKEN_GATEWAY_URL": sandbox.tokens_url,
        "PAYOUT_SWEEP_SECONDS": "0.3",
        "PAYOUT_RETRY_BASE_SECONDS": "0.1",
        "PAYOUT_RETRY_MAX_SECONDS": "0.5",
        "PAYOUT_TIMEOUT_SECONDS": "1",
        "PAYOUT_LEASE_SECONDS": "2",
    }
    with ServiceProcesses(tmp_path, environment) as processes:
        yield processes


def _tour(service, sandbox):
    out = StringIO()
    call_command("tour", url=service.url, sandbox=sandbox.control_url, seconds=30, stdout=out)
    return out.getvalue()


@pytest.mark.xdist_group("processes")
def test_the_tour_ends_with_the_balances_of_the_rules(service, sandbox):
    # when the story is played twice over HTTP
    first = _tour(service, sandbox)
    second = _tour(service, sandbox)

    # then the peers' ledgers show what the rules say, for both casts
    assert "A: 690 points, 5.500000000 G2A" in first
    assert "B: 210 points, 1.500000000 G2A" in first
    assert "Everybody was paid exactly what the rules say." in second


@pytest.mark.xdist_group("processes")
def test_the_tour_fails_loudly_when_the_rules_are_others(service, sandbox):
    # given a campaign that staff have changed
    admin = requests.Session()
    from access.tokens import user_token  # noqa: PLC0415 - after the settings

    admin.headers["Authorization"] = f"Bearer {user_token('boss', role='admin')}"
    base = f"{service.url}/api/referral/v1/admin/campaigns"
    quest = next(row for row in admin.get(base).json()["items"] if row["code"] == "quest_purchase_default")
    rules = {"levels": {"level1": {"points_per_purchase": 11}}}
    assert admin.patch(f"{base}/{quest['id']}", json={"reward_rules": rules}).ok

    # then the tour says so instead of comparing
    with pytest.raises(CommandError, match="quest_purchase_default is not as the demo made it"):
        _tour(service, sandbox)


@pytest.mark.xdist_group("processes")
def test_a_worker_killed_while_it_pays_costs_nobody_anything(service, sandbox):
    # given a peer that books and then says nothing, and a worker killed while it waits for the answer
    sandbox.fault(peer="points", mode="commit_then_hang", seconds=30, times=1)
    assert invite("killed-a", "killed-b").body["success"]
    _wait(lambda: ReferralReward.objects.filter(status="sent_to_points").exists())
    service.kill("worker")

    # when a new worker starts
    assert buy_quest("killed-b").status == 200
    service.start("worker")

    # then everything is completed and each reward stands in the ledger once
    _wait(lambda: not ReferralReward.objects.exclude(status="completed").exists())
    credited = [row["external_id"] for row in sandbox.state()["points"]["transactions"]]
    assert sorted(credited) == sorted(str(key) for key in ReferralReward.objects.values_list("id", flat=True))


def _wait(condition, seconds=25):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, list(
            ReferralReward.objects.values("id", "status", "last_error_code")
        )
        time.sleep(0.05)
