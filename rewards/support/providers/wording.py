"""How the services that we call are, in plain words."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from kernel.humanize.moments import MINUTE, moment_text, until_text
from rewards.models import PeerProbe
from rewards.models.codes import Failure
from rewards.payouts.providers.probes import Heard
from rewards.provider_names import PEER_NAMES, POINTS, TOKENS
from rewards.support.explanation.error_classification import error_text, trouble_text
from rewards.support.explanation.status_history import actor_text
from rewards.support.providers.health import Health

SETTINGS = {POINTS: "POINTS_SERVICE_URL", TOKENS: "TOKEN_GATEWAY_URL", "analytics": "ANALYTICS_URL"}
# Workers look every few seconds; what is due for longer, nobody takes.
LONG_DUE = 5 * MINUTE
HEARD: dict[str, Any] = {
    Heard.ANSWERS: gettext_lazy("it responds"),
    Heard.NO_ACCESS: gettext_lazy("it responds, but denies us access"),
    Heard.TROUBLE: gettext_lazy("it responds that it is not working now"),
    Heard.UNREACHABLE: gettext_lazy("no connection"),
    Heard.SILENT: gettext_lazy("it connects, but gives no readable response in time"),
    Heard.NO_ADDRESS: gettext_lazy("its address is not set"),
}
HEARD_COLORS: dict[str, str] = {Heard.ANSWERS: "success", Heard.TROUBLE: "warning"}


def state_text(health: Health, now: Any) -> str:
    """How a peer is, in a sentence or two: since when, why, and what comes next."""
    values = {"peer": PEER_NAMES[health.peer]}
    circuit = health.circuit
    if not health.has_address:
        return _("The address of %(peer)s is not set (%(setting)s), so nothing is sent to it.") % {
            **values,
            "setting": SETTINGS[health.peer],
        }
    if circuit is None:
        return _("%(peer)s has not been used yet.") % values
    if health.is_sick:
        return _("%(peer)s has been unavailable since %(since)s: %(trouble)s. Next attempt: %(next)s.") % {
            **values,
            "since": moment_text(circuit.opened_at or now),
            "trouble": trouble_text(circuit.last_failure),
            "next": until_text(circuit.probe_at or now, now),
        }
    if circuit.last_success_at is None:
        return _("%(peer)s has not had a success yet.") % values
    return _("%(peer)s is operational; last success on %(moment)s.") % {
        **values,
        "moment": moment_text(circuit.last_success_at),
    }


def warning_text(health: Health, now: Any) -> str:
    """The peer is well, and yet nobody takes what is due; empty when that is not so."""
    untaken = health.waiting.untaken
    if health.is_sick or not health.has_address or untaken is None or untaken > now - LONG_DUE:
        return ""
    return _(
        "No worker has picked up due rewards since %s. If nothing moves for several minutes, no worker is "
        "running: contact the on-call engineer."
    ) % moment_text(untaken)


def probe_text(probe: PeerProbe) -> str:
    """Who has asked, and what was heard."""
    asked = {"who": actor_text(probe.asked_by), "moment": moment_text(probe.asked_at)}
    if probe.answered_at is None:
        return _("Requested by %(who)s on %(moment)s; no result from the worker yet.") % asked
    heard = str(HEARD.get(probe.outcome, probe.outcome))
    if probe.http_status:
        heard = _("%(heard)s (HTTP %(status)d, %(time)d ms)") % {
            "heard": heard,
            "status": probe.http_status,
            "time": probe.milliseconds or 0,
        }
    return _("Requested by %(who)s on %(moment)s: %(heard)s.") % {**asked, "heard": heard}


def probe_failure_text(probe: PeerProbe) -> str:
    """What kept an answer from being heard; empty when one was."""
    return error_text(Failure(probe.cause, message=probe.message)) if probe.cause else ""
