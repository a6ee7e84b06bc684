"""Payout beside bare HTTP clients."""
