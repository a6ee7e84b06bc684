"""The back-office pages of bulk retries: how far each is, stopping, going on, what was not sent again."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from access.people import person_name
from backoffice.kit.base import ReadOnlyAdmin, badge
from backoffice.rewards.labels import STATUS_COLORS, reward_link
from kernel.errors import DomainError
from kernel.humanize.amounts import amount_text, amounts_text
from rewards.models import BulkRetry, ReferralReward
from rewards.support.explanation.error_classification import error_group_text
from rewards.support.explanation.status_history import actor_text
from rewards.support.review.bulk_retry import Outcome, State, bulk_retry_continue, bulk_retry_stop

CHANGE = "rewards.change_referralreward"
SHOWN_ITEMS = 100
STATE_COLORS = {State.RUNNING: "info", State.STOPPED: "warning", State.FINISHED: "success"}


@admin.register(BulkRetry)
class BulkRetryAdmin(ReadOnlyAdmin):
    """Orders to send all rewards again that failed with one error; ordered from the review list."""

    list_display = ("error_shown", "state_badge", "progress", "amounts", "created_by", "created_at")
    list_select_related = ("campaign",)
    exact_lookups = ("error", "pk", "created_by")
    search_help_text = gettext_lazy("Exact error text or who started it")

    def title_of(self, row: BulkRetry) -> str:
        """The error."""
        return error_group_text(row.error)

    @display(description=gettext_lazy("error"))
    def error_shown(self, order: BulkRetry) -> str:
        """What its rewards had in common."""
        return error_group_text(order.error)

    @display(description=gettext_lazy("status"))
    def state_badge(self, order: BulkRetry) -> SafeString:
        """The state in its colour."""
        return badge(order.get_state_display(), STATE_COLORS.get(State(order.state)))

    @display(description=gettext_lazy("processed"))
    def progress(self, order: BulkRetry) -> str:
        """How many of how many."""
        return _progress(order)

    @display(description=gettext_lazy("amounts"))
    def amounts(self, order: BulkRetry) -> str:
        """Both currencies of all its rewards."""
        return amounts_text(order.points, order.g2a)

    def get_urls(self) -> list[URLPattern]:
        """Stopping, going on and progress stand before the pages of Django."""
        views = {"stop": self.stop_view, "continue": self.continue_view, "progress": self.progress_view}
        guarded = self.admin_site.admin_view
        return [
            *(
                path(f"<uuid:order_id>/{name}/", guarded(view), name=f"rewards_bulkretry_{name}")
                for name, view in views.items()
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What was ordered, how far it is, and what was not sent again."""
        order = self.row_to_view(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        may_run = request.user.has_perm(CHANGE) and order.state != State.FINISHED
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Bulk retry"),
            "order": order,
            "error": error_group_text(order.error),
            "ordered_by": actor_text(order.created_by),
            "continued_by": actor_text(order.run_by),
            "state": self.state_badge(order),
            "is_running": order.state == State.RUNNING,
            "may_run": may_run,
            "amounts": amounts_text(order.points, order.g2a),
            "currency": ReferralReward.Currency(order.currency).label if order.currency else "",
            "progress": _progress(order),
            "refusals": _refusals(order),
            "shown": SHOWN_ITEMS,
            "page": reverse("admin:rewards_bulkretry_changelist"),
            "addresses": {name: _address(name, order.pk) for name in ("stop", "continue", "progress")},
        }
        return TemplateResponse(request, "admin/support/bulk_retry.html", context)

    def progress_view(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """How far it is, for the page's script."""
        order = self.row_to_view(request, order_id)
        return JsonResponse(
            {
                "done": order.done,
                "total": order.total,
                "text": _progress(order),
                "running": order.state == State.RUNNING,
            }
        )

    def stop_view(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """Let no further reward be sent again."""
        return self._turn(request, order_id, bulk_retry_stop)

    def continue_view(self, request: HttpRequest, order_id: UUID) -> HttpResponse:
        """Have the rest sent again."""
        return self._turn(request, order_id, bulk_retry_continue)

    @staticmethod
    def _turn(request: HttpRequest, order_id: UUID, turn: Callable[..., BulkRetry]) -> HttpResponse:
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            turn(order_id=order_id, by=person_name(request.user))
        except DomainError as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(_address("change", order_id))


def _address(name: str, order_id: UUID) -> str:
    return reverse(f"admin:rewards_bulkretry_{name}", args=[order_id])


def _progress(order: BulkRetry) -> str:
    return _("%(done)s of %(total)s rewards processed, %(refused)s of them not sent again") % {
        "done": amount_text(order.done),
        "total": amount_text(order.total),
        "refused": amount_text(order.refused),
    }


def _refusals(order: BulkRetry) -> list[dict[str, Any]]:
    """The first rewards that were not sent again, with the reason and where they are now."""
    items = order.items.exclude(outcome__in=("", Outcome.RETRIED)).select_related("reward")
    return [
        {
            "link": reward_link(item.reward),
            "why": Outcome(item.outcome).label,
            "problem": item.problem,
            "status": badge(item.reward.get_status_display(), STATUS_COLORS.get(item.reward.status)),
        }
        for item in items.order_by("reward_id")[:SHOWN_ITEMS]
    ]
