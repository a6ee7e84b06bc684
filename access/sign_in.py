"""Signing in to the back-office: a pause after too many tries, counted in the database for all processes.

A try is counted before the password is looked at, so that tries at the same time cannot pass together. The
window begins with the first try and is not prolonged by those that are refused, so waiting always helps. One
address can lock an account only for itself until very many tries come from many addresses.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from access.addresses import address_group, client_address
from access.models import SignInTries

WINDOW = timedelta(minutes=15)
TRIES_OF_ACCOUNT_AT_ADDRESS = 5
TRIES_OF_ADDRESS = 20
TRIES_OF_ACCOUNT = 30

COUNT = """
INSERT INTO access_signintries AS kept (key, tries, since) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN kept.since > %(begin)s THEN kept.tries + 1 ELSE 1 END,
    since = CASE WHEN kept.since > %(begin)s THEN kept.since ELSE %(now)s END
RETURNING tries, since
"""


def tries_keys(name: str, meta: Mapping[str, Any]) -> dict[str, int]:
    """What a try of this name from this address counts for, and how many tries each may have."""
    address = address_group(client_address(meta))
    return {
        _key("both", name, address): TRIES_OF_ACCOUNT_AT_ADDRESS,
        _key("address", address): TRIES_OF_ADDRESS,
        _key("account", name): TRIES_OF_ACCOUNT,
    }


def _key(*parts: str) -> str:
    return salted_hmac("access.sign_in", "\0".join(parts), algorithm="sha256").hexdigest()


def tries_count(keys: dict[str, int]) -> timedelta | None:
    """Count one try; how long to wait if it is one too many for any of its keys."""
    now, waits = timezone.now(), []
    with connection.cursor() as cursor:
        # In one order everywhere, each its own transaction: nobody waits for two.
        for key, limit in keys.items():
            cursor.execute(COUNT, {"key": key, "now": now, "begin": now - WINDOW})
            tries, since = cursor.fetchone()
            if tries > limit:
                waits.append(since + WINDOW - now)
    return max(waits, default=None)


def tries_forget(keys: dict[str, int]) -> None:
    """Somebody got in: their wrong tries are forgotten; those of others at the address are not."""
    both, address, account = keys
    SignInTries.objects.filter(key__in=(both, account)).delete()
    SignInTries.objects.filter(key=address, tries__gt=0).update(tries=F("tries") - 1)


def tries_forget_old() -> int:
    """Delete what no longer counts; returns how many rows."""
    deleted, _ = SignInTries.objects.filter(since__lt=timezone.now() - WINDOW).delete()
    return deleted
