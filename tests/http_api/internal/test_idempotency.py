"""Once per event: the same answer for the same content, a conflict for other content under the same key."""

import json

import pytest

from referral.models import ReferralEvent
from rewards.models import ReferralReward, ReferralStats
from tests.factories import CampaignFactory
from tests.helpers.api import (
    admin,
    amounts_of,
    become,
    buy,
    buy_quest,
    change_campaign,
    invite,
    link_of,
    onboard,
    service,
)

pytestmark = pytest.mark.usefixtures("campaigns")

AT = "2025-01-02T09:00:00Z"
FULL = {
    "event_type": "quest_purchased",
    "campaign_code": "quest_purchase_default",
    "referrer_user_id": "user-a",
    "referred_user_id": "user-b",
    "subject_type": "quest",
    "subject_id": "quest-1",
    "amount_base": 500,
    "occurred_at": AT,
    "metadata": {"run": 1, "share": 0.5, "tags": ["x", {"y": None}]},
}
KEYS = pytest.mark.parametrize("key", [{"external_event_id": "e-1"}, {}], ids=["by id", "by content"])


def post(body):
    return service("quest_service").post("/internal/event", body)


def post_raw(text):
    return service("quest_service").post("/internal/event", text.encode())


def assert_first_answer_again(first, again):
    assert first.body["duplicate"] is False
    assert again.status == 200
    assert again.body == {**first.body, "duplicate": True}


def assert_conflict(answer, field):
    assert (answer.status, answer.code) == (409, "idempotency_conflict")
    assert list(answer.body["error"]["details"]) == [field]


@KEYS
def test_a_repeated_event_gets_the_first_answer_and_adds_nothing(key):
    # given
    invite("user-a", "user-b")
    before = (ReferralEvent.objects.count(), ReferralReward.objects.count())
    first = post({**FULL, **key})
    stats = list(ReferralStats.objects.order_by("id").values())

    # when
    again = [post({**FULL, **key}) for _ in range(3)]

    # then
    for answer in again:
        assert_first_answer_again(first, answer)
    assert (ReferralEvent.objects.count(), ReferralReward.objects.count()) == (before[0] + 1, before[1] + 1)
    assert list(ReferralStats.objects.order_by("id").values()) == stats


SAME = {
    "amount as text": {"amount_base": "500"},
    "amount with zeros": {"amount_base": "500.000000000"},
    "amount as fraction": {"amount_base": 500.0},
    "another time zone": {"occurred_at": "2025-01-02T12:00:00+03:00"},
    "fractions of the second": {"occurred_at": "2025-01-02T09:00:00.000000Z"},
    "unknown fields": {"trace": {"id": 5}, "Amount_base": 7},
    "order of the metadata": {"metadata": {"tags": ["x", {"y": None}], "share": 0.5, "run": 1}},
    "numbers of the metadata": {"metadata": {"run": 1.0, "share": 0.50, "tags": ["x", {"y": None}]}},
}
OTHER = {
    "type of campaign": {"campaign_code": None},
    "referrer": {"referrer_user_id": None},
    "user": {"referred_user_id": "user-c"},
    "code": {"referral_code": "ABCDEFGH"},
    "subject type": {"subject_type": "Quest"},
    "subject": {"subject_id": None},
    "amount": {"amount_base": "500.000000001"},
    "no amount": {"amount_base": None},
    "time": {"occurred_at": "2025-01-02T09:00:00.000001Z"},
    "no metadata": {"metadata": None},
    "metadata": {"metadata": {"run": 2, "share": 0.5, "tags": ["x", {"y": None}]}},
    "text for number": {"metadata": {"run": "1", "share": 0.5, "tags": ["x", {"y": None}]}},
    "true for one": {"metadata": {"run": True, "share": 0.5, "tags": ["x", {"y": None}]}},
    "order of a list": {"metadata": {"run": 1, "share": 0.5, "tags": [{"y": None}, "x"]}},
    "absent key of metadata": {"metadata": {"run": 1, "share": 0.5, "tags": ["x", {}]}},
}


@KEYS
@pytest.mark.parametrize("changes", SAME.values(), ids=SAME)
def test_content_is_compared_as_decoded_fields(key, changes):
    first = post({**FULL, **key})

    assert_first_answer_again(first, post({**FULL, **key, **changes}))


def test_the_exact_spelling_of_the_body_does_not_matter():
    first = post({**FULL, "external_event_id": "e-1"})
    text = json.dumps({"external_event_id": "e-1", **FULL}, indent=3, sort_keys=True)

    for spelled in (
        text.replace("500", "5e2"),
        text.replace('"run"', '"\\u0072un"'),
        text.replace("0.5", "5.0E-1"),
    ):
        assert spelled != text
        assert_first_answer_again(first, post_raw(spelled))


