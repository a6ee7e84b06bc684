"""The referral app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReferralConfig(AppConfig):
    """Who invited whom, and what happened to them."""

    name = "referral"
    verbose_name = _("Links, referrals and events")
    default_auto_field = "django.db.models.BigAutoField"
