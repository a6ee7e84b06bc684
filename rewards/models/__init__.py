"""The tables of rewards, a module for each reason; everything is imported from here."""

from rewards.models.bulk_retry import BulkRetry, BulkRetryItem
from rewards.models.counters import ReferralStats, ReferredCounter, ReferrerDayCounter
from rewards.models.history import PayoutAttempt, RewardTransition
from rewards.models.imports import RelationImport, RelationImportLine
from rewards.models.probes import PeerProbe
from rewards.models.providers import AnalyticsRefusal, PeerCircuit
from rewards.models.reconciliation import ReconciliationFinding, ReconciliationRun
from rewards.models.rewards import ERROR_GROUP, SENT, SILENT_POLLS, WORKABLE, ReferralReward, RewardStatus
from rewards.models.rollups import DailyFigures, DailyFiguresCursor

__all__ = (
    "ERROR_GROUP",
    "SENT",
    "SILENT_POLLS",
    "WORKABLE",
    "AnalyticsRefusal",
    "BulkRetry",
    "BulkRetryItem",
    "DailyFigures",
    "DailyFiguresCursor",
    "PayoutAttempt",
    "PeerCircuit",
    "PeerProbe",
    "ReconciliationFinding",
    "ReconciliationRun",
    "ReferralReward",
    "ReferralStats",
    "ReferredCounter",
    "ReferrerDayCounter",
    "RelationImport",
    "RelationImportLine",
    "RewardStatus",
    "RewardTransition",
)
