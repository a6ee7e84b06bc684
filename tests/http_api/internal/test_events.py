"""`POST /internal/event`: the campaign, the referrer, the limits and the budget of a purchase."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from campaigns.catalog import catalog
from campaigns.models import CampaignSpend, ReferralCampaign
from referral.models import ReferralEvent, ReferralLink, ReferralRelation
from rewards.models import ReferralReward, ReferralStats, ReferredCounter, ReferrerDayCounter
from tests.factories import RULES, CampaignFactory, RelationFactory
from tests.helpers.api import (
    admin,
    amounts_of,
    become,
    buy,
    buy_quest,
    change_campaign,
    change_rules,
    invite,
    link_of,
    onboard,
    service,
    user,
)

pytestmark = pytest.mark.usefixtures("campaigns")

QUEST = "quest_purchase_default"
FIELDS = {"success", "referral_event_id", "duplicate", "reason", "reason_detail", "code_reason", "rewards"}


@pytest.fixture
def chain(campaigns):
    """A invited B, B invited C."""
    invite("user-a", "user-b")
    invite("user-b", "user-c")


def assert_refused(answer, code):
    assert (answer.status, answer.code) == (400, code)
    assert not ReferralEvent.objects.exclude(event_type="user_registered").exists()


def reason_of(answer):
    assert answer.status == 200, answer.body
    return answer.body["reason"], answer.body["reason_detail"]


# --- the answer ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
def test_a_purchase_pays_two_levels():
    answer = buy_quest("user-c")

    assert answer.status == 200
    assert set(answer.body) == FIELDS
    assert answer.body["success"] is True
    assert (answer.body["duplicate"], answer.body["code_reason"]) == (False, None)
    assert reason_of(answer) == (None, None)
    assert amounts_of(answer) == [("user-b", 1, 10, "pending"), ("user-a", 2, 5, "locked")]
    assert [reward["required_min_role"] for reward in answer.body["rewards"]] == [None, "vip"]


def test_the_published_example_is_accepted_as_it_stands():
    example = {
        "event_type": "quest_purchased",
        "campaign_code": "quest_purchase_default",
        "referrer_user_id": "user-ref-uuid",
        "referred_user_id": "user-buyer-uuid",
        "subject_type": "quest",
        "subject_id": "quest-uuid",
        "amount_base": 500,
        "occurred_at": "2025-01-02T09:00:00Z",
        "metadata": {"quest_run_id": "quest-run-uuid"},
    }

    answer = service("quest_service").post("/internal/event", example)

    assert amounts_of(answer) == [("user-ref-uuid", 1, 10, "pending")]
    event = ReferralEvent.objects.get()
    assert (event.subject_type, event.subject_id) == ("quest", "quest-uuid")
    assert (event.amount_base, event.metadata) == (Decimal(500), {"quest_run_id": "quest-run-uuid"})
    assert (event.referrer_user_id, event.referred_user_id) == ("user-ref-uuid", "user-buyer-uuid")


@pytest.mark.usefixtures("chain")
def test_points_and_g2a_come_as_two_rewards_with_the_unused_amount_zero():
    answer = buy("voucher_premium_purchased", "user-c")

    amounts = [
        (reward["beneficiary_level"], reward["points_amount"], reward["g2a_amount"])
        for reward in answer.body["rewards"]
    ]
    assert amounts == [
        (1, 30, "0.000000000"),
        (1, 0, "1.500000000"),
        (2, 15, "0.000000000"),
        (2, 0, "0.500000000"),
    ]


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("amount", "paid"),
    [("1000.50", [50, 20]), ("19.99", []), ("20", [1]), ("999999999999", [5000, 2000]), (None, [])],
)
def test_a_share_of_the_amount_is_rounded_down_and_capped(amount, paid):
    answer = buy("rielt_booking_made", "user-c", amount_base=amount)

    assert [points for _, _, points, _ in amounts_of(answer)] == paid
    assert paid or reason_of(answer) == ("zero_amount", "level1.points_percent")


@pytest.mark.usefixtures("chain")
def test_rewards_wait_for_their_hold_days():
    change_rules(QUEST, {"levels": {"level1": {"points_per_purchase": 10, "hold_days": 14}}})

    buy_quest("user-c", occurred_at=datetime.now(UTC).isoformat())

    event = ReferralEvent.objects.get(event_type="quest_purchased")
    reward = event.rewards.get()
    assert reward.available_at == reward.next_attempt_at == event.occurred_at + timedelta(hours=14 * 24)


# --- the campaign -------------------------------------------------------------------------------------


def test_an_unknown_campaign_is_not_found():
    assert_refused(buy_quest("user-c", campaign_code="no_such_one"), "campaign_not_found")


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_a_campaign_that_is_not_active_takes_no_events(status):
    change_campaign(QUEST, status=status)

    assert_refused(buy_quest("user-c"), "campaign_inactive")
    assert_refused(buy("quest_purchased", "user-c"), "campaign_inactive")


def test_a_draft_takes_no_events():
    CampaignFactory(code="a_draft", status="draft")

    assert_refused(buy_quest("user-c", campaign_code="a_draft"), "campaign_inactive")


@pytest.mark.parametrize(
    ("occurred_at", "taken"),
    [
        ("2024-12-31T23:59:59.999999Z", False),
        ("2025-01-01T00:00:00Z", True),
        ("2025-01-31T23:59:59.999999Z", True),
        ("2025-02-01T00:00:00Z", False),
        ("2025-02-01T02:59:59+03:00", True),
    ],
)
@pytest.mark.parametrize("campaign_code", [QUEST, None])
def test_an_ended_campaign_takes_late_events_of_its_window(occurred_at, taken, campaign_code):
    change_campaign(QUEST, start_at="2025-01-01T00:00:00Z", end_at="2025-02-01T00:00:00Z")

    answer = buy_quest("user-c", occurred_at=occurred_at, campaign_code=campaign_code)

    if taken:
        assert answer.status == 200
    else:
        assert_refused(answer, "campaign_inactive")


@pytest.mark.parametrize(
    "campaign_code", ["user_invite_default", "rielt_booking_default", "partner_onboarding_default"]
)
def test_a_campaign_takes_its_own_event_types_only(campaign_code):
    assert_refused(buy_quest("user-c", campaign_code=campaign_code), "event_type_not_allowed")


@pytest.mark.parametrize(
    ("metadata", "inside"),
    [
        ({"country_id": "ru", "city_id": "7"}, True),
        ({"country_id": "ru", "city_id": 7, "more": [1]}, True),
        ({"country_id": "ru"}, False),
        ({"country_id": "ru", "city_id": "8"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_an_event_must_meet_every_key_of_the_scope(metadata, inside):
    CampaignFactory(code="in_town", scope={"country_id": "ru", "city_id": "7"})

    answer = buy_quest("user-c", campaign_code="in_town", metadata=metadata)

    if inside:
        assert answer.status == 200
    else:
        assert_refused(answer, "out_of_scope")


def test_without_a_campaign_code_most_scope_keys_win_then_the_newest():
    # given
    CampaignFactory(code="in_town", scope={"country_id": "ru", "city_id": "7"})
    CampaignFactory(code="wide")
    CampaignFactory(code="newer_quests", scope={"module": "quest"})

    # when
    buy("quest_purchased", "user-1", metadata={"country_id": "ru", "city_id": "7"})
    buy("quest_purchased", "user-2", metadata={"country_id": "ru"})
    buy("voucher_premium_purchased", "user-3")

    # then
    chosen = dict(ReferralEvent.objects.values_list("referred_user_id", "campaign__code"))
    assert chosen == {"user-1": "in_town", "user-2": "newer_quests", "user-3": "voucher_premium_default"}


def test_a_paused_campaign_leaves_its_events_to_the_next_best():
    CampaignFactory(code="wide")
    change_campaign(QUEST, status="paused")

    buy("quest_purchased", "user-c")

    assert ReferralEvent.objects.get().campaign.code == "wide"


def test_a_campaign_changed_by_another_process_is_noticed_where_the_event_is_written():
    # given the campaign is cached
    catalog.by_code(QUEST)

    # when it is paused without this process being told
    changed = ReferralCampaign.objects.filter(code=QUEST)
    changed.update(status="paused", revision=changed.get().revision + 1)

    # then
    assert_refused(buy_quest("user-c"), "campaign_inactive")


# --- who is the referrer ------------------------------------------------------------------------------


def test_without_a_referrer_the_event_is_kept_and_earns_nothing():
    answer = buy_quest("user-z")

    assert reason_of(answer) == ("no_referrer", None)
    assert answer.body["rewards"] == []
    event = ReferralEvent.objects.get()
    assert (event.reason, event.referrer_user_id) == ("no_referrer", None)


def test_an_event_before_its_registration_stays_without_a_referrer():
    first = buy_quest("user-b", external_event_id="early")
    invite("user-a", "user-b")

    again = buy_quest("user-b", external_event_id="early", occurred_at=_time_of("early"))

    assert again.body == {**first.body, "duplicate": True}
    assert reason_of(again) == ("no_referrer", None)


def _time_of(external_event_id):
    return ReferralEvent.objects.get(external_event_id=external_event_id).occurred_at.isoformat()


def test_the_campaigns_own_relation_goes_before_the_invitation():
    # given
    invite("user-a", "user-b")
    quest = ReferralCampaign.objects.get(code=QUEST)
    RelationFactory(campaign=quest, referrer_user_id="user-q", referred_user_id="user-b")

    # then the purchase is q's, one in another campaign is a's
    assert amounts_of(buy_quest("user-b"))[0][0] == "user-q"
    assert amounts_of(buy("voucher_premium_purchased", "user-b"))[0][0] == "user-a"


def test_the_second_level_is_found_by_the_same_rule():
    # given b was invited by a, but brought to quests by q
    invite("user-a", "user-b")
    invite("user-b", "user-c")
    quest = ReferralCampaign.objects.get(code=QUEST)
    RelationFactory(campaign=quest, referrer_user_id="user-q", referred_user_id="user-b")

    assert [user_id for user_id, *_ in amounts_of(buy_quest("user-c"))] == ["user-b", "user-q"]


def test_a_relation_in_a_foreign_campaign_makes_nobody_a_referrer():
    RelationFactory(campaign=CampaignFactory(), referrer_user_id="user-q", referred_user_id="user-b")

    assert reason_of(buy_quest("user-b")) == ("no_referrer", None)


def test_the_callers_word_is_used_for_this_event_only_when_we_hold_no_relation():
    # when
    answer = buy_quest("user-z", referrer_user_id="user-a")

    # then
    assert amounts_of(answer) == [("user-a", 1, 10, "pending")]
    assert not ReferralRelation.objects.exists()
    assert reason_of(buy_quest("user-z")) == ("no_referrer", None)


def test_the_referrer_of_the_callers_word_has_an_upline_too():
    invite("user-a", "user-b")

    answer = buy_quest("user-z", referrer_user_id="user-b")

    assert [user_id for user_id, *_ in amounts_of(answer)] == ["user-b", "user-a"]


@pytest.mark.usefixtures("chain")
def test_the_callers_word_may_repeat_our_relation():
    assert amounts_of(buy_quest("user-c", referrer_user_id="user-b"))[0][0] == "user-b"


@pytest.mark.usefixtures("chain")
def test_another_referrer_than_ours_is_a_mismatch_and_not_remembered():
    answer = buy_quest("user-c", referrer_user_id="user-x", external_event_id="e-1")

    assert (answer.status, answer.code) == (409, "referrer_mismatch")
    assert "referrer_user_id" in answer.body["error"]["details"]
    assert buy_quest("user-c", external_event_id="e-1").body["duplicate"] is False


def test_naming_oneself_earns_nothing():
    answer = buy_quest("user-a", referrer_user_id="user-a")

    assert reason_of(answer)[0] == "self_referral"
    assert answer.body["rewards"] == []


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("named", ["user-b", "user-c"])
def test_naming_somebody_of_ones_own_downline_earns_nothing(named):
    answer = buy_quest("user-a", referrer_user_id=named)

    assert reason_of(answer)[0] == "circular"
    assert answer.body["rewards"] == []


def test_nobody_is_rewarded_twice_for_one_event():
    # given a invited b to quests, and b brought a to vouchers: no circle in either campaign's own eyes
    quest = ReferralCampaign.objects.get(code=QUEST)
    RelationFactory(campaign=quest, referrer_user_id="user-a", referred_user_id="user-b")
    RelationFactory(campaign=quest, referrer_user_id="user-b", referred_user_id="user-a")

    # then the buyer is not the second level of the own purchase
    assert amounts_of(buy_quest("user-b")) == [("user-a", 1, 10, "pending")]


def test_a_caller_who_names_the_buyers_referral_as_second_level_changes_nothing():
    """Level 2 is the referrer's own referrer: when that is the buyer, there is none."""
    invite("user-z", "user-a")

    answer = buy_quest("user-z", referrer_user_id="user-a")

    assert reason_of(answer)[0] == "circular"


