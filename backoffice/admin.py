"""All pages: what this imports registers itself with the site."""

from typing import cast

from django.contrib import admin

from backoffice import site
from backoffice.admin_site import BackofficeSite
from backoffice.campaigns import campaign_admin, figures, versions
from backoffice.people import imports, people_admin
from backoffice.rewards import discrepancies, history, reward_admin
from backoffice.staff import audit_log, service_permissions
from backoffice.support import bulk_retry, explanation
from backoffice.support.urls import support_urls

__all__ = (
    "audit_log",
    "bulk_retry",
    "campaign_admin",
    "discrepancies",
    "explanation",
    "figures",
    "history",
    "imports",
    "people_admin",
    "reward_admin",
    "service_permissions",
    "site",
    "versions",
)

cast(BackofficeSite, admin.site).extra_urls = support_urls
