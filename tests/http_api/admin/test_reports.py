"""`GET /admin/reports/users`: who has brought how much in a period."""

import pytest

from campaigns.models import ReferralCampaign
from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from tests.helpers.api import admin, buy_quest, invite, link_of, register

pytestmark = pytest.mark.usefixtures("campaigns")

JANUARY, FEBRUARY = "2025-01-10T12:00:00Z", "2025-02-10T12:00:00Z"


def report(**query):
    answer = admin().get("/admin/reports/users", **query)
    assert answer.status == 200, answer.body
    return answer.body


def rows(**query):
    return {
        row["user_id"]: (row["total_referred_users"], row["total_events"], row["total_points_earned"])
        for row in report(**query)["items"]
    }


@pytest.fixture
def history(campaigns, sandbox):
    """A invited B in January and C in February; B bought in both months; everything is paid."""
    code = link_of("user-a")
    register("user-b", code, registered_at=JANUARY)
    register("user-c", code, registered_at=FEBRUARY)
    for moment in (JANUARY, FEBRUARY):
        buy_quest("user-b", occurred_at=moment)
    pay_due_now("points")
    assert set(ReferralReward.objects.values_list("status", flat=True)) == {"completed"}


@pytest.mark.usefixtures("history")
def test_the_report_tells_referred_users_events_and_what_was_paid():
    body = report()

    assert body["items"] == [
        {
            "user_id": "user-a",
            "total_referred_users": 2,
            "total_events": 4,
            "total_points_earned": 220,
            "total_g2a_earned": "0.000000000",
        },
        *(
            {
                "user_id": user_id,
                "total_referred_users": 0,
                "total_events": 0,
                "total_points_earned": 20,
                "total_g2a_earned": "0.000000000",
            }
            for user_id in ("user-b", "user-c")
        ),
    ]
    assert (body["page"], body["page_size"], body["total"]) == (1, 20, 3)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "2025-02-01T00:00:00Z"}, (1, 2, 110)),
        ({"to": "2025-02-01T00:00:00Z"}, (1, 2, 110)),
        ({"from": "2025-01-01", "to": "2025-03-01"}, (2, 4, 220)),
        ({"from": JANUARY, "to": FEBRUARY}, (1, 2, 110)),
        ({"from": "2025-01-10T15:00:00+03:00", "to": "2025-01-10T15:00:01+03:00"}, (1, 2, 110)),
        ({"from": "2025-01-10T12:00:00.000001Z"}, (1, 2, 110)),
        ({"from": "2026-01-01"}, None),
    ],
)
def test_a_period_begins_with_from_and_ends_before_to(query, expected):
    assert rows(**query).get("user-a") == expected


@pytest.mark.usefixtures("history")
def test_the_report_can_be_of_one_campaign():
    quest = ReferralCampaign.objects.get(code="quest_purchase_default")

    assert rows(campaign_id=quest.id) == {"user-a": (0, 2, 20)}


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("query", "users"),
    [
        ({"min_points_earned": 21}, ["user-a"]),
        ({"min_points_earned": 20}, ["user-a", "user-b", "user-c"]),
        ({"min_points_earned": 221}, []),
        ({"min_referred": 1}, ["user-a"]),
        ({"min_referred": 3}, []),
        ({"min_referred": 2, "min_points_earned": 220}, ["user-a"]),
    ],
)
def test_the_report_can_leave_out_the_small(query, users):
    body = report(**query)

    assert [row["user_id"] for row in body["items"]] == users
    assert body["total"] == len(users)


@pytest.mark.usefixtures("history")
def test_the_report_comes_in_pages():
    pages = [report(page=page, page_size=2) for page in (1, 2, 3)]

    assert [[row["user_id"] for row in page["items"]] for page in pages] == [
        ["user-a", "user-b"],
        ["user-c"],
        [],
    ]
    assert {page["total"] for page in pages} == {3}


def test_what_is_not_paid_is_not_earned_and_what_is_cancelled_is_no_event():
    # given
    invite("user-a", "user-b")
    invite("user-a", "user-c")
    assert rows()["user-a"] == (2, 2, 0)

    # when every reward of one event is cancelled
    event_id = ReferralReward.objects.first().referral_event_id
    for reward in ReferralReward.objects.filter(referral_event_id=event_id):
        admin().post(f"/admin/rewards/{reward.id}/cancel", {"reason": "x"})

    # then
    assert rows()["user-a"] == (2, 1, 0)
