"""What support's pictures show: rewards in every situation that a user may ask about.

Services report and peers refuse as they would in life; only the hours that pass are passed by hand.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.test import override_settings
from django.utils import timezone
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from referral.models import ReferralEvent
from rewards.models import PeerCircuit, ReferralReward
from rewards.payouts.drain import pay_due_now
from rewards.support.providers.probes import peer_probe, peers_ask
from tests.helpers.api import buy, invite, register
from tests.helpers.sandbox import SandboxProcess
from tests.screenshots.scene import SUPPORT

# Who asks, who invited them, who signed up without the link, and the friends.
ASKS, ABOVE, LOST = "user-40217", "user-18004", "user-71555"
FRIENDS = [f"user-{number}" for number in range(52301, 52308)]
FURTHER = "user-60011"
QUEST, VOUCHER, BOOKING = "quest_purchased", "voucher_premium_purchased", "rielt_booking_made"
CAMPAIGNS = {
    QUEST: "quest_purchase_default",
    VOUCHER: "voucher_premium_default",
    BOOKING: "rielt_booking_default",
}
CLOSED = {
    "mode": "status",
    "status": 422,
    "body": {"error": "account_closed", "message": "the account is closed"},
}
BLOCKED = {
    "mode": "status",
    "status": 422,
    "body": {"error": "account_blocked", "message": "blocked by the risk department"},
}
BUSY = {
    "mode": "status",
    "status": 429,
    "body": {"error": "velocity_cap", "message": "too many credits for this user"},
}
HOLD_DAYS = 14
# When it happened and was recorded, of all that has a history.
MOMENTS = {
    "campaigns_ruleversion": ("valid_from",),
    "rewards_referralreward": ("created_at", "updated_at", "first_failed_at", "available_at"),
    "rewards_rewardtransition": ("at",),
    "rewards_payoutattempt": ("started_at", "finished_at"),
    "referral_referralevent": ("occurred_at", "created_at"),
    "referral_referralrelation": ("registered_at", "created_at"),
    "referral_userrole": ("first_heard_at",),
    "referral_referrallink": ("created_at",),
}
_orders = count(84001)


def troubles_set(sandbox: SandboxProcess) -> None:
    """One user with a reward in every situation, others with the same error, and a sick gateway."""
    _bookings_wait()
    _time_passes(timedelta(days=90), tables=("campaigns_ruleversion",))
    with _passed(timedelta(days=9)):
        _people_join()
        _pay()
    # What fails is tried again long after the pictures are taken.
    with override_settings(PAYOUT_RETRY_BASE_SECONDS=900):
        with _passed(timedelta(days=2)):
            _purchases()
            _pay()
        with _passed(timedelta(hours=3)):
            _troubles(sandbox)
        _gateway_falls_sick(sandbox)
    _accounts_stay_closed(sandbox)
    _workers_are_seen()
    peer_probe(peer="points", by=f"staff:{SUPPORT}")
    peers_ask()


def locked_reward() -> UUID:
    """The reward of the one who asks that needs a role."""
    return _reward_of("locked")


def failed_reward() -> UUID:
    """The one that was refused for good."""
    return _reward_of("failed")


def doubtful_reward() -> UUID:
    """The one of which nobody knows whether it was paid."""
    return _reward_of("sent_to_points", in_doubt=True)


def waiting_reward() -> UUID:
    """The one that waits for the gateway."""
    return _reward_of("pending", currency="g2a")


def paid_reward() -> UUID:
    """One that was paid, of which nothing can be taken back."""
    return _reward_of("completed")


def order_of_friend() -> str:
    """The id that the quests' service gave to a purchase which earned on both levels."""
    return _order_number(ReferralEvent.objects.get(referred_user_id=FURTHER, event_type=QUEST))


def lost_event() -> UUID:
    """An event that earned nothing because nobody was known to have invited the user."""
    event: UUID = ReferralEvent.objects.filter(referred_user_id=LOST).order_by("id")[0].pk
    return event


def pay_again() -> None:
    """A worker pays what somebody has sent again."""
    with override_settings(PAYOUT_RETRY_BASE_SECONDS=900):
        _pay()


def _reward_of(status: str, **fields: Any) -> UUID:
    found = ReferralReward.objects.filter(beneficiary_user_id=ASKS, status=status, **fields)
    reward: UUID = found.order_by("-id")[0].pk
    return reward


