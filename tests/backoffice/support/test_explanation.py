"""The pages of a reward and of an event answer "why"; money is changed by three actions and nothing else."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from uuid_utils.compat import uuid7

from campaigns.models import RuleVersion
from referral.models import EventReplay, ReferralEvent, ReferralRelation, UserRole
from rewards.models import (
    PayoutAttempt,
    PeerCircuit,
    ReconciliationFinding,
    ReconciliationRun,
    ReferralReward,
    ReferralStats,
    RewardTransition,
)
from tests.backoffice.conftest import staff_with
from tests.backoffice.world import World
from tests.factories import RuleVersionFactory
from tests.helpers.api import buy_quest

MONEY = (
    ReferralReward,
    ReferralEvent,
    ReferralStats,
    PayoutAttempt,
    RewardTransition,
    PeerCircuit,
    ReconciliationFinding,
    ReconciliationRun,
    RuleVersion,
)
REWARD_PAGE_QUERIES = 18
EVENT_PAGE_QUERIES = 8


def reward_page(reward: ReferralReward) -> str:
    return reverse("admin:rewards_referralreward_change", args=[reward.pk])


def event_page(event: ReferralEvent) -> str:
    return reverse("admin:referral_referralevent_change", args=[event.pk])


# What the page says of an action that the reward's status does not allow.
ONLY = {
    "Unlock": "Only locked rewards can be unlocked",
    "Retry": "Only failed rewards can be retried",
    "Cancel the reward": "Only locked, pending, on hold and failed rewards can be cancelled",
}


def text_of(client: Client, address: str) -> str:
    """What a person reads of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", client.get(address).content.decode()))


# --- the reward ---------------------------------------------------------------------------------------------


def test_the_page_says_why_a_reward_is_locked_and_what_opens_it(boss: Client, world: World) -> None:
    text = text_of(boss, reward_page(world.rewards["locked"]))

    assert "Locked: requires the role VIP, and the user’s role is “User”." in text
    assert "Next step: It unlocks automatically when User Service reports the role VIP / PRO" in text


def test_the_page_leads_to_the_event_the_rules_and_the_user(boss: Client, world: World) -> None:
    reward = world.rewards["locked"]

    page = boss.get(reward_page(reward)).content.decode()

    event = reward.referral_event
    assert event_page(event) in page
    assert reverse("admin:campaigns_ruleversion_change", args=[event.rule_version_id]) in page
    assert f"{reverse('admin:support_user')}?id={reward.beneficiary_user_id}" in page
    text = text_of(boss, reward_page(reward))
    assert "Points per purchase fixed amount 5 points Recorded amount 5 points" in text
    assert "Recalculated now with that version of the rules: the result is the same." in text


def test_what_a_comparison_has_found_is_told_beside_the_status(boss: Client, world: World) -> None:
    text = text_of(boss, reward_page(world.rewards["paid"]))

    assert "through Points Service, transaction tx-1." in text
    assert (
        "Reconciliation with Points Service found a discrepancy that needs attention: Paid by us, missing"
        in text
    )


@pytest.mark.parametrize(
    ("kind", "offered", "refused"),
    [
        ("locked", {"unlock", "cancel"}, {"Retry"}),
        ("failed", {"retry", "cancel"}, {"Unlock"}),
        ("waiting", {"cancel"}, {"Unlock", "Retry"}),
        ("paid", set(), {"Unlock", "Retry", "Cancel the reward"}),
        ("doubtful", set(), {"Unlock", "Retry", "Cancel the reward"}),
    ],
)
def test_each_action_is_offered_or_says_why_it_is_not(
    boss: Client, world: World, kind: str, offered: set[str], refused: set[str]
) -> None:
    reward = world.rewards[kind]

    answer = boss.get(reward_page(reward))

    links = set(re.findall(rf"{reward.pk}/(unlock|retry|cancel)/", answer.content.decode()))
    assert links == offered
    obstacles = answer.context["obstacles"]
    assert set(obstacles) == {ONLY[name] for name in refused}
    assert all(obstacle in text_of(boss, reward_page(reward)) for obstacle in obstacles)