@KEYS
@pytest.mark.parametrize(
    "field",
    [
        "campaign_code",
        "referrer_user_id",
        "referral_code",
        "subject_type",
        "subject_id",
        "amount_base",
        "metadata",
    ],
)
def test_an_absent_field_and_null_are_the_same(key, field):
    body = {name: value for name, value in FULL.items() if name != field} | key
    first = post(body)

    assert_first_answer_again(first, post({**body, field: None}))


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_other_content_under_the_same_id_is_a_conflict(changes):
    post({**FULL, "external_event_id": "e-1"})

    answer = post({**FULL, "external_event_id": "e-1", **changes})

    assert_conflict(answer, "external_event_id")
    assert ReferralEvent.objects.count() == 1


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_other_content_without_an_id_is_another_event(changes):
    post(FULL)

    answer = post({**FULL, **changes})

    assert answer.body["duplicate"] is False
    assert ReferralEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 5}', '{"a": ["number", "5"]}'),
        ('{"a": 5}', '{"a": "5"}'),
        ('{"a": []}', '{"a": ["list"]}'),
        ('{"a": 0.1000000000000000055511151231257827}', '{"a": 0.1}'),
        (
            '{"a": 1000000000000000000000000000000000000001}',
            '{"a": 1000000000000000000000000000000000000002}',
        ),
        ('{"a": 9007199254740993}', '{"a": 9007199254740992}'),
    ],
)
def test_metadata_that_differs_is_never_taken_for_the_same(one, other):
    text = json.dumps({**FULL, "external_event_id": "e-1", "metadata": "M"})
    assert post_raw(text.replace('"M"', one)).body["duplicate"] is False

    assert_conflict(post_raw(text.replace('"M"', other)), "external_event_id")
    assert post_raw(text.replace('"M"', one)).body["duplicate"] is True


def test_a_key_belongs_to_the_service_of_the_token():
    # given
    first = buy("quest_purchased", "user-b", external_event_id="e-1", occurred_at=AT)

    # when another service uses the same id
    other = buy("rielt_booking_made", "user-b", external_event_id="e-1", occurred_at=AT)

    # then
    assert (first.body["duplicate"], other.body["duplicate"]) == (False, False)
    assert ReferralEvent.objects.filter(external_event_id="e-1").count() == 2


def test_with_and_without_an_id_are_two_events():
    assert post(FULL).body["duplicate"] is False
    assert post({**FULL, "external_event_id": "e-1"}).body["duplicate"] is False
    assert post({**FULL, "external_event_id": "e-2"}).body["duplicate"] is False


def test_ids_are_compared_letter_by_letter():
    assert post({**FULL, "external_event_id": "e-a"}).body["duplicate"] is False
    assert post({**FULL, "external_event_id": "e-A"}).body["duplicate"] is False


@KEYS
@pytest.mark.parametrize("status", ["paused", "archived"])
def test_the_first_answer_is_given_also_after_the_campaign_has_ended(key, status):
    first = post({**FULL, **key})
    change_campaign("quest_purchase_default", status=status)

    assert_first_answer_again(first, post({**FULL, **key}))


def test_the_conflict_is_told_also_after_the_campaign_has_ended():
    post({**FULL, "external_event_id": "e-1"})
    change_campaign("quest_purchase_default", status="archived")

    assert_conflict(post({**FULL, "external_event_id": "e-1", "amount_base": 1}), "external_event_id")


def test_the_first_answer_is_given_also_when_another_campaign_would_be_chosen_now():
    body = {**FULL, "campaign_code": None, "external_event_id": "e-1"}
    first = post(body)
    CampaignFactory(code="newer", scope={"module": "quest"})

    assert_first_answer_again(first, post(body))


def test_the_first_answer_is_given_also_when_somebody_else_is_the_referrer_now():
    # given the caller's word was taken
    first = post({**FULL, "external_event_id": "e-1"})

    # when the user turns out to be invited by somebody else
    invite("user-x", "user-b")

    # then
    assert_first_answer_again(first, post({**FULL, "external_event_id": "e-1"}))


def test_a_reason_is_repeated_with_the_first_answer():
    body = {**FULL, "referrer_user_id": None}
    first = post(body)
    assert first.body["reason"] == "no_referrer"
    invite("user-a", "user-b")

    assert_first_answer_again(first, post(body))


def test_the_first_answer_comes_with_todays_statuses_and_the_first_amounts():
    # given
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    first = buy_quest("user-c", occurred_at=AT)

    # when
    become("user-a", "vip")
    own = first.body["rewards"][0]
    admin().post(f"/admin/rewards/{own['id']}/cancel", {"reason": "test"})

    # then
    again = buy_quest("user-c", occurred_at=AT)
    assert amounts_of(again) == [("user-b", 1, 10, "cancelled"), ("user-a", 2, 5, "pending")]
    assert [reward["id"] for reward in again.body["rewards"]] == [
        reward["id"] for reward in first.body["rewards"]
    ]


def test_a_refusal_is_not_remembered():
    body = {**FULL, "campaign_code": "coming_soon", "external_event_id": "e-1"}
    assert post(body).code == "campaign_not_found"
    CampaignFactory(code="coming_soon")

    assert post(body).body["duplicate"] is False


def test_a_repeated_code_is_not_used_twice():
    body = {**FULL, "referrer_user_id": None, "referral_code": link_of("user-q", "quest_purchase_default")}
    first = post(body)

    assert_first_answer_again(first, post(body))
    assert ReferralStats.objects.get(user_id="user-q").total_referred_users == 1


def test_the_key_of_a_partner_is_once_too():
    # given
    first = onboard("partner-1", by="user-a", external_event_id="p-1")

    # then
    assert_first_answer_again(first, onboard("partner-1", by="user-a", external_event_id="p-1"))
    assert_first_answer_again(first, onboard("partner-1", by="user-a", external_event_id="p-2"))
    assert_conflict(onboard("partner-2", by="user-a", external_event_id="p-1"), "external_event_id")
