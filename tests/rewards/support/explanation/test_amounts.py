"""How an amount came about, line by line, ending in what is on record."""

import re
from decimal import Decimal

import pytest
from django.utils import timezone, translation

from campaigns.services import campaign_update
from referral.models import UserRole
from rewards.intake.events import event_accept
from rewards.ledger.services import reward_unlock
from rewards.models import ReferralReward
from rewards.support.explanation.amounts import Derivation, derivation, made_locked
from tests.factories import EventFactory, RelationFactory, RewardFactory, RuleVersionFactory
from tests.helpers.rewards import campaign_of, done, earn
from tests.rewards.support.explanation.test_reward import LATIN

pytestmark = pytest.mark.django_db


def derived(reward: ReferralReward) -> Derivation:
    """As the page has it: of the row as it is now."""
    row = ReferralReward.objects.select_related("referral_event__rule_version").get(pk=reward.pk)
    return derivation(row, was_locked=made_locked(row))


def steps(found: Derivation) -> list[tuple[str, str, str]]:
    return [(str(line.entry), line.how, line.result) for line in found.lines]


def conditions(found: Derivation) -> list[tuple[str, str, str]]:
    return [(str(line.entry), line.how, line.result) for line in found.conditions]


def test_points_are_fixed_ones_and_a_share_up_to_the_cap() -> None:
    level = {
        "points_per_event": 10,
        "points_percent": "5",
        "min_amount": "100",
        "max_points_per_event": 30,
        "hold_days": 14,
    }
    campaign_of("camp", {"level1": level})

    found = derived(earn("camp", "ann", amount_base="503"))

    assert steps(found) == [
        ("Minimum amount", "503 is at least 100", ""),
        ("Points per event", "fixed amount", "10 points"),
        ("Points, percent of the amount", "5 % of 503 = 25.15, rounded down to 25", "25 points"),
        ("Max points per event", "35 points is over the maximum, so it is reduced", "30 points"),
    ]
    assert [(entry, result) for entry, _how, result in conditions(found)] == [
        ("Hold period (days)", "14 days")
    ]
    assert (found.amount, found.problem) == ("30 points", "")


def test_g2a_keep_nine_places() -> None:
    level = {"g2a_per_event": "0.25", "g2a_percent": "0.5", "max_g2a_per_event": "5", "min_amount": "0"}
    campaign_of("camp", {"level1": level})

    found = derived(earn("camp", "ann", amount_base="0.123456789"))

    assert steps(found) == [
        ("Minimum amount", "0: any event qualifies", ""),
        ("G2A per event", "fixed amount", "0.25 G2A"),
        (
            "G2A, percent of the amount",
            "0.5 % of 0.123456789 = 0.000617283945, rounded down to 0.000617283",
            "0.000617283 G2A",
        ),
        ("Max G2A per event", "0.250617283 G2A is within the maximum", "5 G2A"),
    ]
    assert (found.amount, found.problem) == ("0.250617283 G2A", "")


def test_a_share_of_nothing_is_told_beside_what_is_fixed() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10, "points_percent": "5"}})

    found = derived(earn("camp", "ann"))

    assert steps(found)[1] == (
        "Points, percent of the amount",
        "5 % of the amount, but the event has none",
        "0 points",
    )
    assert found.problem == ""


def test_both_currencies_of_one_level_have_each_their_own_lines() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10, "g2a_per_event": "1.5"}})
    answer = event_accept(done("camp", "ann"))

    found = [derived(ReferralReward.objects.get(pk=row.id)) for row in answer.rewards]

    assert [steps(one) for one in found] == [
        [("Points per event", "fixed amount", "10 points")],
        [("G2A per event", "fixed amount", "1.5 G2A")],
    ]
    assert [one.problem for one in found] == ["", ""]


