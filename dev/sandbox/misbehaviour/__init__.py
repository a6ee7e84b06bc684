"""Faults on demand: refusing, delaying, breaking off."""
