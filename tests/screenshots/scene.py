"""What the pictures show: months of the demo's story, paid, and the people who look at it."""

import time

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db.models import QuerySet

from campaigns.models import ReferralCampaign
from dev.demo.campaigns import CAMPAIGNS
from rewards.ledger.rollups import daily_figures_refresh
from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now

MARKETING, SUPPORT, PASSWORD = "anna", "olga", "only-for-the-pictures"
USERS, DAYS = 300, 60
PAYS_WITHIN = 120.0
# People write the names of campaigns, so each language has its own.
CAMPAIGN_NAMES = {
    "en": {entry["code"]: entry["name"] for entry in CAMPAIGNS},
    "ru": {
        "user_invite_default": "Пригласи друзей",
        "partner_onboarding_default": "Приведи партнёра",
        "quest_purchase_default": "Покупки квестов",
        "voucher_premium_default": "Премиум-ваучеры",
        "rielt_booking_default": "Бронирование жилья",
        "spring_vouchers": "Весенние скидки",
    },
}


def scene_set() -> None:
    """Make the story and those who look at it, and pay what is due."""
    get_user_model().objects.create_superuser(MARKETING, password=PASSWORD)
    helper = get_user_model().objects.create_user(SUPPORT, password=PASSWORD, is_staff=True)
    helper.groups.add(Group.objects.get(name="Support"))
    call_command("create_demo_data", users=USERS, days=DAYS)
    until = time.monotonic() + PAYS_WITHIN
    while _waiting().exists() and time.monotonic() < until:
        pay_due_now("points")
        pay_due_now("tokens")
    figures_follow()


def figures_follow() -> None:
    """The dashboard's figures are brought up to date."""
    while daily_figures_refresh():
        pass


def campaigns_name(language: str) -> None:
    """Give the campaigns their names in this language."""
    for code, name in CAMPAIGN_NAMES[language].items():
        ReferralCampaign.objects.filter(code=code).update(name=name)


def _waiting() -> QuerySet[ReferralReward]:
    return ReferralReward.objects.filter(next_attempt_at__isnull=False)