def _order_number(event: ReferralEvent) -> str:
    return str(event.external_event_id)


def _bookings_wait() -> None:
    """Bookings are paid some days later, for they may be cancelled."""
    campaign = ReferralCampaign.objects.get(code=CAMPAIGNS[BOOKING])
    rules = {**campaign.reward_rules}
    rules["levels"] = {**rules["levels"], "level1": {**rules["levels"]["level1"], "hold_days": HOLD_DAYS}}
    campaign_update(campaign_id=campaign.pk, changes={"reward_rules": rules}, by="staff:anna")


def _people_join() -> None:
    """Two were invited on two levels, seven by the one who asks; one has lost the link."""
    register(ABOVE, None)
    invite(ABOVE, ASKS)
    for friend in FRIENDS:
        invite(ASKS, friend)
    invite(FRIENDS[0], FURTHER)
    register(LOST, None)


def _purchases() -> None:
    """Some are paid at once, some wait; those of whoever lost the link earn nothing."""
    for event_type, amount in ((QUEST, 300), (VOUCHER, 900), (BOOKING, 3200)):
        _bought(event_type, LOST, amount)
    _bought(BOOKING, FRIENDS[1], 2400)
    _bought(QUEST, FURTHER, 300)


def _troubles(sandbox: SandboxProcess) -> None:
    """One reward is refused, of one nobody knows whether it was paid, one has to wait."""
    for number, order in enumerate((BLOCKED, {"mode": "commit_then_reset"}, BUSY), start=2):
        with _fault(sandbox, **order):
            _bought(QUEST, FRIENDS[number], 450)
            _pay()


def _bought(event_type: str, user: str, amount: int) -> None:
    answer = buy(
        event_type,
        user,
        amount_base=amount,
        campaign_code=CAMPAIGNS[event_type],
        external_event_id=f"order-{next(_orders)}",
    )
    assert answer.status < 300, answer.body


def _pay() -> None:
    pay_due_now("points")
    pay_due_now("tokens")


@contextmanager
def _fault(sandbox: SandboxProcess, **order: Any) -> Iterator[None]:
    """The points of the one who asks meet a fault."""
    fault = sandbox.fault(peer="points", user_id=ASKS, **order)
    yield
    sandbox.clear_fault(fault)


@contextmanager
def _passed(time: timedelta) -> Iterator[None]:
    """What happens within, happened so long ago."""
    began = timezone.now()
    yield
    _time_passes(time, since=began)


def _time_passes(time: timedelta, *, since: datetime | None = None, tables: Iterable[str] = MOMENTS) -> None:
    """Move what was recorded since a moment into the past, which otherwise nobody can."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            for column in MOMENTS[table]:
                cursor.execute(
                    f"UPDATE {table} SET {column} = {column} - %(time)s"
                    f" WHERE {column} >= coalesce(%(since)s, '-infinity'::timestamptz)",
                    {"time": time, "since": since},
                )
    held = ReferralReward.objects.filter(status="pending", available_at__gt=timezone.now())
    held.update(next_attempt_at=F("available_at"))


def _gateway_falls_sick(sandbox: SandboxProcess) -> None:
    """It refuses connections when several users' tokens are due."""
    sandbox.fault(peer="tokens", mode="refuse", seconds=3600)
    for inviter in (ABOVE, "user-30118", "user-30244"):
        friend = f"{inviter}-1"
        invite(inviter, friend)
        _bought(VOUCHER, friend, 700)
    _pay()
    opened = timezone.now() - timedelta(minutes=42)
    PeerCircuit.objects.filter(peer="tokens", state="open").update(opened_at=opened)
    for friend in (FRIENDS[-1], "user-30118-1", "user-30244-1"):
        _bought(VOUCHER, friend, 800)
    pay_due_now("points")


def _accounts_stay_closed(sandbox: SandboxProcess) -> None:
    """Whose account is closed is refused again, so that each language finds the same."""
    closed = ReferralReward.objects.filter(status="failed", last_error_params__peer_code="account_closed")
    for user in closed.values_list("beneficiary_user_id", flat=True).distinct():
        sandbox.fault(peer="points", user_id=user, **CLOSED)


def _workers_are_seen() -> None:
    """The pictures need no worker: this process pays. Pages say when one was seen."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO dramatiq.worker (worker_id, heartbeat_at) VALUES (%s, now())", [uuid7()])