@pytest.mark.parametrize("before_role", ["lock", "skip"])
def test_the_lock_is_told_by_the_reward_and_not_by_the_role_of_today(before_role: str) -> None:
    level = {"points_per_event": 10, "locked_until_role": "vip", "before_role": before_role}
    campaign_of("camp", {"level1": level})
    UserRole.objects.create(
        user_id="vera", role="vip", occurred_at=timezone.now(), first_heard_at=timezone.now()
    )
    open_at_once = earn("camp", "vera")
    UserRole.objects.filter(pk="vera").update(role="user")

    assert "the reward was not locked" in conditions(derived(open_at_once))[0][1]
    assert derived(open_at_once).problem == ""


def test_an_unlocked_reward_still_says_that_it_was_made_as_locked() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10, "locked_until_role": "vip"}})
    reward = earn("camp", "ann")
    locked = conditions(derived(reward))

    reward_unlock(reward_id=reward.pk, by="staff:olga", reason="ticket 1")

    assert conditions(derived(reward)) == locked
    assert locked == [
        (
            "Required role",
            "the user did not have it when the event was accepted, so the reward was locked",
            "VIP",
        )
    ]


def test_level_two_and_the_welcome_bonus_are_priced_by_their_own_rules() -> None:
    levels = {
        "level1": {"points_per_event": 10},
        "level2": {"points_per_event": 5},
        "referred": {"points_per_event": 2},
    }
    campaign = campaign_of("camp", levels)
    RelationFactory(campaign=campaign, referrer_user_id="ann", referred_user_id="bob")
    answer = event_accept(done("camp", "bob", "cid"))

    found = [derived(ReferralReward.objects.get(pk=row.id)) for row in answer.rewards]

    assert [(str(one.level.label), one.amount, one.problem) for one in found] == [
        ("Level 1", "10 points", ""),
        ("Level 2", "5 points", ""),
        ("Welcome bonus", "2 points", ""),
    ]


def test_rules_that_came_later_change_nothing() -> None:
    campaign = campaign_of("camp", {"level1": {"points_per_event": 10}})
    reward = earn("camp", "ann")
    campaign_update(
        campaign_id=campaign.pk,
        changes={"reward_rules": {"levels": {"level1": {"points_per_event": 99}}}},
        by="test",
    )

    assert (derived(reward).amount, derived(reward).problem) == ("10 points", "")


def test_an_amount_that_the_calculation_does_not_give_is_told_honestly() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10}})
    reward = earn("camp", "ann")
    ReferralReward.objects.filter(pk=reward.pk).update(points_amount=11)

    found = derived(reward)

    assert found.amount == "11 points"
    assert found.problem.startswith("The calculation now gives 10 points, but 11 points is recorded")


def test_another_day_than_the_calculation_gives_is_told_too() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10}})
    reward = earn("camp", "ann")
    ReferralReward.objects.filter(pk=reward.pk).update(available_at=timezone.now())

    assert derived(reward).problem.startswith("The amount matches, but")


def test_rules_that_nobody_can_read_any_more_are_told_as_such() -> None:
    version = RuleVersionFactory(rules={"levels": {"level9": {}}})
    event = EventFactory(campaign=version.campaign, rule_version=version)

    found = derived(RewardFactory(referral_event=event, points_amount=10))

    assert (found.lines, found.amount) == ((), "10 points")
    assert "so the amount cannot be recalculated" in found.problem


def test_it_is_told_in_russian_without_a_word_of_english() -> None:
    level = {
        "points_per_event": 10,
        "points_percent": "5",
        "min_amount": "100",
        "max_points_per_event": 30,
        "hold_days": 14,
        "locked_until_role": "vip",
    }
    campaign_of("camp", {"level1": level})
    reward = earn("camp", "ann", amount_base=Decimal(503))
    ReferralReward.objects.filter(pk=reward.pk).update(points_amount=11)

    with translation.override("ru"):
        found = derived(reward)
        lines = [text for line in steps(found) + conditions(found) for text in line]

    texts = [*lines, found.amount, found.problem]
    assert [text for text in texts if re.search("[A-Za-z]", re.sub("|".join(LATIN), "", text))] == []
