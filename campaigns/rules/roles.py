"""The roles of the platform's users and their order."""

USER, VIP, PRO = "user", "vip", "pro"
RANKS = {USER: 0, VIP: 1, PRO: 2}


def reaches(role: str, required: str | None) -> bool:
    """Whether `role` is at least `required`; no requirement is always met."""
    return required is None or RANKS[role] >= RANKS[required]
