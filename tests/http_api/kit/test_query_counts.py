"""How often the hot endpoints ask the database; BEGIN and COMMIT are not counted, savepoints are."""

from datetime import date

import pytest
from django.test import Client

from campaigns.models import ReferralCampaign
from referral.clicks import forget_keys
from referral.models import LinkClicks
from tests.factories import LinkFactory, RelationFactory
from tests.helpers.api import (
    admin,
    anybody,
    become,
    buy,
    buy_quest,
    invite,
    link_of,
    now_text,
    register,
    service,
    user,
)

pytestmark = pytest.mark.usefixtures("campaigns")


@pytest.fixture(autouse=True)
def _warm_caches(monkeypatch):
    """However slow the machine, what was read once stays cached while queries are counted."""
    monkeypatch.setattr("campaigns.catalog.CACHE_SECONDS", 3600.0)
    monkeypatch.setattr("access.grants.CACHE_SECONDS", 3600.0)


@pytest.fixture
def chain(campaigns):
    """A invited B, B invited C; B, C and the quest campaign are known to the process."""
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    buy_quest("user-c")
    buy("voucher_premium_purchased", "user-c")


@pytest.mark.usefixtures("chain")
def test_an_event_is_opened_and_written_in_two_queries(django_assert_max_num_queries):
    # Two, and the savepoint of the test's own transaction around them.
    with django_assert_max_num_queries(4):
        assert len(buy_quest("user-c").body["rewards"]) == 2


@pytest.mark.usefixtures("chain")
def test_an_event_with_an_id_costs_no_more(django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        assert len(buy_quest("user-c", external_event_id="e-1").body["rewards"]) == 2


@pytest.mark.usefixtures("chain")
def test_a_repeated_event_costs_one_query_more(django_assert_max_num_queries):
    moment = now_text()
    buy_quest("user-c", external_event_id="e-1", occurred_at=moment)

    with django_assert_max_num_queries(5):
        assert buy_quest("user-c", external_event_id="e-1", occurred_at=moment).body["duplicate"]


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("count", [2, 50])
def test_many_events_cost_as_many_queries_as_one(django_assert_max_num_queries, count):
    items = [
        {
            "event_type": "quest_purchased",
            "referred_user_id": f"user-{number % 7}",
            "referrer_user_id": "user-b",
            "occurred_at": now_text(),
            "external_event_id": f"bulk-{number}",
        }
        for number in range(count)
    ]

    # The fifth asks whether a campaign has changed, because the events name none.
    with django_assert_max_num_queries(5):
        answer = service("quest_service").post("/internal/events/bulk", {"items": items})
    assert answer.body["accepted"] == count


@pytest.mark.usefixtures("chain")
def test_a_registration(django_assert_max_num_queries):
    code = link_of("user-c")

    with django_assert_max_num_queries(11):
        assert register("user-d", code).body["success"] is True


@pytest.mark.usefixtures("chain")
def test_an_upline(django_assert_max_num_queries):
    caller = service("quest_service")
    caller.get("/internal/users/user-c/upline")

    with django_assert_max_num_queries(2):
        assert caller.get("/internal/users/user-c/upline").body["level2"] == "user-a"


@pytest.mark.usefixtures("chain")
def test_a_role(django_assert_max_num_queries):
    with django_assert_max_num_queries(12):
        assert become("user-a", "vip").body["unlocked_rewards_count"] == 4


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("more", [0, 10])
def test_stats_cost_the_same_for_much_and_little(django_assert_max_num_queries, more):
    for number in range(more):
        invite("user-a", f"friend-{number}")
        buy("rielt_booking_made", f"friend-{number}", amount_base=100)

    with django_assert_max_num_queries(6):
        assert len(user("user-a").get("/my/stats").body["campaigns"]) >= 3


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("more", [0, 10])
def test_rewards_cost_the_same_for_much_and_little(django_assert_max_num_queries, more):
    for number in range(more):
        invite("user-a", f"friend-{number}")

    with django_assert_max_num_queries(2):
        assert user("user-a").get("/my/rewards").body["total"] == 5 + more


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("more", [0, 30])
def test_links_cost_the_same_for_much_and_little(django_assert_max_num_queries, more):
    caller = user("user-a")
    for link in LinkFactory.create_batch(
        more, owner_user_id="user-a", campaign=ReferralCampaign.objects.first()
    ):
        LinkClicks.objects.create(link=link, day=date(2025, 1, 1), clicks=2)

    # Which default links are missing, and the links with their counts.
    with django_assert_max_num_queries(2):
        body = caller.get("/my/links").body
    assert (body["total"], sum(item["clicks"] for item in body["items"])) == (1 + more, 2 * more)
    assert sum(item["registrations"] for item in body["items"]) == 1


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("more", [0, 30])
def test_a_tree_costs_the_same_for_much_and_little(django_assert_max_num_queries, more):
    campaign = ReferralCampaign.objects.first()
    for referrer in ("user-a", "user-b"):
        RelationFactory.create_batch(more, referrer_user_id=referrer, campaign=campaign)

    # The page, and the count when the page does not tell it.
    with django_assert_max_num_queries(2):
        body = user("user-a").get("/my/referrals").body
    assert body["total"] == 2 + 2 * more


@pytest.mark.usefixtures("chain")
def test_a_claim(django_assert_max_num_queries):
    register("user-d", None)
    code = link_of("user-c")

    # The first asks the database for the time, by which the registration is dated.
    with django_assert_max_num_queries(12):
        assert user("user-d").post("/my/claim", {"code": code}).body["success"] is True


def test_a_click(django_assert_max_num_queries):
    code = link_of("user-a")
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    anybody().post(f"/public/track-click/{code}", User_Agent=agent + " first of the day")
    forget_keys()
    anybody().post(f"/public/track-click/{code}", User_Agent=agent + " and another")

    # The link, whether the visitor came yesterday, and the count; a machine costs the link alone.
    with django_assert_max_num_queries(3):
        anybody().post(f"/public/track-click/{code}", User_Agent=agent)
    with django_assert_max_num_queries(1):
        anybody().post(f"/public/track-click/{code}", User_Agent="Googlebot/2.1")


def test_a_redirect_and_a_picture(django_assert_max_num_queries):
    link = user("user-a").get("/my/links").body["items"][0]

    with django_assert_max_num_queries(1):
        assert Client().get(f"/ref/{link['code']}").status_code == 302
    with django_assert_max_num_queries(1):
        assert user("user-a").get(f"/my/links/{link['id']}/qr.svg").status == 200


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/admin/campaigns", 1),
        ("/admin/rewards", 2),
        ("/admin/reports/users", 1),
        ("/admin/reports/campaigns", 2),
    ],
)
@pytest.mark.parametrize("more", [0, 10])
def test_lists_of_administrators_cost_the_same_for_much_and_little(
    django_assert_max_num_queries, path, queries, more
):
    for number in range(more):
        invite(f"user-{number % 3}", f"friend-{number}")

    with django_assert_max_num_queries(queries):
        assert admin().get(path).body["items"]
