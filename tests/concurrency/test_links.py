"""Links and clicks that are made at once: none twice, none beyond the limit."""

import pytest
from django.db import transaction

from kernel.errors import ValidationFailed
from referral import clicks, services
from referral.models import LinkClicks, ReferralLink
from referral.services import LINKS_PER_USER, default_links_ensure, link_create
from tests.helpers.races import Pause, all_at_once, cross, table_without

pytestmark = pytest.mark.usefixtures("committed_campaigns")

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def making(**payload):
    return lambda: link_create(
        owner_user_id="user-a", campaign_code="user_invite_default", deep_link_payload=payload
    )


def before_the_row():
    """When it has been found that there is no such link yet, and room for one more."""
    return Pause(services, "_link_with_free_code", before=True)


@pytest.fixture
def unlocked_links(monkeypatch):
    """For twins: one user's links are made at the same time."""
    monkeypatch.setattr("referral.services.lock_links", lambda user_id: None)


@pytest.fixture
def one_link_short(committed_campaigns):
    """A user with room for one more link."""
    for number in range(LINKS_PER_USER - 1):
        making(n=number)()


def test_the_same_link_at_once_is_one():
    first, second, waited = cross(making(), making(), before_the_row())

    assert waited
    assert (first[1], second[1]) == (True, False)
    assert first[0].id == second[0].id
    assert ReferralLink.objects.count() == 1


def test_twin_without_lock_and_constraint_the_same_link_is_made_twice(unlocked_links):
    with table_without("referral_referrallink", "link_once_per_campaign_and_payload"):
        cross(making(), making(), before_the_row())

        assert ReferralLink.objects.count() == 2


def test_first_calls_at_once_make_one_default_link():
    all_at_once([lambda: default_links_ensure(owner_user_id="user-a")] * 6)

    assert ReferralLink.objects.count() == 1


@pytest.mark.usefixtures("one_link_short")
def test_two_different_links_at_once_do_not_exceed_the_limit():
    first, second, waited = cross(making(n="x"), making(n="y"), before_the_row())

    assert waited
    assert first[1] is True
    assert isinstance(second, ValidationFailed)
    assert ReferralLink.objects.count() == LINKS_PER_USER


@pytest.mark.usefixtures("one_link_short", "unlocked_links")
def test_twin_without_the_lock_the_limit_is_exceeded():
    cross(making(n="x"), making(n="y"), before_the_row())

    assert ReferralLink.objects.count() == LINKS_PER_USER + 1


def clicking():
    with transaction.atomic():
        return clicks.click_count(link=ReferralLink.objects.get(), address="192.0.2.1", user_agent=FIREFOX)


def test_two_clicks_of_one_visitor_at_once_count_once():
    making()()
    link = ReferralLink.objects.get()
    clicks.click_count(link=link, address="192.0.2.9", user_agent=FIREFOX)

    first, second, waited = cross(clicking, clicking, Pause(clicks, "click_count"))

    assert waited
    assert (first, second) == (True, False)
    assert LinkClicks.objects.get().clicks == 2


def test_clicks_of_many_visitors_at_once_all_count():
    making()()
    link = ReferralLink.objects.get()

    def clicking_from(number):
        return lambda: clicks.click_count(link=link, address=f"192.0.2.{number}", user_agent=FIREFOX)

    assert all(all_at_once([clicking_from(number) for number in range(10)]))
    assert LinkClicks.objects.get().clicks == 10