# --- a code on the purchase ---------------------------------------------------------------------------


def test_a_code_on_a_purchase_makes_the_relation_there():
    # given
    code = link_of("user-q", QUEST)

    # when
    answer = buy_quest("user-z", referral_code=code.lower(), occurred_at="2025-01-02T09:00:00Z")

    # then
    relation = ReferralRelation.objects.get()
    assert amounts_of(answer) == [("user-q", 1, 10, "pending")]
    assert answer.body["code_reason"] is None
    assert (relation.campaign.code, relation.referrer_user_id, relation.source) == (QUEST, "user-q", "code")
    assert relation.registered_at == datetime(2025, 1, 2, 9, tzinfo=UTC)
    assert amounts_of(buy_quest("user-z"))[0][0] == "user-q"
    assert ReferralStats.objects.get(user_id="user-q").total_referred_users == 1


def test_a_code_goes_before_the_invitation():
    invite("user-a", "user-b")

    answer = buy_quest("user-b", referral_code=link_of("user-q", QUEST))

    assert [user_id for user_id, *_ in amounts_of(answer)][:1] == ["user-q"]


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("prepare", "buyer", "code_reason"),
    [
        (lambda: "ZZZZZZZZ", "user-c", "unknown_code"),
        (lambda: "", "user-c", "unknown_code"),
        (lambda: link_of("user-q"), "user-c", "campaign_mismatch"),
        (lambda: link_of("user-q", "voucher_premium_default"), "user-c", "campaign_mismatch"),
        (lambda: _switched_off(link_of("user-q", QUEST)), "user-c", "inactive_code"),
        (lambda: link_of("user-c", QUEST), "user-c", "self_referral"),
        (lambda: link_of("user-d", QUEST), "user-c", "circular"),
    ],
)
def test_a_code_that_cannot_be_used_is_told_and_does_not_stop_the_event(prepare, buyer, code_reason):
    # given c has invited d
    invite("user-c", "user-d")

    # when
    answer = buy_quest(buyer, referral_code=prepare())

    # then the invitation decides
    assert answer.body["code_reason"] == code_reason
    assert amounts_of(answer)[0] == ("user-b", 1, 10, "pending")
    assert not ReferralRelation.objects.filter(campaign__code=QUEST).exists()


