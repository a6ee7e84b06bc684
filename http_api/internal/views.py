"""`/internal/*`: calls of other services that may earn or unlock rewards."""

from collections.abc import Sequence
from typing import cast

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from access.models import ServiceOperation
from campaigns.rules.families import RF_PARTNER_ONBOARDED, USER_REGISTERED
from http_api.kit.authentication import ServiceAuthentication, service_allowed
from http_api.kit.bodies import body_of
from http_api.kit.envelope import language_of
from http_api.kit.lean import LeanViewSet, answer
from http_api.schemas.rewards import (
    AcceptedRegistration,
    BulkAnswer,
    BulkItem,
    ItemError,
    Recorded,
    RefusedRegistration,
)
from http_api.serializers import reward_json
from kernel.decoding import moment_of
from kernel.errors import DomainError, EventTypeNotAllowed, ValidationFailed
from rewards.intake.commands import (
    BULK_LIMIT,
    BULK_LIMIT_BYTES,
    NewEvent,
    decode_event,
    decode_events,
    decode_partner_onboarded,
    decode_role_upgraded,
    decode_user_registered,
    event_of,
    event_type_of,
)
from rewards.intake.events import event_accept, events_accept
from rewards.intake.registrations import Registered, partner_accept, registration_accept
from rewards.intake.results import Accepted
from rewards.ledger.services import role_upgrade
from rewards.payouts.callbacks import decode_task_report, task_report_accept

Operation = ServiceOperation.Operation


def accepted_json(accepted: Accepted) -> Recorded:
    """The answer to an event."""
    return {
        "success": True,
        "referral_event_id": accepted.event_id,
        "duplicate": accepted.duplicate,
        "reason": accepted.reason,
        "reason_detail": accepted.reason_detail,
        "rewards": [reward_json(reward) for reward in accepted.rewards],
    }


def registered_json(registered: Registered) -> AcceptedRegistration | RefusedRegistration:
    """The answer to a registration or a claim."""
    accepted = registered.accepted
    if accepted is None:
        return {"success": False, "reason": str(registered.reason)}
    return {
        **accepted_json(accepted),
        "referrer_user_id": accepted.referrer_user_id,
        "relation_id": registered.relation_id,
    }


def bulk_json(outcomes: Sequence[Accepted | DomainError]) -> BulkAnswer:
    """The answer to many events: counts, and one entry an event in the order of the call."""
    items: list[BulkItem] = []
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, DomainError):
            items.append({"index": index, "error": cast(ItemError, outcome.as_json())})
        else:
            items.append({"index": index, **accepted_json(outcome), "code_reason": outcome.code_reason})
    rejected = sum("error" in item for item in items)
    duplicates = sum(item.get("duplicate", False) for item in items)
    accepted = len(items) - rejected - duplicates
    return {"accepted": accepted, "duplicates": duplicates, "rejected": rejected, "items": items}


class InternalViewSet(LeanViewSet):
    """What other services report. Each call: who, may they, what, then one service function."""

    authentication_classes = (ServiceAuthentication,)

    def user_registered(self, request: Request) -> HttpResponse:
        """A user has registered, perhaps with a code."""
        service = service_allowed(request, Operation.USER_REGISTERED)
        registered = registration_accept(service.name, decode_user_registered(body_of(request)))
        return answer(registered_json(registered))

    def partner_onboarded(self, request: Request) -> HttpResponse:
        """A business partner was brought by a user."""
        service = service_allowed(request, Operation.PARTNER_ONBOARDED)
        return answer(accepted_json(partner_accept(service.name, decode_partner_onboarded(body_of(request)))))

    def event(self, request: Request) -> HttpResponse:
        """A referred user has bought something."""
        service_allowed(request, Operation.EVENT, None)
        accepted = event_accept(self._event_of(request, body_of(request), Operation.EVENT))
        return answer({**accepted_json(accepted), "code_reason": accepted.code_reason})

    def events_bulk(self, request: Request) -> HttpResponse:
        """Up to 500 events; each is answered as a single call would answer it."""
        service_allowed(request, Operation.EVENTS_BULK, None)
        raw = decode_events(body_of(request, limit_bytes=BULK_LIMIT_BYTES)).items
        if len(raw) > BULK_LIMIT:
            raise ValidationFailed.of("items", _("must be at most {most} events"), most=BULK_LIMIT)
        outcomes: dict[int, Accepted | DomainError] = {}
        events: dict[int, NewEvent] = {}
        for index, item in enumerate(raw):
            try:
                events[index] = self._event_of(request, bytes(item), Operation.EVENTS_BULK)
            except DomainError as error:
                outcomes[index] = error
        outcomes.update(zip(events, events_accept(list(events.values())), strict=True))
        with language_of(request._request):
            return answer(bulk_json([outcomes[index] for index in range(len(raw))]))

    @staticmethod
    def _event_of(request: Request, data: bytes, operation: str) -> NewEvent:
        """A reported event that its caller may report. Raises DomainError."""
        try:
            body = decode_event(data)
        except DomainError:
            # Who may not report it hears that, rather than what is wrong with it.
            service_allowed(request, operation, event_type_of(data))
            raise
        service = service_allowed(request, operation, body.event_type)
        if body.event_type in (USER_REGISTERED, RF_PARTNER_ONBOARDED):
            raise EventTypeNotAllowed(
                _("{event_type} has an operation of its own."), event_type=body.event_type
            )
        return event_of(service.name, body, now=timezone.now())

    def user_role_upgraded(self, request: Request) -> HttpResponse:
        """A user has another role now."""
        service = service_allowed(request, Operation.USER_ROLE_UPGRADED)
        body = decode_role_upgraded(body_of(request))
        unlocked = role_upgrade(
            user_id=body.user_id,
            new_role=body.new_role,
            occurred_at=moment_of("occurred_at", body.occurred_at, now=timezone.now()),
            by=f"service:{service.name}",
        )
        return answer({"success": True, "unlocked_rewards_count": unlocked})

    def g2a_callback(self, request: Request) -> HttpResponse:
        """A token task has ended."""
        service = service_allowed(request, Operation.G2A_CALLBACK)
        task_report_accept(
            decode_task_report(body_of(request)),
            by=f"service:{service.name}",
            request_id=getattr(request._request, "request_id", ""),
        )
        return answer({"ok": True})
