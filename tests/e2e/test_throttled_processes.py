"""Throttles of a server with several processes: one count for all of them in Redis."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
import requests

from access.tokens import user_token
from tests.conftest import REDIS_URL
from tests.helpers.processes import ServiceProcesses

LIMIT = 23


@pytest.mark.redis
def test_processes_together_let_in_the_limit_and_not_one_more(committed_db: None, tmp_path: Path) -> None:
    # given a server of two processes
    client = redis.Redis.from_url(REDIS_URL)
    client.delete(*client.keys("referral:throttle:user:*") or ["nothing"])
    settings = {"REDIS_URL": REDIS_URL, "THROTTLE_USER": f"{LIMIT}/hour"}
    web = ServiceProcesses(tmp_path, settings, web_workers=2)
    headers = {"Authorization": f"Bearer {user_token('busy')}"}

    # when many requests come at once, each on a connection of its own
    def ask(_: int) -> int:
        return requests.get(f"{web.url}/api/referral/v1/my/stats", headers=headers, timeout=30).status_code

    try:
        web.start_web_alone()
        with ThreadPoolExecutor(8) as threads:
            told = Counter(threads.map(ask, range(3 * LIMIT)))
    finally:
        web.stop()

    # then
    assert told == {200: LIMIT, 429: 2 * LIMIT}
