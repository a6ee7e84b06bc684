"""Rewards: lists, actions on them, their history, discrepancies."""
