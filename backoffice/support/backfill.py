"""The past of a user whose referrer was attached by hand: what was rewarded of it, and rewarding the rest."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldBooleanWidget

from access.audit import Verb
from access.models import AuditEntry
from access.people import person_name
from backoffice.kit.base import text_link
from backoffice.kit.confirmed_action import ReasonForm, valid_ids
from backoffice.people.labels import user_link, why_nothing
from backoffice.rewards.labels import reward_link
from campaigns.catalog import catalog
from campaigns.rules.families import USER_REGISTERED
from kernel.errors import DomainError
from kernel.humanize.amounts import amount_text, g2a_text, points_text
from referral.models import ReferralEvent, ReferralRelation
from rewards.support.attach.backfill import MOST, Rewarded, past_reward
from rewards.support.attach.backfill_preview import Foreseen, Total
from rewards.support.attach.plan import Plan, events_left, plan_of, rewarded_later
from rewards.support.explanation.status_history import actor_text

PERMISSION = "referral.add_referralrelation"
# So many notes on a relation are shown.
NOTES = 20
# A longer list gets a bar of its own to scroll by, so that the button below stays near.
FEW = 10


class AttachReasonForm(ReasonForm):
    """Why somebody attaches a referrer or rewards the past; kept in the audit log."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["reason"].help_text = _(
            "Required and kept with your name. Example: invitation confirmed by screenshot, ticket 4711."
        )


class PastForm(forms.Form):
    """Which part of the past is to be rewarded."""

    chosen = forms.CharField(widget=forms.HiddenInput, initial="1")
    relation = forms.UUIDField(widget=forms.HiddenInput)
    registration = forms.BooleanField(
        label=gettext_lazy("Reward the registration"),
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
    )
    past = forms.BooleanField(
        label=gettext_lazy("Reward past events"), required=False, initial=True, widget=UnfoldBooleanWidget
    )


def past_page(relation_id: UUID) -> str:
    """The address of the page about the past under a relation."""
    return f"{reverse('admin:support_past')}?{urlencode({'relation': relation_id})}"


def past_link(relation: ReferralRelation) -> SafeString | str:
    """What is left of the past under a relation made by hand, leading to its page; nothing for others."""
    if relation.source != ReferralRelation.Source.MANUAL:
        return ""
    left = events_left(relation)
    if left > MOST:
        text = _("more than %s past events not rewarded yet") % amount_text(MOST)
    elif left:
        text = ngettext(
            "%s past event not rewarded yet", "%s past events not rewarded yet", left
        ) % amount_text(left)
    else:
        text = _("past events")
    return text_link(past_page(relation.pk), text)


