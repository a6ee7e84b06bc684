"""A small world in which every page of the back-office has something to show."""

from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign
from campaigns.services import CampaignContent, campaign_create, campaign_update
from referral.models import LinkClicks, ReferralLink
from rewards.imports.relations import import_prepare
from rewards.models import (
    AnalyticsRefusal,
    PayoutAttempt,
    PeerCircuit,
    ReconciliationFinding,
    ReconciliationRun,
    ReferralReward,
    RewardStatus,
    RewardTransition,
)
from rewards.payouts.discrepancies import finding_note, reward_fact, task_fact
from rewards.support.attach.relation import choice_of, referrer_attach
from rewards.support.review.bulk_retry import bulk_retry_start
from rewards.support.review.rewards import Filters
from tests.helpers.api import buy_quest, invite, link_of, now_text, service
from tests.helpers.failures import ACCOUNT_CLOSED, http, kept


@dataclass
class World:
    """The rewards by what became of them, and the findings by their kind."""

    rewards: dict[str, ReferralReward] = field(default_factory=dict)
    findings: dict[str, ReconciliationFinding] = field(default_factory=dict)


def world_make() -> World:
    """Ann has invited Bob, who has invited Cid; purchases have made rewards of every kind."""
    invite("ann", "bob")
    invite("bob", "cid")
    for number in range(4):
        buy_quest("cid", external_event_id=f"order-{number}")
    service("rf_service").post(
        "/internal/partner-onboarded",
        {
            "business_partner_id": "cafe-1",
            "onboarding_user_id": "ann",
            "campaign_code": "partner_onboarding_default",
            "occurred_at": now_text(),
        },
    )
    LinkClicks.objects.create(
        link=ReferralLink.objects.get(code=link_of("ann")), day=timezone.now().date(), clicks=7
    )
    PeerCircuit.objects.create(
        peer="points",
        state="open",
        opened_at=timezone.now(),
        probe_at=timezone.now(),
        **kept(http(503, "unavailable", "the ledger is being moved")),
    )
    rewards = {"locked": ReferralReward.objects.filter(status="locked").first(), **_rewards_paid()}
    AnalyticsRefusal.objects.create(
        entry_id=rewards["paid"].transitions.first().pk,
        recorded_no=7,
        event_name="referral_reward_status_changed",
        http_status=422,
        message="unknown_event_name: referral_reward_status_changed is not known here",
    )
    campaign_update(
        campaign_id=ReferralCampaign.objects.get(code="user_invite_default").pk,
        changes={"description": "For every friend who signs up."},
        by="staff:ann",
    )
    import_prepare(
        campaign=ReferralCampaign.objects.get(code="user_invite_default"),
        file_name="friends.csv",
        content=b"referrer_user_id,referred_user_id,registered_at\nann,dan,2026-01-31\ncid,ann,2026-01-31\n",
        by="staff:ann",
    )
    bulk_retry_start(
        filters=Filters(error="HTTP 422 ACCOUNT_CLOSED"),
        failed_before=timezone.now(),
        by="staff:ann",
        reason="the account was opened again",
    )
    return World(rewards, _findings(rewards))


def _findings(rewards: dict[str, ReferralReward]) -> dict[str, ReconciliationFinding]:
    """Of a comparison that could not read everything: two need a person, one was repaired."""
    now = timezone.now()
    run = ReconciliationRun.objects.create(
        started_at=now - timedelta(minutes=2),
        finished_at=now,
        bookings=252,
        tasks=50,
        repaired=1,
        problem_list=[{"code": "gateway_silent", "error": http(500).as_json()}],
    )
    paid, failed, waiting = rewards["paid"], rewards["failed"], rewards["waiting"]
    return {
        "missing": finding_note(
            kind="missing",
            peer="points",
            external_id=str(paid.pk),
            reward_id=paid.pk,
            ours=reward_fact(paid),
            theirs={"code": "no_booking"},
            run=run,
        ),
        "extra": finding_note(
            kind="extra",
            peer="points",
            external_id=str(uuid7()),
            reward_id=None,
            ours={"code": "no_reward"},
            theirs={"code": "booking", "points": 50, "user_id": "bob", "transaction": "tx-9"},
            run=run,
        ),
        "late_confirmation": finding_note(
            kind="late_confirmation",
            peer="tokens",
            external_id="task-3",
            reward_id=failed.pk,
            ours=reward_fact(failed),
            theirs=task_fact("task-3", "booked", "0xabc"),
        ),
        "stuck": finding_note(
            kind="stuck",
            peer="points",
            external_id=str(waiting.pk),
            reward_id=waiting.pk,
            ours=reward_fact(waiting),
            theirs=None,
            run=run,
            repaired_by="reconciliation",
        ),
    }


def _rewards_paid() -> dict[str, ReferralReward]:
    waiting = list(ReferralReward.objects.filter(status="pending", currency="points").order_by("id"))
    failed, paid, doubtful, *others = waiting
    _sent(failed, "refused", 422, "account_closed", cause="http_status")
    _became(
        failed,
        RewardStatus.FAILED,
        next_attempt_at=None,
        **kept(ACCOUNT_CLOSED),
    )
    _sent(paid, "booked", 200, "")
    _became(paid, RewardStatus.COMPLETED, next_attempt_at=None, external_tx_id="tx-1")
    _sent(doubtful, "unknown", None, "", cause="timeout")
    ReferralReward.objects.filter(pk=doubtful.pk).update(in_doubt=True)
    return {"failed": failed, "paid": paid, "doubtful": doubtful, "waiting": others[0]}


def _sent(
    reward: ReferralReward, outcome: str, http_status: int | None, error_code: str, *, cause: str = ""
) -> None:
    _became(reward, RewardStatus.SENT_TO_POINTS)
    PayoutAttempt.objects.create(
        reward=reward,
        number=1,
        started_at=timezone.now(),
        finished_at=timezone.now() + timedelta(milliseconds=120),
        outcome=outcome,
        http_status=http_status,
        error_code=error_code,
        cause=cause,
        message="Read timed out" if http_status is None else "",
        peer_reference="tx-1" if outcome == "booked" else "",
        request_id=str(uuid7()),
    )


def _became(reward: ReferralReward, status: str, **fields: object) -> None:
    RewardTransition.objects.create(
        reward=reward, from_status=reward.status, to_status=status, at=timezone.now(), actor="worker"
    )
    ReferralReward.objects.filter(pk=reward.pk).update(status=status, **fields)
    reward.refresh_from_db()


def lost_referrers_make() -> None:
    """Fay and Eve bought something without being invited; Eve was attached to Ann, her past not rewarded."""
    for user_id in ("fay", "eve"):
        buy_quest(user_id, external_event_id=f"order-of-{user_id}")
    invites = ReferralCampaign.objects.get(code="user_invite_default")
    referrer_attach(
        choice=choice_of(user="eve", referrer="ann", campaign_id=invites.pk),
        by="staff:ann",
        reason="she shows the invitation, ticket 4711",
    )


def draft_make(code: str = "spring", **content: object) -> ReferralCampaign:
    """A campaign in draft that could be activated."""
    defaults = {
        "name": "Spring",
        "campaign_type": "user_invite",
        "reward_rules": {
            "levels": {"level1": {"points_per_registration": 100, "g2a_per_registration": "0.10"}},
            "limits": {"budget_points": 50000, "budget_g2a": "12.5"},
        },
    }
    return campaign_create(content=CampaignContent(code=code, **{**defaults, **content}), by="test")
