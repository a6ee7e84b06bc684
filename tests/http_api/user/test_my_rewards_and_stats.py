"""`/my/rewards` and `/my/stats`: what a user has earned, and that the sums are those of the rows."""

from collections import defaultdict
from decimal import Decimal

import pytest

from referral.models import ReferralEvent, ReferralRelation
from rewards.models import ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter
from rewards.payouts.drain import pay_due_now
from tests.factories import CampaignFactory, RelationFactory
from tests.helpers.api import admin, become, buy, buy_quest, change_rules, invite, link_of, onboard, user

pytestmark = pytest.mark.usefixtures("campaigns")

REWARD_FIELDS = {
    "id",
    "beneficiary_user_id",
    "beneficiary_level",
    "points_amount",
    "g2a_amount",
    "status",
    "required_min_role",
    "external_tx_id",
    "available_at",
    "created_at",
    "campaign_code",
    "event_type",
}
STATS_FIELDS = {
    "campaign_id",
    "campaign_code",
    "campaign_type",
    "name",
    "total_referred_users",
    "total_events",
    "total_points_earned",
    "total_g2a_earned",
    "points_pending",
    "points_locked",
    "g2a_pending",
    "g2a_locked",
    "unlock_role",
}


def my_rewards(user_id, **query):
    answer = user(user_id).get("/my/rewards", **query)
    assert answer.status == 200, answer.body
    return answer.body


def my_stats(user_id):
    answer = user(user_id).get("/my/stats")
    assert answer.status == 200
    return {row["campaign_code"]: row for row in answer.body["campaigns"]}


# --- rewards ------------------------------------------------------------------------------------------


def test_a_reward_tells_what_it_is_for_and_where_it_is():
    invite("user-a", "user-b")

    (reward,) = my_rewards("user-a")["items"]

    assert set(reward) >= REWARD_FIELDS
    assert (reward["points_amount"], reward["g2a_amount"], reward["status"]) == (
        100,
        "0.000000000",
        "pending",
    )
    assert (reward["campaign_code"], reward["event_type"]) == ("user_invite_default", "user_registered")
    assert reward["external_tx_id"] is None
    assert reward["available_at"].endswith("Z")


def test_rewards_come_newest_first_and_only_ones_own():
    for number in range(3):
        invite("user-a", f"user-{number}")

    items = my_rewards("user-a")["items"]

    assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)
    assert {item["beneficiary_user_id"] for item in items} == {"user-a"}
    assert my_rewards("user-x") == {"items": [], "page": 1, "page_size": 20, "total": 0, "next_cursor": None}


def test_rewards_are_filtered_by_status():
    invite("user-a", "user-b")
    invite("user-b", "user-c")

    assert [item["points_amount"] for item in my_rewards("user-a", status="locked")["items"]] == [50]
    assert [item["points_amount"] for item in my_rewards("user-a", status="pending")["items"]] == [100]
    assert my_rewards("user-a", status="completed")["total"] == 0


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
def test_pages_and_cursors_show_every_reward_once(page_size):
    # given
    for number in range(5):
        invite("user-a", f"user-{number}")
    every = [item["id"] for item in my_rewards("user-a")["items"]]

    # when
    paged, followed, cursor = [], [], None
    for page in range(1, 6):
        paged += [item["id"] for item in my_rewards("user-a", page=page, page_size=page_size)["items"]]
    for _ in range(7):
        query = {"cursor": cursor} if cursor else {}
        answer = my_rewards("user-a", page_size=page_size, **query)
        assert answer["total"] == 5
        followed += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break

    # then
    assert paged == followed == every
    assert cursor is None


def test_a_cursor_is_not_disturbed_by_new_rewards():
    for number in range(3):
        invite("user-a", f"user-{number}")
    first = my_rewards("user-a", page_size=2)

    invite("user-a", "user-new")

    rest = my_rewards("user-a", page_size=2, cursor=first["next_cursor"])
    assert len({item["id"] for item in first["items"] + rest["items"]}) == 3


def test_a_paid_reward_shows_its_transaction(sandbox):
    invite("user-a", "user-b")

    pay_due_now("points")

    (reward,) = my_rewards("user-a", status="completed")["items"]
    assert reward["external_tx_id"]
    assert my_stats("user-a")["user_invite_default"]["total_points_earned"] == 100


# --- stats --------------------------------------------------------------------------------------------


