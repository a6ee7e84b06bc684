"""How the services that we call are: what workers have found, what waits for them, what was compared last.

Read from what is there anyway; nobody is called. Every number is bounded: at most so many rows are read of a
backlog or of an hour's calls, and the page says so where there are more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from kernel.database import DATABASE_AWAY
from rewards.models import (
    AnalyticsRefusal,
    PeerCircuit,
    PeerProbe,
    ReconciliationFinding,
    ReconciliationRun,
)
from rewards.outbox.cursor import Lag, lags
from rewards.payouts.providers.analytics import NAME as ANALYTICS
from rewards.provider_names import PEER_OF_CURRENCY, POINTS, TOKENS

SHOWN = (POINTS, TOKENS, ANALYTICS)
# So many of the rewards that wait, and of the calls of an hour, are read.
MOST_WAITING = 50_000
MOST_CALLS = 5_000
MOST_IN_DOUBT = 1_000
RECENT = timedelta(hours=1)
# Over a backlog of millions the exact lag of Analytics takes its time; a page does not wait for it.
LAG_LIMIT = "1s"

WAITING = """
SELECT wanted.currency, counted.* FROM unnest(%(currencies)s::text[]) AS wanted(currency)
CROSS JOIN LATERAL (
    SELECT count(*), coalesce(sum(points_amount), 0)::bigint, coalesce(sum(g2a_amount), 0), min(available_at),
           min(greatest(next_attempt_at, updated_at))
    FROM (
        SELECT points_amount, g2a_amount, available_at, next_attempt_at, updated_at FROM
        rewards_referralreward WHERE currency = wanted.currency AND next_attempt_at <= statement_timestamp()
        ORDER BY next_attempt_at LIMIT %(most)s ) due ) counted
"""
IN_DOUBT = """
SELECT currency, count(*) FROM (
    SELECT currency FROM rewards_referralreward WHERE in_doubt ORDER BY id LIMIT %(most)s
) doubtful GROUP BY currency
"""
# The newest calls by their ids, which follow the time; rewards say to which peer.
CALLS = """
SELECT reward.currency, call.outcome, call.http_status, call.error_code, count(*), max(call.finished_at)
FROM (
    SELECT reward_id, outcome, http_status, error_code, finished_at FROM rewards_payoutattempt
    ORDER BY id DESC LIMIT %(most)s
) call
JOIN rewards_referralreward reward ON reward.id = call.reward_id
WHERE call.finished_at > %(since)s
GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 6 DESC
"""
WORKERS = "SELECT max(heartbeat_at) FROM dramatiq.worker"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is due at a peer, of at most MOST_WAITING rewards.

    `oldest` is since when the first has been payable, `untaken` since when a worker could have taken one and
    has not: an event reported late is payable from the past, but new.
    """

    number: int = 0
    points: int = 0
    g2a: Decimal = Decimal(0)
    oldest: datetime | None = None
    untaken: datetime | None = None

    @property
    def is_cut(self) -> bool:
        """Whether there may be more."""
        return self.number >= MOST_WAITING


@dataclass(frozen=True, slots=True)
class Calls:
    """How many calls of the last hour ended in the same way, and when the last one did."""

    outcome: str
    http_status: int | None
    error_code: str
    number: int
    last: datetime


@dataclass(slots=True)
class Health:
    """All that is known of one peer."""

    peer: str
    has_address: bool
    circuit: PeerCircuit | None = None
    probe: PeerProbe | None = None
    waiting: Waiting = field(default_factory=Waiting)
    in_doubt: int = 0
    calls: list[Calls] = field(default_factory=list)
    findings: dict[str, int] = field(default_factory=dict)

    @property
    def is_sick(self) -> bool:
        """Whether nothing but a probe now and then is sent."""
        return self.circuit is not None and self.circuit.state == PeerCircuit.State.OPEN


@dataclass(frozen=True, slots=True)
class AllHealth:
    """Every peer, and what belongs to none or to Analytics alone.

    `lags` is None where they could not be counted in a moment; `workers_seen_at` where nobody knows.
    """

    peers: list[Health]
    lags: list[Lag] | None
    refusals: int
    run: ReconciliationRun | None
    workers_seen_at: datetime | None
    now: datetime


def peers_health() -> AllHealth:
    """Everything for the page, in a fixed number of queries."""
    now = timezone.now()
    addresses = {
        POINTS: settings.POINTS_SERVICE_URL,
        TOKENS: settings.TOKEN_GATEWAY_URL,
        ANALYTICS: settings.ANALYTICS_URL,
    }
    found = {peer: Health(peer, bool(addresses[peer])) for peer in SHOWN}
    for circuit in PeerCircuit.objects.filter(peer__in=SHOWN):
        found[circuit.peer].circuit = circuit
    for probe in PeerProbe.objects.filter(peer__in=SHOWN):
        found[probe.peer].probe = probe
    for currency, *counted in _rows(WAITING, {"currencies": list(PEER_OF_CURRENCY), "most": MOST_WAITING}):
        found[PEER_OF_CURRENCY[currency]].waiting = Waiting(*counted)
    for currency, number in _rows(IN_DOUBT, {"most": MOST_IN_DOUBT}):
        found[PEER_OF_CURRENCY[currency]].in_doubt = number
    for currency, *calls in _rows(CALLS, {"most": MOST_CALLS, "since": now - RECENT}):
        found[PEER_OF_CURRENCY[currency]].calls.append(Calls(*calls))
    open_findings = ReconciliationFinding.objects.filter(state=ReconciliationFinding.State.OPEN)
    for peer, kind, number in open_findings.order_by().values_list("peer", "kind").annotate(Count("pk")):
        if peer in found:
            found[peer].findings[kind] = number
    return AllHealth(
        peers=list(found.values()),
        lags=_lags() if settings.ANALYTICS_URL else [],
        refusals=AnalyticsRefusal.objects.count(),
        run=ReconciliationRun.objects.order_by("-id").first(),
        workers_seen_at=_workers_seen_at(),
        now=now,
    )


def _lags() -> list[Lag] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{LAG_LIMIT}'")
            found = lags()
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            return found
    except DATABASE_AWAY:
        return None


def _workers_seen_at() -> datetime | None:
    """When a worker told the broker last that it lives; other brokers than PostgreSQL do not tell."""
    if not settings.DRAMATIQ_BROKER["BROKER"].endswith(".WakeBroker"):
        return None
    seen: datetime | None = _rows(WORKERS, {})[0][0]
    return seen


def _rows(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
