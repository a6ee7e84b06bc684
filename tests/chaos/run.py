"""One run: load and disruptions together, then the verdict."""

import random
import time
from pathlib import Path

from django.core.management import call_command
from django.db import connection

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from dev.demo.campaigns import demo_campaigns_ensure
from dev.launcher.database.postgres import EmbeddedPostgres
from referral.services import link_create
from tests.chaos.disruptions import Disruptions
from tests.chaos.load import Load
from tests.chaos.verdict import Verdict, judge, wait_until_settled
from tests.helpers.processes import ServiceProcesses
from tests.helpers.sandbox import SandboxProcess

FOUNDERS = 12
SETTLE_SECONDS = 120
LIMITS = {
    "max_events_per_referred": 40,
    "max_events_per_referrer": 400,
    "max_events_per_referrer_per_day": 300,
    "budget_points": 10**9,
    "budget_g2a": "1000000",
}


def run(
    folder: Path,
    postgres: EmbeddedPostgres,
    sandbox: SandboxProcess,
    seconds: float,
    chance: random.Random,
    *,
    calm: bool,
) -> int:
    """Play it, or only the load when `calm`; returns 0 when nothing was lost, double, wrong or stuck."""
    codes = _prepare()
    environment = {"POINTS_SERVICE_URL": sandbox.points_url, "TOKEN_GATEWAY_URL": sandbox.tokens_url}
    with ServiceProcesses(folder, environment) as service:
        service.start("worker2")
        service.start("scheduler2")
        load = Load(service.url, codes, chance.randrange(10**6))
        disruptions = Disruptions(service, postgres, sandbox, chance)
        load.start()
        _disrupt(disruptions, load, seconds, calm=calm)
        disruptions.heal()
        load.stop()
        print("everything is healed; waiting until every reward is settled by itself", flush=True)
        wait_until_settled(SETTLE_SECONDS)
        verdict = judge(load, sandbox)
        _tell(load, disruptions, verdict)
        passed = verdict.passed and not load.unexpected
        if not passed:
            print("\n".join(f"--- {name}\n{service.log(name)}" for name in ("web", "worker")), flush=True)
    return 0 if passed else 1


def _prepare() -> dict[str, str]:
    """Campaigns with every limit switched on, and founders with links."""
    call_command("migrate", verbosity=0)
    demo_campaigns_ensure()
    quest = ReferralCampaign.objects.get(code="quest_purchase_default")
    rules = {**quest.reward_rules, "limits": LIMITS}
    campaign_update(campaign_id=quest.id, changes={"reward_rules": rules}, by="chaos")
    founders = [f"founder-{number}" for number in range(FOUNDERS)]
    codes = {
        user: link_create(owner_user_id=user, campaign_code="user_invite_default")[0].code
        for user in founders
    }
    connection.close()
    return codes


def _disrupt(disruptions: Disruptions, load: Load, seconds: float, *, calm: bool) -> None:
    started = told = time.monotonic()
    while time.monotonic() - started < seconds:
        if calm:
            time.sleep(0.5)
        else:
            disruptions.one()
        if time.monotonic() - told > 10:
            told = time.monotonic()
            done = f"{len(load.events)} events, {sum(disruptions.kills.values())} kills"
            print(f"{told - started:.0f} of {seconds:g} s: {done}, {disruptions.faults} faults", flush=True)


def _tell(load: Load, disruptions: Disruptions, verdict: Verdict) -> None:
    kills = ", ".join(f"{name} {count}" for name, count in sorted(disruptions.kills.items()))
    repeats = ", ".join(f"{name} {count}" for name, count in load.repeats.most_common())
    rows = [
        ("events answered", str(len(load.events))),
        ("calls repeated", f"{sum(load.repeats.values())} ({repeats})"),
        ("kills", f"{sum(disruptions.kills.values())} ({kills})"),
        ("faults injected", f"{disruptions.faults}, and the broker emptied {disruptions.emptied} times"),
        ("rewards", f"{verdict.rewards}, of them {verdict.locked} locked, {verdict.cancelled} cancelled"),
        ("credits and mints", str(verdict.credits)),
        ("lost", str(len(verdict.lost) + len(verdict.lost_events))),
        ("double", str(len(verdict.double))),
        ("wrong", str(len(verdict.wrong))),
        ("stuck", str(len(verdict.stuck))),
        ("counters", "right" if not verdict.counters else "WRONG"),
        ("deadlocks", str(verdict.deadlocks)),
        ("unexpected answers", str(len(load.unexpected))),
    ]
    print("\n".join(f"{name:>20}  {value}" for name, value in rows))
    details = [*verdict.lost_events, *verdict.lost, *verdict.double, *verdict.wrong, *verdict.stuck]
    print("\n".join([*details[:20], verdict.counters, *load.unexpected[:20]]), flush=True)
