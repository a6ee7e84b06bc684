"""How the back-office looks: its name, its colour and its menu."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may_view(permission: str) -> Callable[[HttpRequest], bool]:
    """Whether the menu shows an entry to this person."""
    app, model = permission.split(".")

    def check(request: HttpRequest) -> bool:
        return any(request.user.has_perm(f"{app}.{right}_{model}") for right in ("view", "change"))

    return check


def _entry(title: Any, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
        "permission": _may_view(model),
    }


def _report(title: Any, name: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": "table_chart",
        "link": reverse_lazy("admin_report", args=[name]),
        "permission": _may_view("rewards.referralstats"),
    }


def _review(title: Any, icon: str, kind: str, color: str) -> dict[str, Any]:
    """A kind of the review list, with the number of rewards that are on it."""
    return {
        "title": title,
        "icon": icon,
        "link": lambda request: f"{reverse('admin:support_review')}?kind={kind}",
        "active": lambda request: (
            request.path == reverse("admin:support_review") and request.GET.get("kind") == kind
        ),
        "permission": _may_view("rewards.referralreward"),
        "badge": f"backoffice.support.menu.{kind}",
        "badge_variant": color,
    }


__all__ = ("FORMAT_MODULE_PATH", "LOGIN_REDIRECT_URL", "UNFOLD")

# Drawn here, so that no page asks for a file that does not exist.
FAVICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E"
    "%3Crect width='32' height='32' rx='8' fill='%234f46e5'/%3E%3Cg fill='%23fff' stroke='%23fff' "
    "stroke-width='2'%3E%3Cpath d='M22 9 10 16l12 7' fill='none'/%3E%3Ccircle cx='22' cy='9' r='2.5'/%3E"
    "%3Ccircle cx='10' cy='16' r='2.5'/%3E%3Ccircle cx='22' cy='23' r='2.5'/%3E%3C/g%3E%3C/svg%3E"
)
# Where a person lands who has opened the sign-in page itself.
LOGIN_REDIRECT_URL = "admin:index"
FORMAT_MODULE_PATH = "backoffice.formats"

UNFOLD = {
    "SITE_TITLE": _("Referral Service"),
    "SITE_HEADER": _("Referral Service"),
    "SITE_SYMBOL": "share",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: FAVICON}],
    "STYLES": [lambda request: static("backoffice/back-office.css")],
    "SCRIPTS": [lambda request: static("backoffice/back-office.js")],
    # The languages stand in the header (templates/unfold/helpers/userlinks.html).
    "SHOW_LANGUAGES": False,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "backoffice.dashboard.dashboard.dashboard_context",
    "COLORS": {
        "primary": {
            "50": "oklch(96.2% .018 272.314)",
            "100": "oklch(93% .034 272.788)",
            "200": "oklch(87% .065 274.039)",
            "300": "oklch(78.5% .115 274.713)",
            "400": "oklch(72% .155 276.5)",
            "500": "oklch(66% .19 277)",
            "600": "oklch(51.1% .262 276.966)",
            "700": "oklch(45.7% .24 277.023)",
            "800": "oklch(39.8% .195 277.366)",
            "900": "oklch(35.9% .144 278.697)",
            "950": "oklch(25.7% .09 281.288)",
        }
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    {
                        "title": _("Find"),
                        "icon": "search",
                        "link": reverse_lazy("admin:support_search"),
                        "permission": _may_view("referral.userrole"),
                    },
                    {"title": _("Dashboard"), "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    _report(_("Report: users"), "users"),
                    _report(_("Report: campaigns by day"), "campaigns"),
                ],
            },
            {
                "title": _("Needs attention"),
                "items": [
                    _review(_("Failed"), "error", "failed", "danger"),
                    _review(_("Unconfirmed"), "help", "in_doubt", "warning"),
                    _review(_("Stuck"), "hourglass_disabled", "stuck", "info"),
                    _entry(_("Bulk retries"), "replay", "rewards.bulkretry"),
                    {
                        "title": _("Service status"),
                        "icon": "ecg_heart",
                        "link": reverse_lazy("admin:support_peers"),
                        "permission": _may_view("rewards.peercircuit"),
                    },
                ],
            },
            {
                "title": _("Campaigns"),
                "items": [
                    _entry(_("Campaigns"), "campaign", "campaigns.referralcampaign"),
                    _entry(_("Rule versions"), "history", "campaigns.ruleversion"),
                ],
            },
            {
                "title": _("Rewards"),
                "items": [
                    _entry(_("Rewards"), "redeem", "rewards.referralreward"),
                    _entry(_("Payout attempts"), "sync_alt", "rewards.payoutattempt"),
                    _entry(_("Status history"), "timeline", "rewards.rewardtransition"),
                    _entry(_("Payout providers"), "monitor_heart", "rewards.peercircuit"),
                ],
            },
            {
                "title": _("Checks"),
                "items": [
                    _entry(_("Discrepancies"), "troubleshoot", "rewards.reconciliationfinding"),
                    _entry(_("Reconciliations"), "fact_check", "rewards.reconciliationrun"),
                    _entry(_("Rejected by Analytics"), "unsubscribe", "rewards.analyticsrefusal"),
                ],
            },
            {
                "title": _("People"),
                "items": [
                    _entry(_("Users and roles"), "person", "referral.userrole"),
                    _entry(_("User totals"), "leaderboard", "rewards.referralstats"),
                    _entry(_("Who invited whom"), "group_add", "referral.referralrelation"),
                    _entry(_("Imports"), "upload_file", "rewards.relationimport"),
                    _entry(_("Partners"), "handshake", "referral.partnerreferralrelation"),
                ],
            },
            {
                "title": _("Links and events"),
                "items": [
                    _entry(_("Links"), "link", "referral.referrallink"),
                    _entry(_("Daily clicks"), "ads_click", "referral.linkclicks"),
                    _entry(_("Events"), "bolt", "referral.referralevent"),
                ],
            },
            {
                "title": _("Access"),
                "items": [
                    _entry(_("Service permissions"), "key", "access.serviceoperation"),
                    _entry(_("Staff"), "badge", "auth.user"),
                    _entry(_("Staff groups"), "groups", "auth.group"),
                    _entry(_("Audit log"), "policy", "access.auditentry"),
                ],
            },
        ],
    },
}
