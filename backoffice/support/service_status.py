"""The back-office page of how the services that we call are, with a button to ask one now."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from access.people import person_name
from backoffice.kit.base import badge
from backoffice.rewards.labels import OUTCOME_COLORS, OUTCOMES
from backoffice.rewards.reconciliations import run_named
from backoffice.rewards.rejections import ENTRIES
from kernel.errors import DomainError
from kernel.humanize.amounts import amount_text, amounts_text
from rewards.models import ReconciliationFinding, ReconciliationRun
from rewards.payouts.providers.analytics import NAME as ANALYTICS
from rewards.provider_names import PEER_NAMES, PEER_OF_CURRENCY
from rewards.support.explanation.discrepancies import problems_text
from rewards.support.explanation.error_classification import error_text
from rewards.support.providers.health import MOST_CALLS, MOST_IN_DOUBT, AllHealth, Calls, Health, peers_health
from rewards.support.providers.probes import peer_probe, peers_unanswered
from rewards.support.providers.wording import probe_failure_text, probe_text, state_text, warning_text

VIEW = "rewards.view_peercircuit"
ASK = "rewards.add_peerprobe"
FINDINGS = "admin:rewards_reconciliationfinding_changelist"


def peers_view(request: HttpRequest) -> HttpResponse:
    """How each service is; a POST has one asked now, JSON tells the page's script who has yet to answer."""
    if not request.user.has_perm(VIEW):
        raise PermissionDenied
    if request.method == "POST":
        return _ask(request)
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"waiting": peers_unanswered()})
    health = peers_health()
    context = {
        **admin.site.each_context(request),
        "title": _("Service status"),
        "cards": [_card(peer, health) for peer in health.peers],
        "run": _run(health.run) if health.run else None,
        "workers_seen_at": health.workers_seen_at,
        "may_ask": request.user.has_perm(ASK),
        "waits": bool(peers_unanswered()),
        "most_calls": MOST_CALLS,
        "findings_page": f"{reverse(FINDINGS)}?state__exact=open",
    }
    return TemplateResponse(request, "admin/support/peers.html", context)


def _ask(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perm(ASK):
        raise PermissionDenied
    peer = request.POST.get("peer", "")
    try:
        peer_probe(peer=peer, by=person_name(request.user))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return HttpResponseRedirect(
        f"{reverse('admin:support_peers')}#{peer}" if peer in PEER_NAMES else request.path
    )


def _card(health: Health, everything: AllHealth) -> dict[str, Any]:
    now, circuit, probe = everything.now, health.circuit, health.probe
    if not circuit or not health.has_address:
        state = badge(_("Not used yet"), "info")
    elif health.is_sick:
        state = badge(_("Unavailable"), "danger")
    else:
        state = badge(_("Operational"), "success")
    is_analytics = health.peer == ANALYTICS
    return {
        "peer": health.peer,
        "name": PEER_NAMES[health.peer],
        "state": state,
        "text": state_text(health, now),
        "warning": "" if is_analytics else warning_text(health, now),
        "circuit": circuit,
        "error": error_text(circuit.last_failure) if circuit else "",
        "probe": probe_text(probe) if probe else "",
        "probe_message": probe_failure_text(probe) if probe else "",
        "pays": not is_analytics,
        "waiting": None if is_analytics else _waiting(health),
        "in_doubt": _in_doubt(health),
        "calls": [_calls(calls) for calls in health.calls],
        "findings": _findings(health),
        "lags": _lags(everything) if is_analytics else None,
        "refusals": amount_text(everything.refusals),
        "refusals_page": reverse("admin:rewards_analyticsrefusal_changelist"),
    }


def _waiting(health: Health) -> dict[str, Any]:
    waiting = health.waiting
    return {
        "number": amount_text(waiting.number),
        "is_cut": waiting.is_cut,
        "amounts": amounts_text(waiting.points, waiting.g2a),
        "oldest": waiting.oldest,
        "is_some": bool(waiting.number),
    }


def _in_doubt(health: Health) -> dict[str, Any]:
    currencies = [currency for currency, peer in PEER_OF_CURRENCY.items() if peer == health.peer]
    page = reverse("admin:rewards_referralreward_changelist")
    query = urlencode({"in_doubt__exact": 1, "currency": currencies[0]}) if currencies else ""
    number = amount_text(health.in_doubt)
    return {
        "number": f"{number}+" if health.in_doubt >= MOST_IN_DOUBT else number,
        "is_some": bool(health.in_doubt),
        "page": f"{page}?{query}",
    }


def _calls(calls: Calls) -> dict[str, Any]:
    words = [f"HTTP {calls.http_status}"] if calls.http_status else []
    return {
        "outcome": badge(OUTCOMES.get(calls.outcome, calls.outcome), OUTCOME_COLORS.get(calls.outcome)),
        "answer": " ".join([*words, calls.error_code]).strip() or "–",
        "number": amount_text(calls.number),
        "last": calls.last,
    }


def _findings(health: Health) -> list[dict[str, Any]]:
    """The open findings of a peer by kind, each leading to its list."""
    return [
        {
            "name": ReconciliationFinding.Kind(kind).label,
            "number": amount_text(number),
            "page": f"{reverse(FINDINGS)}?"
            + urlencode({"state__exact": "open", "kind__exact": kind, "peer": health.peer}),
        }
        for kind, number in sorted(health.findings.items())
    ]


def _lags(everything: AllHealth) -> dict[str, Any]:
    return {
        "is_known": everything.lags is not None,
        "streams": [
            {"name": ENTRIES[lag.event_name], "number": amount_text(lag.entries), "oldest": lag.oldest}
            for lag in everything.lags or ()
        ],
    }


def _run(run: ReconciliationRun) -> dict[str, Any]:
    return {
        "name": run_named(run),
        "page": reverse("admin:rewards_reconciliationrun_change", args=[run.pk]),
        "is_finished": run.finished_at is not None,
        "run": run,
        "problems": problems_text(run.problem_list),
    }
