"""Attaching a lost referrer, and rewarding the past events of the referred user."""
