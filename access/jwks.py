"""The public keys of users' tokens, fetched from a JWKS address and kept.

The address is asked when a token names a key that is not known, and when what is known has become old; never
more often than every AT_MOST_EVERY_SECONDS, whatever tokens come. While it does not answer, the keys fetched
last stay good. One thread asks at a time, and the others do not wait for it, so that a slow host cannot
occupy the web server; only the very first keys are waited for.
"""

import logging
import threading
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt
import orjson
import requests
import urllib3
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.utils.translation import gettext_lazy as _

from kernel.errors import Unavailable

logger = logging.getLogger(__name__)

AT_MOST_EVERY_SECONDS = 10.0
OLD_AFTER_SECONDS = 600.0
TIMEOUT_SECONDS = 3.0
SIZE_LIMIT_BYTES = 256 * 1024
CHUNK_BYTES = 16 * 1024
RSA_BITS = 2048

# By algorithm: the kind of key, and the members of its public part.
KINDS = {"RS256": ("RSA", ("kty", "n", "e")), "ES256": ("EC", ("kty", "crv", "x", "y"))}

# (the key's id, the key)
Keys = tuple[tuple[str | None, jwt.PyJWK], ...]


class _Refused(Exception):
    """The address has answered something that is no key set."""


class KeySet:
    """The keys at one address that may sign with one algorithm."""

    def __init__(self, url: str, algorithm: str) -> None:
        self._url = url
        self._algorithm = algorithm
        self._asking = threading.Lock()
        self._keys: Keys = ()
        self._asked_at: float | None = None
        self._failed = False

    def keys_for(self, key_id: str | None) -> list[jwt.PyJWK]:
        """The keys with this id; all of them for a token that names none.

        Raises Unavailable when a key is unknown and the address cannot be asked right now: the token may be
        good, and its bearer should come again.
        """
        found = self._known(key_id)
        if found:
            self._renew_in_background()
            return found
        if self._may_ask():
            self._ask_or_give_way()
            found = self._known(key_id)
        if not found and self._failed:
            raise Unavailable(_("The keys of users' tokens cannot be fetched right now. Try again."))
        return found

    def _known(self, key_id: str | None) -> list[jwt.PyJWK]:
        return [key for name, key in self._keys if key_id in (None, name)]

    def _may_ask(self) -> bool:
        return self._asked_at is None or time.monotonic() - self._asked_at >= AT_MOST_EVERY_SECONDS

    def _renew_in_background(self) -> None:
        pause = AT_MOST_EVERY_SECONDS if self._failed else OLD_AFTER_SECONDS
        if self._asked_at is None or time.monotonic() - self._asked_at < pause:
            return
        if self._asking.acquire(blocking=False):
            threading.Thread(target=self._ask, name="jwks", daemon=True).start()

    def _ask_or_give_way(self) -> None:
        """Ask, unless another thread does; only the first keys of a process are waited for."""
        is_first = self._asked_at is None
        if not self._asking.acquire(timeout=TIMEOUT_SECONDS if is_first else 0):
            raise Unavailable(_("The keys of users' tokens are being fetched. Try again."))
        if self._may_ask():
            self._ask()
        else:
            self._asking.release()

    def _ask(self) -> None:
        """Fetch the keys, with the lock held, and let it go."""
        try:
            self._keys = usable_keys(_fetched(self._url), self._algorithm)
            self._failed = False
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, _Refused) as error:
            self._failed = True
            logger.warning("USER_JWT_JWKS_URL: no keys fetched, the known ones stay: %s", _reason(error))
        finally:
            self._asked_at = time.monotonic()
            self._asking.release()


def usable_keys(data: Mapping[str, Any], algorithm: str) -> Keys:
    """Those keys of a set that may verify signatures of the algorithm. Raises _Refused if there are none."""
    entries = data.get("keys")
    if not isinstance(entries, list):
        raise _Refused("it has no list of keys")
    found = tuple(
        (entry.get("kid"), key)
        for entry in entries
        if isinstance(entry, dict) and (key := _usable(entry, algorithm))
    )
    if not found:
        raise _Refused(f"it has no key for {algorithm}")
    return found


def _usable(entry: dict[str, Any], algorithm: str) -> jwt.PyJWK | None:
    kind, members = KINDS[algorithm]
    if entry.get("kty") != kind or entry.get("use", "sig") != "sig":
        return None
    operations = entry.get("key_ops", ["verify"])
    if entry.get("alg", algorithm) != algorithm or "verify" not in operations:
        return None
    try:
        key = jwt.PyJWK({name: entry[name] for name in members}, algorithm)
    except (jwt.PyJWTError, KeyError, ValueError, TypeError):
        return None
    is_short = isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_BITS
    return None if is_short else key


def _fetched(url: str) -> dict[str, Any]:
    """The JSON object at an address, within the limits of time and size."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    body = b""
    with requests.get(
        url, headers=headers, timeout=TIMEOUT_SECONDS, stream=True, allow_redirects=False
    ) as answer:
        if answer.status_code != requests.codes.ok:
            raise _Refused(f"it answers {answer.status_code}")
        # Each read returns what has come, so that a host that drips cannot outlast the deadline by much.
        while chunk := answer.raw.read1(CHUNK_BYTES):
            body += chunk
            if len(body) > SIZE_LIMIT_BYTES:
                raise _Refused(f"it is over {SIZE_LIMIT_BYTES} bytes")
            if time.monotonic() > deadline:
                raise _Refused(f"it took more than {TIMEOUT_SECONDS:g} seconds")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        data = None
    if not isinstance(data, dict):
        raise _Refused("it is no JSON object")
    return data


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, _Refused) else f"it does not answer ({type(error).__name__})"


_making = threading.Lock()
_made = lru_cache(maxsize=8)(KeySet)


def key_set(url: str, algorithm: str) -> KeySet:
    """The one key set of this process at an address, also for threads that come first together."""
    with _making:
        return _made(url, algorithm)


def forget_keys() -> None:
    """Fetch keys anew, for tests."""
    _made.cache_clear()
