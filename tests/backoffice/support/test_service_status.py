"""The page of how the services are, and asking one of them now."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import AuditEntry
from rewards.models import PayoutAttempt, PeerCircuit, PeerProbe, ReferralReward
from rewards.payouts.drain import pay_due_now
from rewards.support.providers import health, probes
from rewards.support.providers.probes import peers_ask, probes_due
from tests.backoffice.conftest import signed_in, staff_with
from tests.backoffice.world import World
from tests.helpers.review import reward_row
from tests.helpers.rewards import campaign_of, earn, fresh
from tests.helpers.sandbox import SandboxProcess

PAGE = "/admin/support/peers/"


@pytest.fixture
def earning(db: None, sandbox: SandboxProcess, settings: Any) -> SandboxProcess:
    """The stand-in peers, with waits so long that nothing is tried twice by itself."""
    campaign_of("points", {"level1": {"points_per_event": 10}})
    settings.PAYOUT_RETRY_BASE_SECONDS = 180
    settings.PAYOUT_RETRY_MAX_SECONDS = 900
    settings.PAYOUT_TIMEOUT_SECONDS = 0.4
    return sandbox


def card(client: Client, peer: str) -> dict[str, Any]:
    """One service of the page, as its template was given it."""
    answer = client.get(PAGE)
    assert answer.status_code == 200
    found: dict[str, Any] = next(card for card in answer.context["cards"] if card["peer"] == peer)
    return found


def fall_sick(sandbox: SandboxProcess, **fault: Any) -> list[ReferralReward]:
    """Three users' rewards fail at Points Service."""
    sandbox.fault(peer="points", **fault)
    rewards = [earn("points", f"user-{number}") for number in range(3)]
    pay_due_now("points")
    return rewards


def ask(client: Client, peer: str = "points") -> Any:
    return client.post(PAGE, {"peer": peer}, follow=True)


def probed_again() -> None:
    """Somebody may ask again."""
    PeerProbe.objects.update(asked_at=timezone.now() - timedelta(minutes=1))


def test_a_peer_that_refuses_connections_is_told_with_since_when_and_what_next(
    boss: Client, earning: SandboxProcess
) -> None:
    fall_sick(earning, mode="refuse", seconds=60)

    shown = card(boss, "points")

    assert "has been unavailable since" in shown["text"]
    assert "it refuses the connection" in shown["text"]
    assert "Next attempt: in 3 minutes" in shown["text"]
    assert "Unavailable" in shown["state"]
    (calls,) = shown["calls"]
    assert calls["number"] == "3"
    assert "not paid, will retry" in calls["outcome"]


def test_a_peer_that_works_says_when_last_and_how_calls_ended(boss: Client, earning: SandboxProcess) -> None:
    earn("points", "ann")
    pay_due_now("points")
    earning.fault(peer="points", mode="status", status=422, body={"error": "ACCOUNT_CLOSED"})
    earn("points", "bob")
    pay_due_now("points")

    shown = card(boss, "points")

    assert "Points Service is operational; last success on" in shown["text"]
    assert sorted((calls["answer"], calls["number"]) for calls in shown["calls"]) == [
        ("HTTP 200", "1"),
        ("HTTP 422 ACCOUNT_CLOSED", "1"),
    ]
    assert card(boss, "tokens")["calls"] == []


