"""A database that is away: every endpoint says so with a time to come back, and none crashes."""

from collections.abc import Iterator

import pytest
import requests

from access.tokens import service_token, user_token
from tests.helpers.processes import ServiceProcesses, free_port
from tests.http_api.test_callers import ROWS

ID = "00000000-0000-7000-8000-000000000000"
OBJECTS = {
    "<uuid:link_id>": ID,
    "<uuid:campaign_id>": ID,
    "<uuid:reward_id>": ID,
    "<str:user_id>": "user-a",
    "<str:code>": "ABCDEFGH",
}
# Each call takes what it knows; all of it has the right shape.
BODY = {
    "code": "abcdefgh",
    "name": "A name",
    "campaign_type": "purchase",
    "campaign_code": "user_invite_default",
    "is_active": True,
    "reason": "a test",
}
ELSEWHERE = ("/ref/ABCDEFGH", "/admin/", "/admin/rewards/referralreward/")


@pytest.fixture(scope="module")
def url(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server whose database is at a port where nobody listens."""
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    web = ServiceProcesses(tmp_path_factory.mktemp("away"), {"DATABASE_URL": nowhere})
    try:
        web.start_web_alone()
        yield web.url
    finally:
        web.stop()


def assert_unavailable(answer: requests.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["error"]["code"] == "unavailable"
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("route", ROWS)
def test_every_route_is_unavailable_with_a_time_to_come_back(url: str, route: str) -> None:
    method, path = route.split(" ")
    for name, value in OBJECTS.items():
        path = path.replace(name, value)
    is_internal = path.startswith("internal")
    token = service_token("quest_service") if is_internal else user_token("user-a", role="admin")

    answer = requests.request(
        method,
        f"{url}/api/referral/v1/{path}",
        json=None if method == "GET" else BODY,
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )

    assert_unavailable(answer)


@pytest.mark.parametrize("path", ELSEWHERE)
def test_pages_are_unavailable_too(url: str, path: str) -> None:
    cookies = {"sessionid": "somebodys-session"}

    assert_unavailable(requests.get(url + path, cookies=cookies, timeout=10, allow_redirects=False))


def test_readiness_says_what_is_wrong_and_the_process_still_lives(url: str) -> None:
    ready = requests.get(f"{url}/healthz/ready", timeout=10)

    assert_unavailable(ready)
    assert ready.json()["checks"]["database"] == "the database does not answer"
    assert requests.get(f"{url}/healthz/live", timeout=10).status_code == 200
    assert requests.get(f"{url}/", timeout=10).status_code == 200
