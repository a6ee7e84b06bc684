"""`manage.py create_demo_data`: users and events to look at."""

import random
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api.errors import DomainError
from referral.services import link_create
from referral_project.demo import demo_campaigns_ensure
from rewards.events import events_accept
from rewards.incoming import EventReported, UserRegistered, event_of
from rewards.registrations import registration_accept
from rewards.services import role_upgrade

PURCHASES = (
    ("quest_service", "quest_purchased", "quest_purchase_default"),
    ("voucher_service", "voucher_premium_purchased", "voucher_premium_default"),
    ("rielt_service", "rielt_booking_made", "rielt_booking_default"),
)
BATCH = 100


class Command(BaseCommand):
    """Make users who invite each other, buy things and become VIP; running it again adds nothing twice."""

    help = "Fills the demo with users, purchases and role changes, through the same code as the API."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much of it."""
        parser.add_argument("--users", type=int, default=300)
        parser.add_argument("--days", type=int, default=60, help="over how many past days it is spread")

    def handle(self, *args: Any, **options: Any) -> None:
        """Users first, then what they do; the same numbers give the same data."""
        if not settings.DEMO:
            raise CommandError("Demo data is for the demo only.")
        demo_campaigns_ensure()
        self.random = random.Random(7)  # noqa: S311 - the same data every time
        self.midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._register(options["users"], options["days"])
        self._buy(options["users"], options["days"])
        self._promote(options["users"])

    def _register(self, users: int, days: int) -> None:
        for number in range(1, users):
            inviter = self.random.randrange(number)
            link, _ = link_create(owner_user_id=_user(inviter), campaign_code="user_invite_default")
            body = UserRegistered(
                new_user_id=_user(number),
                registered_at=self._moment(days, number / users),
                referral_code=link.code,
            )
            registration_accept("user_service", body)
            self._progress("users", number + 1, users)

    def _buy(self, users: int, days: int) -> None:
        batch: dict[str, list[Any]] = {service: [] for service, *_ in PURCHASES}
        for number in range(users * 3):
            service, event_type, campaign = self.random.choice(PURCHASES)
            body = EventReported(
                event_type=event_type,
                campaign_code=campaign,
                referred_user_id=_user(self.random.randrange(users)),
                occurred_at=self._moment(days, number / users / 3),
                amount_base=self.random.randrange(10, 2000),
                subject_type="demo",
                subject_id=f"demo-{number}",
                external_event_id=f"demo-{number}",
            )
            batch[service].append(event_of(service, body, now=datetime.now(UTC)))
            self._progress("purchases", number + 1, users * 3)
        for events in batch.values():
            for start in range(0, len(events), BATCH):
                refused = [
                    answer
                    for answer in events_accept(events[start : start + BATCH])
                    if isinstance(answer, DomainError)
                ]
                if refused:
                    self.stderr.write(f"{len(refused)} purchases were refused, such as: {refused[0].message}")

    def _promote(self, users: int) -> None:
        for number in range(0, users, 7):
            role_upgrade(
                user_id=_user(number),
                new_role="pro" if number % 2 else "vip",
                occurred_at=self.midnight,
                by="demo",
            )
            self._progress("roles", number + 1, users)

    def _moment(self, days: int, share: float) -> str:
        """A past moment: the further on in the story, the later."""
        back = timedelta(days=days * (1 - share))
        return (self.midnight - back).replace(microsecond=0).isoformat()

    def _progress(self, what: str, done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            self.stdout.write(f"{what}: {done} of {total}")


def _user(number: int) -> str:
    return f"demo-user-{number:05d}"
