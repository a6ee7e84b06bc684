"""The short way of the event path gives what the careful one gives, or steps aside."""

import random
from collections import Counter
from contextlib import contextmanager

import pytest
from django.db import transaction

from kernel.errors import DomainError, ReferrerMismatch
from rewards.intake import acceptance
from rewards.intake.events import events_accept
from rewards.intake.fast_path import accept_at_once
from rewards.ledger.services import role_upgrade
from tests.helpers.clock import database_time, host_clock_apart
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done, invite
from tests.helpers.rows import comparable, every_row

PEOPLE = [f"user-{number}" for number in range(6)]
ROLES = ("user", "vip", "pro")
# Among the tables that are compared, all that there are, must be those that an event writes.
WRITTEN = {
    "referral_referralevent",
    "rewards_referralreward",
    "rewards_referredcounter",
    "rewards_referrerdaycounter",
    "rewards_referralstats",
    "campaigns_campaignspend",
}

pytestmark = pytest.mark.django_db


@contextmanager
def undone():
    """Nothing of what is done inside stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def ways(monkeypatch):
    """Counts how often the short way was taken and how often it stepped aside."""
    taken = Counter()

    def watched(events):
        answers = accept_at_once(events)
        taken["short" if answers else "stepped aside"] += 1
        return answers

    monkeypatch.setattr(acceptance, "accept_at_once", watched)
    return taken


def written_by(events, monkeypatch, *, careful):
    """Answers and rows after these events, by one of the ways; nothing stays."""
    with monkeypatch.context() as patch:
        if careful:
            patch.setattr(acceptance, "_at_once", lambda candidates: None)
        with undone():
            began = database_time()
            answers = [_comparable(answer) for answer in _accepted(events)]
            assert_counters_agree_with_a_recount()
            return answers, comparable(every_row(), began, database_time())


def _accepted(events):
    """A single event's refusal is raised, one of a batch is its answer."""
    try:
        return events_accept(events)
    except DomainError as refusal:
        return [refusal]


def _comparable(answer):
    if isinstance(answer, DomainError):
        return answer.code
    rewards = [
        (row.beneficiary_user_id, row.beneficiary_level, row.points_amount, row.g2a_amount, row.status)
        for row in answer.rewards
    ]
    return (answer.duplicate, answer.reason, answer.reason_detail, answer.referrer_user_id, rewards)


def world(chance):
    """A campaign by chance, relations without rings, roles; the campaign's code."""

    def level():
        rule = {"points_per_event": chance.choice([0, 7, 10]), "hold_days": chance.choice([0, 0, 3])}
        rule |= chance.choice([{}, {"g2a_per_event": "0.000000001"}, {"points_percent": "2.5"}])
        rule |= chance.choice([{}, {"g2a_percent": "33.33", "max_g2a_per_event": "5"}, {"min_amount": "100"}])
        if chance.random() < 0.5:
            rule |= {
                "locked_until_role": chance.choice(["vip", "pro"]),
                "before_role": chance.choice(["lock", "lock", "skip"]),
            }
        return rule

    names = ["level1", *(name for name in ("level2", "referred") if chance.random() < 0.7)]
    levels = {name: level() for name in names}
    levels["level1"]["points_per_event"] = 10
    limits = {
        "max_events_per_referred": chance.choice([None, 3, 50]),
        "max_events_per_referrer": chance.choice([None, 5, 50]),
        "max_events_per_referrer_per_day": chance.choice([None, 5, 50]),
        "budget_points": chance.choice([None, None, 60, 5000]),
        "budget_g2a": chance.choice([None, None, "1.5", "5000"]),
    }
    campaign = campaign_of("chance", levels, **{key: most for key, most in limits.items() if most})
    for number, person in enumerate(PEOPLE[1:], 1):
        if chance.random() < 0.8:
            inviter = PEOPLE[chance.randrange(number)]
            invite(campaign, inviter, person)
    for person in PEOPLE:
        if chance.random() < 0.6:
            moment = done("chance", None).occurred_at
            role_upgrade(user_id=person, new_role=chance.choice(ROLES), occurred_at=moment, by="test")


