"""`POST /public/track-click/{code}`: counted once a visitor, without bots, without keeping who came."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone

from referral.clicks import forget_keys, visitor_hash, visits_forget
from referral.models import LinkClicks, LinkVisit, ReferralLink, VisitorKey
from tests.helpers.api import Caller, anybody, change_campaign, link_of

pytestmark = pytest.mark.usefixtures("campaigns")

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
)


def click(code, agent=FIREFOX, address="192.0.2.1"):
    return anybody(address).post(f"/public/track-click/{code}", User_Agent=agent)


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


NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def at_hour(hours):
    """So many hours after noon of the first day."""
    return patch("django.utils.timezone.now", return_value=NOON + timedelta(hours=hours))


def click_at(code, *hours, **visitor):
    """Click so many hours after noon of the first day, with the hourly tidying before each click."""
    for hour in hours:
        with at_hour(hour):
            visits_forget()
            assert click(code, **visitor).body["valid"] is True


@pytest.mark.parametrize(
    ("hours", "counted"),
    [
        ((0, 11.9), 1),  # the same day
        ((0, 12, 23.9), 1),  # across midnight
        ((0, 24.1), 2),
        ((11.99, 12.01), 1),  # around midnight
        ((0, 23.9, 24.1), 2),  # a repeat does not begin the day anew
        ((0, 24.1, 36, 48), 2),
        ((0, 24.1, 48.2), 3),
        ((0, 47), 2),
        ((0, 24 * 7), 2),
    ],
)
def test_a_visitor_counts_again_after_24_hours_whatever_the_days(hours, counted):
    code = link_of("user-a")

    click_at(code, *hours)

    assert clicks() == counted


def test_clicks_are_kept_by_link_and_day():
    code, other = link_of("user-a"), link_of("user-b")
    click_at(code, 0, 25)
    click_at(code, 1, address="192.0.2.2")
    click_at(other, 2)

    rows = LinkClicks.objects.order_by("day", "link__owner_user_id")
    assert list(rows.values_list("link__owner_user_id", "day", "clicks")) == [
        ("user-a", NOON.date(), 2),
        ("user-b", NOON.date(), 1),
        ("user-a", NOON.date() + timedelta(days=1), 1),
    ]


def test_addresses_of_one_household_are_one_visitor():
    code = link_of("user-a")
    for address in ("2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.1"):
        click(code, address=address)

    assert clicks() == 3


# --- what is kept of visitors -------------------------------------------------------------------------


def test_every_day_has_a_key_of_its_own():
    code = link_of("user-a")
    click_at(code, 0, 25)

    first, second = VisitorKey.objects.filter(day__gte=NOON.date()).order_by("day")
    assert len(bytes(first.key)) == len(bytes(second.key)) == 32
    assert bytes(first.key) != bytes(second.key)
    link = ReferralLink.objects.get()
    assert visitor_hash(first.day, link, "192.0.2.1", FIREFOX) != visitor_hash(
        second.day, link, "192.0.2.1", FIREFOX
    )


def test_a_key_is_gone_when_the_next_day_is_over_and_so_are_its_hashes():
    code = link_of("user-a")
    click_at(code, 0)
    kept = set(LinkVisit.objects.values_list("visitor_hash", flat=True))

    def tidied_at(hours):
        with at_hour(hours):
            visits_forget()
        return VisitorKey.objects.filter(day=NOON.date()).exists(), LinkVisit.objects.exists()

    assert tidied_at(23.9) == (True, True)
    assert tidied_at(24.1) == (True, False)
    assert tidied_at(35.9) == (True, False)
    assert tidied_at(36.1) == (False, False)

    # and a key that is drawn for that day again is another one
    forget_keys()
    assert visitor_hash(NOON.date(), ReferralLink.objects.get(), "192.0.2.1", FIREFOX) not in kept


def test_links_of_one_visitor_cannot_be_told_to_be_of_one():
    for owner in ("user-a", "user-b"):
        click(link_of(owner))

    assert len(set(LinkVisit.objects.values_list("visitor_hash", flat=True))) == 2


def test_no_address_is_stored_in_the_clear():
    click(link_of("user-a"))

    with connection.cursor() as cursor:
        cursor.execute("SELECT referral_linkvisit::text FROM referral_linkvisit")
        (row,) = cursor.fetchone()
    assert "192.0.2.1" not in row
    assert "Firefox" not in row


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_click_is_only_posted(method):
    assert anybody().call(method, f"/public/track-click/{link_of('user-a')}").code == "method_not_allowed"


def test_whatever_a_browser_says_it_is_a_click_or_none():
    code = link_of("user-a")

    for agent in ("Mozilla/5.0 " + "x" * 100_000, "Mozilla/5.0 \xff\xfe Firefox/1", "Mozilla/5.0 код"):
        assert click(code, agent=agent).body["valid"] is True


def test_a_broken_token_does_not_keep_anybody_from_clicking():
    code = link_of("user-a")

    assert Caller("broken").post(f"/public/track-click/{code}", User_Agent=FIREFOX).body["valid"] is True
