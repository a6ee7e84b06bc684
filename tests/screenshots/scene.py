"""What the pictures show: months of the demo's story, paid."""

import time

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import QuerySet

from rewards.daily_figures import daily_figures_refresh
from rewards.dispatch import pay_due_now
from rewards.models import ReferralReward

USER, PASSWORD = "anna", "only-for-the-pictures"
USERS, DAYS = 300, 60
PAYS_WITHIN = 120.0


def scene_set() -> None:
    """Make the story and the person who looks at it, and pay what is due."""
    get_user_model().objects.create_superuser(USER, password=PASSWORD)
    call_command("create_demo_data", users=USERS, days=DAYS)
    until = time.monotonic() + PAYS_WITHIN
    while _waiting().exists() and time.monotonic() < until:
        pay_due_now("points")
        pay_due_now("tokens")
    while daily_figures_refresh():
        pass


def _waiting() -> QuerySet[ReferralReward]:
    return ReferralReward.objects.filter(next_attempt_at__isnull=False)
