"""`POST /public/track-click/{code}`: counted once a visitor, without bots, without keeping who came."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from referral.clicks import visitor_hash, visits_forget
from referral.models import LinkClicks, LinkVisit, ReferralLink
from tests.support.api import Caller, anybody, change_campaign, link_of

pytestmark = pytest.mark.usefixtures("campaigns")

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
)


def click(code, agent=FIREFOX, address="192.0.2.1"):
    caller = anybody()
    caller._client.defaults["REMOTE_ADDR"] = address
    return caller.post(f"/public/track-click/{code}", User_Agent=agent)


def clicks():
    return sum(LinkClicks.objects.values_list("clicks", flat=True))


@pytest.mark.parametrize("spell", [str.upper, str.lower])
def test_a_click_on_a_known_link_is_counted(spell):
    code = link_of("user-a")

    answer = click(spell(code))

    assert (answer.status, answer.body) == (
        200,
        {"code": code, "campaign_code": "user_invite_default", "valid": True},
    )
    assert clicks() == 1
    assert LinkClicks.objects.get().day == timezone.now().date()


@pytest.mark.parametrize("code", ["ZZZZZZZZ", "x", "код", "a b", "x" * 500, "%00", "';--"])
def test_an_unknown_code_is_an_answer(code):
    answer = click(code)

    assert answer.status == 200
    assert answer.body["valid"] is False
    assert set(answer.body) == {"code", "valid"}


def test_a_code_that_was_switched_off_is_not_valid():
    code = link_of("user-a")
    ReferralLink.objects.update(is_active=False)

    assert click(code).body == {"code": code, "valid": False}
    assert clicks() == 0


def test_a_link_of_a_paused_campaign_is_not_valid():
    code = link_of("user-a")
    change_campaign("user_invite_default", status="paused")

    assert click(code).body == {"code": code, "valid": False}


def test_a_visitor_counts_once_in_24_hours():
    code = link_of("user-a")

    for _ in range(3):
        assert click(code).body["valid"] is True

    assert clicks() == 1


def test_other_browsers_addresses_and_links_are_other_visitors():
    code = link_of("user-a")
    click(code)
    click(code, agent=SAFARI)
    click(code, address="192.0.2.2")
    click(link_of("user-x"))

    assert clicks() == 4


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "   ",
        "Googlebot/2.1 (+http://www.google.com/bot.html)",
        "curl/8.5.0",
        "facebookexternalhit/1.1",
        "TelegramBot (like TwitterBot)",
        "python-requests/2.34",
    ],
)
def test_machines_do_not_count(agent):
    assert click(link_of("user-a"), agent=agent).body["valid"] is True
    assert clicks() == 0


@pytest.mark.parametrize(("hours", "counted"), [(23, 1), (25, 2)])
def test_a_visitor_counts_again_after_24_hours(hours, counted):
    # given a visit moved into the past, under the hash that its visitor had on that day
    code = link_of("user-a")
    click(code)
    then = timezone.now() - timedelta(hours=hours)
    visitor = visitor_hash(then.date(), ReferralLink.objects.get(), "192.0.2.1", FIREFOX)
    LinkVisit.objects.update(seen_at=then, visitor_hash=visitor)

    # when
    click(code)

    # then
    assert clicks() == counted


def test_no_address_is_stored_in_the_clear():
    click(link_of("user-a"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT referral_linkvisit::text FROM referral_linkvisit")
        (row,) = cursor.fetchone()
    assert "192.0.2.1" not in row
    assert "Firefox" not in row


def test_visits_are_forgotten_after_two_days():
    click(link_of("user-a"))
    LinkVisit.objects.update(seen_at=timezone.now() - timedelta(hours=49))

    assert visits_forget() == 1
    assert not LinkVisit.objects.exists()
    assert clicks() == 1


def test_a_broken_token_does_not_keep_anybody_from_clicking():
    code = link_of("user-a")

    assert Caller("broken").post(f"/public/track-click/{code}", User_Agent=FIREFOX).body["valid"] is True
