"""The shape in which the state of a reward or an event is told."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much it matters to the reader; named after the colours of labels."""

    GOOD = "success"
    CALM = "info"
    WATCH = "warning"
    TROUBLE = "danger"


@dataclass(frozen=True, slots=True)
class Story:
    """Why something is where it is: in a line, with what else is known, and what comes next."""

    headline: str
    next_step: str
    sentences: tuple[str, ...] = ()
    severity: Severity = Severity.CALM


def told(headline: str, *sentences: str, next_step: str, severity: Severity = Severity.CALM) -> Story:
    """A story without the sentences that have nothing to say."""
    return Story(headline, next_step, tuple(sentence for sentence in sentences if sentence), severity)
