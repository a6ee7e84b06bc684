"""`GET /internal/users/{id}/upline`: whom the other services name."""

from urllib.parse import quote

import pytest

from referral.models import ReferralRelation
from tests.factories import CampaignFactory, RelationFactory
from tests.helpers.api import invite, service

pytestmark = pytest.mark.usefixtures("campaigns")


def upline(user_id):
    return service("voucher_service").get(f"/internal/users/{quote(user_id, safe='')}/upline")


def test_two_levels_are_told_and_a_third_is_not():
    for referrer, referred in (("user-a", "user-b"), ("user-b", "user-c"), ("user-c", "user-d")):
        invite(referrer, referred)

    assert upline("user-d").body == {"user_id": "user-d", "level1": "user-c", "level2": "user-b"}
    assert upline("user-b").body == {"user_id": "user-b", "level1": "user-a", "level2": None}
    assert upline("user-a").body == {"user_id": "user-a", "level1": None, "level2": None}


def test_an_unknown_user_has_nobody_above():
    assert upline("user-z").body == {"user_id": "user-z", "level1": None, "level2": None}


def test_only_invitations_count():
    RelationFactory(campaign=CampaignFactory(), referrer_user_id="user-q", referred_user_id="user-b")

    assert upline("user-b").body["level1"] is None
    assert ReferralRelation.objects.count() == 1


@pytest.mark.parametrize("user_id", ["user@example.org", "u+1", "a:b;c", "%", "x" * 64])
def test_ids_are_opaque(user_id):
    assert upline(user_id).body["user_id"] == user_id


@pytest.mark.parametrize("user_id", ["user b", "x" * 65, "пользователь", "\x00", "a\n"])
def test_what_cannot_be_an_id_is_refused(user_id):
    answer = upline(user_id)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == ["user_id"]
