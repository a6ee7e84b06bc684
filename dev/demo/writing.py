"""Lets the demo's story happen: through the event path, in batches, so that every row is one that could be.

Rewards are left to the workers, which pay them at the peers; those that the demo wants failed or cancelled
get there with the same trail as real ones. What is in the database already is not made again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from campaigns.locks import lock_relations
from campaigns.models import ReferralCampaign
from dev.demo.story import Act, Bought, Joined, PartnerBrought, Promoted, user_named
from kernel.errors import DomainError, IllegalTransition
from referral.codes import new_code
from referral.keys import FINGERPRINT, keyed_hash
from referral.models import (
    LinkClicks,
    PartnerReferralRelation,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.intake.acceptance import campaign_for, decide, retrying
from rewards.intake.commands import (
    EventReported,
    PartnerOnboarded,
    UserRegistered,
    event_of,
    onboarding_of,
    registration_of,
)
from rewards.intake.results import Accepted
from rewards.intake.store import Candidate, RewardRow
from rewards.ledger.services import reward_cancel, role_upgrade
from rewards.models import PayoutAttempt, ReferralReward, RewardStatus, RewardTransition
from rewards.models.codes import Cause, Failure, MoveReason

BY = "demo"
INVITE = "user_invite_default"
PARTNERS = "partner_onboarding_default"
# One event in so many meets a closed account; one locked reward in so many is cancelled.
FAILS, CANCELS = 80, 150
# In the words in which a worker records such a refusal.
REFUSED = Failure(Cause.HTTP_STATUS, 422, "account_closed", "the account is closed")
BATCH = 500

Progress = Callable[[int, int], object]


def story_window(users: int, days: int) -> tuple[datetime, datetime]:
    """From when till when the story plays: as it was begun, or the last `days` days if it was not.

    The first user's row remembers it, so that a later run tells the same story and finds it made.
    """
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first, _ = UserRole.objects.get_or_create(
        user_id=user_named(users, 0),
        defaults={"role": "vip", "first_heard_at": midnight - timedelta(days=days), "occurred_at": midnight},
    )
    return first.first_heard_at, first.occurred_at or midnight


class Writer:
    """Makes what is missing of a story."""

    def __init__(self, acts: Sequence[Act]) -> None:
        self.acts = acts
        self.links: dict[str, ReferralLink] = {}

    def write(self, progress: Progress) -> None:
        """All of it, a batch a transaction; stopping in between loses nothing.

        Raises DomainError where what is in the database does not let it happen, such as a paused campaign.
        """
        self._users_and_links()
        remaining, done = iter(self.acts), 0
        while batch := list(islice(remaining, BATCH)):
            answers = retrying(partial(self._accept, batch))
            self._promote(batch)
            self._cancel_some(answers)
            done += len(batch)
            progress(done, len(self.acts))
        self._clicks()

    def _users_and_links(self) -> None:
        joined = [act for act in self.acts if isinstance(act, Joined)]
        UserRole.objects.bulk_create(
            (UserRole(user_id=act.user, first_heard_at=act.at) for act in joined),
            batch_size=BATCH,
            ignore_conflicts=True,
        )
        campaign = ReferralCampaign.objects.get(code=INVITE)
        owners = {act.inviter: act.at for act in reversed(joined) if act.inviter}
        mine = ReferralLink.objects.filter(campaign=campaign, owner_user_id__in=owners)
        digest = keyed_hash(FINGERPRINT, "deep_link", {})
        known = set(mine.values_list("owner_user_id", flat=True))
        ReferralLink.objects.bulk_create(
            (
                ReferralLink(owner_user_id=owner, campaign=campaign, code=new_code(), payload_digest=digest)
                for owner in owners
                if owner not in known
            ),
            batch_size=BATCH,
        )
        self.links = {link.owner_user_id: link for link in mine}

    def _accept(self, batch: list[Act]) -> list[Accepted]:
        """Inside the transaction: the relations of the batch, then its events in their order."""
        lock_relations()
        invited = self._relate(batch)
        self._relate_partners(batch)
        candidates = [
            candidate for act in batch if (candidate := self._candidate(act, invited, timezone.now()))
        ]
        fresh = [accepted for answer in decide(candidates) if not (accepted := _accepted(answer)).duplicate]
        self._fail_some(fresh)
        return fresh

    def _relate(self, batch: list[Act]) -> set[str]:
        """Who was invited in this batch, and not before."""
        joined = [act for act in batch if isinstance(act, Joined) and act.inviter]
        relations = ReferralRelation.objects.filter(referred_user_id__in=[act.user for act in joined])
        known = set(relations.values_list("referred_user_id", flat=True))
        fresh = [act for act in joined if act.user not in known]
        ReferralRelation.objects.bulk_create(
            ReferralRelation(
                campaign_id=self.links[str(act.inviter)].campaign_id,
                is_invitation=True,
                referrer_user_id=str(act.inviter),
                referred_user_id=act.user,
                referral_link=self.links[str(act.inviter)],
                source=ReferralRelation.Source.LINK,
                registered_at=act.at,
            )
            for act in fresh
        )
        return {act.user for act in fresh}

    @staticmethod
    def _relate_partners(batch: list[Act]) -> None:
        campaign = ReferralCampaign.objects.get(code=PARTNERS)
        PartnerReferralRelation.objects.bulk_create(
            (
                PartnerReferralRelation(
                    campaign=campaign,
                    referrer_user_id=act.user,
                    business_partner_id=act.partner,
                )
                for act in batch
                if isinstance(act, PartnerBrought)
            ),
            ignore_conflicts=True,
        )

    def _candidate(self, act: Act, invited: set[str], now: datetime) -> Candidate | None:
        """What a service would report of it; nobody reports who came by themselves or was promoted."""
        at = act.at.isoformat()
        if isinstance(act, Bought):
            bought = EventReported(
                event_type=act.event_type,
                campaign_code=act.campaign,
                referred_user_id=act.user,
                occurred_at=at,
                amount_base=act.amount,
                subject_type="order",
                subject_id=f"{act.user}-{act.number}",
                external_event_id=f"{act.user}-{act.number}",
            )
            event = event_of(act.service, bought, now=now)
            return Candidate(event, campaign_for(event))
        if isinstance(act, PartnerBrought):
            brought = PartnerOnboarded(act.partner, act.user, PARTNERS, at)
            event = onboarding_of("rf_service", brought, now=now)
            return Candidate(event, campaign_for(event))
        if isinstance(act, Joined) and act.inviter:
            body = UserRegistered(act.user, at, self.links[act.inviter].code)
            event = registration_of("user_service", body, campaign_code=INVITE, referrer=act.inviter, now=now)
            return Candidate(event, campaign_for(event), act.inviter if act.user in invited else None)
        return None

    @staticmethod
    def _fail_some(answers: Iterable[Accepted]) -> None:
        """A few accounts are closed: their points were refused for good, as the trail says."""
        chosen = [
            reward
            for answer in list(answers)[::FAILS]
            for reward in answer.rewards
            if reward.points_amount and reward.status == RewardStatus.PENDING
        ]
        rows = ReferralReward.objects.filter(pk__in=[reward.id for reward in chosen])
        rows.update(status=RewardStatus.SENT_TO_POINTS, attempts=1)
        rows.update(
            status=RewardStatus.FAILED,
            next_attempt_at=None,
            last_error_code=REFUSED.cause,
            last_error_params=REFUSED.params,
        )
        trail = [entry for reward in chosen for entry in _refused(reward, timezone.now())]
        RewardTransition.objects.bulk_create(row for row in trail if isinstance(row, RewardTransition))
        PayoutAttempt.objects.bulk_create(row for row in trail if isinstance(row, PayoutAttempt))

    @staticmethod
    def _promote(batch: list[Act]) -> None:
        for act in batch:
            if isinstance(act, Promoted):
                role_upgrade(user_id=act.user, new_role=act.role, occurred_at=act.at, by=BY)

    @staticmethod
    def _cancel_some(answers: Iterable[Accepted]) -> None:
        locked = [
            reward for answer in answers for reward in answer.rewards if reward.status == RewardStatus.LOCKED
        ]
        for reward in locked[::CANCELS]:
            try:
                reward_cancel(reward_id=reward.id, by=BY, reason="the account was a duplicate of another one")
            except IllegalTransition:
                continue  # A promotion in the same batch has unlocked it, and it is on its way.

    def _clicks(self) -> None:
        clicks: Counter[tuple[str, date]] = Counter()
        for act in self.acts:
            if isinstance(act, Joined) and act.inviter:
                clicks[act.inviter, act.at.date()] += act.clicks
        rows = (
            LinkClicks(link=self.links[owner], day=day, clicks=number)
            for (owner, day), number in clicks.items()
        )
        with transaction.atomic():
            LinkClicks.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)


def _accepted(answer: Accepted | DomainError) -> Accepted:
    if isinstance(answer, DomainError):
        raise answer
    return answer


def _refused(reward: RewardRow, now: datetime) -> list[Any]:
    """The trail of a reward that its peer has refused for good."""
    sent, failed = RewardStatus.SENT_TO_POINTS, RewardStatus.FAILED
    return [
        RewardTransition(
            reward_id=reward.id, from_status=RewardStatus.PENDING, to_status=sent, at=now, actor=BY
        ),
        PayoutAttempt(
            reward_id=reward.id,
            number=1,
            started_at=now,
            finished_at=now,
            outcome="refused",
            cause=REFUSED.cause,
            http_status=REFUSED.http_status,
            error_code=REFUSED.peer_code,
            message=REFUSED.message,
            request_id=str(uuid7()),
        ),
        RewardTransition(
            reward_id=reward.id,
            from_status=sent,
            to_status=failed,
            at=now,
            actor=BY,
            reason_code=MoveReason.PAYOUT_FAILED,
            reason_params={"error": REFUSED.as_json()},
        ),
    ]
