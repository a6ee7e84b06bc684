"""The Dramatiq actors. A message only wakes: the rows in the database are the queue, so none is retried."""

import dramatiq

from rewards.notifier import ANALYTICS_QUEUE, PAYOUT_QUEUE
from rewards.outbox.delivery import send_unsent_now
from rewards.payouts.claim import due_currencies
from rewards.payouts.drain import pay_due_now
from rewards.provider_names import PEER_OF_CURRENCY


@dramatiq.actor(queue_name=PAYOUT_QUEUE, max_age=60_000)
def pay_due(peer: str) -> None:
    """Pay what is due at this peer (`points` or `tokens`)."""
    # A drain ends after a while although more may be due: the rest waits for its turn behind other messages.
    if pay_due_now(peer) and peer in {PEER_OF_CURRENCY[currency] for currency in due_currencies()}:
        pay_due.send(peer)


@dramatiq.actor(queue_name=ANALYTICS_QUEUE, max_age=60_000)
def send_analytics() -> None:
    """Send to Analytics what it has not got."""
    send_unsent_now()
