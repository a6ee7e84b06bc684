"""Whether the services that pay are well: their circuit breakers."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from backoffice.kit.base import ReadOnlyAdmin, badge
from rewards.models import PeerCircuit
from rewards.provider_names import PEER_NAMES
from rewards.support.explanation.error_classification import error_text


@admin.register(PeerCircuit)
class PeerAdmin(ReadOnlyAdmin):
    """Whether the services that pay are well; the page of all of them says more."""

    sortable_by = None
    actions_list = ("health",)
    list_display = ("peer_shown", "state_badge", "opened_at", "probe_at", "last_success_at", "error")
    fields = (
        "peer_shown",
        "state_badge",
        "openings",
        "opened_at",
        "probe_at",
        "last_success_at",
        "last_failure_at",
        "error_whole",
    )

    def title_of(self, row: PeerCircuit) -> str:
        """The name of the service."""
        return PEER_NAMES.get(row.peer, row.peer)

    @action(
        description=gettext_lazy("Service status"),
        icon="ecg_heart",
        permissions=["view"],
        url_path="health",
    )
    def health(self, request: HttpRequest) -> HttpResponse:
        """To the page of all services."""
        return HttpResponseRedirect(reverse("admin:support_peers"))

    @display(description=gettext_lazy("provider"), ordering="peer")
    def peer_shown(self, peer: PeerCircuit) -> str:
        """The name of the service."""
        return self.title_of(peer)

    @display(description=gettext_lazy("status"), ordering="state")
    def state_badge(self, peer: PeerCircuit) -> SafeString:
        """The state in its colour."""
        return badge(
            peer.get_state_display(), "danger" if peer.state == PeerCircuit.State.OPEN else "success"
        )

    @display(description=gettext_lazy("last error"))
    def error(self, peer: PeerCircuit) -> str:
        """The beginning of the last error."""
        return Truncator(error_text(peer.last_failure)).chars(80) or "–"

    @display(description=gettext_lazy("last error"))
    def error_whole(self, peer: PeerCircuit) -> str:
        """The last error."""
        return error_text(peer.last_failure) or "–"