def _switched_off(code):
    ReferralLink.objects.filter(code=code).update(is_active=False)
    return code


def test_a_second_code_is_told_to_be_too_late_and_the_same_one_is_fine():
    # given
    first, second = link_of("user-q", QUEST), link_of("user-r", QUEST)
    buy_quest("user-z", referral_code=first)

    # when
    again, other = buy_quest("user-z", referral_code=first), buy_quest("user-z", referral_code=second)

    # then
    assert (again.body["code_reason"], other.body["code_reason"]) == (None, "already_referred")
    assert {row[0] for answer in (again, other) for row in amounts_of(answer)} == {"user-q"}
    assert ReferralRelation.objects.count() == 1


def test_the_reason_of_a_code_is_repeated_with_the_first_answer():
    fields = {"referral_code": "ZZZZZZZZ", "external_event_id": "e-1", "occurred_at": "2025-01-02T09:00:00Z"}
    first = buy_quest("user-z", **fields)

    assert buy_quest("user-z", **fields).body == {**first.body, "duplicate": True}


def test_a_refused_event_leaves_no_relation_of_its_code():
    # when code and caller disagree
    answer = buy_quest("user-z", referral_code=link_of("user-q", QUEST), referrer_user_id="user-x")

    # then
    assert (answer.status, answer.code) == (409, "referrer_mismatch")
    assert not ReferralRelation.objects.exists()
    assert not ReferralStats.objects.filter(total_referred_users__gt=0).exists()


