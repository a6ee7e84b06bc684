"""Rewards that need attention, and retrying many of them."""
