"""Rewards that need a person, as tests of the back-office want them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from referral.models import ReferralEvent
from rewards.models import ReferralReward
from tests.factories import EventFactory, RewardFactory
from tests.helpers.failures import http, kept

HOUR = timedelta(hours=1)


def reward_row(event: ReferralEvent | None = None, **fields: Any) -> ReferralReward:
    """A reward of 10 points, or 1.5 G2A, with an event of its own in the campaign of `event`."""
    given = {"campaign": event.campaign, "rule_version": event.rule_version} if event else {}
    if fields.get("currency") == "g2a":
        fields = {"points_amount": None, "g2a_amount": "1.5", **fields}
    row: ReferralReward = RewardFactory(referral_event=EventFactory(**given), **fields)
    return row


def failed_row(event: ReferralEvent | None = None, *, ago: timedelta = HOUR, **fields: Any) -> ReferralReward:
    """A reward that has failed."""
    defaults = {
        "status": "failed",
        "next_attempt_at": None,
        **kept(http(422, "ACCOUNT_CLOSED", "the account is closed")),
        "updated_at": timezone.now() - ago,
    }
    return reward_row(event, **{**defaults, **fields})
