"""Errors that end the start of the process."""


class CannotStartError(Exception):
    """The sandbox cannot start; the message is one sentence for the person who started it."""
