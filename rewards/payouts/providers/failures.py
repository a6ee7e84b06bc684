"""Why a call has failed, by code, from what was raised while it was made.

Who raises decides the code; what is kept beside it is the text of the network's or the library's own error.
"""

import socket
import ssl

from rewards.models.codes import Cause, Failure
from rewards.payouts.providers.connection import AnswerCutOff, AnswerTooLarge, AnswerUnreadable

# The first that fits counts: most errors of the network are kinds of OSError, one of TLS is a ValueError too.
CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
    (AnswerTooLarge, Cause.ANSWER_TOO_LARGE),
    (AnswerCutOff, Cause.CONNECTION_RESET),
    (AnswerUnreadable, Cause.UNREADABLE_ANSWER),
    (ConnectionRefusedError, Cause.CONNECTION_REFUSED),
    (ConnectionError, Cause.CONNECTION_RESET),
    (TimeoutError, Cause.TIMEOUT),
    (socket.gaierror, Cause.DNS),
    (ssl.SSLError, Cause.TLS),
    (OSError, Cause.NETWORK),
    (ValueError, Cause.UNSENDABLE),
)


class CallFailed(Exception):
    """The call ended without a readable answer; the peer may have done what it was asked."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.cause}: {failure.message}")
        self.failure = failure


class NeverSent(CallFailed):
    """Not a byte of the request left us: refused, no such host, no TLS, or it cannot be sent at all."""


def failure_of(error: Exception) -> Failure:
    """What is kept of an exception; one that nobody expects is a fault of our own."""
    causes = (cause for kind, cause in CAUSES if isinstance(error, kind))
    return Failure(next(causes, Cause.INTERNAL), message=str(error).replace("\x00", ""))
