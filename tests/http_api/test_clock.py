"""One clock dates what is on record, the database's: hosts' clocks may go ahead of it or behind."""

import re
from datetime import datetime

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from campaigns.models import ReferralCampaign
from dev.demo.campaigns import demo_campaigns_ensure
from referral.models import ReferralEvent, ReferralRelation
from rewards.imports.relations import import_go_on, import_prepare
from rewards.models import ReferralReward
from rewards.support.attach.relation import choice_of, referrer_attach
from rewards.support.review.bulk_retry import bulk_retry_start
from rewards.support.review.rewards import Filters
from tests.helpers.api import (
    admin,
    become,
    buy_quest,
    change_rules,
    invite,
    link_of,
    onboard,
    register,
    user,
)
from tests.helpers.clock import database_time, host_clock_apart
from tests.helpers.failures import http, kept
from tests.helpers.rows import every_row

pytestmark = pytest.mark.django_db

OURS = ("access_", "campaigns_", "referral_", "rewards_")
# What others have told us, and what follows from it.
TOLD = {"occurred_at", "registered_at", "available_at", "next_attempt_at", "failed_before"}
# When a call to a peer began and ended is timed where it is made.
TIMED = {"rewards_payoutattempt"}
BY, WHY = "staff:maria", "ticket 4711"


DATED = {
    "access_auditentry.at",
    "campaigns_referralcampaign.created_at",
    "campaigns_referralcampaign.updated_at",
    "campaigns_ruleversion.created_at",
    "campaigns_ruleversion.valid_from",
    "referral_partnerreferralrelation.created_at",
    "referral_referralevent.created_at",
    "referral_referrallink.created_at",
    "referral_referrallink.updated_at",
    "referral_referralrelation.created_at",
    "referral_userrole.first_heard_at",
    "rewards_bulkretry.created_at",
    "rewards_referralreward.created_at",
    "rewards_referralreward.updated_at",
    "rewards_relationimport.created_at",
    "rewards_relationimport.finished_at",
    "rewards_relationimport.started_at",
    "rewards_rewardtransition.at",
}


@pytest.fixture(params=[5, -5], ids=["ahead", "behind"])
def host_clock(request, monkeypatch):
    """The clock of this host is 5 seconds wrong."""
    host_clock_apart(monkeypatch, request.param)
    demo_campaigns_ensure()


# --- what came first ----------------------------------------------------------------------------------------


def test_a_registration_is_dated_before_the_purchase_that_follows_it(host_clock, admin_client: Client):
    invite("ann", "bob")
    answer = buy_quest("bob", amount_base=500)

    event = ReferralEvent.objects.get(pk=answer.body["referral_event_id"])
    relation = ReferralRelation.objects.get(referred_user_id="bob")
    assert relation.created_at <= event.created_at
    # Nor does support read that the relation came too late, for this event or for the registration.
    for shown in ReferralEvent.objects.all():
        text = text_of(admin_client, shown)
        assert "Level 1" in text
        assert "came after this event" not in text
        assert "came too late for it" not in text


def test_a_purchase_that_came_first_is_dated_before_the_registration(host_clock, admin_client: Client):
    answer = buy_quest("bob", amount_base=500)
    invite("ann", "bob")

    event = ReferralEvent.objects.get(pk=answer.body["referral_event_id"])
    assert event.created_at <= ReferralRelation.objects.get(referred_user_id="bob").created_at
    assert "came after this event" in text_of(admin_client, event)


def text_of(client, event):
    address = reverse("admin:referral_referralevent_change", args=[event.pk])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(address).content.decode()))


# --- everything ---------------------------------------------------------------------------------------------


def test_whatever_is_written_is_dated_by_the_database(host_clock):
    before, began = every_row(), database_time()
    people_act()
    services_call()
    support_acts()
    after, ended = every_row(), database_time()

    moments = {
        (f"{table}.{column}", value)
        for table, rows in after.items()
        if table.startswith(OURS) and table not in TIMED
        for row in rows
        if row not in before[table]
        for column, value in row.items()
        if isinstance(value, datetime) and column not in TOLD
    }
    assert {column for column, moment in moments if not began <= moment <= ended} == set()
    assert {column for column, _ in moments} == DATED


def people_act():
    """Marketing makes and changes a campaign, users take links and claim what they forgot to say."""
    content = {"code": "spring", "name": "Spring", "campaign_type": "user_invite", "status": "active"}
    content["reward_rules"] = {"levels": {"level1": {"points_per_registration": 10}}}
    assert admin().post("/admin/campaigns", content).status == 201
    change_rules("spring", {"levels": {"level1": {"points_per_registration": 20}}})
    code = link_of("ann", "spring")
    (link,) = user("ann").get("/my/links").body["items"][:1]
    assert user("ann").patch(f"/my/links/{link['id']}", {"is_active": link["code"] == code}).status == 200
    register("claimant", None)
    assert user("claimant").post("/my/claim", {"code": link_of("ann")}).body["success"] is True


def services_call():
    """Registrations, purchases on two levels with and without a code, a partner, a role."""
    invite("top", "ann")
    invite("ann", "bob")
    buy_quest("bob", amount_base=500)
    buy_quest("bob", amount_base=500, referral_code=link_of("eve", "quest_purchase_default"))
    assert onboard("cafe", by="ann").status == 200
    assert become("top", "vip").body["unlocked_rewards_count"] > 0


def support_acts():
    """Each move of a reward, a referrer attached by hand, an import, a bulk retry."""
    moved = list(ReferralReward.objects.filter(status="pending", currency="points").order_by("id"))
    for reward, action in zip(moved, ("retry", "cancel"), strict=False):
        force_failed(reward)
        assert admin().post(f"/admin/rewards/{reward.id}/{action}", {"reason": WHY}).status == 200
    force_failed(moved[2])
    order = Filters(error="HTTP 422 ACCOUNT_CLOSED")
    bulk_retry_start(filters=order, failed_before=database_time(), by=BY, reason=WHY)

    campaign = ReferralCampaign.objects.get(code="user_invite_default")
    choice = choice_of(user="newcomer", referrer="ann", campaign_id=campaign.pk)
    referrer_attach(choice=choice, by=BY, reason=WHY)
    content = b"referrer_user_id,referred_user_id,registered_at\nann,old-friend,2026-01-31\n"
    prepared = import_prepare(campaign=campaign, file_name="old.csv", content=content, by=BY)
    assert import_go_on(import_id=prepared.pk, by=BY).made == 1


def force_failed(reward):
    """As a worker leaves a reward that its peer refuses."""
    for before, after in (("pending", "sent_to_points"), ("sent_to_points", "failed")):
        ReferralReward.objects.filter(pk=reward.pk, status=before).update(
            status=after,
            next_attempt_at=None if after == "failed" else Now(),
            updated_at=Now(),
            **kept(http(422, "ACCOUNT_CLOSED", "the account is closed")),
        )
