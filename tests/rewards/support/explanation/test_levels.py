"""Why an event earned what it earned, or nothing, level by level, whatever has changed since."""

import random
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone, translation

from campaigns.models import ReferralCampaign
from campaigns.rules.calculation import ROLE_TOO_LOW, Calculation, Counters, Facts, calculate
from campaigns.rules.schema import rules_parse
from campaigns.services import campaign_update
from dev.demo.campaigns import demo_campaigns_ensure
from referral.models import ReferralEvent, ReferralRelation, UserRole
from rewards.intake.events import event_accept
from rewards.intake.results import Accepted
from rewards.ledger.services import reward_cancel
from rewards.models import ReferralReward
from rewards.support.explanation.event_record import recorded
from rewards.support.explanation.levels import EventStory, event_story
from tests.factories import EventFactory, RelationFactory, RuleVersionFactory
from tests.helpers.api import onboard
from tests.helpers.rewards import campaign_of, done
from tests.rewards.support.explanation.test_reward import LATIN

pytestmark = pytest.mark.django_db

THREE = {
    "level1": {"points_per_event": 10},
    "level2": {"points_per_event": 5},
    "referred": {"points_per_event": 2},
}


def told(event_id: object) -> EventStory:
    """As the page has it: of the rows as they are now."""
    return event_story(recorded(ReferralEvent.objects.select_related("rule_version").get(pk=event_id)))


def story_of(referrer: str | None, referred: str = "", **fields: Any) -> EventStory:
    return told(event_accept(done("camp", referrer, referred, **fields)).event_id)


def whys(tale: EventStory) -> list[str]:
    return [level.why.text for level in tale.levels]


def become(user: str, role: str) -> None:
    now = timezone.now()
    defaults = {"role": role, "occurred_at": now, "first_heard_at": now}
    UserRole.objects.update_or_create(user_id=user, defaults=defaults)


def test_each_level_says_what_it_earned_and_why() -> None:
    campaign = campaign_of("camp", {**THREE, "level1": {"points_per_event": 10, "points_percent": "5"}})
    RelationFactory(campaign=campaign, referrer_user_id="ann", referred_user_id="bob")

    tale = story_of("bob", "cid", amount_base="500")

    assert (tale.headline, tale.earned) == ("Total earned for this event: 42 points.", True)
    assert whys(tale) == ["10 points + 5 % of 500 (rounded down)", "5 points", "2 points"]
    assert [(level.person, level.known_by) for level in tale.levels] == [
        ("bob", "from the reward"),
        ("ann", "from the reward"),
        ("cid", "from the reward"),
    ]
    assert [len(level.rewards) for level in tale.levels] == [1, 1, 1]


def test_a_level_where_nobody_was_says_so_also_when_somebody_came_later() -> None:
    campaign = campaign_of("camp", THREE)
    event_id = event_accept(done("camp", "bob", "cid")).event_id
    RelationFactory(campaign=campaign, referrer_user_id="ann", referred_user_id="bob")

    tale = told(event_id)

    assert (tale.levels[1].person, tale.levels[1].why.reason) == (None, "no_referrer")
    assert whys(tale)[1] == "No one at this level."
    assert "the referrer of bob is ann. The referral came after this event" in tale.notes[0]


def test_who_stands_in_the_event_already_is_no_level_two() -> None:
    campaign = campaign_of("camp", THREE)
    RelationFactory(campaign=campaign, referrer_user_id="cid", referred_user_id="bob")
    answer = event_accept(done("camp", "bob", "dan"))
    ReferralReward.objects.get(referral_event=answer.event_id, beneficiary_user_id="cid")

    campaign_of("other", THREE)
    tale = told(event_accept(done("other", "bob", "cid")).event_id)

    assert tale.levels[1].person is None


