"""`/internal/*`: calls of the platform’s other services."""
