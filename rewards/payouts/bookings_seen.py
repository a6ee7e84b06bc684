"""Which bookings the provider's list has shown in one comparison, and which rewards it has not."""

from datetime import datetime
from typing import Any

from django.db import connection

from rewards.models import ReferralReward
from rewards.payouts.providers.bookings import Booking


class BookingsSeen:
    """The external ids on the peer's list, in a table of this connection: too many for the memory."""

    def __enter__(self) -> "BookingsSeen":
        self._execute("DROP TABLE IF EXISTS pg_temp.reconciliation_seen")
        self._execute(
            "CREATE TEMPORARY TABLE reconciliation_seen (external_id text PRIMARY KEY, transaction_id text)"
        )
        return self

    def __exit__(self, *failure: object) -> None:
        if failure[0] is None or not connection.in_atomic_block:
            self._execute("DROP TABLE IF EXISTS pg_temp.reconciliation_seen")

    def add(self, bookings: list[Booking]) -> dict[str, str]:
        """Remember them; returns by transaction those whose external id another transaction had booked."""
        external_ids = [booking.external_id for booking in bookings]
        transactions = [booking.transaction_id for booking in bookings]
        self._execute(
            "INSERT INTO reconciliation_seen SELECT * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING",
            [external_ids, transactions],
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM reconciliation_seen WHERE external_id = ANY(%s)", [external_ids])
            first = dict(cursor.fetchall())
        return {
            booking.transaction_id: first[booking.external_id]
            for booking in bookings
            if first[booking.external_id] != booking.transaction_id
        }

    @staticmethod
    def missing(completed_before: datetime, limit: int) -> list[ReferralReward]:
        """Points rewards that we call paid and that the list has not; one more than the limit at most."""
        return list(
            ReferralReward.objects.raw(
                """
                SELECT reward.* FROM rewards_referralreward reward
                WHERE reward.currency = 'points' AND reward.status = 'completed' AND reward.updated_at <= %s
                  AND NOT EXISTS (
                      SELECT FROM reconciliation_seen seen WHERE seen.external_id = reward.id::text
                  )
                ORDER BY reward.id LIMIT %s
                """,
                [completed_before, limit + 1],
            )
        )

    @staticmethod
    def _execute(sql: str, parameters: list[Any] | None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
