"""Figures of campaigns: the first page and the reports."""
