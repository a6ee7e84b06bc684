"""The Dramatiq actor that pays. A message only wakes: the due rows are the queue, so none is retried."""

import dramatiq

from rewards.dispatch import pay_due_now

QUEUE = "payouts"


@dramatiq.actor(queue_name=QUEUE, max_age=60_000)
def pay_due(peer: str) -> None:
    """Pay what is due at this peer (`points` or `tokens`)."""
    pay_due_now(peer)