def event_by(chance):
    fields = {"amount_base": chance.choice([None, "99.99", "100", "123456789012.123456789"])}
    fields |= chance.choice([{}, {"subject_type": "quest", "subject_id": "q'1\\"}])
    return done("chance", chance.choice([None] * 9 + PEOPLE[:1]), chance.choice(PEOPLE), **fields)


@pytest.mark.parametrize("lot", range(6))
def test_by_both_ways_the_same_is_answered_and_written(lot, monkeypatch, ways):
    # given a host whose clock goes ahead or behind, so that whatever is dated by it differs
    host_clock_apart(monkeypatch, 5 if lot % 2 else -5)
    for seed in range(12 * lot, 12 * lot + 12):
        chance = random.Random(seed)
        with undone():
            world(chance)
            events_accept([event_by(chance) for _ in range(chance.choice([0, 3]))])
            batch = [event_by(chance) for _ in range(chance.choice([1, 1, 2, 5]))]

            # when
            short = written_by(batch, monkeypatch, careful=False)
            careful = written_by(batch, monkeypatch, careful=True)

        # then
        assert short[0] == careful[0], f"seed {seed}"
        assert short[1].keys() >= WRITTEN
        for table, rows in short[1].items():
            assert rows == careful[1][table], f"seed {seed}, {table}"
    assert ways["short"] >= 2


# --- when it steps aside ------------------------------------------------------------------------------------


@pytest.fixture
def invited(db):
    campaign = campaign_of("plain", {"level1": {"points_per_event": 10}}, max_events_per_referrer=3)
    invite(campaign, "user-a", "friend")


def test_a_plain_event_takes_the_short_way_once(invited, ways):
    (answer,) = events_accept([done("plain", None, "friend")])

    assert [row.beneficiary_user_id for row in answer.rewards] == ["user-a"]
    assert ways == {"short": 1}


def test_somebody_whom_nobody_invited_takes_the_short_way_too(invited, ways):
    (answer,) = events_accept([done("plain", None, "stranger")])

    assert (answer.reason, answer.rewards) == ("no_referrer", [])
    assert ways == {"short": 1}


def test_naming_the_referrer_on_record_changes_nothing(invited, ways):
    (answer,) = events_accept([done("plain", "user-a", "friend")])

    assert answer.rewards
    assert ways == {"short": 1}


@pytest.mark.parametrize(
    ("what", "event"),
    [
        ("another referrer is named", lambda: done("plain", "user-b", "friend")),
        ("nobody is on record, the caller's word counts", lambda: done("plain", "user-b", "stranger")),
    ],
)
def test_it_steps_aside_when(what, event, invited, ways):
    with transaction.atomic():
        try:
            events_accept([event()])
        except ReferrerMismatch:
            assert "another" in what

    assert ways == {"stepped aside": 1}


def test_a_repeated_event_gets_its_first_answer(invited, ways):
    event = done("plain", None, "friend")
    (first,) = events_accept([event])

    (again,) = events_accept([event])

    assert again.duplicate
    assert (again.event_id, again.rewards) == (first.event_id, first.rewards)
    assert ways == {"short": 1, "stepped aside": 1}
    assert_counters_agree_with_a_recount()


def test_a_batch_that_runs_into_a_limit_is_taken_apart_by_the_careful_way(invited, ways):
    answers = events_accept([done("plain", None, "friend") for _ in range(5)])

    assert [answer.reason for answer in answers] == [None, None, None, "limit_reached", "limit_reached"]
    assert ways == {"stepped aside": 1}
    assert_counters_agree_with_a_recount()


def test_what_no_level_1_earns_for_sure_is_left_to_the_careful_way(db, ways):
    rule = {"points_per_event": 10, "locked_until_role": "vip", "before_role": "skip"}
    campaign = campaign_of("skips", {"level1": rule})
    invite(campaign, "user-a", "friend")

    (answer,) = events_accept([done("skips", None, "friend")])

    assert (answer.reason, answer.reason_detail) == ("role_too_low", "level1.locked_until_role")
    assert ways == {}