# --- limits -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("limit", "same_buyer"),
    [
        ("max_events_per_referred", True),
        ("max_events_per_referrer", False),
        ("max_events_per_referrer_per_day", False),
    ],
)
def test_an_event_over_a_limit_is_kept_earns_nothing_and_says_why(limit, same_buyer):
    # given b has invited two buyers, and one event is allowed
    invite("user-b", "user-d")
    change_rules(QUEST, {**RULES, "limits": {limit: 1}})

    # when
    first, second = buy_quest("user-c"), buy_quest("user-c" if same_buyer else "user-d")

    # then
    assert len(first.body["rewards"]) == 1
    assert second.body["rewards"] == []
    assert reason_of(second) == ("limit_reached", limit)
    assert ReferralEvent.objects.filter(reason="limit_reached", reason_detail=limit).count() == 1


@pytest.mark.usefixtures("chain")
def test_a_limit_per_referred_counts_each_user_alone():
    invite("user-b", "user-d")
    change_rules(QUEST, {**RULES, "limits": {"max_events_per_referred": 1}})

    assert [len(buy_quest(buyer).body["rewards"]) for buyer in ("user-c", "user-d", "user-c")] == [1, 1, 0]


@pytest.mark.usefixtures("chain")
def test_days_are_utc_days_of_the_event():
    change_rules(QUEST, {**RULES, "limits": {"max_events_per_referrer_per_day": 1}})
    times = [
        "2020-05-05T23:59:59Z",
        "2020-05-06T01:00:00+02:00",  # still the fifth
        "2020-05-06T00:00:00Z",
        "2020-05-05T23:00:00-05:00",  # already the sixth
    ]

    earned = [bool(buy_quest("user-c", occurred_at=moment).body["rewards"]) for moment in times]

    assert earned == [True, False, True, False]


