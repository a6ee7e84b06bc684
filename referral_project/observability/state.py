"""What the database says of the work that waits, read when somebody scrapes and never otherwise."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kernel.database import DATABASE_AWAY
from rewards.models import (
    AnalyticsRefusal,
    PeerCircuit,
    ReconciliationFinding,
    ReferralReward,
    RewardStatus,
)
from rewards.outbox.cursor import lags

logger = logging.getLogger(__name__)

# A count over a backlog of millions must not hold a scrape up, nor a connection.
STATEMENT_LIMIT = "3s"

DUE = """
SELECT wanted.currency, count(reward.id), min(reward.next_attempt_at)
FROM unnest(%s::text[]) AS wanted(currency)
LEFT JOIN rewards_referralreward reward
    ON reward.currency = wanted.currency AND reward.next_attempt_at <= statement_timestamp()
GROUP BY wanted.currency
"""


class StateCollector(Collector):
    """Queue, circuits, findings and Analytics' lag; what cannot be read is left out and said so."""

    def collect(self) -> Iterator[Metric]:
        """Each part in a transaction of its own, so that one that fails or is slow costs only itself."""
        complete = GaugeMetricFamily(
            "referral_state_complete", "1 when every part of the state below could be read.", labels=["part"]
        )
        for part in (_queue, _failures, _circuits, _analytics):
            metrics = _read(part)
            complete.add_metric([part.__name__.strip("_")], float(metrics is not None))
            yield from metrics or ()
        yield complete


def _read(part: Callable[[], list[Metric]]) -> list[Metric] | None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{STATEMENT_LIMIT}'")
            return part()
    except DATABASE_AWAY as error:
        logger.warning("The state of %s cannot be read for metrics: %s", part.__name__.strip("_"), error)
        return None


def _queue() -> list[Metric]:
    depth = GaugeMetricFamily(
        "referral_rewards_due", "Rewards that are due and wait for a worker.", labels=["currency"]
    )
    oldest = GaugeMetricFamily(
        "referral_oldest_due_reward_seconds",
        "How long the oldest due reward has been payable.",
        labels=["currency"],
    )
    with connection.cursor() as cursor:
        cursor.execute(DUE, [ReferralReward.Currency.values])
        for currency, count, since in cursor.fetchall():
            depth.add_metric([currency], count)
            oldest.add_metric([currency], _age(since))
    return [depth, oldest]


def _failures() -> list[Metric]:
    failed = GaugeMetricFamily("referral_rewards_failed", "Failed rewards, which need attention.")
    failed.add_metric([], ReferralReward.objects.filter(status=RewardStatus.FAILED).count())
    findings = GaugeMetricFamily(
        "referral_findings_open", "Open discrepancies with the providers, by kind.", labels=["kind"]
    )
    rows = ReconciliationFinding.objects.filter(state=ReconciliationFinding.State.OPEN)
    kinds = list(rows.values_list("kind", flat=True))
    for kind in ReconciliationFinding.Kind.values:
        findings.add_metric([kind], kinds.count(kind))
    return [failed, findings]


def _circuits() -> list[Metric]:
    is_open = GaugeMetricFamily(
        "referral_peer_circuit_open",
        "1 while a provider is unavailable and its rewards wait.",
        labels=["peer"],
    )
    success = GaugeMetricFamily(
        "referral_peer_last_success_timestamp_seconds",
        "Time of the last success at a provider.",
        labels=["peer"],
    )
    for row in PeerCircuit.objects.all():
        is_open.add_metric([row.peer], float(row.state == PeerCircuit.State.OPEN))
        if row.last_success_at:
            success.add_metric([row.peer], row.last_success_at.timestamp())
    return [is_open, success]


def _analytics() -> list[Metric]:
    if not settings.ANALYTICS_URL:
        return []
    unsent = GaugeMetricFamily(
        "referral_analytics_unsent", "Entries not delivered to Analytics yet.", labels=["event_name"]
    )
    oldest = GaugeMetricFamily(
        "referral_analytics_oldest_unsent_seconds",
        "Age of the oldest entry not delivered yet.",
        labels=["event_name"],
    )
    for lag in lags():
        unsent.add_metric([lag.event_name], lag.entries)
        oldest.add_metric([lag.event_name], _age(lag.oldest))
    refused = GaugeMetricFamily("referral_analytics_refused", "Entries rejected by Analytics.")
    refused.add_metric([], AnalyticsRefusal.objects.count())
    return [unsent, oldest, refused]


def _age(since: datetime | None) -> float:
    return max((timezone.now() - since).total_seconds(), 0.0) if since else 0.0