def test_a_failed_reward_in_doubt_says_why_it_cannot_be_cancelled(boss: Client, world: World) -> None:
    reward = world.rewards["failed"]
    ReferralReward.objects.filter(pk=reward.pk).update(in_doubt=True)

    text = text_of(boss, reward_page(reward))

    assert "Unconfirmed rewards cannot be cancelled: this one may have been paid" in text


def test_who_may_only_look_is_told_so(world: World) -> None:
    viewer = staff_with("rewards.view_referralreward")

    text = text_of(viewer, reward_page(world.rewards["locked"]))

    assert "You are not allowed to change rewards" in text


def test_several_are_moved_at_once_and_each_has_its_result(boss: Client, world: World) -> None:
    chosen = [world.rewards[kind] for kind in ("locked", "failed", "paid")]
    query = "&".join(f"reward={reward.pk}" for reward in chosen)
    page = f"{reverse('admin:rewards_referralreward_moves', args=['cancel'])}?{query}"

    without_reason = boss.post(page, {"reward": [reward.pk for reward in chosen], "reason": "  "})
    assert without_reason.status_code == 200
    assert {ReferralReward.objects.get(pk=reward.pk).status for reward in chosen} == {
        "locked",
        "failed",
        "completed",
    }
    answer = boss.post(page, {"reward": [reward.pk for reward in chosen], "reason": "doubles"}, follow=True)

    told = {str(message.level_tag): str(message) for message in answer.context["messages"]}
    assert told["success"].count("<li>") == 2
    assert told["error"].count("<li>") == 1
    assert ONLY["Cancel the reward"] in told["error"]
    moves = RewardTransition.objects.filter(reward__in=chosen, to_status="cancelled")
    assert {(move.actor, move.reason) for move in moves} == {("staff:boss", "doubles")}


# --- the event ----------------------------------------------------------------------------------------------


def test_an_event_says_level_by_level_what_it_earned(boss: Client, world: World) -> None:
    event = ReferralEvent.objects.get(external_event_id="order-0")

    answer = boss.get(event_page(event))

    page, text = answer.content.decode(), text_of(boss, event_page(event))
    assert "Total earned for this event" in text
    assert all(reward_page(reward) in page for reward in event.rewards.all())
    assert "Welcome bonus The invited user. cid recorded with the event" in text
    assert "nothing The rules set no reward for this level (event: purchase)." in text


def test_an_event_without_a_referrer_says_why_nobody_earned(boss: Client, world: World) -> None:
    buy_quest("stranger", external_event_id="order-x")

    text = text_of(boss, event_page(ReferralEvent.objects.get(external_event_id="order-x")))

    assert "No one earned a reward for this event." in text
    assert text.count("This person has no referrer, so no one earns a reward.") == 3


def test_who_may_not_look_at_rewards_sees_none_of_them_on_the_page_of_an_event(world: World) -> None:
    event = ReferralEvent.objects.get(external_event_id="order-0")

    text = text_of(staff_with("referral.view_referralevent"), event_page(event))

    assert "order-0" in text
    assert "Total earned for this event" not in text


def test_an_event_that_was_rewarded_later_leads_to_the_one_that_rewards_it(
    boss: Client, world: World
) -> None:
    buy_quest("stranger", external_event_id="order-x")
    past = ReferralEvent.objects.get(external_event_id="order-x")
    later = ReferralEvent.objects.get(external_event_id="order-0")
    EventReplay.objects.create(original=past, replay=later)

    assert f"the reward was earned by {later.pk}" in text_of(boss, event_page(past))
    assert f"this event rewards the past event {past.pk}" in text_of(boss, event_page(later))


# --- cost ---------------------------------------------------------------------------------------------------


def test_the_page_of_a_reward_costs_the_same_however_much_has_happened(
    boss: Client, world: World, django_assert_num_queries: object
) -> None:
    reward = world.rewards["failed"]
    boss.get(reward_page(reward))
    with django_assert_num_queries(REWARD_PAGE_QUERIES):
        boss.get(reward_page(reward))
    _versions(reward.referral_event, 300)
    now = timezone.now()
    PayoutAttempt.objects.bulk_create(
        PayoutAttempt(
            reward=reward,
            number=number,
            started_at=now + timedelta(seconds=number),
            finished_at=now + timedelta(seconds=number),
            outcome="not_booked",
            request_id=str(uuid7()),
        )
        for number in range(2, 80)
    )

    with django_assert_num_queries(REWARD_PAGE_QUERIES):
        answer = boss.get(reward_page(reward))

    # The trail is shown a page at a time.
    assert answer.content.decode().count("not paid, will retry") == 20