def test_a_role_that_was_too_low_is_told_after_it_was_reached() -> None:
    skip = {"points_per_event": 10, "locked_until_role": "vip", "before_role": "skip"}
    campaign_of("camp", {"level1": skip, "referred": {"points_per_event": 2}})
    event_id = event_accept(done("camp", "bob", "cid")).event_id
    become("bob", "pro")

    level = told(event_id).levels[0]

    assert (level.why.reason, level.role_today) == (ROLE_TOO_LOW, "PRO")
    assert level.why.text == "This level requires the role VIP."
    assert level.why.note == "Only the role was missing at that time."


def test_a_recorded_reason_goes_before_what_else_would_have_kept_it_from_earning() -> None:
    skip = {
        "points_per_event": 10,
        "min_amount": "5",
        "locked_until_role": "vip",
        "before_role": "skip",
    }
    campaign_of("camp", {"level1": skip})

    level = story_of("bob", "cid").levels[0]

    assert (level.why.reason, level.why.note) == (ROLE_TOO_LOW, "")


def test_a_role_that_locks_is_told_by_the_reward() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 10, "locked_until_role": "vip"}})

    (level, *_) = story_of("bob", "cid").levels

    assert [(reward.status, reward.required_min_role) for reward in level.rewards] == [("locked", "vip")]


def test_the_minimum_and_a_missing_amount_are_told_by_level() -> None:
    levels = {
        "level1": {"points_per_event": 10, "min_amount": "100"},
        "referred": {"points_per_event": 2},
    }
    campaign_of("camp", levels)

    assert whys(story_of("bob", "cid", amount_base="99.5"))[0] == ("99.5 is below the minimum amount of 100.")
    assert whys(story_of("bob", "cid"))[0].startswith("The event has no amount")
    assert whys(story_of("bob", "cid"))[1] == "No one at this level."


def test_a_level_without_a_rule_and_one_that_comes_to_nothing() -> None:
    campaign_of("camp", {"level1": {"points_per_event": 0}, "referred": {"points_per_event": 2}})

    tale = story_of("bob", "cid")

    assert whys(tale)[0] == "The reward comes to 0."
    campaign_of("other", {"referred": {"points_per_event": 2}})
    assert "set no reward for this level" in whys(told(event_accept(done("other", "bob")).event_id))[0]


def test_an_event_without_a_referrer_earned_nothing_for_anybody() -> None:
    campaign_of("camp", THREE)

    tale = story_of(None, "cid")

    assert tale.headline == "No one earned a reward for this event."
    assert set(whys(tale)) == {"This person has no referrer, so no one earns a reward."}
    assert [level.person for level in tale.levels] == [None, None, "cid"]


def test_an_invitation_that_came_after_the_event_changes_nothing_of_it() -> None:
    campaign = campaign_of("camp", THREE)
    event_id = event_accept(done("camp", None, "cid")).event_id
    RelationFactory(campaign=campaign, referrer_user_id="bob", referred_user_id="cid")

    tale = told(event_id)

    assert set(whys(tale)) == {"This person has no referrer, so no one earns a reward."}
    assert "the referrer of cid is bob. The referral came after this event" in tale.notes[0]


@pytest.mark.parametrize(
    ("referrer", "words"),
    [
        ("cid", "is named as their own referrer, so no one earns a reward."),
        ("dan", "Circular referral: no one earns a reward."),
    ],
)
def test_a_referrer_that_cannot_be_one_is_told(referrer: str, words: str) -> None:
    campaign_of("camp", THREE)
    other = campaign_of("other", THREE)
    RelationFactory(campaign=other, referrer_user_id="cid", referred_user_id="dan")

    tale = story_of(referrer, "cid")

    assert [words in text for text in whys(tale)] == [True, True, True]


def test_a_limit_is_told_with_the_number_of_that_time() -> None:
    campaign = campaign_of("camp", THREE, max_events_per_referred=1)
    event_accept(done("camp", "bob", "cid"))
    event_id = event_accept(done("camp", "bob", "cid")).event_id
    _rules_become(campaign, max_events_per_referred=7)

    tale = told(event_id)

    assert set(whys(tale)) == {
        "Limit reached: max rewarded events per invited person – 1 (version 1 of the rules). "
        "The event earns nothing at any level."
    }
    assert [level.person for level in tale.levels] == ["bob", None, "cid"]


