"""What a person is called who does something: in the audit log, in the trail of rewards."""

from typing import Any

from access.tokens import EndUser

STAFF, ADMINISTRATOR = "staff:", "admin:"


def person_name(person: Any) -> str:
    """Who did it, for a trail: `admin:ID` by token, `staff:NAME` by session."""
    if isinstance(person, EndUser):
        return f"{ADMINISTRATOR}{person.user_id}"
    return f"{STAFF}{person.get_username()}"
