"""Paying a reward exactly once: claim, call, record, and what to do when a provider is sick."""
