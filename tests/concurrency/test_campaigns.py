"""A campaign changes while its events run: what was answered about it holds for every later event."""

import contextlib
from dataclasses import replace

import pytest

from campaigns import services as campaign_services
from campaigns.catalog import catalog
from campaigns.models import CampaignSpend, ReferralCampaign
from campaigns.services import campaign_update
from kernel.errors import CampaignInactive
from rewards.intake import acceptance
from rewards.intake.events import event_accept
from rewards.ledger import services
from rewards.ledger.services import reward_cancel
from rewards.models import ReferralReward
from tests.helpers.races import LONG_SECONDS, Pause, Racer, cross
from tests.helpers.rewards import assert_counters_agree_with_a_recount, campaign_of, done, earn

LEVELS = {"level1": {"points_per_event": 10}}


@pytest.fixture(autouse=True)
def campaign(committed_db):
    return campaign_of("busy", LEVELS)


@pytest.fixture
def stale_catalog(campaign, monkeypatch):
    """What another process sees: a catalog that has not heard of any change."""
    monkeypatch.setattr("campaigns.catalog.CACHE_SECONDS", 3600)
    catalog.forget()
    catalog.by_code("busy")

    @contextlib.contextmanager
    def unheard():
        with monkeypatch.context() as patch:
            patch.setattr(catalog, "forget", lambda: None)
            yield

    return unheard


def changing(campaign, **changes):
    return lambda: campaign_update(campaign_id=campaign.id, changes=changes, by="admin")


def earning(**fields):
    event = done("busy", fields.pop("referrer", "user-a"), **fields)
    return lambda: event_accept(event)


def test_a_pause_waits_for_the_events_that_run(campaign):
    event, paused, waited = cross(
        earning(), changing(campaign, status="paused"), Pause(acceptance, "open_batch")
    )

    assert waited
    assert event.rewards
    assert paused.status == "paused"


def test_after_a_pause_was_answered_nothing_is_accepted(campaign, stale_catalog):
    # given a process whose catalog still says active
    with stale_catalog():
        changing(campaign, status="paused")()

    # then
    assert catalog.by_code("busy").status == "active"
    with pytest.raises(CampaignInactive):
        earning()()
    assert not ReferralReward.objects.exists()


def test_an_event_that_waits_for_a_pause_is_not_accepted(campaign):
    _, refusal, waited = cross(
        changing(campaign, status="paused"), earning(), Pause(campaign_services, "_apply")
    )

    assert waited
    assert isinstance(refusal, CampaignInactive)
    assert not ReferralReward.objects.exists()


def test_twin_without_the_check_of_the_revision_a_paused_campaign_pays(campaign, stale_catalog, monkeypatch):
    with stale_catalog():
        changing(campaign, status="paused")()
    _ignore_revisions(monkeypatch)

    assert earning()().rewards
    assert ReferralCampaign.objects.get(pk=campaign.pk).status == "paused"


def _ignore_revisions(monkeypatch):
    real = acceptance.open_batch

    def open_batch(candidates, **how):
        rows = real(candidates, **how)
        pairs = zip(rows, candidates, strict=True)
        return [replace(row, revision=candidate.campaign.revision) for row, candidate in pairs]

    monkeypatch.setattr(acceptance, "open_batch", open_batch)


def test_twin_without_the_lock_an_event_is_accepted_after_the_pause_was_answered(campaign, monkeypatch):
    # given a pause that does not wait for the events that run
    monkeypatch.setattr(campaign_services, "lock_campaign", lambda *args, **options: None)

    # when it is answered while an event is between its reading and its writing
    with Pause(acceptance, "open_batch") as point:
        event = Racer(earning())
        assert point.reached.wait(LONG_SECONDS)
        paused = Racer(changing(campaign, status="paused"))
        assert paused.finish().status == "paused"
        assert not ReferralReward.objects.exists()
        point.release.set()

        # then the event is accepted later than that
        assert event.finish().rewards


ONE_EACH = {"levels": LEVELS, "limits": {"max_events_per_referrer": 1}}


def test_an_event_with_a_stale_catalog_obeys_the_new_limits(campaign, stale_catalog):
    # given one event of the referrer, and a catalog that has not heard of the limit
    earn("busy", "user-a")
    with stale_catalog():
        changing(campaign, reward_rules=ONE_EACH)()
    assert catalog.by_code("busy").limits.max_events_per_referrer is None

    # when
    late = earning()()

    # then
    assert (late.rewards, late.reason, late.reason_detail) == ([], "limit_reached", "max_events_per_referrer")
    assert_counters_agree_with_a_recount()


def test_twin_without_the_check_of_the_revision_old_limits_are_obeyed(campaign, stale_catalog, monkeypatch):
    earn("busy", "user-a")
    with stale_catalog():
        changing(campaign, reward_rules=ONE_EACH)()
    _ignore_revisions(monkeypatch)

    assert earning()().rewards


def test_an_event_that_waits_while_the_limits_change_obeys_the_new_ones(campaign):
    earn("busy", "user-a")

    _, event, waited = cross(
        changing(campaign, reward_rules=ONE_EACH), earning(), Pause(campaign_services, "_apply")
    )

    assert waited
    assert (event.rewards, event.reason) == ([], "limit_reached")
    assert_counters_agree_with_a_recount()


def test_a_budget_that_comes_while_events_run_counts_all_of_them(campaign):
    # given one event paid before, one that runs, and two that wait behind the change
    earn("busy", "user-a")
    rules = {"levels": LEVELS, "limits": {"budget_points": 30}}
    with Pause(acceptance, "open_batch") as point:
        running = Racer(earning(referrer="user-b"))
        assert point.reached.wait(LONG_SECONDS)
        change = Racer(changing(campaign, reward_rules=rules))
        assert change.until_over_or_waiting()
        waiting = [Racer(earning(referrer=f"late-{number}")) for number in range(4)]
        assert all(racer.until_over_or_waiting() for racer in waiting)

        # when
        point.release.set()
        answers = [racer.finish() for racer in [running, *waiting]]
        assert change.finish().revision == 2

    # then there is room for one of those that waited
    assert sorted(len(answer.rewards) for answer in answers) == [0, 0, 0, 1, 1]
    assert running.result.rewards
    assert CampaignSpend.objects.get().points == 30
    assert_counters_agree_with_a_recount()


def test_a_budget_is_summed_without_what_is_being_cancelled(campaign):
    # given a reward that is being cancelled while a budget is introduced
    reward = earn("busy", "user-a")
    rules = {"levels": LEVELS, "limits": {"budget_points": 10}}
    changing(campaign, reward_rules=rules)()

    # when the first event after it opens the budget
    _, event, waited = cross(
        lambda: reward_cancel(reward_id=reward.id, by="support", reason="a mistake"),
        earning(referrer="user-b"),
        Pause(services, "_give_back"),
    )

    # then it waits, and finds room
    assert waited
    assert event.rewards
    assert CampaignSpend.objects.get().points == 10
    assert_counters_agree_with_a_recount()
