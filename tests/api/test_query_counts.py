"""How often the hot endpoints ask the database; BEGIN and COMMIT are not counted, savepoints are."""

import pytest

from tests.support.api import become, buy, buy_quest, invite, link_of, now_text, register, service, user

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
