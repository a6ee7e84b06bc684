"""Callers that repeat when in doubt, as the platform's services do."""

import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import requests

from access.tokens import service_token, user_token

THREADS = 5
PATIENCE_SECONDS = 60
PURCHASES = {
    "quest_service": "quest_purchased",
    "voucher_service": "voucher_premium_purchased",
    "rielt_service": "rielt_booking_made",
}


class Load:
    """Threads that register users, report purchases, partners and roles, and cancel, until told to stop.

    Each call is repeated with the same content until it has an answer that is not 5xx. `events` holds the ids
    of the events that were answered, `unexpected` whatever should not have come.
    """

    def __init__(self, url: str, codes: dict[str, str], seed: int) -> None:
        self.codes = codes  # user → code of the user's link
        self.events: dict[str, str] = {}  # our key → event id
        self.rewards = 0
        self.calls: Counter[str] = Counter()
        self.repeats: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._base = f"{url}/api/referral/v1"
        self._users = list(codes)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(number, random.Random(seed + number)), daemon=True)
            for number in range(THREADS)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every thread finish what it has begun."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS + 30)

    def _work(self, number: int, chance: random.Random) -> None:
        session = requests.Session()
        count = 0
        while not self._stopping.is_set():
            count += 1
            key = f"chaos-{number}-{count}"
            choice = chance.random()
            if choice < 0.2:
                self._register(session, key, chance)
            elif choice < 0.25:
                self._promote(session, chance)
            elif choice < 0.3:
                self._partner(session, key, chance)
            elif choice < 0.34:
                self._cancel(session, chance)
            elif choice < 0.45:
                self._bulk(session, key, chance)
            else:
                self._buy(session, key, chance)

    def _register(self, session: requests.Session, key: str, chance: random.Random) -> None:
        body = {
            "new_user_id": key,
            "referral_code": self.codes[chance.choice(list(self.codes))],
            "registered_at": _now(),
            "external_event_id": key,
        }
        answer = self._report(session, "user_service", "/user-registered", body)
        if answer and answer["success"]:
            self._note(key, answer)
            with self._lock:
                self._users.append(key)

    def _buy(self, session: requests.Session, key: str, chance: random.Random) -> None:
        service, event_type = chance.choice(list(PURCHASES.items()))
        answer = self._report(session, service, "/event", self._purchase(key, event_type, chance))
        if answer:
            self._note(key, answer)

    def _bulk(self, session: requests.Session, key: str, chance: random.Random) -> None:
        service, event_type = chance.choice(list(PURCHASES.items()))
        keys = [f"{key}-{index}" for index in range(chance.randrange(2, 12))]
        items = [self._purchase(one, event_type, chance) for one in keys]
        answer = self._report(session, service, "/events/bulk", {"items": items})
        for one, item in zip(keys, answer["items"] if answer else (), strict=False):
            if "error" in item:
                self.unexpected.append(f"bulk item: {item['error']}")
            else:
                self._note(one, item)

    def _partner(self, session: requests.Session, key: str, chance: random.Random) -> None:
        body = {
            "business_partner_id": key,
            "onboarding_user_id": chance.choice(self._users),
            "campaign_code": "partner_onboarding_default",
            "occurred_at": _now(),
            "external_event_id": key,
        }
        if answer := self._report(session, "rf_service", "/partner-onboarded", body):
            self._note(key, answer)

    def _cancel(self, session: requests.Session, chance: random.Random) -> None:
        """Support cancels a reward that looks cancellable; it may have moved on, which is a 409."""
        status = chance.choice(["locked", "pending"])
        token = user_token("support", role="admin")
        found = self._send(session, token, "GET", f"/admin/rewards?status={status}&page_size=5", None)
        if found and found["items"]:
            reward = chance.choice(found["items"])["id"]
            path = f"/admin/rewards/{reward}/cancel"
            self._send(session, token, "POST", path, {"reason": "chaos"}, expected=(409,))

    def _promote(self, session: requests.Session, chance: random.Random) -> None:
        body = {
            "user_id": chance.choice(self._users),
            "new_role": chance.choice(["vip", "pro"]),
            "occurred_at": _now(),
        }
        self._report(session, "user_service", "/user-role-upgraded", body)

    def _purchase(self, key: str, event_type: str, chance: random.Random) -> dict[str, Any]:
        return {
            "event_type": event_type,
            "referred_user_id": chance.choice(self._users),
            "amount_base": chance.randrange(50, 3000),
            "occurred_at": _now(),
            "external_event_id": key,
        }

    def _note(self, key: str, answer: dict[str, Any]) -> None:
        with self._lock:
            self.events[key] = answer["referral_event_id"]
            self.rewards += len(answer["rewards"])

    def _report(self, session: requests.Session, service: str, path: str, body: Any) -> dict[str, Any] | None:
        """A service's call."""
        return self._send(session, service_token(service), "POST", f"/internal{path}", body)

    def _send(
        self,
        session: requests.Session,
        token: str,
        method: str,
        path: str,
        body: Any,
        expected: tuple[int, ...] = (),
    ) -> dict[str, Any] | None:
        """The answer, however often it takes; None when the call was refused."""
        until = time.monotonic() + PATIENCE_SECONDS
        headers = {"Authorization": f"Bearer {token}"}
        while time.monotonic() < until:
            try:
                response = session.request(method, self._base + path, json=body, headers=headers, timeout=8)
            except requests.RequestException as error:
                self._repeat(type(error).__name__)
                continue
            self.calls[path.rpartition("/")[2].partition("?")[0]] += 1
            if response.ok:
                answer: dict[str, Any] = response.json()
                return answer
            if response.status_code != 503 and response.status_code not in expected:
                self.unexpected.append(f"{path}: {response.status_code} {response.text[:300]}")
            if response.status_code < 500:
                return None
            self._repeat(str(response.status_code))
        self.unexpected.append(f"{path}: no answer within {PATIENCE_SECONDS} s")
        return None

    def _repeat(self, why: str) -> None:
        self.repeats[why] += 1
        time.sleep(0.1)


def _now() -> str:
    return datetime.now(UTC).isoformat()
