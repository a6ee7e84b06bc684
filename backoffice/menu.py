"""The menu: what stands in it, for whom, and how many rewards need attention, by kind.

It stands on every page, so it is made in one go: whoever may not look at something does not see its entry,
and the numbers are counted once, by indexes and up to a limit, for those who may look at rewards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from rewards.support.review.rewards import FAILED, IN_DOUBT, STUCK, review_counts
from rewards.support.review.wording import count_text

REVIEW = "admin:support_review"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the menu: a list of a model, unless it names an address of its own.

    Seen by whoever may look at `model`, by everybody without one.
    """

    title: Any
    icon: str
    model: str = ""
    address: str = ""
    arguments: tuple[str, ...] = ()
    # Of the review list: the kind, and the colour of its number.
    kind: str = ""
    color: str = ""

    def link(self) -> str:
        """Where it leads."""
        if self.kind:
            return f"{reverse(REVIEW)}?kind={self.kind}"
        if self.address:
            return reverse(self.address, args=self.arguments)
        return reverse(f"admin:{self.model.replace('.', '_')}_changelist")

    def is_seen(self, person: Any) -> bool:
        """Whether this person sees it."""
        app, _dot, model = self.model.partition(".")
        return not model or any(person.has_perm(f"{app}.{right}_{model}") for right in ("view", "change"))


MENU: Sequence[tuple[Any, Sequence[Entry]]] = (
    (
        None,
        (
            Entry(_("Find"), "search", "referral.userrole", "admin:support_search"),
            Entry(_("Dashboard"), "dashboard", address="admin:index"),
            Entry(_("Report: users"), "table_chart", "rewards.referralstats", "admin_report", ("users",)),
            Entry(
                _("Report: campaigns by day"),
                "table_chart",
                "rewards.referralstats",
                "admin_report",
                ("campaigns",),
            ),
        ),
    ),
    (
        _("Needs attention"),
        (
            Entry(_("Failed"), "error", "rewards.referralreward", kind=FAILED, color="danger"),
            Entry(_("Unconfirmed"), "help", "rewards.referralreward", kind=IN_DOUBT, color="warning"),
            Entry(_("Stuck"), "hourglass_disabled", "rewards.referralreward", kind=STUCK, color="info"),
            Entry(_("Bulk retries"), "replay", "rewards.bulkretry"),
            Entry(_("Service status"), "ecg_heart", "rewards.peercircuit", "admin:support_peers"),
        ),
    ),
    (
        _("Campaigns"),
        (
            Entry(_("Campaigns"), "campaign", "campaigns.referralcampaign"),
            Entry(_("Rule versions"), "history", "campaigns.ruleversion"),
        ),
    ),
    (
        _("Rewards"),
        (
            Entry(_("Rewards"), "redeem", "rewards.referralreward"),
            Entry(_("Payout attempts"), "sync_alt", "rewards.payoutattempt"),
            Entry(_("Status history"), "timeline", "rewards.rewardtransition"),
            Entry(_("Payout providers"), "monitor_heart", "rewards.peercircuit"),
        ),
    ),
    (
        _("Checks"),
        (
            Entry(_("Discrepancies"), "troubleshoot", "rewards.reconciliationfinding"),
            Entry(_("Reconciliations"), "fact_check", "rewards.reconciliationrun"),
            Entry(_("Rejected by Analytics"), "unsubscribe", "rewards.analyticsrefusal"),
        ),
    ),
    (
        _("People"),
        (
            Entry(_("Users and roles"), "person", "referral.userrole"),
            Entry(_("User totals"), "leaderboard", "rewards.referralstats"),
            Entry(_("Who invited whom"), "group_add", "referral.referralrelation"),
            Entry(_("Imports"), "upload_file", "rewards.relationimport"),
            Entry(_("Partners"), "handshake", "referral.partnerreferralrelation"),
        ),
    ),
    (
        _("Links and events"),
        (
            Entry(_("Links"), "link", "referral.referrallink"),
            Entry(_("Daily clicks"), "ads_click", "referral.linkclicks"),
            Entry(_("Events"), "bolt", "referral.referralevent"),
        ),
    ),
    (
        _("Access"),
        (
            Entry(_("Service permissions"), "key", "access.serviceoperation"),
            Entry(_("Staff"), "badge", "auth.user"),
            Entry(_("Staff groups"), "groups", "auth.group"),
            Entry(_("Audit log"), "policy", "access.auditentry"),
        ),
    ),
)


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu for this person, as the theme takes it."""
    seen = [(title, [entry for entry in entries if entry.is_seen(request.user)]) for title, entries in MENU]
    has_kinds = any(entry.kind for _title, entries in seen for entry in entries)
    counts = review_counts() if has_kinds else {}
    return [
        {"title": title or "", "items": [_item(request, entry, counts) for entry in entries]}
        for title, entries in seen
        if entries
    ]


def _item(request: HttpRequest, entry: Entry, counts: dict[str, int]) -> dict[str, Any]:
    item = {"title": entry.title, "icon": entry.icon, "link": entry.link()}
    if not entry.kind:
        return item
    number = counts[entry.kind]
    return {
        **item,
        "active": request.path == reverse(REVIEW) and request.GET.get("kind") == entry.kind,
        "badge": count_text(number) if number else "",
        "badge_variant": entry.color,
    }
