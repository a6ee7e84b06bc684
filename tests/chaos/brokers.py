"""Emptying the broker of the run, whichever it is."""

import os
from urllib.parse import urlsplit

import dramatiq
import psycopg

from rewards.notifier import PAYOUT_QUEUE


def empty_broker() -> None:
    """Throw away every message that has not been taken."""
    url = os.environ.get("DRAMATIQ_BROKER_URL", "")
    if not url:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=2) as connection:
            connection.execute("DELETE FROM dramatiq.queue")
    elif urlsplit(url).scheme.startswith("redis"):
        dramatiq.get_broker().flush(PAYOUT_QUEUE)
    else:
        _purge(url)


def _purge(url: str) -> None:
    import pika  # noqa: PLC0415 - only where RabbitMQ is the broker

    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        connection.channel().queue_purge(PAYOUT_QUEUE)
