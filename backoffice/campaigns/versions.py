"""The history of a campaign's rules: who changed what, when; two versions side by side; starting anew."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from backoffice.kit.base import ReadOnlyAdmin, StaffAdmin, json_block
from backoffice.kit.filters import BY_CAMPAIGN
from campaigns.models import ReferralCampaign, RuleVersion
from campaigns.rules.entries import NAMES, SECTIONS, entries_of, rule_changes
from campaigns.rules.wording import KEYS, change_text, value_text
from campaigns.rules.wording import SECTIONS as SECTION_WORDS

PAGE_SIZE = 20
NUMBER_DIGITS = 9
MOST_OFFERED = 200


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One version in the list: what it changed compared with the one before it."""

    version: RuleVersion
    changes: list[str]

    @property
    def is_first(self) -> bool:
        """Whether there was none before it."""
        return self.version.number == 1

    @property
    def start_page(self) -> str:
        """The form, beginning with these rules."""
        page = reverse("admin:campaigns_referralcampaign_change", args=[self.version.campaign_id])
        return f"{page}?version={self.version.number}"


@dataclass(frozen=True, slots=True)
class ComparedEntry:
    """One entry in two versions."""

    section: Any
    label: Any
    left: str
    right: str
    differs: bool


def history_of(versions: list[RuleVersion]) -> list[HistoryLine]:
    """Versions, newest first; the last one given only serves as what the one before it is compared with."""
    lines = []
    for version, older in zip(versions, [*versions[1:], None], strict=True):
        changes = [
            change_text(change) for change in rule_changes(older.rules if older else {}, version.rules)
        ]
        lines.append(HistoryLine(version, changes))
    return lines


def compared(left: RuleVersion, right: RuleVersion) -> list[ComparedEntry]:
    """Every entry that either version has, in the order of the form."""
    before, after = entries_of(left.rules), entries_of(right.rules)
    found = []
    for section in SECTIONS:
        for name in NAMES:
            place, _dot, key = name.partition(".")
            if place != section or (name not in before and name not in after):
                continue
            old, new = before.get(name), after.get(name)
            found.append(
                ComparedEntry(
                    SECTION_WORDS[section].label,
                    KEYS[key].label,
                    value_text(key, old),
                    value_text(key, new),
                    old != new,
                )
            )
    return found


def number_of(text: str | None) -> int | None:
    """The number of a version as it stands in an address."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS else None


def versions_page(campaign: ReferralCampaign) -> str:
    """The address of the history of a campaign's rules."""
    return reverse("admin:campaigns_referralcampaign_versions", args=[campaign.pk])


class VersionPages(StaffAdmin):
    """The history page of a campaign's rules."""

    def get_urls(self) -> list[URLPattern]:
        """The pages of Django, and the history of the rules."""
        versions = self.admin_site.admin_view(self.versions)
        return [
            path("<uuid:campaign_id>/versions/", versions, name="campaigns_referralcampaign_versions"),
            *super().get_urls(),
        ]

    def versions(self, request: HttpRequest, campaign_id: UUID) -> HttpResponse:
        """Who changed the rules, when and how; two versions side by side."""
        campaign = self.row_to_view(request, campaign_id)
        page = Paginator(_newest_first(campaign), PAGE_SIZE).get_page(request.GET.get("p"))
        # One more than is shown: what the oldest shown is compared with.
        rows = list(_newest_first(campaign)[page.start_index() - 1 : page.end_index() + 1])
        left, right = self._chosen(request, campaign, rows)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Rule versions"),
            "original": campaign,
            "page": page,
            "lines": history_of(rows)[: len(page)],
            "numbers": list(_newest_first(campaign).values_list("number", flat=True)[:MOST_OFFERED]),
            "left": left,
            "right": right,
            "entries": compared(left, right) if left and right else [],
            "may_change": self.has_change_permission(request, campaign),
            "campaign_page": reverse("admin:campaigns_referralcampaign_change", args=[campaign.pk]),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/campaign_versions.html", context)

    def _chosen(
        self, request: HttpRequest, campaign: ReferralCampaign, rows: list[RuleVersion]
    ) -> tuple[RuleVersion | None, RuleVersion | None]:
        """The two versions to be compared: those asked for, else the newest two shown."""
        asked = {number_of(request.GET.get(side)) for side in ("left", "right")} - {None}
        found = {row.number: row for row in _newest_first(campaign).filter(number__in=asked)} if asked else {}
        newest = rows[0] if rows else None
        older = rows[1] if len(rows) > 1 else newest
        left = found.get(number_of(request.GET.get("left")) or 0, older)
        return left, found.get(number_of(request.GET.get("right")) or 0, newest)

    def rules_to_start_with(self, request: HttpRequest, campaign: ReferralCampaign) -> Any:
        """The rules of the earlier version that the address names; None when it names none."""
        number = number_of(request.GET.get("version"))
        if number is None:
            return None
        return _newest_first(campaign).filter(number=number).values_list("rules", flat=True).first()


def _newest_first(campaign: ReferralCampaign) -> Any:
    return RuleVersion.objects.filter(campaign=campaign).order_by("-number")


@admin.register(RuleVersion)
class RuleVersionAdmin(ReadOnlyAdmin):
    """Every version of every campaign's rules."""

    list_display = ("campaign", "number", "valid_from", "created_by")
    list_filter = (BY_CAMPAIGN,)
    list_filter_submit = True
    list_select_related = ("campaign",)
    ordering = ("-valid_from",)
    fields = ("campaign", "number", "valid_from", "created_by", "changes", "rules_shown")

    def title_of(self, row: RuleVersion) -> str:
        """The campaign and the number."""
        return f"{row.campaign.code} #{row.number}"

    @display(description=gettext_lazy("changes"))
    def changes(self, version: RuleVersion) -> SafeString:
        """What differs from the version before it, and the way to the whole history."""
        older = RuleVersion.objects.filter(campaign=version.campaign_id, number=version.number - 1).first()
        lines = history_of([version, older] if older else [version])[0].changes
        link = reverse("admin:campaigns_referralcampaign_versions", args=[version.campaign_id])
        return format_html(
            '{}<a class="text-primary-600 dark:text-primary-500" href="{}?right={}&left={}">{}</a>',
            format_html_join("", "{}<br>", [(line,) for line in lines]),
            link,
            version.number,
            max(version.number - 1, 1),
            _("Compare versions"),
        )

    @display(description=gettext_lazy("rules"))
    def rules_shown(self, version: RuleVersion) -> SafeString:
        """The rules with their lines."""
        return json_block(version.rules)
