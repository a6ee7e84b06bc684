"""What a form offers to choose from, when that is known only when the form is made.

A form has copies of its class's fields of its own, so that changing one changes no other form.
"""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.db.models import QuerySet

from campaigns.models import ReferralCampaign


def choices_offer(form: forms.Form, name: str, choices: Sequence[tuple[str, Any]]) -> None:
    """Let a field choose from these pairs of value and words."""
    cast(forms.ChoiceField, form.fields[name]).choices = choices


def campaigns_offer(form: forms.Form, name: str, campaigns: QuerySet[ReferralCampaign]) -> None:
    """Let a field choose from these campaigns, by their names."""
    field: Any = form.fields[name]
    field.queryset = campaigns.order_by("name")
    field.label_from_instance = lambda campaign: campaign.name
