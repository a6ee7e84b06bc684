"""Figures: dashboard, reports, what campaigns and referred users have brought."""
