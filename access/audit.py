"""The audit log: every change by a person, in the back-office or through the admin API.

A service that people call notes the change in its own transaction, so that there is no change without its
entry and no entry without its change. What services and workers do is no person's doing: rewards keep their
own trail of that.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from django.db.models import Model

from access.models import AuditEntry
from access.people import ADMINISTRATOR, STAFF

Verb = AuditEntry.Verb
HIDDEN = "•••"


def audit_note(
    *,
    by: str,
    verb: Verb,
    target: Model,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
    name: str | None = None,
) -> None:
    """Note what a person did to `target`; call it inside the transaction of the change.

    Does nothing when `by` is no person, or when `before` and `after` are the same. Of two states only what
    differs is kept. Leave users' ids out of `name` and states: the log is kept when a user is erased.
    """
    if not by.startswith((ADMINISTRATOR, STAFF)):
        return
    if before is not None and after is not None:
        changed = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if not changed:
            return
        before = {key: before.get(key) for key in changed}
        after = {key: after.get(key) for key in changed}
    AuditEntry.objects.create(
        actor=by[:160],
        verb=verb,
        object_type=target._meta.label_lower,
        object_id=str(target.pk)[:64],
        object_name=(str(target) if name is None else name)[:200],
        before=before,
        after=after,
        reason=reason[:500],
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
    )


def state_of(row: Model) -> dict[str, Any]:
    """The columns of a row and the names in its lists; a password is not shown."""
    state: dict[str, Any] = {
        field.name: field.value_from_object(row)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }
    if "password" in state:
        state["password"] = HIDDEN
    for field in row._meta.many_to_many:
        state[field.name] = sorted(str(other) for other in getattr(row, field.name).all())
    return state
