"""Structured JSON logs, one line an entry, with the request id; never tokens or bodies."""

import re
from typing import Any

import structlog

from referral_project.observability.caller import add_caller

# The fields of an access line; other extras of the standard library's records are objects of theirs.
EXTRAS = ("method", "route", "path", "status", "milliseconds")
TOKEN = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*|(?<=Bearer )\S+")


def without_tokens(logger: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: whatever put a token into a text, it does not get into the log."""
    return {
        key: TOKEN.sub("[token]", value) if isinstance(value, str) else value for key, value in entry.items()
    }


def configure_logging(level: str) -> dict[str, Any]:
    """Django's LOGGING: every library's log line becomes JSON on standard error."""
    shared = [
        structlog.contextvars.merge_contextvars,
        add_caller,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=EXTRAS),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processor": structlog.processors.JSONRenderer(ensure_ascii=False),
                "foreign_pre_chain": [*shared, structlog.processors.format_exc_info, without_tokens],
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
