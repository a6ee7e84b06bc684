"""Answers "ready" when the database answers, as the real service does."""

import os
from collections.abc import Callable, Iterable

import psycopg


def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
    try:
        psycopg.connect(os.environ["DATABASE_URL"], connect_timeout=2).close()
    except psycopg.OperationalError:
        start_response("503 Service Unavailable", [])
        return [b"no database"]
    start_response("200 OK", [])
    return [b"ready"]
