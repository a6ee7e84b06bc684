"""The demo's data are rows that could be: counted right, made once, and completed after a stop."""

from itertools import pairwise
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from dev.demo.story import Joined, story
from dev.demo.writing import Writer, story_window
from referral.models import LinkClicks, ReferralEvent, ReferralRelation, UserRole
from rewards.ledger.recount import differences
from rewards.models import ReferralReward

USERS, DAYS = 90, 40


def make() -> None:
    call_command("create_demo_data", users=USERS, days=DAYS, verbosity=0)


def rows() -> dict[str, int]:
    """How many there are of everything."""
    models = (UserRole, ReferralRelation, ReferralEvent, ReferralReward, LinkClicks)
    return {model.__name__: model.objects.count() for model in models}


def test_the_data_agree_with_a_recount_and_show_every_kind(campaigns: None) -> None:
    make()

    assert [wrong for portion in differences() for wrong in portion] == []
    kinds = set(ReferralReward.objects.values_list("status", "currency"))
    assert {("pending", "points"), ("pending", "g2a"), ("locked", "points"), ("failed", "points")} <= kinds
    assert set(ReferralEvent.objects.values_list("reason", flat=True)) >= {None, "no_referrer"}
    assert ReferralEvent.objects.dates("occurred_at", "day").count() > DAYS * 0.8


def test_running_it_again_adds_nothing(campaigns: None) -> None:
    make()
    before = rows()

    make()

    assert rows() == before


def test_what_was_stopped_is_completed(campaigns: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dev.demo.writing.BATCH", 50)
    start, end = story_window(USERS, DAYS)
    acts = story(users=USERS, start=start, end=end)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Writer(acts).write(stop)
    assert 0 < ReferralEvent.objects.count() < 50
    make()

    assert ReferralRelation.objects.count() == sum(
        isinstance(act, Joined) and act.inviter is not None for act in acts
    )
    assert [wrong for portion in differences() for wrong in portion] == []


def test_everybody_joins_after_whom_they_were_invited_by(campaigns: None) -> None:
    start, end = story_window(USERS, DAYS)
    acts = story(users=USERS, start=start, end=end)

    assert all(earlier.at <= later.at for earlier, later in pairwise(acts))
    joined: set[str] = set()
    for act in acts:
        if isinstance(act, Joined):
            assert act.inviter is None or act.inviter in joined
            joined.add(act.user)
        else:
            assert act.user in joined


def test_a_campaign_that_takes_nothing_is_named(campaigns: None) -> None:
    quests = ReferralCampaign.objects.get(code="quest_purchase_default")
    campaign_update(campaign_id=quests.pk, changes={"status": "paused"}, by="test")

    with pytest.raises(CommandError, match="quest_purchase_default takes no events"):
        make()


def test_production_is_not_filled(db: None, settings: Any) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="for the demo only"):
        make()
