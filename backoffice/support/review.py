"""The review list: rewards that need attention, by kind and error."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from backoffice.kit.base import badge
from backoffice.kit.choices import choices_offer
from backoffice.people.labels import user_link
from backoffice.rewards.labels import reward_page, reward_text
from campaigns.models import ReferralCampaign
from kernel.humanize.amounts import amounts_text
from rewards.models import ReferralReward
from rewards.support.explanation.error_classification import error_group_text, error_text
from rewards.support.review.error_groups import MOST_GROUPS, ErrorGroup, error_groups
from rewards.support.review.rewards import FAILED, KINDS, REASONS, Entry, Filters, review_counts, review_page
from rewards.support.review.wording import AGES, KIND_COLORS, KIND_MEANINGS, KIND_NAMES, count_text, why_text

VIEW = "rewards.view_referralreward"
CHANGE = "rewards.change_referralreward"


class ReviewForm(forms.Form):
    """Which of the rewards that need a person."""

    campaign = forms.ChoiceField(
        label=gettext_lazy("Campaign"), required=False, widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(
        label=gettext_lazy("Currency"), required=False, widget=UnfoldAdminSelectWidget
    )
    error = forms.ChoiceField(label=gettext_lazy("Error"), required=False, widget=UnfoldAdminSelectWidget)
    age = forms.ChoiceField(label=gettext_lazy("Age"), required=False, widget=UnfoldAdminSelectWidget)

    def __init__(self, data: Any, errors: list[str]) -> None:
        super().__init__(data)
        campaigns = ReferralCampaign.objects.order_by("name", "pk").values_list("pk", "name")
        choices: Mapping[str, list[tuple[str, Any]]] = {
            "campaign": [("", _("All campaigns")), *((str(pk), name) for pk, name in campaigns)],
            "currency": [("", _("All currencies")), *ReferralReward.Currency.choices],
            "error": [("", _("All errors")), *((error, error_group_text(error)) for error in errors)],
            "age": [("", _("Any age")), *((name, words) for name, (words, _time) in AGES.items())],
        }
        for name, offered in choices.items():
            choices_offer(self, name, offered)

    def filters(self) -> Filters:
        """What was chosen; a choice that there is not leaves nobody out, and is told beside its field."""
        self.is_valid()
        chosen = self.cleaned_data
        age = chosen.get("age")
        return Filters(
            campaign_id=UUID(chosen["campaign"]) if chosen.get("campaign") else None,
            currency=chosen.get("currency", ""),
            error=chosen.get("error", ""),
            older_than=AGES[age][1] if age else None,
        )


def review_view(request: HttpRequest) -> HttpResponse:
    """The list, longest ago first, with the numbers of each kind and what failed with the same error."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    asked = request.GET.get("kind", "")
    kind = asked if asked in KINDS else ""
    groups = error_groups(Filters())
    form = ReviewForm(request.GET, [group.error for group in groups])
    filters = form.filters()
    kinds = (kind,) if kind else KINDS
    entries, has_more = review_page(kinds, filters, _place(request.GET.get("after", "")))
    context = {
        **admin.site.each_context(request),
        "title": _("Needs attention"),
        "form": form,
        "kind": kind,
        "tabs": _tabs(request, kind, review_counts(filters)),
        "meanings": [(KIND_NAMES[name], KIND_MEANINGS[name]) for name in kinds],
        "groups": [] if kind not in ("", FAILED) else _groups(request, filters, groups),
        "most_groups": MOST_GROUPS,
        "rows": [_row(entry) for entry in entries],
        "more": _with(request, after=_after(entries[-1])) if has_more else "",
        "first": _with(request, after="") if request.GET.get("after") else "",
        "may_move": request.user.has_perm(CHANGE),
        "moves": [
            (name, reverse("admin:rewards_referralreward_moves", args=[name])) for name in ("retry", "cancel")
        ],
    }
    return TemplateResponse(request, "admin/support/review.html", context)


def _tabs(request: HttpRequest, kind: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    tabs = [("", _("All"), sum(counts.values())), *((name, KIND_NAMES[name], counts[name]) for name in KINDS)]
    return [
        {
            "name": name,
            "number": count_text(number),
            "query": _with(request, kind=value, after=""),
            "is_chosen": value == kind,
        }
        for value, name, number in tabs
    ]


def _groups(request: HttpRequest, filters: Filters, all_groups: list[ErrorGroup]) -> list[dict[str, Any]]:
    """What failed with each error, within the other filters."""
    is_narrowed = filters != Filters(error=filters.error)
    groups = error_groups(filters) if is_narrowed else all_groups
    page = reverse("admin:support_retry")
    return [
        {
            "group": group,
            "error": error_group_text(group.error),
            "number": count_text(group.number),
            "amounts": amounts_text(group.points, group.g2a),
            "show": _with(request, kind=FAILED, error=group.error, after=""),
            "retry": f"{page}?{_with(request, error=group.error, kind='', after='')}",
        }
        for group in groups
        if filters.error in ("", group.error)
    ]


def _row(entry: Entry) -> dict[str, Any]:
    reward, kind = entry.reward, REASONS[entry.reason].kind
    return {
        "reward": reward,
        "page": reward_page(reward.pk),
        "amount": reward_text(reward),
        "user": user_link(reward.beneficiary_user_id),
        "kind": badge(KIND_NAMES[kind], KIND_COLORS[kind]),
        "is_doubtful": reward.in_doubt and kind == FAILED,
        "why": why_text(entry),
        "error": error_text(reward.last_failure),
        "since": entry.since,
    }


def _with(request: HttpRequest, **changes: str) -> str:
    """The query of the page with these values; an empty one takes its name away."""
    query = request.GET.copy()
    for name, value in changes.items():
        query[name] = value
        if not value:
            del query[name]
    return query.urlencode()


def _after(entry: Entry) -> str:
    since, reward_id = entry.place
    return f"{since.isoformat()}_{reward_id}"


def _place(text: str) -> tuple[datetime, UUID] | None:
    """Where a page begins; None where the text says no such place: the list begins at its beginning."""
    since, _sign, reward_id = text.partition("_")
    try:
        moment, found = datetime.fromisoformat(since), UUID(reward_id)
    except ValueError:
        return None
    return (moment, found) if moment.tzinfo else None
