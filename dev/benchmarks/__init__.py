"""Measures the service against what PostgreSQL and its HTTP client can do: see docs/performance.md."""