@pytest.mark.usefixtures("chain")
def test_limits_count_over_all_event_types_of_the_campaign():
    CampaignFactory(code="all_purchases", reward_rules={**RULES, "limits": {"max_events_per_referred": 1}})

    first = buy("quest_purchased", "user-c", campaign_code="all_purchases")
    second = buy("rielt_booking_made", "user-c", campaign_code="all_purchases")

    assert (len(first.body["rewards"]), reason_of(second)) == (
        1,
        ("limit_reached", "max_events_per_referred"),
    )


@pytest.mark.usefixtures("chain")
def test_limits_of_two_campaigns_are_apart():
    change_rules(QUEST, {**RULES, "limits": {"max_events_per_referred": 1}})
    buy_quest("user-c")

    assert buy("voucher_premium_purchased", "user-c").body["rewards"]


@pytest.mark.usefixtures("chain")
def test_the_second_level_counts_for_nobodys_limit():
    change_rules(
        QUEST,
        {
            "levels": {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}},
            "limits": {"max_events_per_referrer": 1},
        },
    )
    assert [row[0] for row in amounts_of(buy_quest("user-c"))] == ["user-b", "user-a"]

    # a has earned at level 2 and may still earn once at level 1
    assert amounts_of(buy_quest("user-b")) == [("user-a", 1, 10, "pending")]


@pytest.mark.usefixtures("chain")
def test_events_that_earn_nothing_do_not_count():
    change_rules(
        QUEST,
        {
            "levels": {"level1": {"points_per_purchase": 10, "min_amount": 100}},
            "limits": {"max_events_per_referred": 1},
        },
    )

    assert reason_of(buy_quest("user-c", amount_base=99)) == ("below_min_amount", "level1.min_amount")
    assert len(buy_quest("user-c", amount_base=100).body["rewards"]) == 1


@pytest.mark.usefixtures("chain")
def test_limits_are_always_those_of_the_newest_rules():
    change_rules(QUEST, {**RULES, "limits": {"max_events_per_referred": 1}})

    answers = [buy_quest("user-c", occurred_at=f"2020-01-0{day}T00:00:00Z") for day in (1, 2)]

    assert len(answers[0].body["rewards"]) == 2  # by the levels of the first rules
    assert reason_of(answers[1]) == ("limit_reached", "max_events_per_referred")


