"""A person asks whether a peer answers: ordered on a page, asked by the worker, answered on the page.

Two things are done, and neither pays anything that is not due. The peer is asked a question that changes
nothing there, and told as it is. And the circuit's next probe, if the peer is sick, is brought forward to
now: the next claim tries one reward that is due, as it would have by itself a little later
(`rewards.payouts.circuit_breaker`). Whether the peer is well is only for that to say (docs/invariants.md,
D10).
"""

import math
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from kernel.errors import NotFound, Throttled
from rewards.models import PeerCircuit, PeerProbe, ReferralReward
from rewards.notifier import wake_analytics, wake_for, wake_probes
from rewards.payouts.providers.analytics import NAME as ANALYTICS
from rewards.payouts.providers.probes import ask
from rewards.provider_names import PEER_OF_CURRENCY, POINTS, TOKENS

PROBED = (POINTS, TOKENS, ANALYTICS)
# One question a peer in this time, whoever asks.
PAUSE = timedelta(seconds=15)
# What nobody has answered for so long is not asked any more: the person has gone, or asks again.
KEPT_FOR = timedelta(minutes=10)


def peer_probe(*, peer: str, by: str) -> PeerProbe:
    """Have a peer asked now, and its circuit try one due reward. Raises NotFound, Throttled."""
    if peer not in PROBED:
        raise NotFound(_("There is no such service."))
    with transaction.atomic():
        now = timezone.now()
        fresh, is_new = PeerProbe.objects.get_or_create(peer=peer, defaults={"asked_by": by, "asked_at": now})
        probe = PeerProbe.objects.select_for_update().get(pk=fresh.pk)
        if not is_new:
            wait = probe.asked_at + PAUSE - now
            if wait > timedelta(0):
                refusal = _("It was checked a moment ago. Try again in a few seconds.")
                raise Throttled(refusal, math.ceil(wait.total_seconds()))
        probe.asked_by, probe.asked_at, probe.answered_at = by[:160], now, None
        probe.outcome, probe.cause, probe.http_status, probe.message = "", "", None, ""
        probe.milliseconds = None
        probe.save()
        sick = PeerCircuit.objects.filter(peer=peer, state=PeerCircuit.State.OPEN)
        sick.filter(probe_at__gt=now).update(probe_at=now)
        audit_note(by=by, verb=Verb.CREATED, target=probe, after={"peer": peer, "asked_at": now})
        transaction.on_commit(lambda: _wake(peer))
    return probe


def _wake(peer: str) -> None:
    wake_probes()
    if peer == ANALYTICS:
        wake_analytics()
    else:
        wake_for(currency for currency, name in PEER_OF_CURRENCY.items() if name == peer)


def probes_due() -> bool:
    """Whether somebody waits for an answer."""
    return _unanswered().exists()


def _unanswered() -> QuerySet[PeerProbe]:
    return PeerProbe.objects.filter(answered_at__isnull=True, asked_at__gt=timezone.now() - KEPT_FOR)


def peers_unanswered() -> list[str]:
    """The peers of which somebody waits to hear."""
    return list(_unanswered().values_list("peer", flat=True))


def peers_ask() -> None:
    """The worker's part: ask what was ordered, with no transaction open, and write down what was heard."""
    for probe in _unanswered().order_by("asked_at"):
        report = ask(probe.peer, known_task=_known_task() if probe.peer == TOKENS else None)
        # Asked for again meanwhile, it is answered again.
        PeerProbe.objects.filter(peer=probe.peer, asked_at=probe.asked_at).update(
            answered_at=timezone.now(),
            outcome=report.heard,
            cause=report.cause,
            http_status=report.http_status,
            message=report.message,
            milliseconds=report.milliseconds,
        )


def _known_task() -> str | None:
    """A task that the gateway works on, if there is one: by the index of what is due next."""
    tasks = ReferralReward.objects.filter(
        currency="g2a", next_attempt_at__isnull=False, external_task_id__isnull=False
    )
    return tasks.order_by("-next_attempt_at").values_list("external_task_id", flat=True).first()
