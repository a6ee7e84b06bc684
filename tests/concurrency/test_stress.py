"""Everything at once for a few seconds: nothing deadlocks, drifts, is lost or is paid twice."""

import random
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from kernel.errors import DomainError
from referral.services import link_create
from rewards.intake.commands import UserRegistered
from rewards.intake.events import events_accept
from rewards.intake.registrations import registration_accept
from rewards.ledger.services import reward_cancel, reward_retry, reward_unlock, role_upgrade
from rewards.models import PayoutAttempt, ReferralReward
from rewards.payouts.drain import Drain
from rewards.payouts.providers.registry import peer_named
from tests.helpers.races import Racer
from tests.helpers.rewards import (
    assert_counters_agree_with_a_recount,
    campaign_of,
    done,
    nothing_is_under_way,
    pay_until,
)

SECONDS = 5.0
THREADS = 8
HOT, OTHERS = "user-hot", [f"user-{number}" for number in range(24)]
CAMPAIGNS = ("hot", "tight")


@pytest.fixture(autouse=True)
def campaigns(committed_campaigns):
    levels = {
        "level1": {"points_per_event": 10, "g2a_per_event": "0.5"},
        "level2": {"points_per_event": 5, "locked_until_role": "vip"},
        "referred": {"points_per_event": 2, "locked_until_role": "pro"},
    }
    campaign_of("hot", levels)
    campaign_of(
        "tight", levels, max_events_per_referred=30, max_events_per_referrer_per_day=60, budget_points=1500
    )


class Storm:
    """What one thread does, drawn again and again."""

    def __init__(self, seed, until, seen):
        self.random = random.Random(seed)
        self.until = until
        self.seen = seen
        self.done = Counter()

    def run(self):
        steps = [self.batch, self.batch, self.single, self.register, self.role, self.by_hand, self.by_hand]
        while time.monotonic() < self.until:
            step = self.random.choice(steps)
            try:
                step()
            except DomainError as refusal:
                self.done[f"{step.__name__}: {refusal.code}"] += 1
            else:
                self.done[step.__name__] += 1
        return self.done

    def event(self):
        referred = self.random.choice([HOT, *OTHERS])
        named = self.random.choice([None, None, HOT])
        return done(self.random.choice(CAMPAIGNS), named, referred=referred)

    def batch(self):
        events = [self.event() for _ in range(self.random.randint(2, 25))]
        # Some are repeats of what another thread sends at this very moment.
        events += self.random.sample(self.seen, min(3, len(self.seen)))
        self.seen[:] = [*self.seen[-50:], *events[:3]]
        self.random.shuffle(events)
        events_accept(events)

    def single(self):
        events_accept([self.event()])

    def register(self):
        referrer = self.random.choice([HOT, *OTHERS])
        link, _ = link_create(owner_user_id=referrer, campaign_code="user_invite_default")
        body = UserRegistered(
            new_user_id=self.random.choice([HOT, *OTHERS, f"new-{self.random.random()}"]),
            registered_at=timezone.now().isoformat(),
            referral_code=link.code,
        )
        registration_accept("user_service", body)

    def role(self):
        moment = timezone.now() - timedelta(seconds=self.random.random())
        role = self.random.choice(["user", "vip", "pro"])
        user = self.random.choice([HOT, *OTHERS])
        role_upgrade(user_id=user, new_role=role, occurred_at=moment, by="user_service")

    def by_hand(self):
        status, action = self.random.choice(
            [
                ("pending", reward_cancel),
                ("locked", reward_cancel),
                ("locked", reward_unlock),
                ("failed", reward_retry),
                ("failed", reward_cancel),
            ]
        )
        ids = list(ReferralReward.objects.filter(status=status).values_list("id", flat=True)[:50])
        if ids:
            action(reward_id=self.random.choice(ids), by="support", reason="as drawn")


def paying(peer, until):
    drain = Drain(peer_named(peer))
    while time.monotonic() < until:
        drain.run()
        time.sleep(0.02)


def changing(until):
    """Somebody edits the campaigns, which stops their events for a moment each time."""
    ids = dict(ReferralCampaign.objects.values_list("code", "id"))
    number = 0
    while time.monotonic() < until:
        number += 1
        campaign_update(
            campaign_id=ids[CAMPAIGNS[number % 2]], changes={"name": f"name {number}"}, by="admin"
        )
        time.sleep(0.2)
    return number


def deadlocks():
    # The count of a backend arrives when it is idle, within a second.
    time.sleep(1.1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_a_storm_of_everything_leaves_the_books_in_order(sandbox, settings):
    # given peers that break some of their promises
    settings.PAYOUT_CONCURRENCY = 8
    for mode in ({"mode": "commit_then_reset"}, {"mode": "status", "status": 422}, {"mode": "garbage"}):
        sandbox.fault(peer="points", probability=0.03, **mode)
    sandbox.fault(peer="tokens", mode="commit_then_garbage", probability=0.05)
    sandbox.fault(peer="tokens", mode="task_fails", probability=0.05)
    deadlocks_before = deadlocks()
    seed = random.randrange(10**6)
    until = time.monotonic() + SECONDS
    seen: list[object] = []

    # when
    storms = [Racer(Storm(seed + number, until, seen).run) for number in range(THREADS)]
    workers = [Racer(lambda peer=peer: paying(peer, until)) for peer in ("points", "tokens", "points")]
    editor = Racer(lambda: changing(until))
    time.sleep(SECONDS)
    results = [racer.finish() for racer in [*storms, *workers, editor]]

    # then nobody met anything but the refusals of the domain
    assert [result for result in results if isinstance(result, Exception)] == [], f"seed {seed}"
    assert sum((result for result in results[:THREADS]), Counter())["batch"] > THREADS
    assert deadlocks() == deadlocks_before
    assert_counters_agree_with_a_recount()

    # and when the peers keep their promises again, every payable reward is paid, once
    sandbox.clear_faults()
    pay_until(nothing_is_under_way, seconds=20)
    assert_counters_agree_with_a_recount()
    assert_every_payment_is_one(sandbox)


def assert_every_payment_is_one(sandbox):
    """Completed rewards and the peers' books name the same rewards, each once."""
    paid = {
        currency: {
            str(key)
            for key in ReferralReward.objects.filter(status="completed", currency=currency).values_list(
                "id", flat=True
            )
        }
        for currency in ("points", "g2a")
    }
    # Booked but refused when it was asked again: failed, in doubt, and for a person to see.
    doubtful = {
        str(key)
        for key in ReferralReward.objects.filter(status="failed", in_doubt=True).values_list("id", flat=True)
    }
    state = sandbox.state()
    credited = [row["external_id"] for row in state["points"]["transactions"]]
    minted = [
        task["external_id"].partition(":")[0]
        for task in state["tokens"]["tasks"]
        if task["status"] == "confirmed"
    ]
    assert len(set(credited)) == len(credited)
    assert len(set(minted)) == len(minted)
    assert set(credited) - doubtful == paid["points"] - doubtful
    assert set(minted) - doubtful == paid["g2a"] - doubtful
    assert PayoutAttempt.objects.filter(outcome="booked").count() >= len(paid["points"]) + len(paid["g2a"])