@pytest.mark.parametrize(
    ("levels", "limits", "words"),
    [
        (
            {"level1": {"points_per_event": 10}},
            {"budget_points": 15},
            "what was left of 15 points (version 1",
        ),
        ({"level1": {"g2a_per_event": "1.5"}}, {"budget_g2a": "2.5"}, "what was left of 2.5 G2A (version 1"),
    ],
)
def test_a_budget_is_told_without_pretending_to_know_what_was_taken(
    levels: dict[str, Any], limits: dict[str, Any], words: str
) -> None:
    campaign = campaign_of("camp", levels, **limits)
    event_accept(done("camp", "bob", "cid"))
    event_id = event_accept(done("camp", "bob", "dan")).event_id
    _rules_become(campaign)

    tale = told(event_id)

    assert words in whys(tale)[0]
    assert "already used" not in whys(tale)[0]


def _rules_become(campaign: ReferralCampaign, **limits: Any) -> None:
    rules = {"levels": {"level1": {"points_per_event": 1}}, "limits": limits}
    campaign_update(campaign_id=campaign.pk, changes={"reward_rules": rules}, by="test")


def test_what_was_cancelled_since_is_told() -> None:
    campaign_of("camp", THREE)
    answer: Accepted = event_accept(done("camp", "bob", "cid"))
    reward_cancel(reward_id=answer.rewards[0].id, by="staff:olga", reason="a double")

    assert told(answer.event_id).headline == (
        "Total earned for this event: 12 points. Cancelled since: 10 points."
    )


def test_a_partner_gets_no_welcome() -> None:
    demo_campaigns_ensure()
    onboard("cafe-1", by="ann")

    tale = told(ReferralEvent.objects.get(business_partner_id="cafe-1").pk)

    assert [str(level.words.label) for level in tale.levels] == ["Level 1", "Level 2"]


def test_an_event_from_before_the_first_version_says_which_one_counts() -> None:
    version = RuleVersionFactory(rules={"levels": {"level1": {"points_per_purchase": 1}}})
    event = EventFactory(campaign=version.campaign, rule_version=version)

    assert told(event.pk).notes == (
        "The event is older than version 1 of the rules. This is the first version, so it applies.",
    )


def test_rules_that_nobody_can_read_any_more_are_told_as_such() -> None:
    version = RuleVersionFactory(rules={"levels": {"level9": {}}})
    event = EventFactory(campaign=version.campaign, rule_version=version)

    assert set(whys(told(event.pk))) == {"The rules of that time cannot be read, so the reason is not known."}


def test_what_the_calculation_does_not_give_is_told_honestly() -> None:
    campaign_of("camp", THREE)
    answer: Accepted = event_accept(done("camp", "bob", "cid"))
    ReferralReward.objects.filter(pk=answer.rewards[0].id).update(points_amount=11)

    assert whys(told(answer.event_id))[0].startswith("The calculation now gives a different result")


def test_a_level_that_should_have_earned_is_told_honestly() -> None:
    version = RuleVersionFactory(rules={"levels": THREE_FOR_PURCHASES})
    event = EventFactory(campaign=version.campaign, rule_version=version, reason=None)
    relation = RelationFactory(campaign=version.campaign, referrer_user_id="ann", referred_user_id="user-a")
    ReferralRelation.objects.filter(pk=relation.pk).update(created_at=event.created_at)

    tale = told(event.pk)

    assert set(whys(tale)) == {"No reward was earned, although the rules set one for this level."}
    assert [level.why.note[:13] for level in tale.levels] == [
        "Contact the o",
        "Most likely t",
        "Contact the o",
    ]


THREE_FOR_PURCHASES = {name: {"points_per_purchase": 1} for name in THREE}


