"""Which broker carries the wakes. Messages only wake workers: the due rows are the queue."""

from typing import Any
from urllib.parse import urlsplit

from referral_project import environment

MIDDLEWARE = [
    "dramatiq.middleware.AgeLimit",
    "dramatiq.middleware.ShutdownNotifications",
    "django_dramatiq.middleware.DbConnectionsMiddleware",
    "rewards.graceful_shutdown.StopOnShutdown",
    "referral_project.observability.worker.MessageMetrics",
]


def broker_settings(broker_url: str, database_url: str) -> dict[str, Any]:
    """DRAMATIQ_BROKER for Redis, RabbitMQ or, without a URL, PostgreSQL itself."""
    scheme = urlsplit(broker_url).scheme
    if not broker_url:
        return {
            "BROKER": "referral_project.broker.WakeBroker",
            "OPTIONS": {"url": database_url, "results": False, "heartbeat_ttl": 60.0},
            "MIDDLEWARE": MIDDLEWARE,
        }
    if scheme in ("redis", "rediss"):
        return {
            "BROKER": "dramatiq.brokers.redis.RedisBroker",
            "OPTIONS": {"url": broker_url, "socket_timeout": 5, "socket_connect_timeout": 2},
            "MIDDLEWARE": MIDDLEWARE,
        }
    if scheme in ("amqp", "amqps"):
        return {
            "BROKER": "dramatiq.brokers.rabbitmq.RabbitmqBroker",
            "OPTIONS": {"url": broker_url},
            "MIDDLEWARE": MIDDLEWARE,
        }
    return environment.refuse("DRAMATIQ_BROKER_URL", f"must begin with redis:// or amqp://, not {scheme}://.")
