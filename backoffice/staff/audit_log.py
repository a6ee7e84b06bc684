"""Back-office pages whose changes go into the audit log, and the page of the log."""

import json
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from access.audit import Verb, audit_note, state_of
from access.models import AuditEntry
from access.people import person_name
from backoffice.kit.base import ReadOnlyAdmin, badge

VERB_COLORS: dict[str, str] = {
    Verb.CREATED: "success",
    Verb.CHANGED: "info",
    Verb.DELETED: "danger",
    Verb.IMPORTED: "primary",
}


class AuditedAdmin(admin.ModelAdmin):
    """A page that writes its rows itself: each addition, change and deletion is noted with both states."""

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Remember the state before; nothing is written yet."""
        if change:
            before = self.model._default_manager.get(pk=form.instance.pk)
            # The request carries it to where the change is noted.
            request.state_before = state_of(before)  # type: ignore[attr-defined]
        return super().save_form(request, form, change)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Note a new row, after its lists were saved too."""
        audit_note(by=person_name(request.user), verb=Verb.CREATED, target=obj, after=state_of(obj))
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Note a change; one that did not come through the form was of the password."""
        before: dict[str, Any] | None = getattr(request, "state_before", None)
        after = {"password": "changed"} if before is None else state_of(obj)
        audit_note(by=person_name(request.user), verb=Verb.CHANGED, target=obj, before=before, after=after)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note what is about to be deleted."""
        for obj in queryset:
            audit_note(by=person_name(request.user), verb=Verb.DELETED, target=obj, before=state_of(obj))
        return super().log_deletions(request, queryset)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """What people have changed; nobody can change it."""

    list_display = ("at", "actor", "verb_badge", "kind", "object_name", "reason")
    list_filter = ("verb",)
    exact_lookups = ("object_id", "actor", "object_name", "request_id", "pk")
    search_help_text = gettext_lazy("Exact name or ID: staff:NAME, admin:ID, object, request")
    fieldsets = (
        (None, {"fields": ("at", "actor", "verb_badge", "kind", "object_name", "object_id", "reason")}),
        (gettext_lazy("Changes"), {"fields": ("states",)}),
        (gettext_lazy("Record"), {"fields": ("id", "request_id")}),
    )

    def title_of(self, row: AuditEntry) -> str:
        """Who and what."""
        return f"{row.actor}: {row.get_verb_display()} {row.object_name}"

    @display(description=gettext_lazy("action"), ordering="verb")
    def verb_badge(self, entry: AuditEntry) -> SafeString:
        """What was done, in its colour."""
        return badge(entry.get_verb_display(), VERB_COLORS.get(entry.verb))

    @display(description=gettext_lazy("object type"))
    def kind(self, entry: AuditEntry) -> str:
        """The kind in the words of the back-office."""
        return kind_named(entry.object_type)

    @display(description=gettext_lazy("changes"))
    def states(self, entry: AuditEntry) -> SafeString:
        """Each value before and after."""
        before, after = entry.before or {}, entry.after or {}
        rows = [
            (
                field_named(entry.object_type, name),
                value_shown(before.get(name)),
                value_shown(after.get(name)),
            )
            for name in {**before, **after}
        ]
        return render_to_string("admin/audit_states.html", {"rows": rows, "entry": entry})


def kind_named(label: str) -> str:
    """A model in the words of the back-office; what no longer exists keeps its technical name."""
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except LookupError:
        return label


def field_named(label: str, name: str) -> str:
    """A field in the words of the back-office; what is no field keeps its technical name."""
    try:
        field: Any = apps.get_model(label)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist):
        return name
    return str(field.verbose_name)


def value_shown(value: Any) -> str:
    """A value as people read it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value in (None, "", [], {}):
        return "–"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
