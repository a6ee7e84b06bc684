"""All campaigns as the event path needs them: parsed, immutable, cached per process for a moment.

A cached entry may be stale, so the event path compares its `revision` with the row under a lock and reloads
on a mismatch.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Count, Sum

from campaigns.models import ReferralCampaign, RuleVersion
from campaigns.rules.families import MODULES_BY_EVENT_TYPE
from campaigns.rules.schema import Limits, Rules, rules_parse

CACHE_SECONDS = 0.5


@dataclass(frozen=True)
class CampaignEntry:
    """One revision of a campaign, with every version of its rules."""

    id: UUID
    code: str
    campaign_type: str
    status: str
    event_types: frozenset[str]
    scope: Mapping[str, str]
    start_at: datetime | None
    end_at: datetime | None
    revision: int
    is_invitation: bool
    version_ids: tuple[UUID, ...]
    valid_from: tuple[datetime, ...]
    rules: tuple[Rules, ...]

    def takes_at(self, moment: datetime) -> bool:
        """Active, and `moment` lies inside the window."""
        started = self.start_at is None or self.start_at <= moment
        return self.status == "active" and started and (self.end_at is None or moment < self.end_at)

    def version_at(self, moment: datetime) -> tuple[UUID, Rules]:
        """The version in force at `moment`; before the first, the first."""
        index = max(bisect_right(self.valid_from, moment) - 1, 0)
        return self.version_ids[index], self.rules[index]

    @property
    def limits(self) -> Limits:
        """The limits of the newest version: they alone are in force, whenever the event happened."""
        return self.rules[-1].limits

    @cached_property
    def opening(self) -> Mapping[str, bool]:
        """What the event path has to look at: who may earn, whose role decides, whether there is a budget.

        By all versions, because an old event is paid by an old one.
        """
        named = {name for rules in self.rules for name in rules.levels}
        return {
            "second": "level2" in named,
            "welcome": "referred" in named,
            "role1": "level1" in self.gated,
            "role2": "level2" in self.gated,
            "role0": "referred" in self.gated,
            "budget": self.limits.has_budget,
        }

    @cached_property
    def gated(self) -> frozenset[str]:
        """The levels where a role decides something, by any version."""
        levels = (pair for rules in self.rules for pair in rules.levels.items())
        return frozenset(name for name, rule in levels if rule.locked_until_role)

    def scope_mismatch(self, event_type: str, metadata: Mapping[str, Any] | None) -> str | None:
        """The first scope key that the event does not meet; None when it lies inside the scope."""
        for key, wanted in self.scope.items():
            if key == "module":
                found: Any = MODULES_BY_EVENT_TYPE.get(event_type, wanted)
            else:
                found = (metadata or {}).get(key)
            if found is None or str(found) != wanted:
                return key
        return None


class Catalog:
    """The campaigns, by code and by id, re-read when older than CACHE_SECONDS."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded_at = float("-inf")
        self._by_code: Mapping[str, CampaignEntry] = {}
        self._by_id: Mapping[UUID, CampaignEntry] = {}
        self._stamp = (0, 0)

    def by_code(self, code: str) -> CampaignEntry | None:
        """The campaign with this code; one made a moment ago is looked for in the database."""
        self._refresh()
        if code not in self._by_code:
            self.forget()
            self._refresh()
        return self._by_code.get(code)

    def by_id(self, campaign_id: UUID) -> CampaignEntry | None:
        """The campaign with this id; one made a moment ago is looked for in the database."""
        self._refresh()
        if campaign_id not in self._by_id:
            self.forget()
            self._refresh()
        return self._by_id.get(campaign_id)

    def best_for(
        self, event_type: str, metadata: Mapping[str, Any] | None, moment: datetime
    ) -> CampaignEntry | None:
        """The active campaign that takes this event: the most scope keys win, then the newest.

        Call `keep_current` first: what the cache does not know yet may fit better.
        """
        self._refresh()
        takers = [
            entry
            for entry in self._by_id.values()
            if event_type in entry.event_types
            and entry.takes_at(moment)
            and entry.scope_mismatch(event_type, metadata) is None
        ]
        return max(takers, key=lambda entry: (len(entry.scope), entry.id), default=None)

    def keep_current(self) -> None:
        """Read the campaigns again if any of them has changed since they were read."""
        self._refresh()
        if _stamp_in_database() != self._stamp:
            self.forget()

    def forget(self) -> None:
        """Make the next look-up read the database."""
        self._loaded_at = float("-inf")

    def _refresh(self) -> None:
        if time.monotonic() - self._loaded_at < CACHE_SECONDS:
            return
        with self._lock:
            if time.monotonic() - self._loaded_at < CACHE_SECONDS:
                return
            started = time.monotonic()
            entries = list(_read(self._by_id))
            self._by_code = {entry.code: entry for entry in entries}
            self._by_id = {entry.id: entry for entry in entries}
            self._stamp = (len(entries), sum(entry.revision for entry in entries))
            self._loaded_at = started


def _stamp_in_database() -> tuple[int, int]:
    """A pair that is another one after every change of any campaign."""
    found = ReferralCampaign.objects.aggregate(count=Count("pk"), revisions=Sum("revision"))
    return found["count"], found["revisions"] or 0


def _read(known: Mapping[UUID, CampaignEntry]) -> Iterable[CampaignEntry]:
    """Every campaign; those of a known revision are not parsed again."""
    campaigns = list(ReferralCampaign.objects.all())
    changed = [row for row in campaigns if row.id not in known or known[row.id].revision != row.revision]
    versions: dict[UUID, list[RuleVersion]] = {}
    if changed:
        rows = RuleVersion.objects.filter(campaign__in=[row.id for row in changed]).order_by(
            "campaign", "number"
        )
        for version in rows:
            versions.setdefault(version.campaign_id, []).append(version)
    for campaign in campaigns:
        if campaign.id in versions:
            yield _entry(campaign, versions[campaign.id])
        elif campaign.id in known:
            yield known[campaign.id]


def _entry(campaign: ReferralCampaign, versions: list[RuleVersion]) -> CampaignEntry:
    return CampaignEntry(
        id=campaign.id,
        code=campaign.code,
        campaign_type=campaign.campaign_type,
        status=campaign.status,
        event_types=frozenset(campaign.event_types),
        scope={key: str(value) for key, value in campaign.scope.items()},
        start_at=campaign.start_at,
        end_at=campaign.end_at,
        revision=campaign.revision,
        is_invitation=campaign.is_invitation,
        version_ids=tuple(version.id for version in versions),
        valid_from=tuple(version.valid_from for version in versions),
        rules=tuple(rules_parse(version.rules) for version in versions),
    )


catalog = Catalog()
