"""Making and changing campaigns. The API, the admin and the commands call these same functions."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from access.audit import Verb, audit_note
from campaigns.catalog import catalog
from campaigns.locks import lock_campaign
from campaigns.models import CampaignSpend, ReferralCampaign, RuleVersion
from campaigns.rules.families import PURCHASES_BY_MODULE, RF_PARTNER_ONBOARDED, USER_REGISTERED, family_of
from campaigns.rules.schema import Problems, Rules, rules_json, rules_parse
from kernel.decoding import CODE_PATTERN, EVENT_TYPE_PATTERN, ID_PATTERN
from kernel.errors import EditConflict, IllegalTransition, NotFound, ValidationFailed

Type = ReferralCampaign.Type
Status = ReferralCampaign.Status

SCOPE_KEYS = ("module", "country_id", "city_id", "rf_partner_id")
EVENT_TYPES_LIMIT = 20
NAME_LENGTH = 200
NEXT_STATUSES: Mapping[str, frozenset[str]] = {
    Status.DRAFT: frozenset({Status.ACTIVE, Status.ARCHIVED}),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.ARCHIVED}),
    Status.PAUSED: frozenset({Status.ACTIVE, Status.ARCHIVED}),
    Status.ARCHIVED: frozenset(),
}


@dataclass(slots=True)
class CampaignContent:
    """What a person decides about a campaign; checked as a whole before every save."""

    code: str
    name: str
    campaign_type: str
    description: str = ""
    event_types: list[str] = field(default_factory=list)
    scope: dict[str, Any] = field(default_factory=dict)
    reward_rules: dict[str, Any] = field(default_factory=dict)
    is_default: bool = False
    start_at: datetime | None = None
    end_at: datetime | None = None


CONTENT_FIELDS = tuple(CampaignContent.__dataclass_fields__)


def campaign_create(*, content: CampaignContent, by: str, status: str = Status.DRAFT) -> ReferralCampaign:
    """Make a campaign in draft, with the first version of its rules; activate it when asked to.

    `by` names the person for the history. Raises ValidationFailed with the path of every bad field.
    """
    rules = content_check(content)
    if status not in (Status.DRAFT, Status.ACTIVE):
        raise ValidationFailed.of("status", _("A new campaign can be only a draft or active"))
    if status == Status.ACTIVE:
        _check_can_pay(rules, content.event_types)
    with _taken_code_told(), transaction.atomic():
        campaign = ReferralCampaign.objects.create(
            **{name: getattr(content, name) for name in CONTENT_FIELDS}, status=status
        )
        _version_add(campaign, by)
        audit_note(by=by, verb=Verb.CREATED, target=campaign, after=_state(campaign))
    catalog.forget()
    return campaign


def _state(campaign: ReferralCampaign) -> dict[str, Any]:
    """What people decide about a campaign, for the audit log."""
    return {name: getattr(campaign, name) for name in (*CONTENT_FIELDS, "status")}


def campaign_update(
    *, campaign_id: UUID, changes: Mapping[str, Any], by: str, expected_revision: int | None = None
) -> ReferralCampaign:
    """Change fields and, by `status`, the life cycle of a campaign; all or nothing.

    Waits for the campaign's running events, so that what is answered here holds for every event accepted
    later. Raises NotFound, EditConflict when `expected_revision` is not the current one, ValidationFailed,
    IllegalTransition.
    """
    with _taken_code_told(), transaction.atomic():
        lock_campaign(campaign_id, shared=False)
        campaign = ReferralCampaign.objects.select_for_update().filter(pk=campaign_id).first()
        if campaign is None:
            raise NotFound(_("There is no such campaign."))
        if expected_revision is not None and campaign.revision != expected_revision:
            raise EditConflict(_("Someone else changed this campaign while you were editing."))
        before = _state(campaign)
        _apply(campaign, dict(changes), by)
        audit_note(by=by, verb=Verb.CHANGED, target=campaign, before=before, after=_state(campaign))
    catalog.forget()
    return campaign


def campaign_duplicate(*, campaign_id: UUID, code: str, name: str, by: str) -> ReferralCampaign:
    """Make a draft with the rules, type, scope and description of another campaign; its window is its own.

    Raises NotFound, ValidationFailed.
    """
    campaign = ReferralCampaign.objects.filter(pk=campaign_id).first()
    if campaign is None:
        raise NotFound(_("There is no such campaign."))
    content = CampaignContent(
        code=code,
        name=name,
        campaign_type=campaign.campaign_type,
        description=campaign.description,
        event_types=campaign.event_types,
        scope=campaign.scope,
        reward_rules=campaign.reward_rules,
    )
    return campaign_create(content=content, by=by)


def activation_obstacle(campaign: ReferralCampaign) -> str | None:
    """Why a campaign as it is saved could not be activated; None when nothing stands in the way."""
    try:
        _check_can_pay(rules_parse(campaign.reward_rules), campaign.event_types)
    except ValidationFailed as refusal:
        return str(next(iter(refusal.details.values()))[0])
    return None


@contextmanager
def _taken_code_told() -> Iterator[None]:
    """Turn the database's refusal of a code that another campaign has into one of the field."""
    try:
        yield
    except IntegrityError as error:
        if "referralcampaign_code" not in str(error):
            raise
        raise ValidationFailed.of("code", _("Another campaign has this code")) from error


