"""What went wrong with a paying service, in plain words, from the one line that is kept of it.

The line is written by `rewards.payouts.claim` and `rewards.payouts.circuit_breaker`: "HTTP 503 unavailable …"
where there was an answer, else the name of the network's error (`rewards.payouts.providers.transport`). The
words follow the table of answers in contract/peers.md.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# The beginning of the line, or a part of it, and what it means: "it …", about the service.
KNOWN: tuple[tuple[str, Promise], ...] = (
    (r"\bthe gateway does not know the task", gettext_lazy("it does not know the token task")),
    (r"\bthe answer is not the promised JSON", gettext_lazy("its response is not as agreed")),
    (
        r"^the (head of the )?answer is (too large|not HTTP|not usable)",
        gettext_lazy("its response is not as agreed"),
    ),
    (r"^ConnectionRefusedError", gettext_lazy("it refuses the connection")),
    (r"^gaierror", gettext_lazy("its address is not found (DNS)")),
    (r"^(SSL\w*|CertificateError)", gettext_lazy("no secure connection")),
    (r"^(TimeoutError|timeout)", gettext_lazy("it does not respond in time")),
    (
        r"^(ConnectionResetError|BrokenPipeError|RemoteDisconnected|ConnectionAbortedError|IncompleteRead"
        r"|the answer ended early)",
        gettext_lazy("it drops the connection"),
    ),
    (r"^internal:", gettext_lazy("an error in our worker")),
    (r"^the answer \(\w+\) cannot be recorded", gettext_lazy("its response could not be saved")),
)


def trouble_text(error: str) -> str:
    """What a kept error means: "it refuses connections"; something general for what we do not know."""
    for pattern, words in KNOWN:
        if re.search(pattern, error):
            return str(words)
    status = http_status_in(error)
    return _http_text(status) if status else _("the last request failed")


def http_status_in(error: str) -> int | None:
    """The HTTP status that a kept error begins with."""
    found = re.match(r"HTTP (\d{3})\b", error)
    return int(found[1]) if found else None


def _http_text(status: int) -> str:
    if status in (425, 429):
        words = _("it asks us to retry later (HTTP %d)")
    elif status in (401, 403):
        words = _("it denies us access (HTTP %d)")
    elif 300 <= status < 400 or status in (404, 405):
        words = _("its address is wrong in our settings (HTTP %d)")
    elif status == 408 or status >= 500 or status < 200:
        words = _("an error on its side (HTTP %d)")
    else:
        words = _("it rejects the request (HTTP %d)")
    return words % status
