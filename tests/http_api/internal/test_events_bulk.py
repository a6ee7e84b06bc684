"""`POST /internal/events/bulk`: many events in one call, each answered as if it came alone."""

import pytest
from django.db import connection

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from referral.models import ReferralEvent
from rewards.models import ReferralReward
from tests.helpers.api import buy_quest, invite, link_of, now_text, service

pytestmark = pytest.mark.usefixtures("campaigns")


def quest(user_id, key, **fields):
    return {
        "event_type": "quest_purchased",
        "referred_user_id": user_id,
        "occurred_at": "2026-01-02T09:00:00Z",
        "external_event_id": key,
        **fields,
    }


def bulk(*items):
    return service("quest_service").post("/internal/events/bulk", {"items": list(items)})


def test_one_bad_event_spoils_nothing():
    # given two people with a referrer
    invite("bulk-a", "bulk-b")

    # when good, malformed, forbidden and impossible events come together
    answer = bulk(
        quest("bulk-b", "k1"),
        quest("bulk b", "k2"),
        {**quest("bulk-b", "k3"), "event_type": "voucher_premium_purchased"},
        quest("bulk-b", "k4", campaign_code="no-such-campaign"),
        quest("bulk-b", "k5", referrer_user_id="somebody-else"),
        "not an object",
        quest("bulk-b", "k6"),
    )

    # then each has its own answer, in order
    assert answer.status == 200
    assert (answer.body["accepted"], answer.body["duplicates"], answer.body["rejected"]) == (2, 0, 5)
    codes = [item.get("error", {}).get("code") for item in answer.body["items"]]
    assert codes == [
        None,
        "validation_error",
        "forbidden",
        "campaign_not_found",
        "referrer_mismatch",
        "validation_error",
        None,
    ]
    assert answer.body["items"][1]["error"]["details"].keys() == {"referred_user_id"}
    assert ReferralEvent.objects.filter(event_type="quest_purchased").count() == 2


def test_the_whole_call_can_be_repeated():
    # given a call that was answered
    invite("bulk-a", "bulk-b")
    items = [quest("bulk-b", f"k{number}") for number in range(3)]
    first = bulk(*items)

    # when it comes again
    again = bulk(*items)

    # then every event has its first answer and nothing was added
    assert (again.body["accepted"], again.body["duplicates"]) == (0, 3)
    for one, other in zip(first.body["items"], again.body["items"], strict=True):
        assert other == {**one, "duplicate": True}
    assert ReferralReward.objects.filter(campaign__code="quest_purchase_default").count() == 3


def test_single_and_bulk_calls_share_their_keys():
    invite("bulk-a", "bulk-b")
    single = buy_quest("bulk-b", external_event_id="shared", occurred_at="2026-01-02T09:00:00Z")

    same = bulk(quest("bulk-b", "shared", campaign_code="quest_purchase_default"))
    other = bulk(quest("bulk-b", "shared", campaign_code="quest_purchase_default", amount_base=1))

    assert same.body["items"][0]["duplicate"] is True
    assert same.body["items"][0]["referral_event_id"] == single.body["referral_event_id"]
    assert other.body["items"][0]["error"]["code"] == "idempotency_conflict"


def test_a_key_that_comes_twice_in_one_call_is_taken_once():
    invite("bulk-a", "bulk-b")

    answer = bulk(quest("bulk-b", "twice"), quest("bulk-b", "twice"), quest("bulk-b", "twice", amount_base=7))

    first, second, third = answer.body["items"]
    assert second == {**first, "index": 1, "duplicate": True}
    assert third["error"]["code"] == "idempotency_conflict"
    assert ReferralEvent.objects.filter(event_type="quest_purchased").count() == 1


def test_a_code_in_the_middle_counts_for_the_events_behind_it_only():
    # given a link in the quest campaign, and a buyer whom nobody has invited
    code = link_of("bulk-seller", "quest_purchase_default")

    # when the second of three purchases names the code
    answer = bulk(
        quest("bulk-buyer", "k1"), quest("bulk-buyer", "k2", referral_code=code), quest("bulk-buyer", "k3")
    )

    # then the order within the call decides
    reasons = [item["reason"] for item in answer.body["items"]]
    assert reasons == ["no_referrer", None, None]


def test_limits_count_by_the_order_within_the_call():
    # given a campaign that pays two events a referred user
    invite("bulk-a", "bulk-b")
    campaign = ReferralCampaign.objects.get(code="quest_purchase_default")
    rules = {**campaign.reward_rules, "limits": {"max_events_per_referred": 2}}
    campaign_update(campaign_id=campaign.id, changes={"reward_rules": rules}, by="test")

    answer = bulk(*[quest("bulk-b", f"k{number}") for number in range(4)])

    assert [item["reason"] for item in answer.body["items"]] == [None, None, "limit_reached", "limit_reached"]
    assert answer.body["items"][3]["reason_detail"] == "max_events_per_referred"


def test_more_than_five_hundred_events_are_refused_as_a_whole():
    answer = bulk(*[quest("bulk-b", f"k{number}") for number in range(501)])

    assert answer.status == 400
    assert answer.body["error"]["details"].keys() == {"items"}
    assert not ReferralEvent.objects.exists()


def test_five_hundred_events_are_taken():
    invite("bulk-a", "bulk-b")

    answer = bulk(*[quest("bulk-b", f"k{number}", occurred_at=now_text()) for number in range(500)])

    assert answer.body["accepted"] == 500
    assert ReferralReward.objects.filter(campaign__code="quest_purchase_default").count() == 500


def test_events_are_recorded_in_the_order_of_the_call():
    # given keys whose own order is another
    invite("bulk-a", "bulk-b")
    keys = ["z", "a", "m"]

    bulk(*[quest("bulk-b", key) for key in keys])

    # then their numbers for Analytics follow the call
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_event_id FROM referral_referralevent"
            " WHERE event_type = 'quest_purchased' ORDER BY recorded_no"
        )
        assert [row[0] for row in cursor.fetchall()] == keys
