"""Telling Analytics of events and status changes, at least once and in order."""
