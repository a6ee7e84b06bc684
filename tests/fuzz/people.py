"""Somebody to talk about: the users, links and rewards that the examples of the API name."""

from django.test.utils import setup_test_environment

from rewards.models import ReferralReward
from tests.helpers.api import buy_quest, invite, onboard


def people_make() -> None:
    """Alice invites Bob, Bob invites Carol, both buy; some of it is locked."""
    setup_test_environment()
    invite("alice", "bob")
    invite("bob", "carol")
    for number in range(30):
        buy_quest("bob", external_event_id=f"fuzz-bob-{number}", amount_base=500)
        buy_quest("carol", external_event_id=f"fuzz-carol-{number}", amount_base=500)
    onboard("cafe-1", by="alice")
    tokens = ReferralReward.objects.filter(currency="g2a", status="pending")
    tokens.filter(pk=tokens.values("pk")[:1]).update(status="sent_to_token", external_task_id="task-81")
