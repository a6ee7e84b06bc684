"""Keyed hashes of plain data, such as the fingerprints of events."""

import hashlib
import secrets
from decimal import Context, Decimal
from typing import Any

import orjson
from django.db import connection

from referral.models import InstallationKey

FINGERPRINT = "fingerprint"
KEY_BYTES = 32
# More digits than a body can hold in one number: nothing is rounded before it is compared.
_EVERY_DIGIT = Context(prec=10_000)

_keys: dict[str, bytes] = {}


def installation_key(name: str) -> bytes:
    """The random key of this installation with this name, made on first use."""
    if name not in _keys:
        row, created = InstallationKey.objects.get_or_create(name=name, defaults={"key": _random_key()})
        key = bytes(row.key)
        if created and connection.in_atomic_block:
            # It may yet be rolled back; remember it when it is read again.
            return key
        _keys[name] = key
    return _keys[name]


def _random_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def forget_keys() -> None:
    """Read the keys again, for tests that empty the database."""
    _keys.clear()


def keyed_hash(key_name: str, *parts: Any) -> str:
    """A keyed hash of plain data: the same for equal content, whatever its spelling (500 = 500.0)."""
    text = orjson.dumps(canonical(parts), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, key=installation_key(key_name), digest_size=32).hexdigest()


def canonical(value: Any) -> Any:
    """Plain data in one spelling: numbers by value, distinct from texts and lists that look alike."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | Decimal):
        return ["number", str(Decimal(value).normalize(_EVERY_DIGIT) if value else 0)]
    if isinstance(value, dict):
        return {key: canonical(inner) for key, inner in value.items()}
    return ["list", *(canonical(inner) for inner in value)]
