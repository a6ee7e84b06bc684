"""Referral codes: short, readable aloud, not guessable."""

import secrets

# Without 0 and O, 1, I and L.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 8


def new_code() -> str:
    """A random code; about 8 · 10¹¹ exist."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def normalize_code(text: str) -> str:
    """A code as a person typed it, in the form in which it is stored."""
    return text.strip().upper()
