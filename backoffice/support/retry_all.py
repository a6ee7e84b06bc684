"""Ordering a bulk retry: all rewards that failed with one error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.kit.confirmed_action import ConfirmedAction
from backoffice.rewards.actions import CHANGE
from backoffice.support.review import ReviewForm
from campaigns.models import ReferralCampaign
from kernel.database import database_now
from kernel.errors import DomainError, ValidationFailed
from kernel.humanize.amounts import amounts_text
from rewards.models import BulkRetry, ReferralReward
from rewards.support.explanation.error_classification import error_group_text
from rewards.support.review.bulk_retry import MOST_AT_ONCE, Extent, bulk_retry_extent, bulk_retry_start
from rewards.support.review.rewards import FAILED, Filters
from rewards.support.review.wording import AGES


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """What failed with one error before a moment, as the person has chosen and seen it."""

    error: str
    filters: Filters
    age: str
    shown_at: datetime
    extent: Extent | None = None

    @property
    def failed_before(self) -> datetime:
        """What failed later than this is not meant."""
        return self.shown_at - self.filters.older_than if self.filters.older_than else self.shown_at


class RetryAll(ConfirmedAction[FailedGroup]):
    """Have the worker send all rewards again that failed with one error.

    What is taken is what had failed when the page was shown, for that is what the person agrees to.
    """

    permission = CHANGE
    parameter = "shown_at"
    template = "admin/support/retry.html"
    title = gettext_lazy("Retry all rewards with this error")
    button = gettext_lazy("Retry all")

    def chosen(self, request: HttpRequest, ids: Sequence[str]) -> list[FailedGroup]:
        """The one group that the filters name; one that cannot be must not take more than was meant."""
        error = request.GET.get("error", "").replace("\x00", "")
        chosen = ReviewForm(request.GET, [error])
        if not chosen.is_valid():
            raise ValidationFailed(_("A filter is not valid. Choose again."))
        shown_at = _moment(request.POST.get(self.parameter, "")) or database_now()
        group = FailedGroup(error, chosen.filters(), request.GET.get("age", ""), shown_at)
        if not error:
            return [group]
        extent = bulk_retry_extent(filters=group.filters, failed_before=group.failed_before)
        return [replace(group, extent=extent)]

    def key(self, row: FailedGroup) -> str:
        """The moment at which it was shown."""
        return row.shown_at.isoformat()

    def carry_out(self, row: FailedGroup, *, by: str, given: Mapping[str, Any]) -> BulkRetry:
        """Order it."""
        return bulk_retry_start(
            filters=row.filters, failed_before=row.failed_before, by=by, reason=given["reason"]
        )

    def facts(self, rows: Sequence[FailedGroup]) -> dict[str, Any]:
        """How many rewards and how much."""
        (group,) = rows
        extent = group.extent
        return {
            "error": error_group_text(group.error),
            "extent": extent if extent and extent.number else None,
            "amounts": amounts_text(extent.points, extent.g2a) if extent else "",
            "narrowings": _narrowings(group.filters, group.age),
            "most": MOST_AT_ONCE,
            "possible": bool(extent and extent.number),
        }

    def tell(
        self,
        request: HttpRequest,
        done: Sequence[FailedGroup],
        refused: Sequence[tuple[FailedGroup, DomainError]],
    ) -> None:
        """Of an order its page tells; of a refusal the service's words."""
        for _group, refusal in refused:
            messages.error(request, str(refusal))

    def way_back(self, request: HttpRequest, rows: Sequence[FailedGroup]) -> str:
        """To the list of what has failed."""
        return f"{reverse('admin:support_review')}?{urlencode({'kind': FAILED})}"

    def way_on(self, request: HttpRequest, rows: Sequence[FailedGroup], answers: Sequence[BulkRetry]) -> str:
        """To the page of the order."""
        if not answers:
            return self.way_back(request, rows)
        return reverse("admin:rewards_bulkretry_change", args=[answers[0].pk])


RETRY_ALL = RetryAll()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and moment <= database_now() else None


def _narrowings(filters: Filters, age: str) -> list[str]:
    """The filters that hold beside the error, in words."""
    words = []
    if filters.campaign_id:
        name = ReferralCampaign.objects.values_list("name", flat=True).get(pk=filters.campaign_id)
        words.append(_("campaign “%s” only") % name)
    if filters.currency:
        words.append(_("%s only") % ReferralReward.Currency(filters.currency).label)
    if filters.older_than:
        words.append(_("only failed %s") % AGES[age][0])
    return words
