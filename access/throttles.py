"""Who may call how often: per user, per address, per service (docs/http-api.md, Throttles)."""

import math
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from access.addresses import address_group, client_address
from access.rate_limits import LocalWindows, Rate, SharedWindows
from kernel.errors import Throttled

# Two threads that come first together must count in the same windows.
_making = threading.Lock()


@lru_cache(maxsize=64)
def _windows(name: str, rate: Rate, redis_url: str) -> LocalWindows | SharedWindows:
    return SharedWindows(rate, redis_url, name) if redis_url else LocalWindows(rate)


def forget_counts() -> None:
    """Start counting anew, for tests."""
    _windows.cache_clear()


def _count(name: str, rate: Rate | None, key: str) -> None:
    if rate is None:
        return
    with _making:
        windows = _windows(name, rate, settings.REDIS_URL)
    wait = windows.hit(key)
    if wait > 0:
        raise Throttled(_("Too many requests. Wait a little and try again."), math.ceil(wait))


def count_service(name: str) -> None:
    """Count a request of a service. Raises Throttled."""
    _count("service", settings.THROTTLE_SERVICE, name)


def count_user(name: str) -> None:
    """Count a request of a signed-in user or staff member. Raises Throttled."""
    _count("user", settings.THROTTLE_USER, name)


def count_address(meta: Mapping[str, Any]) -> None:
    """Count a request of somebody whom only the address tells apart. Raises Throttled."""
    if settings.THROTTLE_ADDRESS is not None:
        _count("address", settings.THROTTLE_ADDRESS, address_group(client_address(meta)))


def count_failure(meta: Mapping[str, Any]) -> None:
    """Count a request without a valid token. Raises Throttled.

    A valid token is let in whatever others at the same address have tried, so that nobody can lock out a
    service by sending rubbish from its neighbourhood.
    """
    if settings.THROTTLE_ADDRESS is not None:
        _count("failure", settings.THROTTLE_ADDRESS, address_group(client_address(meta)))
