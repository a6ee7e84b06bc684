"""`POST /internal/events/bulk`: many events in one call, each answered as a single call would."""

import json

import pytest

from referral.models import ReferralEvent
from rewards.models import ReferralStats
from tests.factories import RULES
from tests.helpers.api import buy_quest, change_rules, invite, link_of, service

pytestmark = pytest.mark.usefixtures("campaigns")

AT = "2025-01-02T09:00:00Z"
MIB = 1024 * 1024


def event(user_id="user-b", number=1, **fields):
    return {
        "event_type": "quest_purchased",
        "campaign_code": "quest_purchase_default",
        "referred_user_id": user_id,
        "occurred_at": AT,
        "external_event_id": f"e-{number}",
        **fields,
    }


def post(items):
    return service("quest_service").post("/internal/events/bulk", {"items": items})


def counts(answer):
    return answer.body["accepted"], answer.body["duplicates"], answer.body["rejected"]


def test_events_are_answered_in_their_order():
    invite("user-a", "user-b")

    answer = post([event(number=number) for number in range(3)])

    assert (answer.status, counts(answer)) == (200, (3, 0, 0))
    assert [item["index"] for item in answer.body["items"]] == [0, 1, 2]
    ids = [item["referral_event_id"] for item in answer.body["items"]]
    assert ids == [
        str(row.id) for row in ReferralEvent.objects.filter(event_type="quest_purchased").order_by("id")
    ]


def test_one_bad_event_does_not_spoil_the_rest():
    bad = {
        "validation_error": event(amount_base=-1, number=2),
        "campaign_not_found": event(campaign_code="no_such_one", number=3),
        "event_type_not_allowed": event(campaign_code="rielt_booking_default", number=4),
        "forbidden": event(event_type="rielt_booking_made", number=5),
        "referrer_mismatch": event(referrer_user_id="user-x", number=6),
    }
    invite("user-a", "user-b")

    answer = post([event(number=1), *bad.values(), "text", None, event(number=9)])

    assert counts(answer) == (2, 0, 7)
    told = [item["error"]["code"] for item in answer.body["items"] if "error" in item]
    assert told == [*bad, "validation_error", "validation_error"]
    assert "amount_base" in answer.body["items"][1]["error"]["details"]
    assert ReferralEvent.objects.filter(event_type="quest_purchased").count() == 2


def test_the_whole_call_can_be_repeated():
    invite("user-a", "user-b")
    items = [event(number=number) for number in range(5)]
    first = post(items)

    again = post([*items, event(number=7)])

    assert counts(again) == (1, 5, 0)
    assert [item["referral_event_id"] for item in again.body["items"]][:5] == [
        item["referral_event_id"] for item in first.body["items"]
    ]
    assert (
        ReferralStats.objects.get(user_id="user-a", campaign__code="quest_purchase_default").total_events == 6
    )


def test_one_key_twice_in_a_call_is_a_duplicate_or_a_conflict():
    answer = post([event(), event(), event(amount_base=5)])

    assert counts(answer) == (1, 1, 1)
    assert answer.body["items"][2]["error"]["code"] == "idempotency_conflict"
    assert ReferralEvent.objects.count() == 1


def test_single_and_bulk_calls_share_their_keys():
    # given
    single = buy_quest("user-b", occurred_at=AT, external_event_id="e-1")

    # then
    answer = post([event(number=1), event(number=2)])
    assert counts(answer) == (1, 1, 0)
    assert answer.body["items"][0]["referral_event_id"] == single.body["referral_event_id"]
    assert buy_quest("user-b", occurred_at=AT, external_event_id="e-2").body["duplicate"] is True


def test_limits_are_used_up_in_the_order_of_the_call():
    invite("user-a", "user-b")
    change_rules("quest_purchase_default", {**RULES, "limits": {"max_events_per_referred": 2}})

    answer = post([event(number=number) for number in range(4)])

    assert [item["reason"] for item in answer.body["items"]] == [None, None, "limit_reached", "limit_reached"]


def test_a_budget_is_used_up_in_the_order_of_the_call():
    invite("user-a", "user-b")
    change_rules("quest_purchase_default", {**RULES, "limits": {"budget_points": 25}})

    answer = post([event(number=number) for number in range(4)])

    assert [item["reason"] for item in answer.body["items"]] == [
        None,
        None,
        "budget_exhausted",
        "budget_exhausted",
    ]


def test_a_code_on_an_earlier_event_of_the_call_holds_for_the_later_ones():
    code = link_of("user-q", "quest_purchase_default")

    answer = post([event(number=1), event(number=2, referral_code=code), event(number=3)])

    assert [item["reason"] for item in answer.body["items"]] == ["no_referrer", None, None]


def test_an_empty_call_is_fine():
    answer = post([])

    assert (answer.status, answer.body) == (200, {"accepted": 0, "duplicates": 0, "rejected": 0, "items": []})


def test_five_hundred_events_are_taken_and_more_are_refused():
    items = [event(f"user-{number}", number) for number in range(501)]

    refused = post(items)
    assert (refused.status, refused.code) == (400, "validation_error")
    assert not ReferralEvent.objects.exists()
    assert counts(post(items[:500])) == (500, 0, 0)


@pytest.mark.parametrize("body", [{}, {"items": None}, {"items": {}}, {"items": "x"}, [], None])
def test_a_call_without_a_list_is_refused(body):
    answer = service("quest_service").post("/internal/events/bulk", json.dumps(body).encode())

    assert (answer.status, answer.code) == (400, "validation_error")


def test_a_call_may_have_eight_mebibytes_and_an_event_in_it_one():
    large = event(number=1, padding="x" * (MIB - 500))
    body = json.dumps(
        {"items": [{**large, "external_event_id": f"e-{number}"} for number in range(7)]}
    ).encode()

    answer = service("quest_service").post("/internal/events/bulk", body)

    assert counts(answer) == (7, 0, 0)
    too_large = service("quest_service").post("/internal/events/bulk", body + b" " * (2 * MIB))
    assert (too_large.status, too_large.code) == (413, "payload_too_large")


def test_an_item_that_is_no_json_inside_spoils_only_itself():
    body = json.dumps({"items": [event(number=1), event(number=2, note="N"), event(number=3)]})

    answer = service("quest_service").post(
        "/internal/events/bulk", body.replace('"N"', '"a\\u0000b"').encode()
    )

    assert counts(answer) == (2, 0, 1)
