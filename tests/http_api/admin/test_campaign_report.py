"""`GET /admin/reports/campaigns`: from clicks to cost, by campaign and UTC day."""

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.models import ReferralCampaign
from referral.models import LinkClicks, ReferralLink
from rewards.models import ReferralReward
from rewards.payouts.drain import pay_due_now
from tests.factories import RelationFactory
from tests.helpers.api import admin, anybody, buy, buy_quest, invite, link_of, onboard, register, user

pytestmark = pytest.mark.usefixtures("campaigns")

JANUARY, LATE_THAT_DAY, NEXT_DAY = (
    "2025-01-10T12:00:00Z",
    "2025-01-10T23:59:59.999999Z",
    "2025-01-11T03:00:00+03:00",
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FUNNEL = ("clicks", "registrations", "buyers", "rewards", "cost_points", "cost_g2a")


def report(**query):
    answer = admin().get("/admin/reports/campaigns", **query)
    assert answer.status == 200, answer.body
    return answer.body


def funnel(**query):
    """By campaign and day, what the funnel says; nothing but its rows."""
    return {
        (row["campaign_code"], row["day"]): tuple(row[name] for name in FUNNEL)
        for row in report(page_size=100, **query)["items"]
    }


def clicks(code, day, number):
    LinkClicks.objects.create(link=ReferralLink.objects.get(code=code), day=day, clicks=number)


@pytest.fixture
def history(campaigns):
    """A's link is opened on two days; B and C register on the first; B buys on both, C late on the first."""
    code = link_of("user-a")
    clicks(code, "2025-01-10", 7)
    clicks(code, "2025-01-11", 2)
    for user_id in ("user-b", "user-c"):
        register(user_id, code, registered_at=JANUARY)
    for user_id, moment in (
        ("user-b", JANUARY),
        ("user-b", JANUARY.replace("12:", "13:")),
        ("user-c", LATE_THAT_DAY),
        ("user-b", NEXT_DAY),
    ):
        buy_quest(user_id, occurred_at=moment)


ZERO = "0.000000000"
EVERYTHING = {
    ("quest_purchase_default", "2025-01-11"): (0, 0, 1, 1, 10, ZERO),
    ("user_invite_default", "2025-01-11"): (2, 0, 1, 0, 0, ZERO),
    ("quest_purchase_default", "2025-01-10"): (0, 0, 2, 3, 30, ZERO),
    ("user_invite_default", "2025-01-10"): (7, 2, 2, 4, 240, ZERO),
}


@pytest.mark.usefixtures("history")
def test_the_funnel_goes_from_clicks_to_cost_by_campaign_and_day():
    body = report()

    assert funnel() == EVERYTHING
    assert [(item["campaign_code"], item["day"]) for item in body["items"]] == list(EVERYTHING)
    assert (body["page"], body["page_size"], body["total"]) == (1, 20, 4)
    quest = ReferralCampaign.objects.get(code="quest_purchase_default")
    assert body["items"][0] == {
        "day": "2025-01-11",
        "campaign_id": str(quest.id),
        "campaign_code": "quest_purchase_default",
        "name": quest.name,
        "campaign_type": "purchase",
        "clicks": 0,
        "registrations": 0,
        "buyers": 1,
        "rewards": 1,
        "cost_points": 10,
        "cost_g2a": ZERO,
        "paid_points": 0,
        "paid_g2a": ZERO,
    }


def of(*names, day=None):
    return {key: row for key, row in EVERYTHING.items() if key[0] in names and day in (None, key[1])}


BOTH = ("user_invite_default", "quest_purchase_default")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "2025-01-11"}, of(*BOTH, day="2025-01-11")),
        ({"to": "2025-01-11"}, of(*BOTH, day="2025-01-10")),
        ({"from": "2025-01-10T00:00:00Z", "to": "2025-01-12T03:00:00+03:00"}, EVERYTHING),
        ({"from": "2025-01-12"}, {}),
        ({"campaign_type": "purchase"}, of("quest_purchase_default")),
        ({"campaign_type": "user_invite", "from": "2025-01-11"}, of("user_invite_default", day="2025-01-11")),
        ({"campaign_type": "custom"}, {}),
        ({"status": "active"}, EVERYTHING),
        ({"status": "draft"}, {}),
        ({"campaign_id": "00000000-0000-7000-8000-000000000000"}, {}),
        ({"campaign_id": "", "status": "", "from": "", "to": ""}, EVERYTHING),
    ],
)
def test_the_report_is_filtered(query, expected):
    assert funnel(**query) == expected


@pytest.mark.usefixtures("history")
def test_the_report_can_be_of_one_campaign():
    quest = ReferralCampaign.objects.get(code="quest_purchase_default")

    assert funnel(campaign_id=quest.id) == of("quest_purchase_default")


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("page_size", [1, 3, 4])
def test_the_report_comes_in_pages(page_size):
    pages = [report(page=page, page_size=page_size) for page in range(1, 6)]

    found = [(row["campaign_code"], row["day"]) for page in pages for row in page["items"]]
    assert found == list(EVERYTHING)
    assert {page["total"] for page in pages} == {4}


