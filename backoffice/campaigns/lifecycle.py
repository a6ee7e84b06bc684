"""The life cycle in the back-office: its buttons, and the copy of a campaign."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from access.people import person_name
from backoffice.campaigns.problems import by_field
from backoffice.campaigns.steps import CHANGE_PAGE, STEPS
from backoffice.kit.base import StaffAdmin
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_duplicate
from kernel.errors import DomainError


class CopyForm(forms.Form):
    """What a copy of a campaign must have of its own."""

    name = forms.CharField(
        label=_("Name"), max_length=200, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True})
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        help_text=_(
            "Used by other services: 3 to 64 characters of a-z, 0-9, _ and -. Example: user_invite_summer"
        ),
        widget=UnfoldAdminTextInputWidget(),
    )


class LifeCyclePages(StaffAdmin):
    """The buttons of the life cycle, each with a page that says what will happen."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only the steps that the campaign may take now."""
        campaign = self.get_object(request, str(object_id))
        illegal = [name for name, step in STEPS.items() if not (campaign and step.legal_for(campaign))]
        return [
            entry
            for entry in super().get_actions_detail(request, object_id)
            if entry.action_name.rpartition("_")[2] not in illegal
        ]

    @action(
        description=STEPS["activate"].title,
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        permissions=["change"],
    )
    def activate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Let it take events."""
        return self._life_step(request, object_id, "activate")

    @action(description=STEPS["pause"].title, icon="pause", permissions=["change"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for a while."""
        return self._life_step(request, object_id, "pause")

    @action(
        description=STEPS["archive"].title,
        icon="archive",
        variant=ActionVariant.DANGER,
        permissions=["change"],
    )
    def archive(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop it for ever."""
        return self._life_step(request, object_id, "archive")

    def _life_step(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        return STEPS[name].page(request, [str(self.row_to_view(request, object_id).pk)])

    # --- a copy ---------------------------------------------------------------------------------------------

    def has_duplicate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether this person may make campaigns; the theme asks with the page's object."""
        return self.has_add_permission(request)

    @action(description=_("Duplicate"), icon="content_copy", permissions=["duplicate"])
    def duplicate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a draft with the same rules."""
        campaign = self.row_to_view(request, object_id)
        begun = {"name": gettext("%s (copy)") % campaign.name, "code": f"{campaign.code[:59]}_copy"}
        form = CopyForm(request.POST if request.method == "POST" else None, initial=begun)
        if form.is_valid() and (copy := self._copy_made(request, campaign, form)):
            messages.success(request, gettext("The copy is a draft. Check its dates, then activate it."))
            return HttpResponseRedirect(reverse(CHANGE_PAGE, args=[copy.pk]))
        context: dict[str, Any] = {
            "title": gettext("Duplicate"),
            "question": gettext("Duplicate the campaign “%s”?") % campaign.name,
            "consequences": [
                gettext("The copy is a draft: it earns no rewards until it is activated."),
                gettext("Type, scope, description, rules, limits and budgets are copied."),
                gettext("Dates, links, invited users, rewards and history are not copied."),
            ],
            "form": form,
            "possible": True,
        }
        common = {"opts": self.opts, "original": campaign, "page": reverse(CHANGE_PAGE, args=[campaign.pk])}
        context |= {**self.admin_site.each_context(request), **context, **common}
        return TemplateResponse(request, "admin/campaign_step.html", context)

    def _copy_made(
        self, request: HttpRequest, campaign: ReferralCampaign, form: CopyForm
    ) -> ReferralCampaign | None:
        try:
            copy = campaign_duplicate(
                campaign_id=campaign.pk, by=person_name(request.user), **form.cleaned_data
            )
        except DomainError as refusal:
            for name, texts in by_field(refusal.details).items():
                form.add_error(name if name in form.fields else None, texts)
            return None
        self.log_addition(request, copy, [{"added": {}}])
        return copy