def _apply(campaign: ReferralCampaign, changes: dict[str, Any], by: str) -> None:
    status = changes.pop("status", campaign.status)
    before = {name: getattr(campaign, name) for name in CONTENT_FIELDS}
    _check_fixed(campaign, changes)
    custom = changes.get("campaign_type", campaign.campaign_type) == Type.CUSTOM
    if not custom and "event_types" not in changes:
        # They follow from type and scope, which may have changed.
        before["event_types"] = []
    content = CampaignContent(**{**before, **changes})
    rules = content_check(content)
    if status != campaign.status and status not in NEXT_STATUSES[campaign.status]:
        raise IllegalTransition(
            _("A campaign cannot go from {old} to {new}."), old=campaign.status, new=status
        )
    if status == Status.ACTIVE:
        _check_can_pay(rules, content.event_types)
    rules_changed = content.reward_rules != campaign.reward_rules
    for name in CONTENT_FIELDS:
        setattr(campaign, name, getattr(content, name))
    campaign.status = status
    campaign.revision += 1
    campaign.updated_at = Now()
    campaign.save()
    # What was saved as an expression is not read back by itself.
    campaign.refresh_from_db(fields=["updated_at"])
    if rules_changed:
        _version_add(campaign, by)
        if not rules.limits.has_budget:
            CampaignSpend.objects.filter(campaign=campaign).delete()


def _version_add(campaign: ReferralCampaign, by: str) -> RuleVersion:
    last = RuleVersion.objects.filter(campaign=campaign).order_by("-number").first()
    return RuleVersion.objects.create(
        campaign=campaign,
        number=last.number + 1 if last else 1,
        rules=campaign.reward_rules,
        valid_from=max(campaign.updated_at, last.valid_from) if last else campaign.updated_at,
        created_by=by,
    )


def _check_fixed(campaign: ReferralCampaign, changes: Mapping[str, Any]) -> None:
    """Code and type are fixed once a campaign has left draft."""
    if campaign.status == Status.DRAFT:
        return
    for name in ("code", "campaign_type"):
        if name in changes and changes[name] != getattr(campaign, name):
            raise ValidationFailed.of(name, _("Cannot be changed after draft"))


