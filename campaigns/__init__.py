"""Campaigns: what an event earns, and which campaign takes it."""
