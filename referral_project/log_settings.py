"""Structured JSON logs, one line an entry, with the request id; never tokens or bodies."""

from typing import Any

import structlog


def configure_logging(level: str) -> dict[str, Any]:
    """Django's LOGGING: every library's log line becomes JSON on standard error."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
                "foreign_pre_chain": [*shared, structlog.processors.format_exc_info],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "WARNING"},
            "dramatiq": {"level": "WARNING"},
            "pika": {"level": "WARNING"},
            # A forbidden or unknown address is the caller's affair.
            "django.security.DisallowedHost": {"level": "CRITICAL"},
        },
    }
