"""The last line of every invariant: what the database itself refuses, by the name of the constraint."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from access.models import ServiceOperation
from tests.factories import (
    CampaignRowFactory,
    EventFactory,
    LinkFactory,
    PartnerRelationFactory,
    RelationFactory,
    RewardFactory,
    RuleVersionFactory,
    SpendFactory,
    StatsFactory,
    UserRoleFactory,
)

pytestmark = pytest.mark.django_db

DAY = datetime(2025, 1, 1, tzinfo=UTC)
PARTNER = {"event_type": "rf_partner_onboarded", "referred_user_id": None, "business_partner_id": "p"}
G2A = {"currency": "g2a", "points_amount": None, "g2a_amount": 1}
IDLE = {"next_attempt_at": None}


def assert_refused(constraint, make, *args, **fields):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        make(*args, **fields)
    assert constraint in str(refused.value)


@pytest.mark.parametrize(
    ("make", "constraint", "fields"),
    [
        *(
            (CampaignRowFactory, "campaign_code_shape", {"code": code})
            for code in ("", "ab", "Abc", "a b", "x.y")
        ),
        (CampaignRowFactory, "campaign_type_known", {"campaign_type": "game"}),
        (CampaignRowFactory, "campaign_status_known", {"status": "live"}),
        (CampaignRowFactory, "campaign_window_forward", {"start_at": DAY, "end_at": DAY}),
        (SpendFactory, "campaign_spend_not_negative", {"points": -1}),
        (SpendFactory, "campaign_spend_not_negative", {"g2a": "-0.000000001"}),
        *((LinkFactory, "link_owner_shape", {"owner_user_id": owner}) for owner in ("", "a b", "ы")),
        *((LinkFactory, "link_code_shape", {"code": code}) for code in ("", "ABC", "abcdefgh", "ABC-DEFG")),
        (RelationFactory, "relation_not_with_oneself", {"referrer_user_id": "a", "referred_user_id": "a"}),
        (RelationFactory, "relation_ids_shape", {"referrer_user_id": ""}),
        (RelationFactory, "relation_ids_shape", {"referred_user_id": "a b"}),
        (RelationFactory, "relation_source_known", {"source": "rumour"}),
        (PartnerRelationFactory, "partner_relation_status_known", {"status": "new"}),
        (PartnerRelationFactory, "partner_relation_ids_shape", {"business_partner_id": ""}),
        (EventFactory, "event_amount_not_negative", {"amount_base": -1}),
        (EventFactory, "event_about_user_or_partner", {"referred_user_id": None}),
        (EventFactory, "event_about_user_or_partner", {"business_partner_id": "p"}),
        (UserRoleFactory, "user_role_known", {"role": "admin"}),
        (UserRoleFactory, "user_id_shape", {"user_id": "a b"}),
        (RewardFactory, "reward_exactly_one_amount", {"points_amount": 0}),
        (RewardFactory, "reward_exactly_one_amount", {"points_amount": -1}),
        (RewardFactory, "reward_exactly_one_amount", {"points_amount": None}),
        (RewardFactory, "reward_exactly_one_amount", {"g2a_amount": 1}),
        (RewardFactory, "reward_exactly_one_amount", {"currency": "g2a"}),
        (RewardFactory, "reward_exactly_one_amount", {**G2A, "g2a_amount": 0}),
        (RewardFactory, "reward_exactly_one_amount", {**G2A, "points_amount": 1}),
        (RewardFactory, "reward_status_known", {"status": "paid", **IDLE}),
        *((RewardFactory, "reward_level_known", {"beneficiary_level": level}) for level in (0, 3)),
        (RewardFactory, "reward_role_known", {"required_min_role": "user"}),
        (RewardFactory, "reward_lock_has_a_key", {"status": "locked", **IDLE}),
        (RewardFactory, "reward_workable_has_next_attempt", IDLE),
        (RewardFactory, "reward_workable_has_next_attempt", {"status": "locked", "required_min_role": "vip"}),
        (RewardFactory, "reward_workable_has_next_attempt", {"status": "sent_to_points", **IDLE}),
        (RewardFactory, "reward_workable_has_next_attempt", {"status": "failed"}),
        (RewardFactory, "reward_paid_has_transaction", {"status": "completed", **IDLE}),
        (RewardFactory, "reward_doubt_only_on_the_way", {"status": "cancelled", "in_doubt": True, **IDLE}),
        (RewardFactory, "reward_sent_to_its_peer", {"status": "sent_to_token"}),
        (RewardFactory, "reward_sent_to_its_peer", {"status": "sent_to_points", **G2A}),
        (RewardFactory, "reward_beneficiary_shape", {"beneficiary_user_id": "a b"}),
        *(
            (StatsFactory, "stats_not_negative", {f"{currency}_{kind}": -1})
            for currency in ("points", "g2a")
            for kind in ("earned", "pending", "locked")
        ),
    ],
)
def test_a_row_against_the_contract_is_refused(make, constraint, fields):
    assert_refused(constraint, make, **fields)


@pytest.mark.parametrize(
    ("make", "constraint", "first", "second"),
    [
        (RuleVersionFactory, "rule_version_numbered_once", {"number": 1}, {"number": 1}),
        (LinkFactory, "link_once_per_campaign_and_payload", {"payload_digest": "x"}, {"payload_digest": "x"}),
        (
            RelationFactory,
            "relation_once_per_campaign_and_referred",
            {"referred_user_id": "b"},
            {"referred_user_id": "b", "referrer_user_id": "x"},
        ),
        (
            PartnerRelationFactory,
            "partner_relation_once_per_campaign",
            {"business_partner_id": "p"},
            {"business_partner_id": "p", "referrer_user_id": "x"},
        ),
        (EventFactory, "event_once_per_key", {"idempotency_key": "i:1"}, {"idempotency_key": "i:1"}),
        (
            EventFactory,
            "event_registered_once",
            {"event_type": "user_registered"},
            {"event_type": "user_registered"},
        ),
        (EventFactory, "event_onboarded_once", PARTNER, PARTNER),
        (StatsFactory, "stats_once_per_user_and_campaign", {}, {}),
    ],
)
def test_what_is_once_in_a_campaign_is_refused_twice(make, constraint, first, second):
    campaign = CampaignRowFactory()
    version = {"rule_version": RuleVersionFactory(campaign=campaign)} if make is EventFactory else {}
    make(campaign=campaign, **version, **first)

    assert_refused(constraint, make, campaign=campaign, **version, **second)


@pytest.mark.parametrize("level", [1, 2, None])
@pytest.mark.parametrize("amounts", [{}, G2A])
def test_one_event_pays_a_level_once_in_a_currency(level, amounts):
    first = RewardFactory(beneficiary_level=level, **amounts)

    assert_refused(
        "reward_once_per_event_level_currency",
        RewardFactory,
        referral_event=first.referral_event,
        beneficiary_level=level,
        **amounts,
    )


def test_nobody_is_invited_twice_over_all_campaigns():
    RelationFactory(is_invitation=True, referred_user_id="b")
    RelationFactory(is_invitation=False, referred_user_id="b")

    assert_refused("relation_invited_once", RelationFactory, is_invitation=True, referred_user_id="b")


def test_a_code_belongs_to_one_link():
    LinkFactory(code="ABCDEFGH")

    assert_refused("code", LinkFactory, code="ABCDEFGH")


@pytest.mark.parametrize(("operation", "event_type"), [("event", ""), ("upline", "quest_purchased")])
def test_a_right_names_an_event_type_where_it_needs_one(operation, event_type):
    assert_refused(
        "service_operation_event_type_where_needed",
        ServiceOperation.objects.create,
        service="x",
        operation=operation,
        event_type=event_type,
    )


@pytest.mark.parametrize(
    ("make", "table", "column"),
    [
        (RuleVersionFactory, "campaigns_ruleversion", "number = 9"),
        (EventFactory, "referral_referralevent", "amount_base = 9"),
    ],
)
def test_history_is_append_only(make, table, column):
    make()

    for sql in (f"UPDATE {table} SET {column}", f"DELETE FROM {table}"):
        with connection.cursor() as cursor:
            assert_refused("append-only", cursor.execute, sql)


def test_rewards_are_never_deleted():
    RewardFactory()

    with connection.cursor() as cursor:
        assert_refused("append-only", cursor.execute, "DELETE FROM rewards_referralreward")


@pytest.mark.parametrize(
    ("source", "target"),
    [("locked", "completed"), ("pending", "completed"), ("pending", "failed"), ("cancelled", "pending")],
)
def test_a_status_jumps_nowhere(source, target):
    role = "vip" if source == "locked" else None
    workable = {"next_attempt_at": DAY if source == "pending" else None}
    RewardFactory(status=source, required_min_role=role, external_tx_id="tx", **workable)

    with connection.cursor() as cursor:
        assert_refused(
            f"cannot go from {source} to {target}",
            cursor.execute,
            "UPDATE rewards_referralreward SET status = %s",
            [target],
        )
