"""Requests to the providers: counted where they are made."""

from functools import cache

from prometheus_client import Histogram

from rewards.payouts.providers.base import Answer

PEER_CALLS = Histogram(
    "referral_peer_call_seconds",
    "Duration of requests to a provider, by provider and outcome; its count is their number.",
    ["peer", "outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def peer_answered(peer: str, answer: Answer) -> None:
    """Count one call."""
    seconds = (answer.finished_at - answer.started_at).total_seconds()
    _calls(peer, answer.outcome.value).observe(seconds)


@cache
def _calls(peer: str, outcome: str) -> Histogram:
    """Finding a child among the labels takes longer than counting."""
    return PEER_CALLS.labels(peer, outcome)