def test_it_is_told_in_russian_without_a_word_of_english() -> None:
    campaign = campaign_of("camp", {**THREE, "level2": {"points_per_event": 5, "min_amount": "3"}})
    RelationFactory(campaign=campaign, referrer_user_id="1", referred_user_id="2")
    event_ids = [
        event_accept(done("camp", "2", "3")).event_id,
        event_accept(done("camp", None, "4")).event_id,
    ]
    RelationFactory(campaign=campaign, referrer_user_id="2", referred_user_id="4")

    with translation.override("ru"):
        tales = [told(event_id) for event_id in event_ids]

    texts = [text for tale in tales for text in (tale.headline, *tale.notes, *whys(tale))]
    texts += [level.known_by + level.why.note + level.role_today for tale in tales for level in tale.levels]
    assert [text for text in texts if re.search("[A-Za-z]", re.sub("|".join(LATIN), "", text))] == []


# --- the words and the calculation of that time agree -------------------------------------------------------

LEVEL_CHOICES: dict[str, Callable[[random.Random], Any]] = {
    "points_per_event": lambda chance: chance.choice([0, 7]),
    "points_percent": lambda chance: chance.choice(["0", "10"]),
    "min_amount": lambda chance: chance.choice(["0", "50"]),
    "max_points_per_event": lambda chance: chance.choice([0, 9]),
}


def _some_level(chance: random.Random) -> dict[str, Any]:
    level = {key: choose(chance) for key, choose in LEVEL_CHOICES.items() if chance.random() < 0.5}
    return level | _gate(chance)


def _gate(chance: random.Random) -> dict[str, Any]:
    if chance.random() < 0.4:
        return {}
    return {"locked_until_role": "vip", "before_role": chance.choice(["lock", "skip"])}


@pytest.mark.parametrize("seed", range(12))
def test_every_reason_is_the_one_of_that_time_whatever_happened_since(seed: int) -> None:
    """Calculated here with what was so then; roles, relations and rules change after the events."""
    chance = random.Random(seed)
    levels = {**{name: _some_level(chance) for name in THREE}, "referred": {"points_per_event": 2}}
    levels["referred"] |= _gate(chance)
    campaign = campaign_of("camp", levels, max_events_per_referrer=6)
    rules = rules_parse(campaign.reward_rules)
    RelationFactory(campaign=campaign, referrer_user_id="ann", referred_user_id="bob")
    roles = {user: chance.choice(["user", "vip"]) for user in ("ann", "bob", "cid")}
    for user, role in roles.items():
        become(user, role)
    counted: Counter[str | None] = Counter()
    then: dict[UUID, Calculation] = {}
    for _number in range(12):
        referrer, referred = chance.choice(["bob", "dan", None]), chance.choice(["cid", "eve"])
        amount = chance.choice([None, "20", "80"])
        event_id = event_accept(done("camp", referrer, referred, amount_base=amount)).event_id
        facts = Facts(
            family="event",
            occurred_at=ReferralEvent.objects.get(pk=event_id).occurred_at,
            amount_base=Decimal(amount) if amount else None,
            level1=referrer,
            level2="ann" if referrer == "bob" else None,
            referred=referred,
        )
        counters = Counters(events_of_referrer=counted[referrer])
        then[event_id] = calculate(rules, rules.limits, facts, roles, counters)
        counted[referrer] += bool(then[event_id].drafts)
    _rules_become(campaign, max_events_per_referrer=1)
    RelationFactory(campaign=campaign, referrer_user_id="fay", referred_user_id="dan")
    for user in ("ann", "bob", "cid", "dan"):
        become(user, chance.choice(["user", "vip", "pro"]))

    for event_id, calculation in then.items():
        assert ReferralEvent.objects.get(pk=event_id).reason == calculation.reason
        for level, outcome in zip(told(event_id).levels, calculation.levels, strict=True):
            assert len(level.rewards) == len(outcome.drafts)
            if outcome.reason == ROLE_TOO_LOW and calculation.reason_detail != outcome.reason_detail:
                # Where something else would have kept it from earning as well, that is as true.
                assert level.why.reason is not None
            else:
                assert level.why.reason == outcome.reason
            assert "calculation now gives a different result" not in level.why.text
            if calculation.reason != "no_referrer":
                assert level.person == outcome.beneficiary
