"""Findings are looked at, and closed with a note by those who may."""

import pytest
from django.test import Client
from django.urls import reverse

from rewards.models import AnalyticsRefusal, ReconciliationFinding
from rewards.payouts.discrepancies import finding_close
from tests.backoffice.conftest import staff_with
from tests.backoffice.world import World

LIST = "admin:rewards_reconciliationfinding_changelist"
CHANGE = "admin:rewards_reconciliationfinding_change"


def closing(*findings: ReconciliationFinding) -> str:
    chosen = "&".join(f"finding={finding.pk}" for finding in findings)
    return f"{reverse('admin:rewards_reconciliationfinding_closing')}?{chosen}"


def note(*findings: ReconciliationFinding, text: str = "taken back, ticket 1") -> dict[str, object]:
    return {"finding": [finding.pk for finding in findings], "note": text}


def test_who_may_only_look_cannot_close(world: World) -> None:
    viewer = staff_with("rewards.view_reconciliationfinding")
    finding = world.findings["missing"]

    answers = [
        viewer.get(closing(finding)),
        viewer.post(closing(finding), note(finding)),
        viewer.get(reverse("admin:rewards_reconciliationfinding_close", args=[finding.pk])),
    ]

    assert {answer.status_code for answer in answers} == {403}
    page = viewer.get(reverse(CHANGE, args=[finding.pk])).content.decode()
    assert "/close/" not in page
    assert "close_chosen" not in viewer.get(reverse(LIST)).content.decode()
    finding.refresh_from_db()
    assert finding.state == "open"


def test_who_may_change_findings_closes_them_with_a_note(world: World) -> None:
    keeper = staff_with("rewards.view_reconciliationfinding", "rewards.change_reconciliationfinding")
    both = world.findings["missing"], world.findings["late_confirmation"]

    answer = keeper.post(closing(*both), note(*both), follow=True)

    assert answer.redirect_chain == [(reverse(LIST), 302)]
    for finding in both:
        finding.refresh_from_db()
        assert (finding.state, finding.note) == ("closed", "taken back, ticket 1")
        assert finding.closed_by.startswith("staff:")
        assert finding.closed_at


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_without_a_fitting_note_nothing_is_closed(boss: Client, world: World, text: str) -> None:
    finding = world.findings["missing"]

    answer = boss.post(closing(finding), note(finding, text=text))

    assert (answer.status_code, list(answer.context["form"].errors)) == (200, ["note"])
    finding.refresh_from_db()
    assert finding.state == "open"


def test_only_open_findings_that_the_page_has_shown_are_closed(boss: Client, world: World) -> None:
    missing, extra, repaired = (world.findings[kind] for kind in ("missing", "extra", "stuck"))

    page = boss.get(closing(missing, extra, repaired))
    boss.post(closing(missing, extra, repaired), note(missing, repaired))

    assert page.context["possible"] == 2
    states = {
        kind: ReconciliationFinding.objects.get(pk=row.pk).state for kind, row in world.findings.items()
    }
    assert states == {"missing": "closed", "extra": "open", "late_confirmation": "open", "stuck": "repaired"}


def test_a_finding_closed_meanwhile_is_named_and_kept(boss: Client, world: World) -> None:
    finding = world.findings["missing"]
    finding_close(finding_id=finding.pk, by="staff:other", note="mine")

    answer = boss.post(closing(finding), note(finding), follow=True)

    assert "Not changed:" in answer.content.decode()
    finding.refresh_from_db()
    assert (finding.closed_by, finding.note) == ("staff:other", "mine")


def test_closing_is_offered_while_a_finding_is_open(boss: Client, world: World) -> None:
    offered = {
        kind: "/close/" in boss.get(reverse(CHANGE, args=[finding.pk])).content.decode()
        for kind, finding in world.findings.items()
    }

    assert offered == {"missing": True, "extra": True, "late_confirmation": True, "stuck": False}


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("state__exact=open", {"missing", "extra", "late_confirmation"}),
        ("kind__exact=stuck", {"stuck"}),
        ("peer=tokens", {"late_confirmation"}),
        ("q=task-3", {"late_confirmation"}),
        ("q=task", set()),
    ],
)
def test_findings_are_filtered_and_found(boss: Client, world: World, asked: str, kinds: set[str]) -> None:
    answer = boss.get(f"{reverse(LIST)}?{asked}")

    assert {finding.kind for finding in answer.context["cl"].result_list} == kinds


def test_a_run_leads_to_its_findings(boss: Client, world: World) -> None:
    run = world.findings["missing"].run
    page = boss.get(reverse("admin:rewards_reconciliationrun_change", args=[run.pk])).content.decode()
    address = f"{reverse(LIST)}?run__id__exact={run.pk}"

    assert address in page
    found = {finding.kind for finding in boss.get(address).context["cl"].result_list}
    assert found == {"missing", "extra", "stuck"}


def test_a_reward_shows_what_was_found_about_it(boss: Client, world: World) -> None:
    def page(kind: str) -> str:
        address = reverse("admin:rewards_referralreward_change", args=[world.rewards[kind].pk])
        return boss.get(address).content.decode()

    assert reverse(CHANGE, args=[world.findings["missing"].pk]) in page("paid")
    assert "Discrepancies" not in page("locked").partition('id="content-main"')[2]


def test_a_refusal_leads_to_its_event_or_reward(boss: Client, world: World) -> None:
    reward = world.rewards["paid"]
    of_change = AnalyticsRefusal.objects.get()
    of_new = AnalyticsRefusal.objects.create(
        entry_id=reward.pk, recorded_no=8, event_name="referral_reward_status_changed"
    )
    of_event = AnalyticsRefusal.objects.create(
        entry_id=reward.referral_event_id, recorded_no=9, event_name="referral_event_recorded"
    )
    to_reward = reverse("admin:rewards_referralreward_change", args=[reward.pk])
    to_event = reverse("admin:referral_referralevent_change", args=[reward.referral_event_id])

    for refusal, address in ((of_change, to_reward), (of_new, to_reward), (of_event, to_event)):
        page = boss.get(reverse("admin:rewards_analyticsrefusal_change", args=[refusal.pk]))
        assert address in page.content.decode()
