"""Counting requests in a sliding window: in this process, or in Redis for all processes together.

The window slides by weight: what was let in during the fixed window before counts for the part of it that
still lies within the sliding one. Refused requests do not count, so that waiting as long as `Retry-After`
says is always enough for one more.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

REDIS_TIMEOUT_SECONDS = 0.25
REDIS_AWAY_SECONDS = 5.0
# Beyond that many callers in one window the counting starts anew, rather than taking ever more memory.
MOST_KEYS = 200_000

# Reads, decides and counts in one step, by the clock of Redis, so that no two processes let in the same one.
SCRIPT = """
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local index = math.floor(now / window)
local elapsed = now - index * window
local kept = redis.call('HMGET', KEYS[1], 'index', 'current', 'previous')
local last, current, previous = tonumber(kept[1]), tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if last ~= index then
    previous = (last == index - 1) and current or 0
    current = 0
end
if current + previous * (1 - elapsed / window) + 1 > limit then
    return {0, current, previous, tostring(elapsed)}
end
redis.call('HSET', KEYS[1], 'index', index, 'current', current + 1, 'previous', previous)
redis.call('PEXPIRE', KEYS[1], window * 2000)
return {1}
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` requests in `seconds`."""

    limit: int
    seconds: int

    def wait(self, current: float, previous: float, elapsed: float) -> float:
        """Seconds until one more fits; counts of this and the last window, `elapsed` seconds into this."""
        if current + 1 > self.limit:
            return self.seconds - elapsed + self.seconds * (1 - (self.limit - 1) / current)
        return self.seconds * (1 - (self.limit - 1 - current) / previous) - elapsed


class LocalWindows:
    """The counts of this process. A check is two look-ups in dictionaries under a lock."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._index = 0
        self._current: dict[str, int] = {}
        self._previous: dict[str, int] = {}

    def hit(self, key: str) -> float:
        """Count one request; seconds to wait if it must not be let in, else 0."""
        seconds = self.rate.seconds
        with self._lock:
            index, elapsed = divmod(self._clock(), seconds)
            if index != self._index:
                self._turn(int(index))
            current, previous = self._current.get(key, 0), self._previous.get(key, 0)
            if current + previous * (1 - elapsed / seconds) + 1 > self.rate.limit:
                return self.rate.wait(current, previous, elapsed)
            if len(self._current) >= MOST_KEYS:
                self._current = {}
            self._current[key] = current + 1
            return 0.0

    def _turn(self, index: int) -> None:
        self._previous = self._current if index == self._index + 1 else {}
        self._current = {}
        self._index = index


class SharedWindows:
    """The counts of all processes, in Redis; while it is away, each process counts for itself."""

    def __init__(self, rate: Rate, url: str, name: str) -> None:
        self.rate = rate
        self._prefix = f"referral:throttle:{name}:{rate.limit}/{rate.seconds}:"
        self._local = LocalWindows(rate)
        self._lock = threading.Lock()
        self._ask_again_at = float("-inf")
        self._is_away = False
        client = redis.Redis.from_url(
            url,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            # A connection that died since the last request is replaced at once.
            retry=Retry(NoBackoff(), 1),
        )
        self._script = client.register_script(SCRIPT)

    def hit(self, key: str) -> float:
        """Count one request; seconds to wait if it must not be let in, else 0."""
        if not self._may_ask():
            return self._local.hit(key)
        try:
            answer = cast(
                list[Any], self._script(keys=[self._prefix + key], args=[self.rate.seconds, self.rate.limit])
            )
        except redis.RedisError as error:
            self._note_away(error)
            return self._local.hit(key)
        self._note_back()
        if answer[0]:
            return 0.0
        return self.rate.wait(answer[1], answer[2], float(answer[3]))

    def _may_ask(self) -> bool:
        """Whether to ask Redis; while it is away one request in REDIS_AWAY_SECONDS finds out."""
        if not self._is_away:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._ask_again_at:
                return False
            self._ask_again_at = now + REDIS_AWAY_SECONDS
            return True

    def _note_away(self, error: redis.RedisError) -> None:
        with self._lock:
            if not self._is_away:
                logger.warning(
                    "REDIS_URL does not answer (%s): each process counts its throttles for itself",
                    type(error).__name__,
                )
            self._is_away = True
            self._ask_again_at = time.monotonic() + REDIS_AWAY_SECONDS

    def _note_back(self) -> None:
        if self._is_away:
            logger.warning("REDIS_URL answers again: throttles are counted for all processes together")
            self._is_away = False
