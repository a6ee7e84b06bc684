"""Django's PostgreSQL backend with a cheaper question about a kept connection."""
