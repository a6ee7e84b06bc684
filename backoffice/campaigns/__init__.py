"""Campaigns and their rules: forms, life cycle, versions, figures."""