def test_stats_tell_everything_of_a_campaign():
    # given
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    buy("voucher_premium_purchased", "user-c")
    buy("voucher_premium_purchased", "user-b")

    # then
    row = my_stats("user-a")["voucher_premium_default"]
    assert set(row) == STATS_FIELDS
    assert {name: row[name] for name in STATS_FIELDS - {"campaign_id", "name"}} == {
        "campaign_code": "voucher_premium_default",
        "campaign_type": "purchase",
        "total_referred_users": 0,
        "total_events": 1,
        "total_points_earned": 0,
        "total_g2a_earned": "0.000000000",
        "points_pending": 30,
        "points_locked": 15,
        "g2a_pending": "1.500000000",
        "g2a_locked": "0.500000000",
        "unlock_role": "vip",
    }
    invitation = my_stats("user-a")["user_invite_default"]
    assert (invitation["total_referred_users"], invitation["total_events"]) == (1, 1)


def test_stats_show_every_campaign_with_a_link_a_relation_or_a_reward():
    # given
    link_of("user-link", "quest_purchase_default")
    RelationFactory(
        campaign=CampaignFactory(code="related"), referrer_user_id="user-up", referred_user_id="user-down"
    )
    onboard("partner-1", by="user-partner")
    buy_quest("user-z", referrer_user_id="user-paid")

    # then
    assert list(my_stats("user-link")) == ["quest_purchase_default"]
    assert list(my_stats("user-up")) == list(my_stats("user-down")) == ["related"]
    assert list(my_stats("user-partner")) == ["partner_onboarding_default"]
    assert list(my_stats("user-paid")) == ["quest_purchase_default"]
    assert my_stats("user-nobody") == {}
    assert my_stats("user-link")["quest_purchase_default"]["total_g2a_earned"] == "0.000000000"


@pytest.mark.parametrize(
    ("locks", "role"), [(["pro"], "pro"), (["pro", "vip"], "vip"), (["vip"], "vip")], ids="-".join
)
def test_the_role_to_reach_is_that_of_the_locked_rewards_whatever_the_rules_say_now(locks, role):
    # given rewards that were locked by earlier rules
    for number, lock in enumerate(locks):
        levels = {"level1": {"points_per_registration": 10, "locked_until_role": lock}}
        change_rules("user_invite_default", {"levels": levels})
        invite("user-a", f"user-{number}")

    # when the rules lock nothing any more
    change_rules("user_invite_default", {"levels": {"level1": {"points_per_registration": 10}}})

    # then
    row = my_stats("user-a")["user_invite_default"]
    assert (row["unlock_role"], row["points_locked"]) == (role, 10 * len(locks))
    assert my_stats("user-0")["user_invite_default"]["unlock_role"] is None


def test_a_campaign_whose_rewards_were_all_cancelled_is_still_shown_and_one_that_paid_nothing_is_not():
    buy_quest("user-z", referrer_user_id="user-a")
    assert buy("rielt_booking_made", "user-z", referrer_user_id="user-a", amount_base=0).body["rewards"] == []
    (reward,) = my_rewards("user-a")["items"]
    admin().post(f"/admin/rewards/{reward['id']}/cancel", {"reason": "x"})

    assert list(my_stats("user-a")) == ["quest_purchase_default"]


def test_the_last_page_of_full_length_leads_no_further():
    for number in range(4):
        invite("user-a", f"user-{number}")

    first = my_rewards("user-a", page_size=2)
    second = my_rewards("user-a", page_size=2, cursor=first["next_cursor"])

    assert len(second["items"]) == 2
    assert second["next_cursor"] is None


def test_the_role_to_reach_is_told_while_something_is_locked():
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    assert my_stats("user-a")["user_invite_default"]["unlock_role"] == "vip"

    become("user-a", "vip")

    assert my_stats("user-a")["user_invite_default"]["unlock_role"] is None


# --- the sums are those of the rows -------------------------------------------------------------------


def recount():
    """Stats by (user, campaign) from relations, events and rewards alone."""
    rows = defaultdict(lambda: defaultdict(Decimal))
    for relation in ReferralRelation.objects.all():
        rows[relation.referrer_user_id, relation.campaign_id]["total_referred_users"] += 1
    counted = set()
    for reward in ReferralReward.objects.exclude(status="cancelled").select_related("referral_event"):
        counted.add(reward.referral_event)
        kind = {"completed": "earned", "locked": "locked"}.get(reward.status, "pending")
        amount = reward.points_amount or reward.g2a_amount
        rows[reward.beneficiary_user_id, reward.campaign_id][f"{reward.currency}_{kind}"] += amount
    for event in counted:
        rows[event.referrer_user_id, event.campaign_id]["total_events"] += 1
    return {key: dict(row) for key, row in rows.items() if any(row.values())}