def past_view(request: HttpRequest) -> HttpResponse:
    """What was rewarded later, what is left and would earn, and the button that rewards it."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    is_sent = request.method == "POST"
    given = request.POST if is_sent else request.GET
    relation = _relation(given.get("relation", ""))
    is_chosen = is_sent or "chosen" in given
    form = PastForm(given) if is_chosen else PastForm(initial={"relation": relation.pk})
    why = AttachReasonForm(request.POST if is_sent else None)
    if is_sent and form.is_valid() and why.is_valid():
        reward_shown(request, relation.pk, form.cleaned_data["registration"], why.cleaned_data["reason"])
        return HttpResponseRedirect(past_page(relation.pk))
    wanted = form.cleaned_data if is_chosen and form.is_valid() else {}
    plan = _plan(relation, wanted)
    context = {
        **admin.site.each_context(request),
        "title": _("Past events of a user with an added referrer"),
        "relation": relation,
        "who": user_link(relation.referred_user_id),
        "referrer": user_link(relation.referrer_user_id),
        "notes": [
            {"what": _done_by(entry), "who": actor_text(entry.actor), "entry": entry}
            for entry in _notes(relation)
        ],
        "form": form,
        "why": why,
        "done": [_done(event) for event in rewarded_later(relation.referred_user_id)[:MOST]],
        **plan_context(plan),
    }
    return TemplateResponse(request, "admin/support/past.html", context)


def _relation(text: str) -> ReferralRelation:
    """The relation with this id, if somebody made it by hand."""
    found = ReferralRelation.objects.select_related("campaign").filter(
        pk__in=valid_ids([text]), source=ReferralRelation.Source.MANUAL
    )
    relation: ReferralRelation | None = found.first()
    if relation is None:
        raise Http404
    return relation


def _plan(relation: ReferralRelation, wanted: dict[str, Any]) -> Plan:
    campaign = catalog.by_id(relation.campaign_id)
    if campaign is None:
        raise Http404
    return plan_of(
        user=relation.referred_user_id,
        referrer=relation.referrer_user_id,
        campaign=campaign,
        with_registration=wanted.get("registration", True),
        with_events=wanted.get("past", True),
    )


def _notes(relation: ReferralRelation) -> list[AuditEntry]:
    """Who attached it and rewarded what later, and why; newest first."""
    return list(AuditEntry.objects.filter(object_id=str(relation.pk)).order_by("-id")[:NOTES])


def _done_by(entry: AuditEntry) -> str:
    """What somebody did, by its entry in the audit log."""
    after = entry.after or {}
    if entry.verb == Verb.CREATED:
        return _("Referrer added")
    if number := after.get("past_events_rewarded"):
        return ngettext("%s past event rewarded", "%s past events rewarded", number) % amount_text(number)
    return _("Registration rewarded") if "registration" in after else entry.get_verb_display()


# --- doing it -----------------------------------------------------------------------------------------------


def reward_shown(request: HttpRequest, relation_id: UUID, registration: bool, reason: str) -> None:
    """Reward exactly what the page has shown, and say what became of it."""
    event_ids = [UUID(text) for text in valid_ids(request.POST.getlist("event"), most=MOST)]
    if not (registration or event_ids):
        return
    try:
        done = past_reward(
            relation_id=relation_id,
            registration=registration,
            event_ids=event_ids,
            by=person_name(request.user),
            reason=reason,
        )
    except DomainError as refusal:
        messages.error(request, _("Not everything was rewarded: %s You can reward the rest below.") % refusal)
        return
    _tell(request, done)


def _tell(request: HttpRequest, done: list[Rewarded]) -> None:
    accepted = [entry.accepted for entry in done if entry.accepted]
    if accepted:
        earned = sum(answer.reason is None for answer in accepted)
        messages.success(
            request,
            ngettext(
                "%(number)s past event processed; %(earned)s earned rewards.",
                "%(number)s past events processed; %(earned)s earned rewards.",
                len(accepted),
            )
            % {"number": amount_text(len(accepted)), "earned": amount_text(earned)},
        )
    if refused := [entry for entry in done if entry.refusal]:
        lines = format_html_join("", "<li>{}</li>", {(str(entry.refusal),) for entry in refused})
        messages.error(request, format_html("{} <ul>{}</ul>", _("Not rewarded:"), lines))


# --- words for the templates --------------------------------------------------------------------------------


def plan_context(plan: Plan) -> dict[str, Any]:
    """A plan as the templates take it."""
    return {
        "plan": plan,
        "rows": [_row(item) for item in plan.foresight.items],
        "totals": [_total(user, total) for user, total in plan.foresight.totals.items()],
        "possible": len(plan.foresight.possible),
        "blocked": len(plan.foresight.items) - len(plan.foresight.possible),
        "registers": any(item.event_id is None for item in plan.foresight.possible),
        "most": MOST,
        "few": FEW,
    }


def _row(item: Foreseen) -> dict[str, Any]:
    return {
        "item": item,
        "name": event_named(item.event_type),
        "page": _event_page(item.event_id) if item.event_id else "",
        "amount": "–" if item.amount is None else amount_text(item.amount),
        "lines": [
            {"line": line, "who": user_link(line.user_id) if line.user_id else "–"} for line in item.lines
        ],
        "span": max(1, len(item.lines)),
    }


def _total(user: str, total: Total) -> dict[str, Any]:
    return {
        "who": user_link(user),
        "sum": _sum_text(total.points, total.g2a),
        "locked": _sum_text(total.points_locked, total.g2a_locked),
    }


def _sum_text(points: int, g2a: Any) -> str:
    parts = ([points_text(points)] if points else []) + ([g2a_text(g2a)] if g2a else [])
    return " + ".join(parts) or "–"


def _done(event: ReferralEvent) -> dict[str, Any]:
    """One event that was rewarded later: the first one, and what came of it."""
    replays = getattr(event, "replays", None)
    return {
        "event": event,
        "name": event_named(event.event_type),
        "page": _event_page(event.pk),
        "first": _event_page(replays.original_id) if replays else "",
        "amount": "–" if event.amount_base is None else amount_text(event.amount_base),
        "outcome": _outcome(event),
    }


def _outcome(event: ReferralEvent) -> SafeString | str:
    """The rewards, or why there are none."""
    if event.reason:
        return why_nothing(event)
    rewards = sorted(event.rewards.all(), key=lambda reward: reward.pk)
    return format_html_join(
        "", "<div>{}, {}</div>", ((reward_link(reward), reward.get_status_display()) for reward in rewards)
    )


def event_named(event_type: str) -> str:
    """What happened, in words where there are any."""
    return _("Registration") if event_type == USER_REGISTERED else event_type


def _event_page(event_id: UUID) -> str:
    return reverse("admin:referral_referralevent_change", args=[event_id])
