"""What the people of the demo do: months of joining, buying and rising, the same for the same numbers.

Pure: no database and no clock. `dev.demo.writing` lets it happen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

PURCHASES = (
    ("quest_service", "quest_purchased", "quest_purchase_default"),
    ("voucher_service", "voucher_premium_purchased", "voucher_premium_default"),
    ("rielt_service", "rielt_booking_made", "rielt_booking_default"),
)
PURCHASE_SHARES = (60, 30, 10)
PURCHASES_PER_USER = 4
# One user in so many came by themselves, brought a partner, became VIP, became PRO.
ORGANIC, BRINGS_PARTNER, BECOMES_VIP, BECOMES_PRO = 8, 25, 9, 40
# People buy less and less the dearer it is; in the caller's currency.
CHEAPEST, USUAL = 50, 900


@dataclass(frozen=True, slots=True)
class Joined:
    """A new user; `inviter` is nobody for those who came by themselves."""

    at: datetime
    user: str
    inviter: str | None
    clicks: int


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase, with the service that reports it."""

    at: datetime
    number: int
    user: str
    service: str
    event_type: str
    campaign: str
    amount: int


@dataclass(frozen=True, slots=True)
class PartnerBrought:
    """A business partner who was brought by a user."""

    at: datetime
    partner: str
    user: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """A user who became VIP or PRO."""

    at: datetime
    user: str
    role: str


Act = Joined | Bought | PartnerBrought | Promoted


def user_named(users: int, number: int) -> str:
    """The id of a user of the story with so many users."""
    return f"demo-{users}-{number:05d}"


def story(*, users: int, start: datetime, end: datetime) -> list[Act]:
    """Everything that happens between two midnights, in the order of time."""
    random = Random(users)  # noqa: S311 - the same story every time
    joined = list(_joined(random, users, start, end))
    acts = [*joined, *_bought(random, joined, start, end), *_rest(random, joined, end)]
    return sorted(acts, key=lambda act: act.at)


def _days(random: Random, start: datetime, end: datetime, many: int) -> list[datetime]:
    """So many moments: more and more over time, fewer at weekends, many in a week of advertising."""
    days = [start + timedelta(days=number) for number in range((end - start).days)]
    advertised = range(len(days) * 6 // 10, len(days) * 6 // 10 + 7)
    weights = [
        (1 + 2 * number / len(days))
        * (0.6 if day.weekday() >= 5 else 1)
        * (1.9 if number in advertised else 1)
        * random.uniform(0.8, 1.2)
        for number, day in enumerate(days)
    ]
    chosen = random.choices(days, weights, k=many)
    return sorted(day + timedelta(seconds=random.randrange(86_400)) for day in chosen)


def _joined(random: Random, users: int, start: datetime, end: datetime) -> Iterator[Joined]:
    moments = _days(random, start, end, users)
    for number, at in enumerate(moments):
        # The square prefers those who came early: a few invite very many.
        inviter = user_named(users, int(number * random.random() ** 2)) if number else None
        if number % ORGANIC == 0:
            inviter = None
        yield Joined(at, user_named(users, number), inviter, clicks=1 + int(random.expovariate(0.3)))


def _bought(random: Random, joined: list[Joined], start: datetime, end: datetime) -> Iterator[Bought]:
    """Two in three buy, each of them after joining."""
    buyers = [user for number, user in enumerate(joined) if number % 3]
    present = 0
    for number, at in enumerate(_days(random, start, end, len(joined) * PURCHASES_PER_USER)):
        while present < len(buyers) and buyers[present].at < at:
            present += 1
        service, event_type, campaign = random.choices(PURCHASES, PURCHASE_SHARES)[0]
        amount = CHEAPEST + int(random.expovariate(1 / USUAL))
        if present:
            user = buyers[random.randrange(present)].user
            yield Bought(at, number, user, service, event_type, campaign, amount)


def _rest(random: Random, joined: list[Joined], end: datetime) -> Iterator[Act]:
    for number, user in enumerate(joined):
        later = user.at + (end - user.at) * random.random()
        if number % BRINGS_PARTNER == 1:
            yield PartnerBrought(later, f"partner-of-{user.user}", user.user)
        if number % BECOMES_PRO == 2:
            yield Promoted(later, user.user, "pro")
        elif number % BECOMES_VIP == 3:
            yield Promoted(later, user.user, "vip")