def test_the_page_of_an_event_costs_the_same_however_much_has_happened(
    boss: Client, world: World, django_assert_num_queries: object
) -> None:
    event = ReferralEvent.objects.get(external_event_id="order-0")
    boss.get(event_page(event))
    with django_assert_num_queries(EVENT_PAGE_QUERIES):
        boss.get(event_page(event))
    _versions(event, 300)
    for number in range(10, 20):
        buy_quest("cid", external_event_id=f"order-{number}")

    with django_assert_num_queries(EVENT_PAGE_QUERIES):
        boss.get(event_page(event))


def test_a_limit_of_a_campaign_with_many_versions_is_one_look_up(
    boss: Client, world: World, django_assert_num_queries: object
) -> None:
    event = ReferralEvent.objects.get(external_event_id="order-0")
    _versions(event, 300)
    over = ReferralEvent.objects.get(pk=event.pk)
    over.pk, over.idempotency_key, over.external_event_id = uuid7(), "i:over", "over"
    over.reason, over.reason_detail = "limit_reached", "max_events_per_referred"
    over.created_at = timezone.now()
    over.save(force_insert=True)

    boss.get(event_page(over))
    # One look-up for the limits of that time.
    with django_assert_num_queries(EVENT_PAGE_QUERIES + 1):
        text = text_of(boss, event_page(over))

    assert "Limit reached: max rewarded events per invited person" in text


BIG = {
    model._meta.db_table
    for model in (
        ReferralReward,
        RewardTransition,
        PayoutAttempt,
        ReconciliationFinding,
        ReferralEvent,
        ReferralRelation,
        UserRole,
    )
}


@pytest.mark.parametrize("kind", ["failed", "locked", "event"])
def test_everything_on_the_pages_is_found_by_an_index(boss: Client, world: World, kind: str) -> None:
    event = ReferralEvent.objects.get(external_event_id="order-0")
    page = event_page(event) if kind == "event" else reward_page(world.rewards[kind])
    with CaptureQueriesContext(connection) as queries:
        boss.get(page)

    plans = []
    with connection.cursor() as cursor:
        # An empty table is best read whole: what counts is that there is another way.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute("EXPLAIN " + query["sql"])
                plans.append("\n".join(row[0] for row in cursor.fetchall()))

    text = "\n".join(plans)
    assert "Index Scan using" in text
    assert set(re.findall(r"Seq Scan on (\w+)", text)) & BIG == set()


def _versions(event: ReferralEvent, count: int) -> None:
    last = RuleVersion.objects.filter(campaign=event.campaign_id).order_by("-number").first()
    for number in range(last.number + 1, last.number + 1 + count):
        RuleVersionFactory(campaign=event.campaign, number=number, rules=last.rules)


# --- nothing else can be edited -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", MONEY, ids=lambda model: model._meta.model_name)
def test_nobody_edits_adds_or_deletes_what_money_hangs_on(boss: Client, world: World, model: type) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.order_by("pk").first()
    fields = {field.attname: "1" for field in model._meta.concrete_fields}
    before = list(model._default_manager.order_by("pk").values())

    answers = {
        "change": boss.post(reverse(f"{name}_change", args=[row.pk]), fields),
        "add": boss.post(reverse(f"{name}_add"), fields),
        "delete": boss.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}),
        "list": boss.post(
            reverse(f"{name}_changelist"), {"_save": "Save", "form-TOTAL_FORMS": "1", **fields}
        ),
    }

    assert {what: answer.status_code for what, answer in answers.items() if what != "list"} == {
        "change": 403,
        "add": 403,
        "delete": 403,
    }
    assert list(model._default_manager.order_by("pk").values()) == before
    assert not admin.site._registry[model].list_editable


def test_the_page_of_a_reward_has_no_field_to_type_into(boss: Client, world: World) -> None:
    page = boss.get(reward_page(world.rewards["failed"])).content.decode()

    form = page[page.index('id="referralreward_form"') :].partition("</form>")[0]
    typed = re.findall(r"<(?:textarea|select)\b|<input(?![^>]*type=\"hidden\")[^>]*>", form)
    assert typed == []
