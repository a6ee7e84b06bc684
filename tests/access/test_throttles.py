"""Too many requests: who is counted by what, and what the one too many hears."""

from ipaddress import ip_network

import pytest
from django.test import Client

from access.rate_limits import Rate
from tests.helpers.api import Caller, anybody, service, user

pytestmark = pytest.mark.django_db

TWO = Rate(2, 3600)


def statuses(calls):
    return [call().status for call in calls]


def assert_throttled(answer):
    assert (answer.status, answer.code) == (429, "throttled")
    assert answer.body["error"]["message"]
    assert 0 < int(answer.headers["Retry-After"]) <= 7200


def test_a_service_is_counted_by_its_name(settings):
    settings.THROTTLE_SERVICE = TWO

    quest = [service("quest_service").get("/internal/users/a/upline") for _ in range(3)]

    assert [answer.status for answer in quest[:2]] == [200, 200]
    assert_throttled(quest[2])
    assert service("rielt_service").get("/internal/users/a/upline").status == 200


def test_a_user_is_counted_by_id_over_all_segments(settings):
    settings.THROTTLE_USER = TWO

    assert user("user-a").get("/my/stats").status == 200
    assert user("user-a", role="admin").get("/admin/campaigns").status == 200
    assert_throttled(user("user-a").get("/my/rewards"))
    assert user("user-b").get("/my/stats").status == 200


def test_a_signed_in_staff_member_is_counted(settings, django_user_model):
    settings.THROTTLE_USER = TWO
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("boss"))

    answers = [client.get("/api/referral/v1/admin/campaigns") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_anybody_is_counted_by_address_and_the_redirect_too(settings):
    settings.THROTTLE_ADDRESS = TWO

    assert anybody().post("/public/track-click/ABC").status == 200
    assert Client().get("/ref/ABC").status_code == 302
    assert_throttled(anybody().post("/public/track-click/ABC"))
    refused = Client().get("/ref/ABC")
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "throttled"
    assert int(refused.headers["Retry-After"]) > 0
    assert Client(REMOTE_ADDR="203.0.113.5").get("/ref/ABC").status_code == 302


def test_the_address_is_taken_from_a_configured_proxy_only(settings):
    settings.THROTTLE_ADDRESS = Rate(1, 3600)

    def click(forwarded, times=1):
        headers = {"X-Forwarded-For": forwarded}
        return [Client().get("/ref/ABC", headers=headers).status_code for _ in range(times)][-1]

    # Without a proxy of ours the header is only somebody's word.
    assert click("203.0.113.1") == 302
    assert click("203.0.113.2") == 429

    # Behind one, each client has a count of its own.
    settings.TRUSTED_PROXIES = (ip_network("127.0.0.0/8"),)
    assert click("203.0.113.3") == 302
    assert click("203.0.113.4") == 302
    assert click("203.0.113.99, 203.0.113.4") == 429


@pytest.mark.parametrize("path", ["/my/stats", "/internal/users/a/upline", "/admin/campaigns"])
def test_who_tries_wrong_tokens_is_stopped_and_a_right_one_is_still_let_in(settings, path):
    settings.THROTTLE_ADDRESS = TWO
    right = service("quest_service") if "internal" in path else user("user-a", role="admin")

    wrong = [Caller(f"wrong.token.{number}").get(path) for number in range(3)]

    assert [answer.status for answer in wrong[:2]] == [401, 401]
    assert_throttled(wrong[2])
    assert_throttled(anybody().get(path))
    assert right.get(path).status == 200


def test_nobody_is_counted_where_throttles_are_off(settings):
    assert settings.THROTTLE_USER is settings.THROTTLE_ADDRESS is settings.THROTTLE_SERVICE is None

    assert {anybody().post("/public/track-click/ABC").status for _ in range(200)} == {200}
