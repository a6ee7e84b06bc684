"""What went wrong with a paying service, in plain words, from the code that is kept of it.

The words follow the table of answers in docs/payout.md. What the service or the network said itself is
quoted as it is.
"""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rewards.models.codes import Cause, Failure

UNAGREED = gettext_lazy("its response is not as agreed")
# What a code means: "it …", about the service.
TROUBLES: dict[str, Promise] = {
    Cause.CONNECTION_REFUSED: gettext_lazy("it refuses the connection"),
    Cause.DNS: gettext_lazy("its address is not found (DNS)"),
    Cause.TLS: gettext_lazy("no secure connection"),
    Cause.TIMEOUT: gettext_lazy("it does not respond in time"),
    Cause.CONNECTION_RESET: gettext_lazy("it drops the connection"),
    Cause.NETWORK: gettext_lazy("it cannot be reached"),
    Cause.UNSENDABLE: gettext_lazy("our settings for it cannot be used"),
    Cause.UNREADABLE_ANSWER: UNAGREED,
    Cause.ANSWER_TOO_LARGE: gettext_lazy("its response is larger than agreed"),
    Cause.UNPROMISED_ANSWER: UNAGREED,
    Cause.LIST_BEGINS_AGAIN: gettext_lazy("its list repeats instead of continuing"),
    Cause.TASK_UNKNOWN: gettext_lazy("it does not know the token task"),
    Cause.TASK_FAILED: gettext_lazy("the token task finished without a transfer"),
    Cause.MANY_REFUSALS: gettext_lazy("it rejects one entry after another"),
    Cause.INTERNAL: gettext_lazy("an error in our worker"),
    Cause.NOT_RECORDABLE: gettext_lazy("its response could not be saved"),
    Cause.CALLED_BACK: gettext_lazy("it called back"),
    Cause.ON_RECORD: gettext_lazy("its records show this"),
    Cause.OTHER: gettext_lazy("the last request failed"),
}
# Said by the service itself, so that its own words are the whole of it.
ITS_WORDS = (Cause.HTTP_STATUS, Cause.TASK_FAILED, Cause.OTHER)


def trouble_text(failure: Failure | None) -> str:
    """What a failure means: "it refuses the connection"; something general for what we do not know."""
    if failure is None:
        return str(TROUBLES[Cause.OTHER])
    if failure.cause == Cause.HTTP_STATUS:
        return _http_text(failure.http_status or 0)
    return str(TROUBLES[failure.cause])


def error_text(failure: Failure | None) -> str:
    """A failure in one line, with the words of the service or the network; empty without one."""
    if failure is None:
        return ""
    said = " ".join(filter(None, (failure.peer_code, failure.message)))
    if failure.cause == Cause.HTTP_STATUS:
        return f"HTTP {failure.http_status} {said}".strip()
    if failure.cause in ITS_WORDS and said:
        return said
    words = trouble_text(failure)
    return f"{words} ({said})" if said else words


def error_group_text(group: str) -> str:
    """What rewards have in common that failed with one error: our words, or those of the service."""
    return str(TROUBLES[group]) if group in TROUBLES else group


def is_its_word(failure: Failure) -> bool:
    """Whether the service itself has said so, and not the network or a worker of ours."""
    return failure.cause in (Cause.HTTP_STATUS, Cause.TASK_FAILED)


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