def stored():
    names = [
        "total_referred_users",
        "total_events",
        *(f"{currency}_{kind}" for currency in ("points", "g2a") for kind in ("earned", "pending", "locked")),
    ]
    found = {}
    for row in ReferralStats.objects.all():
        numbers = {name: getattr(row, name) for name in names if getattr(row, name)}
        if numbers:
            found[row.user_id, row.campaign_id] = numbers
    return found


def assert_sums_agree():
    assert stored() == recount()
    counted = ReferralEvent.objects.filter(rewards__isnull=False).exclude(reason__isnull=False)
    alive = [event for event in counted.distinct() if event.rewards.exclude(status="cancelled").exists()]
    about, days = defaultdict(int), defaultdict(int)
    for event in alive:
        about[event.campaign_id, event.referred_user_id or event.business_partner_id] += 1
        days[event.campaign_id, event.referrer_user_id, event.occurred_at.date()] += 1
    referred = {
        (row.campaign_id, row.referred_key): row.events for row in ReferredCounter.objects.all() if row.events
    }
    by_day = {
        (row.campaign_id, row.referrer_user_id, row.day): row.events
        for row in ReferrerDayCounter.objects.all()
        if row.events
    }
    assert (referred, by_day) == (dict(about), dict(days))


def test_sums_equal_a_recount_after_a_mixed_history(sandbox):
    # given registrations, purchases with limits, codes and the caller's word, partners, repeats
    change_rules(
        "quest_purchase_default",
        {
            "levels": {
                "level1": {"points_per_purchase": 10, "g2a_per_purchase": "0.1"},
                "level2": {"points_per_purchase": 5, "locked_until_role": "vip"},
                "referred": {"points_per_purchase": 1},
            },
            "limits": {"max_events_per_referred": 2, "max_events_per_referrer_per_day": 4},
        },
    )
    for referrer, referred in (("a", "b"), ("a", "c"), ("b", "d"), ("d", "e"), ("x", "b")):
        invite(f"user-{referrer}", f"user-{referred}")
    for buyer in ("b", "c", "d", "d", "d", "e", "nobody"):
        buy_quest(f"user-{buyer}")
        buy("voucher_premium_purchased", f"user-{buyer}")
        buy("rielt_booking_made", f"user-{buyer}", amount_base="123.45")
    buy_quest("user-z", referral_code=link_of("user-c", "quest_purchase_default"))
    buy_quest("user-y", referrer_user_id="user-d")
    onboard("partner-1", by="user-b")
    onboard("partner-1", by="user-b")
    assert_sums_agree()

    # when some is unlocked, paid and cancelled
    become("user-a", "vip")
    assert_sums_agree()
    pay_due_now("points")
    assert_sums_agree()
    locked = ReferralReward.objects.filter(status="locked").first()
    assert admin().post(f"/admin/rewards/{locked.id}/unlock", {"reason": "x"}).status == 200
    for reward in ReferralReward.objects.filter(status__in=["pending", "locked"])[:12]:
        assert admin().post(f"/admin/rewards/{reward.id}/cancel", {"reason": "x"}).status == 200

    # then
    assert_sums_agree()
    assert ReferralReward.objects.filter(status="completed").exists()
    assert ReferralReward.objects.filter(status="cancelled").exists()
    for user_id in ("user-a", "user-b", "user-c", "user-d"):
        for row in my_stats(user_id).values():
            kept = stored().get((user_id, _uuid(row["campaign_id"])), {})
            assert row["total_points_earned"] == kept.get("points_earned", 0)
            assert Decimal(row["g2a_pending"]) == kept.get("g2a_pending", 0)


def _uuid(text):
    return ReferralStats.objects.filter(campaign_id=text).values_list("campaign_id", flat=True).first()


def test_a_cancelled_reward_is_in_no_sum():
    # given
    invite("user-a", "user-b")
    (reward,) = my_rewards("user-a")["items"]

    # when
    admin().post(f"/admin/rewards/{reward['id']}/cancel", {"reason": "fraud"})

    # then the event counts still for the welcome bonus that is left
    row = my_stats("user-a")["user_invite_default"]
    assert (row["points_pending"], row["total_events"], row["total_referred_users"]) == (0, 1, 1)
    assert my_stats("user-b")["user_invite_default"]["points_pending"] == 20