def test_clicks_of_today_are_of_today():
    code = link_of("user-a")
    anybody().post(f"/public/track-click/{code}", User_Agent=FIREFOX)

    today = datetime.now(UTC).date().isoformat()
    assert funnel()["user_invite_default", today][0] == 1


def test_cost_is_what_is_not_cancelled_and_paid_is_what_has_arrived(sandbox):
    # given rewards of points and G2A: one paid, one cancelled, the others on their way
    invite("user-a", "user-b")
    pay_due_now("points")
    buy("voucher_premium_purchased", "user-b")
    before = report(campaign_type="purchase")["items"][0]
    cancelled = ReferralReward.objects.get(points_amount=30)
    admin().post(f"/admin/rewards/{cancelled.id}/cancel", {"reason": "x"})

    (after,) = report(campaign_type="purchase")["items"]
    assert (before["rewards"], before["cost_points"], before["cost_g2a"]) == (2, 30, "1.500000000")
    assert (after["rewards"], after["cost_points"], after["cost_g2a"]) == (1, 0, "1.500000000")
    assert (after["paid_points"], after["paid_g2a"]) == (0, ZERO)
    (invitation,) = report(campaign_type="user_invite")["items"]
    assert (invitation["cost_points"], invitation["paid_points"]) == (120, 120)


def test_purchases_without_a_referrer_are_no_part_of_a_funnel():
    buy_quest("user-nobody")

    assert funnel() == {}


def test_a_purchase_that_earned_nothing_has_a_buyer_all_the_same():
    invite("user-a", "user-b")
    rielt = ReferralCampaign.objects.get(code="rielt_booking_default")
    answer = buy("rielt_booking_made", "user-b", amount_base=0)
    assert answer.body["rewards"] == []

    (row,) = report(campaign_id=rielt.id)["items"]
    assert (row["buyers"], row["rewards"], row["cost_points"]) == (1, 0, 0)


def test_a_buyer_is_counted_once_a_day_also_where_both_campaigns_lead_to_them():
    # given B, invited by A, has also used A's code in the quest campaign
    invite("user-a", "user-b")
    buy_quest("user-b", referral_code=link_of("user-a", "quest_purchase_default"))
    buy_quest("user-b")
    buy("voucher_premium_purchased", "user-b")

    today = datetime.now(UTC).date().isoformat()
    rows = funnel()
    assert rows["user_invite_default", today][2] == 1
    assert rows["quest_purchase_default", today][:3] == (0, 1, 1)
    assert rows["voucher_premium_default", today][2] == 1


def test_partners_who_were_onboarded_stand_where_buyers_stand():
    onboard("partner-1", by="user-a")
    onboard("partner-2", by="user-a")
    onboard("user-a", by="user-b")

    (row,) = report()["items"]
    assert (row["campaign_code"], row["buyers"]) == ("partner_onboarding_default", 3)


def test_imported_relations_are_registrations_of_their_day():
    campaign = ReferralCampaign.objects.get(code="user_invite_default")
    RelationFactory(campaign=campaign, is_invitation=True)

    assert funnel() == {("user_invite_default", "2025-01-01"): (0, 1, 0, 0, 0, ZERO)}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(({"from": value}, "from") for value in ("soon", "2025-13-01", "2025-01-01T00:00:00", "\x00")),
        ({"from": "2025-01-10T12:00:00Z"}, "from"),
        ({"to": "2025-01-10T00:00:00+03:00"}, "to"),
        ({"from": "2025-01-10", "to": "2025-01-10"}, "to"),
        ({"from": "2025-01-11", "to": "2025-01-10"}, "to"),
        ({"to": "0001-01-01"}, "to"),
        *(({"campaign_id": value}, "campaign_id") for value in ("x", "5", "\x00")),
        ({"campaign_type": "game"}, "campaign_type"),
        ({"status": "live"}, "status"),
        ({"page": "0"}, "page"),
        ({"page_size": "1000"}, "page_size"),
    ],
)
def test_a_bad_parameter_is_named(query, field):
    answer = admin().get("/admin/reports/campaigns", **query)

    assert (answer.status, answer.code) == (400, "validation_error")
    assert list(answer.body["error"]["details"]) == [field]


def test_users_and_strangers_see_no_report():
    assert user("user-a").get("/admin/reports/campaigns").code == "forbidden"
    assert anybody().get("/admin/reports/campaigns").code == "unauthenticated"


def test_a_day_is_the_utc_day_of_the_event():
    invite("user-a", "user-b")
    earlier = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
    for moment in (earlier, earlier - timedelta(microseconds=1)):
        buy_quest("user-b", occurred_at=moment.isoformat())

    days = [row["day"] for row in report(campaign_type="purchase")["items"]]
    assert days == [earlier.date().isoformat(), (earlier - timedelta(days=1)).date().isoformat()]