@pytest.mark.usefixtures("chain")
def test_events_before_a_limit_was_set_count_too():
    buy_quest("user-c")
    change_rules(QUEST, {**RULES, "limits": {"max_events_per_referred": 1, "max_events_per_referrer": 9}})

    assert reason_of(buy_quest("user-c")) == ("limit_reached", "max_events_per_referred")


def cancel_all(answer):
    for reward in answer.body["rewards"]:
        cancelled = admin().post(f"/admin/rewards/{reward['id']}/cancel", {"reason": "test"})
        assert cancelled.body["status"] == "cancelled"


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    "limit", ["max_events_per_referred", "max_events_per_referrer", "max_events_per_referrer_per_day"]
)
def test_cancelling_every_reward_of_an_event_gives_its_place_back(limit):
    # given
    change_rules(
        QUEST,
        {
            "levels": {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}},
            "limits": {limit: 1},
        },
    )
    first = buy_quest("user-c")

    # when only one of its rewards is cancelled, the event counts still
    admin().post(f"/admin/rewards/{first.body['rewards'][0]['id']}/cancel", {"reason": "test"})
    assert reason_of(buy_quest("user-c")) == ("limit_reached", limit)

    # then
    admin().post(f"/admin/rewards/{first.body['rewards'][1]['id']}/cancel", {"reason": "test"})
    assert len(buy_quest("user-c").body["rewards"]) == 2
    assert reason_of(buy_quest("user-c")) == ("limit_reached", limit)


# --- budgets ------------------------------------------------------------------------------------------

TWO_LEVELS = {"level1": {"points_per_purchase": 10}, "level2": {"points_per_purchase": 5}}


@pytest.mark.usefixtures("chain")
def test_a_budget_is_never_exceeded_and_one_reward_that_does_not_fit_stops_the_event():
    # given room for two events and all but one point of a third
    change_rules(QUEST, {"levels": TWO_LEVELS, "limits": {"budget_points": 44}})

    # when
    answers = [buy_quest("user-c") for _ in range(4)]

    # then
    assert [len(answer.body["rewards"]) for answer in answers] == [2, 2, 0, 0]
    assert reason_of(answers[2]) == ("budget_exhausted", "budget_points")
    assert CampaignSpend.objects.get().points == 30
    # an event without a second level still fits
    assert amounts_of(buy_quest("user-b")) == [("user-a", 1, 10, "pending")]
    assert CampaignSpend.objects.get().points == 40


@pytest.mark.usefixtures("chain")
def test_a_budget_of_g2a_is_exact_to_the_last_digit():
    change_rules(
        QUEST,
        {"levels": {"level1": {"g2a_per_purchase": "0.333333333"}}, "limits": {"budget_g2a": "0.999999998"}},
    )

    answers = [buy_quest("user-c") for _ in range(3)]

    assert [len(answer.body["rewards"]) for answer in answers] == [1, 1, 0]
    assert reason_of(answers[2]) == ("budget_exhausted", "budget_g2a")


@pytest.mark.usefixtures("chain")
def test_what_was_earned_before_a_budget_was_set_counts():
    buy_quest("user-c", occurred_at="2020-01-01T00:00:00Z")  # 15
    change_rules(QUEST, {"levels": TWO_LEVELS, "limits": {"budget_points": 30}})

    assert [len(buy_quest("user-c").body["rewards"]) for _ in range(2)] == [2, 0]


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("status", ["pending", "failed"])
def test_cancelling_gives_back_and_failing_does_not(status):
    # given
    change_rules(QUEST, {**RULES, "limits": {"budget_points": 10}})
    first = buy_quest("user-c")
    if status == "failed":
        ReferralReward.objects.filter(campaign__code=QUEST).update(status="sent_to_points")
        ReferralReward.objects.filter(campaign__code=QUEST).update(status="failed", next_attempt_at=None)
    assert reason_of(buy_quest("user-c")) == ("budget_exhausted", "budget_points")

    # when
    cancel_all(first)

    # then
    assert CampaignSpend.objects.get().points == 0
    assert len(buy_quest("user-c").body["rewards"]) == 1


