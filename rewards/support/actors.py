"""The Dramatiq actors of what people order; a message only wakes, as in `rewards.actors`."""

import dramatiq

from rewards.notifier import SUPPORT_QUEUE, wake_bulk_retries
from rewards.support.providers.probes import peers_ask
from rewards.support.review.bulk_retry import bulk_retries_due, bulk_retries_run


@dramatiq.actor(queue_name=SUPPORT_QUEUE, max_age=60_000)
def retry_in_bulk() -> None:
    """Carry on one bulk retry for a while."""
    bulk_retries_run()
    if bulk_retries_due():
        wake_bulk_retries()


@dramatiq.actor(queue_name=SUPPORT_QUEUE, max_age=60_000)
def ask_peers() -> None:
    """Ask the peers that somebody wants to hear from."""
    peers_ask()
