"""Filters for the back-office’s templates."""
