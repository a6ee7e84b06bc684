"""What is foreseen of a user's past is what rewarding it gives, for any rules, limits and roles."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.catalog import catalog
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from dev.demo.campaigns import demo_campaigns_ensure
from referral.models import EventReplay
from rewards.intake.events import event_accept
from rewards.ledger.services import role_upgrade
from rewards.models import ReferralReward
from rewards.support.attach.backfill import past_reward
from rewards.support.attach.plan import plan_of
from rewards.support.attach.relation import choice_of, referrer_attach
from tests.helpers.api import invite
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done

LEVEL = st.fixed_dictionaries(
    {"points_per_event": st.integers(1, 20)},
    optional={
        "g2a_percent": st.sampled_from(["0.5", "12.25"]),
        "min_amount": st.sampled_from(["10", "500"]),
        "max_points_per_event": st.integers(1, 15),
        "locked_until_role": st.sampled_from(["vip", "pro"]),
        "hold_days": st.integers(0, 3),
    },
)
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "max_events_per_referred": st.integers(1, 6),
        "max_events_per_referrer": st.integers(1, 8),
        "max_events_per_referrer_per_day": st.integers(1, 4),
        "budget_points": st.integers(1, 120),
        "budget_g2a": st.sampled_from(["0.5", "20"]),
    },
)
AMOUNT = st.sampled_from([None, "5", "99.999999999", "1234.5"])
EVENT = st.tuples(AMOUNT, st.integers(0, 2))
ROLE = st.sampled_from(["user", "vip", "pro"])


class Undo(Exception):
    """Ends an example without a trace."""


@pytest.fixture
def ann_was_invited_by_pat(db):
    """And Ann has invited Dan."""
    demo_campaigns_ensure()
    invite("pat", "ann")
    invite("ann", "dan")


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    levels=st.fixed_dictionaries({"level1": LEVEL}, optional={"level2": LEVEL, "referred": LEVEL}),
    before=LIMITS,
    after=LIMITS,
    past=st.lists(EVENT, min_size=1, max_size=6),
    others=st.lists(EVENT, max_size=3),
    roles=st.tuples(ROLE, ROLE, ROLE),
)
def test_what_is_foreseen_is_what_happens(ann_was_invited_by_pat, levels, before, after, past, others, roles):
    try:
        with transaction.atomic():
            # given a past of Bob and one of Dan's, under limits that are changed afterwards
            shop = campaign_of("shop", levels, **before)
            for user, events in (("bob", past), ("dan", others)):
                for amount, days_ago in events:
                    moment = timezone.now() - timedelta(days=days_ago)
                    event_accept(done("shop", None, referred=user, amount_base=amount, occurred_at=moment))
            rules = {"levels": levels, "limits": after}
            campaign_update(campaign_id=shop.pk, changes={"reward_rules": rules}, by="test")
            for user, role in zip(("ann", "pat", "bob"), roles, strict=True):
                role_upgrade(user_id=user, new_role=role, occurred_at=timezone.now(), by="test")

            # when it is foreseen and then rewarded
            catalog.forget()
            invites = ReferralCampaign.objects.get(code="user_invite_default")
            choice = choice_of(user="bob", referrer="ann", campaign_id=invites.pk)
            plan = plan_of(
                user="bob",
                referrer="ann",
                campaign=choice.campaign,
                with_registration=False,
                with_events=True,
            )
            relation = referrer_attach(choice=choice, by="staff:olga", reason="ticket 4711")
            past_reward(
                relation_id=relation.pk,
                registration=False,
                event_ids=[item.event_id for item in plan.foresight.possible],
                by="staff:olga",
                reason="ticket 4711",
            )

            # then
            assert len(plan.foresight.possible) == len(past)
            assert rewarded() == foreseen(plan.foresight)
            assert totals() == {
                user: (total.points, total.g2a, total.points_locked, total.g2a_locked)
                for user, total in plan.foresight.totals.items()
            }
            assert_counters_agree_with_a_recount()
            raise Undo
    except Undo:
        catalog.forget()


def foreseen(foresight):
    """By past event: how many rewards there would be, and of which words each line is."""
    return {
        item.event_id: sorted(
            (line.user_id, earning.locked) for line in item.lines for earning in line.earnings
        )
        for item in foresight.items
    }


def rewarded():
    """The same of what was written."""
    return {
        tie.original_id: sorted(
            (reward.beneficiary_user_id, reward.status == "locked") for reward in tie.replay.rewards.all()
        )
        for tie in EventReplay.objects.select_related("replay")
    }


def totals():
    """What each person got of it: points, G2A, and how much of both is locked."""
    found = {}
    for reward in ReferralReward.objects.filter(referral_event__source_service="back_office"):
        points, g2a = reward.points_amount or 0, reward.g2a_amount or 0
        is_locked = reward.status == "locked"
        was = found.get(reward.beneficiary_user_id, (0, 0, 0, 0))
        added = (points, g2a, points * is_locked, g2a * is_locked)
        found[reward.beneficiary_user_id] = tuple(one + other for one, other in zip(was, added, strict=True))
    return found
