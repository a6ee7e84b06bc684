"""The back-office page of who may call what."""

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.grants import grants
from access.models import ServiceOperation
from backoffice.kit.base import StaffAdmin
from backoffice.staff.audit_log import AuditedAdmin
from kernel.decoding import EVENT_TYPE_PATTERN, ID_PATTERN

Operation = ServiceOperation.Operation
ABOUT_EVENTS = (Operation.EVENT, Operation.EVENTS_BULK, Operation.EVENT_REVERSED)


class ServiceOperationForm(forms.ModelForm):
    """Says beside the field what the database would refuse."""

    class Meta:
        model = ServiceOperation
        fields = ("service", "operation", "event_type")
        help_texts = {
            "service": gettext_lazy(
                "The name the service signs its tokens with; its key is set in SERVICE_JWT_KEYS. Example: "
                "quest_service"
            ),
            "event_type": gettext_lazy("Only for event operations. Example: quest_purchased"),
        }

    def clean_service(self) -> str:
        """The name is what the service writes into `iss` of its tokens."""
        name = str(self.cleaned_data["service"])
        if not re.fullmatch(ID_PATTERN, name):
            raise forms.ValidationError(_("Enter 1 to 64 printable characters without spaces"))
        return name

    def clean(self) -> dict[str, Any]:
        """An event type exactly where the operation is about events."""
        cleaned: dict[str, Any] = super().clean() or {}
        event_type, operation = cleaned.get("event_type", ""), cleaned.get("operation")
        if operation in ABOUT_EVENTS and not re.fullmatch(EVENT_TYPE_PATTERN, event_type):
            self.add_error("event_type", _("Enter an event type for this operation, e.g. quest_purchased."))
        if operation and operation not in ABOUT_EVENTS and event_type:
            self.add_error("event_type", _("Leave blank: this operation has no event type."))
        return cleaned


@admin.register(ServiceOperation)
class ServiceOperationAdmin(AuditedAdmin, StaffAdmin):
    """Staff add and remove rights of services; a change is in force within seconds."""

    form = ServiceOperationForm
    list_display = ("service", "operation", "event_type")
    list_filter = ("operation",)
    search_fields = ("service", "event_type")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A right that is taken away is a row that is removed."""
        return bool(request.user.has_perm("access.delete_serviceoperation"))

    def save_model(self, request: HttpRequest, obj: ServiceOperation, form: Any, change: bool) -> None:
        """Save, and let this process see it at once."""
        super().save_model(request, obj, form, change)
        grants.forget()

    def delete_model(self, request: HttpRequest, obj: ServiceOperation) -> None:
        """Delete, and let this process see it at once."""
        super().delete_model(request, obj)
        grants.forget()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ServiceOperation]) -> None:
        """Delete several, and let this process see it at once."""
        super().delete_queryset(request, queryset)
        grants.forget()