def content_check(content: CampaignContent) -> Rules:
    """Check everything a person decided, fill in what follows from it, and return the parsed rules.

    Fills in `event_types` where the type decides them and stores decimals of the rules as strings. Raises
    ValidationFailed with every problem found.
    """
    problems: Problems = {}
    rules = _checked_rules(content, problems)
    if not isinstance(content.code, str) or not re.fullmatch(CODE_PATTERN, content.code):
        problems["code"] = [_("Enter 3 to 64 characters of a-z, 0-9, _ and -")]
    if not isinstance(content.name, str) or not content.name.strip() or len(content.name) > NAME_LENGTH:
        problems["name"] = [_("Enter 1 to 200 characters")]
    if content.campaign_type not in Type.values:
        problems["campaign_type"] = [
            format_lazy(_("must be one of: {choices}"), choices=", ".join(Type.values))
        ]
    else:
        problems |= _scope_problems(content) or _event_type_problems(content)
    if content.start_at and content.end_at and content.start_at >= content.end_at:
        problems["end_at"] = [_("Choose a time after the start")]
    if problems:
        raise ValidationFailed.of_fields(problems)
    return rules


def _checked_rules(content: CampaignContent, problems: Problems) -> Rules:
    try:
        rules = rules_parse(
            content.reward_rules, welcome_bonus_allowed=content.campaign_type != Type.PARTNER_ONBOARDING
        )
    except ValidationFailed as error:
        problems.update({path: list(sentences) for path, sentences in error.details.items()})
        return Rules()
    content.reward_rules = rules_json(content.reward_rules)
    return rules


def _scope_problems(content: CampaignContent) -> Problems:
    if not isinstance(content.scope, dict):
        return {"scope": [_("must be an object")]}
    problems: Problems = {}
    for key, value in content.scope.items():
        if key not in SCOPE_KEYS:
            problems[f"scope.{key}"] = [
                format_lazy(_("Unknown key; known keys: {known}"), known=", ".join(SCOPE_KEYS))
            ]
        elif type(value) not in (str, int) or not re.fullmatch(ID_PATTERN, str(value)):
            problems[f"scope.{key}"] = [_("Enter 1 to 64 printable characters without spaces")]
    module = content.scope.get("module")
    if (
        content.campaign_type == Type.PURCHASE
        and module is not None
        and str(module) not in PURCHASES_BY_MODULE
    ):
        problems["scope.module"] = [
            format_lazy(_("must be one of: {choices}"), choices=", ".join(PURCHASES_BY_MODULE))
        ]
    return problems


def _event_type_problems(content: CampaignContent) -> Problems:
    """Check the event types, or fill them in where the campaign's type decides."""
    given = content.event_types
    if content.campaign_type == Type.CUSTOM:
        shaped = isinstance(given, list) and all(
            isinstance(name, str) and re.fullmatch(EVENT_TYPE_PATTERN, name) for name in given
        )
        if not shaped or not 1 <= len(given) <= EVENT_TYPES_LIMIT or len(set(given)) != len(given):
            return {"event_types": [_("Enter 1 to 20 different event types of a-z, 0-9 and _")]}
        return {}
    decided = event_types_of(content.campaign_type, content.scope.get("module"))
    if given and (not isinstance(given, list) or sorted(map(str, given)) != sorted(decided)):
        sentence = _("Set by the campaign type: {types}")
        return {"event_types": [format_lazy(sentence, types=", ".join(decided))]}
    content.event_types = decided
    return {}


def event_types_of(campaign_type: str, module: str | None) -> list[str]:
    """The event types that a campaign of this type takes (custom campaigns name their own)."""
    if campaign_type == Type.USER_INVITE:
        return [USER_REGISTERED]
    if campaign_type == Type.PARTNER_ONBOARDING:
        return [RF_PARTNER_ONBOARDED]
    return [PURCHASES_BY_MODULE[module]] if module else list(PURCHASES_BY_MODULE.values())


def _check_can_pay(rules: Rules, event_types: list[str]) -> None:
    if not rules.can_pay({family_of(event_type) for event_type in event_types}):
        raise ValidationFailed.of(
            "reward_rules",
            _(
                "No event of this campaign can earn a reward: set an amount, and no limit, maximum or "
                "budget to 0"
            ),
        )
