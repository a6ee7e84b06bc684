"""Analytics hears of every event and every status change, at least once, in order, without personal data."""

import io
import json
import logging
from datetime import datetime

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.services import CampaignContent, campaign_create
from dev.demo.campaigns import demo_campaigns_ensure
from referral.keys import forget_keys
from referral.models import InstallationKey, ReferralEvent
from rewards.actors import send_analytics
from rewards.intake.commands import EventReported, event_of
from rewards.intake.events import event_accept
from rewards.ledger.services import reward_cancel, reward_unlock
from rewards.models import AnalyticsRefusal, PeerCircuit, ReferralReward, RewardTransition
from rewards.outbox import cursor as outbox
from rewards.outbox.delivery import sender
from rewards.outbox.entries import anonymous_partner, anonymous_user, entries_of
from tests.helpers.analytics import (
    Relay,
    forget_analytics,
    key_of,
    path_of,
    recorded,
    rest_is_over,
    send_all,
    wait_until,
)
from tests.helpers.api import become, buy_quest, invite, now_text, service
from tests.helpers.processes import ServiceProcesses
from tests.helpers.rewards import campaign_of, done, earn, nothing_is_under_way, pay_until

BODY_LIMIT = 32 * 1024


@pytest.fixture
def analytics(request, sandbox, settings):
    """The sandbox, with Analytics switched on and nothing sent yet."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")
    settings.ANALYTICS_URL = sandbox.analytics_url
    forget_analytics()
    yield sandbox
    forget_analytics()


@pytest.fixture
def relay(analytics, settings):
    """Analytics behind a relay that keeps the raw bodies."""
    with Relay(analytics.analytics_url).running() as running:
        settings.ANALYTICS_URL = running.url
        sender.cache_clear()
        yield running


@pytest.fixture
def points(db):
    """A campaign that pays level 1 ten points, and level 2 five that wait for a role."""
    return campaign_of("points", {"level1": {"points_per_event": 10}})


# --- what is sent -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("points")
def test_an_event_its_reward_and_every_change_of_it_arrive_in_order(analytics):
    # given an event whose reward is paid
    reward = earn("points", "anna", referred="bob")
    pay_until(nothing_is_under_way)

    # when
    send_analytics()

    # then
    events = analytics.events()
    assert [event["event_name"] for event in events] == [
        "referral_event_recorded",
        "referral_reward_status_changed",
        "referral_reward_status_changed",
        "referral_reward_status_changed",
    ]
    assert recorded(events) == [str(reward.referral_event_id)]
    assert path_of(events, reward.id) == [
        (None, "pending"),
        ("pending", "sent_to_points"),
        ("sent_to_points", "completed"),
    ]
    assert [event["anonymous_user_id"] for event in events] == [anonymous_user("bob")] + 3 * [
        anonymous_user("anna")
    ]
    assert events[0]["payload"]["referrer_anonymous_id"] == anonymous_user("anna")
    times = [datetime.fromisoformat(event["occurred_at"]) for event in events]
    assert times == sorted(times)


@pytest.mark.usefixtures("analytics")
def test_a_reward_that_moved_before_it_was_told_is_told_from_its_beginning(sandbox):
    campaign_of("locked", {"level1": {"points_per_event": 10, "locked_until_role": "vip"}})
    unlocked, cancelled = earn("locked", "anna"), earn("locked", "anna")
    reward_unlock(reward_id=unlocked.id, by="person", reason="asked")
    reward_cancel(reward_id=cancelled.id, by="person", reason="asked")

    send_all()

    events = sandbox.events()
    assert path_of(events, unlocked.id) == [(None, "locked"), ("locked", "pending")]
    assert path_of(events, cancelled.id) == [(None, "locked"), ("locked", "cancelled")]


@pytest.mark.usefixtures("points")
def test_what_was_sent_is_not_sent_again(analytics):
    earn("points", "anna")
    send_all()
    before = len(analytics.events())

    send_all()
    second = event_accept(done("points", "anna"))
    send_all()

    events = analytics.events()
    assert len(events) == before + 2
    assert recorded(events)[-1] == str(second.event_id)


def test_nothing_that_was_sent_names_anybody(relay, analytics):
    # given ids, texts and names that would be recognized anywhere in a body
    ids = ("user-ANNA-7d1", "user-BOB-8e2", "user-CLEO-9f3", "partner-ZED-4c4")
    anna, bob, cleo, partner = ids
    texts = ("subject-QUEST-5b5", "secret-METADATA-6a6", "external-7c7", "staff-GRACE-8d8", "because-OF-9e9")
    subject, secret, external, staff, reason = texts
    demo_campaigns_ensure()
    invite(anna, bob)
    invite(bob, cleo)
    told = buy_quest(
        cleo,
        subject_type="quest",
        subject_id=subject,
        metadata={"note": secret, secret: 1},
        external_event_id=external,
    )
    assert told.status == 200, told.body
    service("rf_service").post(
        "/internal/partner-onboarded",
        {
            "business_partner_id": partner,
            "onboarding_user_id": anna,
            "campaign_code": "partner_onboarding_default",
            "occurred_at": now_text(),
        },
    )
    become(anna, "vip")
    held = ReferralReward.objects.filter(status="pending").first()
    reward_cancel(reward_id=held.id, by=staff, reason=reason)
    pay_until(nothing_is_under_way)

    # when
    send_all()

    # then
    sent = b"\n".join(relay.bodies).decode()
    assert len(analytics.events()) == _everything()
    for word in (*ids, *texts):
        assert word not in sent
    assert anonymous_user(anna) in sent
    assert anonymous_partner(partner) in sent
    assert anonymous_user(partner) not in sent


def test_a_hash_is_keyed_by_this_installation(db):
    first = anonymous_user("anna")
    assert first == anonymous_user("anna") != anonymous_user("bob")
    assert len(first) == 64
    InstallationKey.objects.filter(name="analytics").delete()
    forget_keys()
    assert anonymous_user("anna") != first


def _everything() -> int:
    """How many entries there are to tell."""
    return ReferralEvent.objects.count() + ReferralReward.objects.count() + RewardTransition.objects.count()


# --- sizes --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("points")
def test_a_backlog_is_sent_in_batches_below_the_limit(relay, analytics):
    for number in range(150):
        event_accept(done("points", "a" * 64, f"{number:x}".rjust(64, "u")))
    send_all()

    sizes = [len(body) for body in relay.bodies]
    assert len(analytics.events()) == _everything() == 300
    assert max(sizes) <= BODY_LIMIT
    assert min(sizes[:3]) > BODY_LIMIT * 0.9
    assert not AnalyticsRefusal.objects.exists()


def test_the_largest_entries_stay_below_the_limits(analytics):
    code, kind = "c" * 64, "t" * 64
    _long_campaign(code, kind)
    now = timezone.now()
    body = EventReported(
        event_type=kind,
        campaign_code=code,
        referred_user_id="u" * 64,
        referrer_user_id="r" * 64,
        occurred_at=now.isoformat(),
        amount_base="999999999999.123456789",
        external_event_id="x" * 100,
    )
    event_accept(event_of("s" * 64, body, now=now))

    send_all()

    events = analytics.events()
    assert len(events) == _everything() == 5
    assert max(len(json.dumps(event["payload"])) for event in events) < 2048


def _long_campaign(code, kind):
    both = {"points_per_event": 10**9, "g2a_per_event": "0.123456789"}
    rules = {"levels": {"level1": both, "referred": both}}
    content = CampaignContent(
        code=code, name=code, campaign_type="custom", event_types=[kind], reward_rules=rules
    )
    campaign_create(content=content, by="test", status="active")


# --- outages ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("points")
def test_an_outage_only_makes_it_late(analytics, settings):
    # given an outage
    fault = analytics.fault(peer="analytics", mode="status", status=503)
    rewards = [earn("points", f"user-{n}") for n in range(3)]
    for _ in range(4):
        send_all()
    assert analytics.events() == []
    assert PeerCircuit.objects.get(peer="analytics").state == "open"

    # when it is over
    analytics.clear_fault(fault)
    pay_until(nothing_is_under_way)
    send_all()

    # then everything is told, in order
    events = analytics.events()
    assert recorded(events) == [str(reward.referral_event_id) for reward in rewards]
    assert len(events) == _everything()
    assert PeerCircuit.objects.get(peer="analytics").state == "closed"


@pytest.mark.usefixtures("points", "patient")
def test_while_the_circuit_is_open_nothing_is_called(analytics):
    earn("points", "anna")
    analytics.fault(peer="analytics", mode="status", status=401)
    send_all()
    assert PeerCircuit.objects.get(peer="analytics").state == "open"
    (called,) = [fault["hits"] for fault in analytics.faults()]

    # the pause is over, the circuit's is not
    with connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_analyticscursor SET next_attempt_at = '-infinity'")
    send_analytics()

    assert [fault["hits"] for fault in analytics.faults()] == [called]
    assert _unsent_events() == 1


@pytest.mark.usefixtures("points")
@pytest.mark.parametrize(
    "order",
    [
        {"mode": "status", "status": 429, "headers": {"Retry-After": "600"}},
        {"mode": "status", "status": 408},
        {"mode": "reset"},
        {"mode": "garbage"},
        {"mode": "commit_then_garbage"},
        {"mode": "redirect", "location": "http://127.0.0.1:9/"},
    ],
    ids=lambda order: f"{order['mode']}-{order.get('status', '')}",
)
def test_what_was_not_surely_taken_is_sent_again(analytics, order):
    reward = earn("points", "anna")
    analytics.fault(peer="analytics", times=1, **order)

    send_analytics()
    assert _unsent_events() == 1
    send_all()

    assert _unsent_events() == 0
    assert set(map(key_of, analytics.events())) == {str(reward.referral_event_id), str(reward.id)}


@pytest.mark.usefixtures("points")
def test_a_peer_that_names_a_time_is_left_alone_until_then(analytics):
    earn("points", "anna")
    analytics.fault(peer="analytics", mode="status", status=429, headers={"Retry-After": "600"}, times=1)
    send_analytics()
    send_analytics()
    assert analytics.events() == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT next_attempt_at - now() > interval '590 seconds' FROM rewards_analyticscursor")
        assert cursor.fetchone()[0]


@pytest.mark.usefixtures("points")
def test_a_sender_that_died_between_the_answer_and_its_note_is_followed(analytics):
    # given a sender that was killed right after Analytics took its batch
    reward = earn("points", "anna")
    token = outbox.take()
    batch = entries_of(outbox.next_rows())
    sender().peer.send([entry.body for entry in batch], request_id="dies")
    assert len(analytics.events()) == 2

    # when the next one comes, nothing happens before the lease is over
    send_analytics()
    assert len(analytics.events()) == 2
    send_all()

    # then it is sent again, not lost, with ids that show it
    events = analytics.events()
    assert [key_of(event) for event in events] == 2 * [str(reward.referral_event_id), str(reward.id)]
    with pytest.raises(outbox.LeaseLost):
        outbox.settle(token, batch)


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("points")
def test_one_refused_entry_is_put_aside_and_the_rest_goes_on(analytics, caplog):
    # given one among many that Analytics will not take
    rewards = [earn("points", "anna", referred=f"user-{n}") for n in range(20)]
    offender = rewards[7]
    analytics.fault(peer="analytics", mode="status", status=422, user_id=anonymous_user("user-7"))

    # when
    with caplog.at_level(logging.ERROR):
        send_all()

    # then
    refusal = AnalyticsRefusal.objects.get()
    assert (refusal.entry_id, refusal.http_status) == (offender.referral_event_id, 422)
    assert str(offender.referral_event_id) in caplog.text
    told = [str(reward.referral_event_id) for reward in rewards if reward is not offender]
    assert recorded(analytics.events()) == told
    assert len(analytics.events()) == _everything() - 1
    assert _unsent_events() == 0

    # when a person has mended it
    analytics.clear_faults()
    out = io.StringIO()
    call_command("analytics_lag", "--send-refused-again", stdout=out)
    send_all()

    # then it is told too
    assert "1 rejected entries will be sent again" in out.getvalue()
    assert str(offender.referral_event_id) in recorded(analytics.events())
    assert not AnalyticsRefusal.objects.exists()


@pytest.mark.usefixtures("points", "patient")
def test_a_peer_that_refuses_everything_is_given_a_rest(analytics):
    for number in range(60):
        event_accept(done("points", "anna", f"user-{number}"))
    analytics.fault(peer="analytics", mode="status", status=400)

    send_all()

    assert PeerCircuit.objects.get(peer="analytics").state == "open"
    assert 20 <= AnalyticsRefusal.objects.count() < 120
    assert _unsent_events() > 0


def _unsent_events() -> int:
    return outbox.lags()[0].entries


# --- operation ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("points")
def test_the_command_shows_how_far_behind_it_is(analytics):
    earn("points", "anna")
    assert _shown() == [
        "referral_event_recorded: 1 not sent, the oldest for 0 seconds",
        "referral_reward_status_changed: 1 not sent, the oldest for 0 seconds",
        "rejected: 0",
        "Analytics: not used yet",
    ]
    send_all()
    assert _shown() == [
        "referral_event_recorded: 0 not sent",
        "referral_reward_status_changed: 0 not sent",
        "rejected: 0",
        "Analytics: operational",
    ]
    earn("points", "anna")
    analytics.fault(peer="analytics", mode="status", status=403)
    send_all()
    assert _shown()[3].startswith("Analytics: unavailable since ")
    assert "HTTP 403" in _shown()[3]


def _shown() -> list[str]:
    out = io.StringIO()
    call_command("analytics_lag", stdout=out)
    return out.getvalue().splitlines()


def test_the_worker_sends_without_anybodys_help(analytics, committed_db, tmp_path):
    campaign_of("points", {"level1": {"points_per_event": 10}})
    environment = {
        "ANALYTICS_URL": analytics.analytics_url,
        "POINTS_SERVICE_URL": analytics.points_url,
        "PAYOUT_SWEEP_SECONDS": "0.1",
    }
    processes = ServiceProcesses(tmp_path, environment)
    try:
        processes.start("worker")
        processes.start("scheduler")
        reward = earn("points", "anna")
        wait_until(lambda: len(analytics.events()) == 4, seconds=60)
    finally:
        processes.__exit__(None, None, None)
    assert path_of(analytics.events(), reward.id)[-1] == ("sent_to_points", "completed")


@pytest.mark.usefixtures("points")
def test_without_an_address_nothing_is_sent_and_nothing_is_lost(analytics, settings):
    settings.ANALYTICS_URL = ""
    sender.cache_clear()
    reward = earn("points", "anna")
    send_analytics()
    assert "Analytics: off (ANALYTICS_URL is not set)" in _shown()

    # when it is configured later, history is told from its beginning
    settings.ANALYTICS_URL = analytics.analytics_url
    sender.cache_clear()
    send_all()
    assert recorded(analytics.events()) == [str(reward.referral_event_id)]


@pytest.mark.usefixtures("points", "analytics")
def test_only_what_is_there_and_free_is_due():
    assert not outbox.analytics_due()
    earn("points", "anna")
    assert outbox.analytics_due()
    token = outbox.take()
    assert not outbox.analytics_due()
    outbox.hand_back(token, pause_seconds=0)
    assert outbox.analytics_due()


@pytest.mark.usefixtures("points", "analytics")
def test_events_and_payouts_do_not_know_of_it():
    """The outbox adds no statement to the hot paths: the tables number their rows themselves."""
    earn("points", "anna")
    with CaptureQueriesContext(connection) as queries:
        event_accept(done("points", "anna"))
        pay_until(nothing_is_under_way)
    texts = " ".join(query["sql"] for query in queries)
    assert "analytics" not in texts
    assert "recorded_no" not in texts
    with CaptureQueriesContext(connection) as queries:
        event_accept(done("points", "anna"))
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 3


# --- what was rolled back, and what was restored ------------------------------------------------------------


@pytest.mark.usefixtures("points", "analytics")
def test_after_a_restore_elsewhere_old_gaps_are_forgotten():
    """Transaction ids begin anew in a restored database: a gap noted by one to come is of the old cluster."""
    earn("points", "anna")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE rewards_analyticscursor SET missing = '{[1,1000000)}',"
            " unsent = '{[1,)}', missing_xid = '9000000000'"
        )
    rest_is_over()
    outbox.forget_lost(outbox.take())
    with connection.cursor() as cursor:
        cursor.execute("SELECT unsent - '{[1000000,)}', missing FROM rewards_analyticscursor")
        unsent, _missing = cursor.fetchone()
        cursor.execute("SELECT recorded_no FROM referral_referralevent")
        (number,) = cursor.fetchone()
    # only the row that is there is still to be sent
    assert [(part.lower, part.upper) for part in unsent] == [(number, number + 1)]