def test_what_waits_is_summed_and_nobody_taking_it_is_told(
    boss: Client, earning: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    PeerCircuit.objects.create(peer="points", last_success_at=timezone.now())
    then = timezone.now() - timedelta(minutes=7)
    first = reward_row(next_attempt_at=then, available_at=then, updated_at=then)
    reward_row(next_attempt_at=timezone.now(), available_at=timezone.now())
    reward_row(next_attempt_at=timezone.now() + timedelta(hours=1))
    reward_row(status="sent_to_points", in_doubt=True, next_attempt_at=timezone.now() + timedelta(hours=1))

    shown = card(boss, "points")

    waiting = shown["waiting"]
    assert (waiting["number"], waiting["amounts"]) == ("2", "20 points")
    assert waiting["oldest"] == first.available_at
    assert "No worker has picked up due rewards" in shown["warning"]
    assert shown["in_doubt"]["number"] == "1"
    found = boss.get(shown["in_doubt"]["page"]).context["cl"].result_list
    assert [reward.in_doubt for reward in found] == [True]
    monkeypatch.setattr(health, "MOST_WAITING", 1)
    assert "or more" in boss.get(PAGE).content.decode()


def test_an_event_reported_late_does_not_accuse_the_workers(boss: Client, earning: SandboxProcess) -> None:
    long_ago = timezone.now() - timedelta(days=2)
    reward_row(next_attempt_at=long_ago, available_at=long_ago, updated_at=timezone.now())

    assert card(boss, "points")["warning"] == ""


def test_findings_the_last_comparison_and_refusals_are_linked(boss: Client, world: World) -> None:
    shown = card(boss, "points")

    assert {finding["number"] for finding in shown["findings"]} == {"1"}
    for finding in shown["findings"]:
        assert len(boss.get(finding["page"]).context["cl"].result_list) == 1
    page = boss.get(PAGE)
    assert page.context["run"]["run"].bookings == 252
    assert card(boss, "analytics")["refusals"] == "1"
    for link in (page.context["run"]["page"], page.context["findings_page"]):
        assert boss.get(link).status_code == 200


def test_the_lag_of_analytics_is_told_and_does_not_hold_the_page_up(
    boss: Client, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANALYTICS_URL = "http://127.0.0.1:1"
    streams = card(boss, "analytics")["lags"]["streams"]
    assert [str(stream["name"]) for stream in streams] == [
        "event accepted",
        "reward created or its status changed",
    ]
    assert all(stream["oldest"] for stream in streams)

    monkeypatch.setattr("rewards.outbox.cursor.LAG", "SELECT pg_sleep(20), 0, now()")
    started = timezone.now()
    assert not card(boss, "analytics")["lags"]["is_known"]
    assert timezone.now() - started < timedelta(seconds=10)


def test_a_peer_without_an_address_says_which_setting_is_missing(
    boss: Client, db: None, settings: Any
) -> None:
    settings.POINTS_SERVICE_URL = ""

    assert "POINTS_SERVICE_URL" in card(boss, "points")["text"]


def test_the_page_needs_the_same_queries_however_much_there_is(
    boss: Client, world: World, django_assert_num_queries: Any
) -> None:
    boss.get(PAGE)
    # Session and person; circuits, probes, waiting, doubt, calls, findings, refusals, comparison, workers,
    # who is waited for; two for the menu.
    with django_assert_num_queries(14):
        boss.get(PAGE)
    for _ in range(5):
        reward_row(status="sent_to_points", in_doubt=True)

    with django_assert_num_queries(14):
        boss.get(PAGE)


def test_the_list_of_circuits_leads_there(boss: Client, world: World) -> None:
    answer = boss.get(reverse("admin:rewards_peercircuit_health"))

    assert answer.headers["Location"] == PAGE


# --- asking -------------------------------------------------------------------------------------------------


def test_asking_a_sick_peer_tries_one_due_reward_at_once_and_is_told(
    boss: Client, earning: SandboxProcess
) -> None:
    # given a peer that has come back, of which nobody would know for three minutes
    rewards = fall_sick(earning, mode="status", status=503)
    earning.clear_faults()
    ReferralReward.objects.update(next_attempt_at=timezone.now())
    pay_due_now("points")
    assert {fresh(reward).status for reward in rewards} == {"sent_to_points"}

    # when
    asked = ask(boss)
    assert "no result from the worker yet" in asked.content.decode()
    assert boss.get(PAGE, headers={"Accept": "application/json"}).json() == {"waiting": ["points"]}
    peers_ask()
    pay_due_now("points")

    # then it is well, and everything is paid
    assert boss.get(PAGE, headers={"Accept": "application/json"}).json() == {"waiting": []}
    shown = card(boss, "points")
    assert "it responds (HTTP 200" in shown["probe"]
    assert "Operational" in shown["state"]
    assert {fresh(reward).status for reward in rewards} == {"completed"}


def test_asking_a_peer_that_is_still_sick_leaves_it_sick_and_pays_nothing(
    boss: Client, earning: SandboxProcess
) -> None:
    rewards = fall_sick(earning, mode="status", status=503)
    ReferralReward.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))
    made = PayoutAttempt.objects.count()

    ask(boss)
    peers_ask()
    pay_due_now("points")

    shown = card(boss, "points")
    assert "it responds that it is not working now (HTTP 503" in shown["probe"]
    assert "Unavailable" in shown["state"]
    # Nothing was due, so nothing was tried.
    assert PayoutAttempt.objects.count() == made
    assert {fresh(reward).status for reward in rewards} == {"sent_to_points"}


