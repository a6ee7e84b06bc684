"""`/my/referrals`: a user's tree on two levels, and what each person of it brought."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import ReferralCampaign
from referral.models import ReferralRelation
from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from tests.factories import CampaignFactory, RelationFactory
from tests.helpers.api import admin, anybody, become, buy_quest, change_rules, invite, link_of, service, user

pytestmark = pytest.mark.usefixtures("campaigns")

START = datetime(2025, 3, 1, tzinfo=UTC)


def my_referrals(user_id="user-a", **query):
    answer = user(user_id).get("/my/referrals", **query)
    assert answer.status == 200, answer.body
    return answer.body


def people(user_id="user-a", **query):
    return [(item["user_id"], item["level"]) for item in my_referrals(user_id, **query)["items"]]


@pytest.fixture
def tree(campaigns):
    """A invited B and C; B invited D, D invited E; X invited Y; nobody has bought anything."""
    for referrer, referred in ("ab", "ac", "bd", "de", "xy"):
        invite(f"user-{referrer}", f"user-{referred}")


def relations(number, referrer="user-a", *, minutes=1, prefix="friend", **fields):
    """Relations registered one after another, without their events."""
    campaign = fields.pop("campaign", None) or ReferralCampaign.objects.get(code="user_invite_default")
    return [
        RelationFactory(
            campaign=campaign,
            referrer_user_id=referrer,
            referred_user_id=f"{prefix}-{index}",
            registered_at=START + timedelta(minutes=minutes * index),
            **fields,
        )
        for index in range(number)
    ]


@pytest.mark.usefixtures("tree")
def test_the_tree_has_two_levels_newest_first():
    body = my_referrals()

    assert [(item["user_id"], item["level"], item["via_user_id"]) for item in body["items"]] == [
        ("user-d", 2, "user-b"),
        ("user-c", 1, None),
        ("user-b", 1, None),
    ]
    assert (body["page"], body["page_size"], body["total"], body["next_cursor"]) == (1, 20, 3, None)
    for item in body["items"]:
        relation = ReferralRelation.objects.get(referred_user_id=item["user_id"])
        assert datetime.fromisoformat(item["registered_at"]) == relation.registered_at
        assert set(item) == {"user_id", "level", "via_user_id", "registered_at", "events", "points_earned"}


@pytest.mark.usefixtures("tree")
def test_one_level_can_be_asked_for():
    assert people(level=1) == [("user-c", 1), ("user-b", 1)]
    assert people(level=2) == [("user-d", 2)]
    assert (my_referrals(level=1)["total"], my_referrals(level=2)["total"]) == (2, 1)


@pytest.mark.usefixtures("tree")
def test_everybody_sees_their_own_tree_only():
    assert people("user-b") == [("user-e", 2), ("user-d", 1)]
    assert people("user-x") == [("user-y", 1)]
    assert people("user-e") == people("user-nobody") == []


def test_events_count_and_points_are_what_was_paid_for_this_person(sandbox):
    # given B bought twice, C once, and D, whom B invited, once
    for referrer, referred in ("ab", "ac", "bd"):
        invite(f"user-{referrer}", f"user-{referred}")
    for buyer in "bbcd":
        buy_quest(f"user-{buyer}")
    become("user-a", "vip")
    assert [item["points_earned"] for item in my_referrals()["items"]] == [0, 0, 0]

    # when
    pay_due_now("points")

    # then each has also registered: 100 points at level 1, 50 at level 2
    found = {item["user_id"]: (item["events"], item["points_earned"]) for item in my_referrals()["items"]}
    assert found == {"user-b": (3, 120), "user-c": (2, 110), "user-d": (2, 55)}
    stats = user("user-a").get("/my/stats").body["campaigns"]
    assert sum(row["total_points_earned"] for row in stats) == 120 + 110 + 55


def test_an_event_whose_rewards_are_all_cancelled_does_not_count():
    invite("user-a", "user-b")
    buy_quest("user-b")
    for reward in ReferralReward.objects.filter(referral_event__event_type="quest_purchased"):
        admin().post(f"/admin/rewards/{reward.id}/cancel", {"reason": "fraud"})

    (item,) = my_referrals()["items"]
    assert item["events"] == 1


def test_an_event_that_earned_nothing_does_not_count():
    change_rules(
        "quest_purchase_default",
        {"levels": {"level1": {"points_per_purchase": 10}}, "limits": {"max_events_per_referred": 1}},
    )
    invite("user-a", "user-b")
    buy_quest("user-b")
    assert buy_quest("user-b").body["reason"] == "limit_reached"

    assert my_referrals()["items"][0]["events"] == 2


def test_an_event_for_which_somebody_else_was_named_is_not_ones_own(sandbox):
    # given B, invited by A, bought through a code of X in a campaign of its own
    invite("user-a", "user-b")
    buy_quest("user-b", referral_code=link_of("user-x", "quest_purchase_default"))
    pay_due_now("points")

    ((mine,), (theirs,)) = my_referrals()["items"], my_referrals("user-x")["items"]
    assert (mine["events"], mine["points_earned"]) == (1, 100)
    assert (theirs["user_id"], theirs["events"], theirs["points_earned"]) == ("user-b", 1, 10)


def test_a_person_related_in_several_campaigns_is_one_branch():
    # given A invited B, and later B used A's code for a purchase
    invite("user-a", "user-b")
    registered_at = my_referrals()["items"][0]["registered_at"]
    RelationFactory(campaign=CampaignFactory(), referrer_user_id="user-a", referred_user_id="user-b")
    RelationFactory(
        campaign=CampaignFactory(),
        referrer_user_id="user-a",
        referred_user_id="user-b",
        registered_at=datetime.fromisoformat(registered_at) + timedelta(days=1),
    )

    # then the earliest relation tells since when
    (item,) = my_referrals()["items"]
    assert item["registered_at"] == "2025-01-01T00:00:00Z"
    assert my_referrals(page_size=1, page=2)["items"] == []
    assert my_referrals(page_size=1, page=2)["total"] == 1


def test_a_person_below_two_friends_is_a_branch_of_each():
    for via in "bc":
        relations(1, prefix=f"user-{via}", campaign=CampaignFactory())
        relations(1, f"user-{via}-0", prefix="user-d", campaign=CampaignFactory(), minutes=0)

    vias = {item["via_user_id"] for item in my_referrals(level=2)["items"]}

    assert vias == {"user-b-0", "user-c-0"}
    assert my_referrals(level=2)["total"] == 2


# --- pages ------------------------------------------------------------------------------------------


def big_tree():
    """12 friends, of whom two have 5 and 3; registered at the same few moments, so that ids must decide."""
    campaign = CampaignFactory(campaign_type="user_invite", reward_rules=INVITE_RULES)
    relations(12, campaign=campaign, minutes=0)
    relations(5, "friend-3", prefix="below", campaign=campaign)
    relations(3, "friend-7", prefix="under", campaign=campaign, minutes=0)


INVITE_RULES = {"levels": {"level1": {"points_per_registration": 1}}}


@pytest.mark.parametrize("level", [{}, {"level": 1}, {"level": 2}], ids=["both", "one", "two"])
@pytest.mark.parametrize("page_size", [1, 3, 4, 20, 100])
def test_pages_and_cursors_show_everybody_once(page_size, level):
    big_tree()
    every = people(page_size=100, **level)
    total = len(every)
    assert len(set(every)) == total == {"": 20, "1": 12, "2": 8}[str(level.get("level", ""))]

    # by pages
    paged = []
    for page in range(1, -(-total // page_size) + 1):
        body = my_referrals(page=page, page_size=page_size, **level)
        assert (body["page"], body["total"]) == (page, total)
        paged += [(item["user_id"], item["level"]) for item in body["items"]]

    # by cursors
    followed, cursor, calls = [], None, 0
    while cursor or not calls:
        body = my_referrals(page_size=page_size, **({"cursor": cursor} if cursor else {}), **level)
        assert body["total"] == total
        followed += [(item["user_id"], item["level"]) for item in body["items"]]
        cursor, calls = body["next_cursor"], calls + 1

    assert paged == followed == every
    assert calls == -(-total // page_size)


def test_a_cursor_is_not_disturbed_by_new_friends():
    relations(4)
    first = my_referrals(page_size=2)

    invite("user-a", "user-new")

    rest = my_referrals(page_size=2, cursor=first["next_cursor"])
    shown = [item["user_id"] for item in first["items"] + rest["items"]]
    assert shown == ["friend-3", "friend-2", "friend-1", "friend-0"]
    assert (rest["total"], rest["next_cursor"]) == (5, None)


def test_a_page_behind_the_end_is_empty():
    relations(3)

    body = my_referrals(page=2)

    assert (body["items"], body["total"], body["next_cursor"]) == ([], 3, None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(({"level": value}, "level") for value in ("3", "0", "one", "1,2", "-1", "١", "1\x00")),
        *(({"page": value}, "page") for value in ("0", "-1", "x", "1.5", "", "99999999999")),
        *(({"page_size": value}, "page_size") for value in ("0", "101", "1000", "x", "-5", "²")),
        *(({"cursor": value}, "cursor") for value in ("x", "1", "' OR 1=1", "\x00", "🙂")),
        ({"cursor": "00000000-0000-7000-8000-000000000000"}, "cursor"),
    ],
)
def test_a_bad_parameter_is_named(query, field):
    answer = user("user-a").get("/my/referrals", **query)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [field]


@pytest.mark.parametrize("caller", [anybody(), service("user_service")], ids=["nobody", "a service"])
def test_only_users_have_a_tree(caller):
    assert caller.get("/my/referrals").status == 401
