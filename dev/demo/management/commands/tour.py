"""`manage.py tour`: the whole story over HTTP against a running server, with the balances at its end."""

import os
import time
from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.tokens import service_token, user_token
from dev.demo.campaigns import CAMPAIGNS

BOOKING = "1000.50"


@dataclass(frozen=True)
class Expected:
    """What one person of the story ends with."""

    points: int
    g2a: str
    because: str


# A invited B, B invited C; A is USER until the end, so what A earns at level 2 waits for VIP.
EXPECTED = {
    "A": Expected(
        100 + 50 + 5 + 15 + 20 + 500,
        "5.500000000",
        "B signed up 100 · C signed up 50 · quest 5 · voucher 15 and 0.5 G2A · booking 2 % = 20 · "
        "partner 500 and 5 G2A",
    ),
    "B": Expected(
        20 + 100 + 10 + 30 + 50,
        "1.500000000",
        "welcome 20 · C signed up 100 · quest 10 · voucher 30 and 1.5 G2A · booking 5 % = 50",
    ),
    "C": Expected(20, "0.000000000", "welcome 20"),
}


class Command(BaseCommand):
    """Play the story with people of its own, so it can be played again and again."""

    help = "Plays the main story over HTTP and compares the peers' balances with what the demo's rules say."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the service and the sandbox's control page are."""
        parser.add_argument("--url", default=settings.PUBLIC_BASE_URL)
        parser.add_argument("--sandbox", default=os.environ.get("SANDBOX_CONTROL_URL", ""))
        parser.add_argument("--seconds", type=float, default=60, help="how long to wait for the payouts")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play it, wait, compare; ends with an error when a balance differs."""
        if not options["sandbox"]:
            raise CommandError(
                "The tour reads balances from the sandbox peers; name their page with --sandbox."
            )
        self.base = f"{options['url']}/api/referral/v1"
        self.people = {name: f"tour-{datetime.now(UTC):%H%M%S%f}-{name.lower()}" for name in EXPECTED}
        try:
            self._check_rules()
            self._play()
            balances = self._wait_until_paid(options["sandbox"], options["seconds"])
        except requests.RequestException as error:
            raise CommandError(f"No answer: {error}. Is the service running?") from error
        self._compare(balances)

    # --- the story ------------------------------------------------------------------------------------

    def _play(self) -> None:
        self._say("A takes a link, B registers with it, C registers with B's")
        self._register("B", self._link_of("A"))
        self._register("C", self._link_of("B"))
        self._say("C buys a quest, a premium voucher, and books a stay of 1000.50")
        self._event("quest_service", "quest_purchased", subject_type="quest", amount_base=500)
        self._event("voucher_service", "voucher_premium_purchased", subject_type="voucher")
        self._event("rielt_service", "rielt_booking_made", subject_type="booking", amount_base=BOOKING)
        self._say("A brings a business partner")
        self._send(
            "rf_service",
            "/internal/partner-onboarded",
            business_partner_id=f"{self.people['A']}-partner",
            onboarding_user_id=self.people["A"],
            campaign_code="partner_onboarding_default",
            occurred_at=_now(),
        )
        self._say("A becomes VIP")
        answer = self._send(
            "user_service",
            "/internal/user-role-upgraded",
            user_id=self.people["A"],
            old_role="user",
            new_role="vip",
            occurred_at=_now(),
        )
        self._say(f"  unlocked {answer['unlocked_rewards_count']} rewards")

    def _link_of(self, name: str) -> str:
        answer = self._call("GET", "/my/links", user_token(self.people[name]))
        return next(
            str(link["code"]) for link in answer["items"] if link["campaign_code"] == "user_invite_default"
        )

    def _register(self, name: str, code: str) -> None:
        answer = self._send(
            "user_service",
            "/internal/user-registered",
            new_user_id=self.people[name],
            referral_code=code,
            registered_at=_now(),
        )
        if not answer["success"]:
            raise CommandError(f"The registration of {name} was not taken: {answer['reason']}")
        self._tell(answer)

    def _event(self, service: str, event_type: str, **fields: Any) -> None:
        answer = self._send(
            service,
            "/internal/event",
            event_type=event_type,
            referred_user_id=self.people["C"],
            external_event_id=f"{self.people['C']}-{event_type}",
            occurred_at=_now(),
            **fields,
        )
        self._tell(answer)

    # --- the wire -------------------------------------------------------------------------------------

    def _send(self, service: str, path: str, **body: Any) -> dict[str, Any]:
        return self._call("POST", path, service_token(service), body)

    def _call(self, method: str, path: str, token: str, body: Any = None) -> dict[str, Any]:
        response = requests.request(
            method, self.base + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=15
        )
        answer: dict[str, Any] = response.json()
        if not response.ok:
            raise CommandError(f"{method} {path}: {response.status_code} {answer['error']['message']}")
        return answer

    def _check_rules(self) -> None:
        """The balances are those of the demo's rules: say so when staff have changed them."""
        token = user_token("tour", role="admin")
        found = {
            row["code"]: row for row in self._call("GET", "/admin/campaigns?page_size=100", token)["items"]
        }
        for campaign in CAMPAIGNS:
            row = found.get(campaign["code"], {})
            if row.get("status") != "active" or row["reward_rules"] != campaign["reward_rules"]:
                raise CommandError(
                    f"The campaign {campaign['code']} is not as the demo made it, "
                    "so the balances would differ. Set it back, or start with an empty database (make clean)."
                )

    def _wait_until_paid(self, sandbox: str, seconds: float) -> dict[str, tuple[int, str]]:
        """The balances, as soon as the service says that everything is completed."""
        self._say("waiting for the payouts")
        until = time.monotonic() + seconds
        while True:
            rewards = [reward for person in self.people.values() for reward in self._rewards_of(person)]
            unpaid = [reward for reward in rewards if reward["status"] != "completed"]
            if not unpaid:
                break
            if time.monotonic() > until:
                states = ", ".join(f"{reward['id']} is {reward['status']}" for reward in unpaid)
                raise CommandError(f"Not everything was paid within {seconds:g} s: {states}")
            time.sleep(0.3)
        if any(not reward["external_tx_id"] for reward in rewards):
            raise CommandError("A reward says completed without a transaction id.")
        self._say(f"  all {len(rewards)} rewards are completed, each with its transaction id")
        state = requests.get(f"{sandbox}/state", timeout=15).json()
        return {
            name: (
                state["points"]["balances"].get(person, 0),
                state["tokens"]["balances"].get(person, "0.000000000"),
            )
            for name, person in self.people.items()
        }

    def _rewards_of(self, person: str) -> list[dict[str, Any]]:
        return list(self._call("GET", "/my/rewards?page_size=100", user_token(person))["items"])

    # --- words ----------------------------------------------------------------------------------------

    def _compare(self, balances: dict[str, tuple[int, str]]) -> None:
        self._say("balances at the peers")
        wrong = []
        for name, expected in EXPECTED.items():
            points, g2a = balances[name]
            same = points == expected.points and Decimal(g2a) == Decimal(expected.g2a)
            self._say(f"  {name}: {points} points, {g2a} G2A   {'=' if same else '≠'} {expected.because}")
            if not same:
                wrong.append(f"{name} should have {expected.points} points and {expected.g2a} G2A")
        if wrong:
            raise CommandError("The balances differ: " + "; ".join(wrong))
        self.stdout.write(self.style.SUCCESS("Everybody was paid exactly what the rules say."))

    def _tell(self, answer: dict[str, Any]) -> None:
        names = {person: name for name, person in self.people.items()}
        for reward in answer["rewards"]:
            points, g2a = reward["points_amount"], reward["g2a_amount"]
            amount = f"{points} points" if points else f"{g2a} G2A"
            waits = f" (locked until {reward['required_min_role']})" if reward["status"] == "locked" else ""
            self._say(f"  {names[reward['beneficiary_user_id']]} earns {amount}{waits}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat()