@pytest.mark.parametrize(
    ("peer", "fault", "heard"),
    [
        ("points", {}, "it responds"),
        ("points", {"mode": "status", "status": 401}, "denies us access"),
        ("points", {"mode": "refuse", "seconds": 60}, "no connection"),
        ("points", {"mode": "hang", "seconds": 5}, "gives no readable response in time"),
        ("tokens", {}, "it responds (HTTP 404"),
        ("tokens", {"mode": "status", "status": 503}, "is not working now"),
        ("analytics", {}, "it responds (HTTP 4"),
        ("analytics", {"mode": "refuse", "seconds": 60}, "no connection"),
    ],
)
def test_what_was_heard_is_told_as_it_is(
    boss: Client, earning: SandboxProcess, settings: Any, peer: str, fault: dict[str, Any], heard: str
) -> None:
    settings.ANALYTICS_URL = earning.analytics_url
    if fault:
        earning.fault(peer=peer, **fault)

    ask(boss, peer)
    peers_ask()

    assert heard in card(boss, peer)["probe"]
    state = earning.state()
    assert not state["points"]["transactions"]
    assert not state["tokens"]["tasks"]


def test_a_gateway_is_asked_for_a_task_that_it_has(boss: Client, earning: SandboxProcess) -> None:
    campaign_of("tokens", {"level1": {"g2a_per_event": "1.5"}})
    earn("tokens", "ann")
    pay_due_now("tokens")

    ask(boss, "tokens")
    peers_ask()

    assert "it responds (HTTP 200" in card(boss, "tokens")["probe"]


def test_one_question_in_a_while_whoever_asks(boss: Client, earning: SandboxProcess) -> None:
    ask(boss)
    again = ask(boss)

    assert "It was checked a moment ago" in again.content.decode()
    assert PeerProbe.objects.count() == AuditEntry.objects.count() == 1
    probed_again()
    ask(boss)
    assert AuditEntry.objects.filter(actor="staff:boss", object_type="rewards.peerprobe").count() == 2


def test_a_question_that_nobody_answered_is_forgotten(boss: Client, earning: SandboxProcess) -> None:
    ask(boss)
    assert probes_due()

    PeerProbe.objects.update(asked_at=timezone.now() - probes.KEPT_FOR)

    assert not probes_due()


def test_support_asks_others_look_and_an_unknown_peer_is_refused(
    boss: Client, earning: SandboxProcess
) -> None:
    person = User.objects.create_user("max", is_staff=True)
    person.groups.add(Group.objects.get(name="Support"))
    assert ask(signed_in(person)).status_code == 200
    assert PeerProbe.objects.get().asked_by == "staff:max"

    viewer = staff_with("rewards.view_peercircuit")
    assert ask(viewer).status_code == 403
    assert b"Ask Points Service now" not in viewer.get(PAGE).content
    assert "There is no such service." in ask(boss, "nobody").content.decode()
