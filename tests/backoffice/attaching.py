"""The pages of attaching a lost referrer, pressed as a person would, and what they wrote."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from campaigns.models import ReferralCampaign
from referral.models import ReferralEvent
from rewards.ledger.recount import differences
from rewards.models import ReferralReward
from tests.helpers.api import buy_quest, invite, register

ATTACH = reverse("admin:support_attach")
PAST = reverse("admin:support_past")
INVITES, QUESTS = "user_invite_default", "quest_purchase_default"


def campaign(code: str = INVITES) -> ReferralCampaign:
    return ReferralCampaign.objects.get(code=code)


def chosen(referrer: str = "ann", **fields: Any) -> dict[str, Any]:
    """The form: by default Ann invited Bob, and all of his past is rewarded."""
    form = {"user": "bob", "code": "", "referrer": referrer, "campaign": campaign().pk}
    form |= {"registration": "on", "past": "on", **fields}
    return {name: value for name, value in form.items() if value is not None}


class Inputs(HTMLParser):
    """What the forms that are sent by POST to `action` carry."""

    def __init__(self, html: str, action: str) -> None:
        super().__init__()
        self.action, self.inside, self.fields = action, False, {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("method") == "post" and given.get("action") == self.action
        if tag == "input" and self.inside and given.get("name"):
            self.fields.setdefault(given["name"], []).append(given.get("value") or "")


def confirmation(page: Any, action: str = ATTACH, reason: str = "ticket 4711") -> dict[str, Any]:
    """What pressing the button of the page sends."""
    return {**Inputs(page.content.decode(), action).fields, "reason": reason}


def attach(boss: Client, **fields: Any) -> Any:
    """Look, press the button, and go where it leads."""
    answer = boss.post(ATTACH, confirmation(boss.get(ATTACH, chosen(**fields))))
    return boss.get(answer.headers["Location"])


def foreseen(page: Any) -> list[tuple[Any, ...]]:
    """What the page says each event would earn: type, moment, whom, how much and whether it is locked."""
    return [
        (row["item"].event_type, row["item"].occurred_at, line.user_id, earning.amount, earning.locked)
        for row in page.context["rows"]
        for line in row["item"].lines
        for earning in line.earnings
    ]


def rewarded() -> list[tuple[Any, ...]]:
    """The same of what was written."""
    rewards = ReferralReward.objects.filter(referral_event__source_service="back_office")
    ordered = sorted(
        rewards.select_related("referral_event"),
        key=lambda reward: (
            reward.referral_event_id,
            reward.beneficiary_level or 3,
            reward.currency == "g2a",
        ),
    )
    return [
        (
            reward.referral_event.event_type,
            reward.referral_event.occurred_at,
            reward.beneficiary_user_id,
            _amount(reward),
            reward.status == "locked",
        )
        for reward in ordered
    ]


def _amount(reward: ReferralReward) -> str:
    if reward.points_amount:
        return f"{reward.points_amount} point{'s' if reward.points_amount > 1 else ''}"
    return f"{reward.g2a_amount.normalize():f} G2A"


def bob_has_a_past(events: int = 3) -> None:
    """Pat invited Ann; Bob signed up without a code and has bought since."""
    invite("pat", "ann")
    register("bob", None)
    for number in range(events):
        assert buy_quest("bob", external_event_id=f"order-{number}").body["reason"] == "no_referrer"


def counters_agree() -> bool:
    """Whether a recount finds nothing (D13)."""
    return not [wrong for portion in differences() for wrong in portion]


def first_id(answer: Any) -> Any:
    """The event that a call made."""
    return ReferralEvent.objects.get(pk=answer.body["referral_event_id"]).pk
