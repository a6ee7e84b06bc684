"""All pages: what this imports registers itself with the site."""

from typing import cast

from django.contrib import admin

from backoffice import site
from backoffice.admin_site import BackofficeSite
from backoffice.campaigns import campaigns, versions
from backoffice.people import events, imports, links, partners, relations, users
from backoffice.rewards import (
    attempts,
    circuits,
    discrepancies,
    reconciliations,
    rejections,
    rewards,
    status_changes,
    totals,
)
from backoffice.staff import audit_log, service_permissions
from backoffice.support import bulk_retry
from backoffice.support.urls import support_urls

__all__ = (
    "attempts",
    "audit_log",
    "bulk_retry",
    "campaigns",
    "circuits",
    "discrepancies",
    "events",
    "imports",
    "links",
    "partners",
    "reconciliations",
    "rejections",
    "relations",
    "rewards",
    "service_permissions",
    "site",
    "status_changes",
    "totals",
    "users",
    "versions",
)

cast(BackofficeSite, admin.site).extra_urls = support_urls