@pytest.mark.usefixtures("chain")
def test_a_budget_of_zero_pays_nothing_of_its_currency():
    change_rules(
        QUEST,
        {
            "levels": {"level1": {"g2a_per_purchase": 1}, "level2": {"points_per_purchase": 5}},
            "limits": {"budget_points": 0},
        },
    )

    assert reason_of(buy_quest("user-c")) == ("budget_exhausted", "budget_points")
    assert amounts_of(buy_quest("user-b")) == [("user-a", 1, "1.000000000", "pending")]


@pytest.mark.usefixtures("chain")
def test_an_event_that_earned_nothing_reserves_nothing():
    change_rules(QUEST, {**RULES, "limits": {"budget_points": 100, "max_events_per_referred": 1}})

    for _ in range(3):
        buy_quest("user-c")

    assert CampaignSpend.objects.get().points == 10


# --- roles --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(("role", "status"), [("user", "locked"), ("vip", "pending"), ("pro", "pending")])
def test_the_role_at_that_moment_decides_whether_a_reward_is_locked(role, status):
    become("user-a", role)

    assert amounts_of(buy_quest("user-c"))[1] == ("user-a", 2, 5, status)


@pytest.mark.usefixtures("chain")
def test_a_level_that_skips_pays_nothing_before_its_role_and_nothing_afterwards():
    # given
    level2 = {"points_per_purchase": 5, "locked_until_role": "vip", "before_role": "skip"}
    change_rules(QUEST, {"levels": {"level2": level2}})

    # then
    assert reason_of(buy_quest("user-c")) == ("role_too_low", "level2.locked_until_role")
    assert become("user-a", "vip").body["unlocked_rewards_count"] == 1  # the 50 of the invitation
    assert amounts_of(buy_quest("user-c")) == [("user-a", 2, 5, "pending")]


# --- reasons ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ({"level1": {"points_per_registration": 1}}, ("no_rule", "level1.points_per_purchase")),
        ({"level1": {"points_per_purchase": 0}}, ("zero_amount", "level1.points_per_purchase")),
        ({"level1": {"points_per_purchase": 1, "min_amount": 1}}, ("below_min_amount", "level1.min_amount")),
    ],
)
def test_an_event_that_earns_nothing_says_why(levels, reason):
    # Nothing of these could be activated, so that the campaign has another event type that pays.
    paying = {"levels": {**levels, "referred": {"points_per_event": 1}}}
    CampaignFactory(
        code="mixed", campaign_type="custom", event_types=["quest_purchased", "game_won"], reward_rules=paying
    )

    answer = buy_quest("user-c", campaign_code="mixed")

    assert reason_of(answer) == reason
    assert ReferralEvent.objects.filter(reason=reason[0], reason_detail=reason[1]).count() == 1


# --- all or nothing -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("table", ["rewards_referralreward", "referral_referralevent"])
def test_event_rewards_and_counters_come_together_or_not_at_all(table):
    # given the database refuses one of the tables
    before = snapshot()
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION test_break() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000'; END $$;
            CREATE TRIGGER test_break BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION test_break();
            """
        )

    # when
    answer = buy_quest("user-z", referral_code=link_of("user-q", QUEST))

    # then
    assert answer.status == 500
    assert snapshot() == before


def snapshot():
    """Everything that an event writes."""
    models = (
        ReferralRelation,
        ReferralEvent,
        ReferralReward,
        ReferralStats,
        ReferredCounter,
        ReferrerDayCounter,
    )
    return [sorted(map(str, model.objects.values_list())) for model in models]


@pytest.mark.usefixtures("chain")
def test_every_pending_reward_is_due_and_no_locked_one():
    buy("voucher_premium_purchased", "user-c")

    for reward in ReferralReward.objects.all():
        due = reward.available_at if reward.status == "pending" else None
        assert reward.next_attempt_at == due


def test_a_user_of_anybody_cannot_report_events():
    assert user("user-a").post("/internal/event", {}).status == 401


def test_a_partner_and_a_user_of_the_same_id_are_counted_apart():
    invite("user-a", "user-b")
    change_rules(
        "partner_onboarding_default",
        {"levels": {"level1": {"points_per_onboarding": 5}}, "limits": {"max_events_per_referred": 1}},
    )

    assert onboard("user-b", by="user-a").body["rewards"]
