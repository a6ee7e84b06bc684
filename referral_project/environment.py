"""Readers of the environment that fail with a sentence instead of a trace.

Built on django-environ; a variable that is missing or malformed ends the process with its name and a reason,
because an operator reads this in a terminal or a unit's log.
"""

import json
import os
import re
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NoReturn
from urllib.parse import urlsplit

import environ
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from access.jwks import RSA_BITS
from access.rate_limits import Rate

env = environ.Env()

DEMO_PREFIX = "demo-"
SECRET_BYTES = 32


def refuse(name: str, problem: str) -> NoReturn:
    """End the process with one sentence about one variable."""
    sys.exit(f"referral-service cannot start: {name} {problem}")


def demo() -> bool:
    """Whether `make run` (or the test suite) started us; any other start is production."""
    return bool(env.bool("REFERRAL_DEMO", default=False))


def text(name: str, default: str = "") -> str:
    """A variable as text; empty means the default."""
    return str(env.str(name, default="") or default)


def secret(name: str) -> str:
    """A secret that must be there, long enough, and in production not one that the demo generated."""
    return check_secret(name, text(name))


def check_secret(name: str, value: str, what: str = "") -> str:
    """Refuse a missing, short or (in production) demo secret; return it otherwise."""
    of = f" (of {what})" if what else ""
    if not value:
        refuse(name, f"is missing{of}. Set it to a random text of at least {SECRET_BYTES} bytes.")
    if len(value.encode()) < SECRET_BYTES:
        refuse(name, f"is too short{of}: it needs at least {SECRET_BYTES} bytes.")
    if value.startswith(DEMO_PREFIX) and not demo():
        refuse(
            name, f"holds a key generated for the demo{of}, which anybody could know. Set one of your own."
        )
    return value


def service_keys(name: str) -> dict[str, list[str]]:
    """JSON of service name → key or list of keys."""
    try:
        given = json.loads(text(name, "{}"))
        keys = {
            service: [value] if isinstance(value, str) else list(value) for service, value in given.items()
        }
    except (ValueError, TypeError, AttributeError):
        refuse(
            name,
            'must be JSON such as {"quest_service": "key"} or {"quest_service": ["new key", "old key"]}.',
        )
    if not keys:
        refuse(name, "is missing. Set it to JSON with a key for each service that may call.")
    for service, values in keys.items():
        for value in values or [""]:
            check_secret(name, value if isinstance(value, str) else "", service)
    return keys


def user_key(name: str, algorithm: str, jwks_url: str) -> str:
    """What verifies users' tokens: a secret for HS256, else a public key in PEM; empty with a JWKS."""
    if jwks_url:
        if algorithm == "HS256":
            refuse(
                "USER_JWT_JWKS_URL", "needs USER_JWT_ALGORITHM=RS256 or ES256: a published key is no secret."
            )
        return ""
    if algorithm == "HS256":
        return secret(name)
    # One line in a file of variables cannot hold the line breaks of PEM.
    value = text(name).replace("\\n", "\n")
    if not value:
        refuse(name, f"is missing. Set it to the PEM public key for {algorithm}, or set USER_JWT_JWKS_URL.")
    if "PRIVATE KEY" in value:
        refuse(
            name, "holds a private key, which only the sign-in service may have. Set it to the public one."
        )
    try:
        key = load_pem_public_key(value.encode())
    except (ValueError, UnsupportedAlgorithm):
        refuse(name, f"is no PEM public key (-----BEGIN PUBLIC KEY-----), which {algorithm} needs.")
    is_rsa = isinstance(key, RSAPublicKey) and key.key_size >= RSA_BITS
    is_p256 = isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
    if not (is_rsa if algorithm == "RS256" else is_p256):
        needed = f"an RSA key of at least {RSA_BITS} bits" if algorithm == "RS256" else "a P-256 key"
        refuse(name, f"is another kind of key: {algorithm} needs {needed}.")
    return value


def number(name: str, default: float, *, least: float, most: float = float("inf")) -> float:
    """A number; fractions are allowed."""
    value = text(name)
    try:
        found = float(value) if value else default
    except ValueError:
        refuse(name, f"must be a number, not {value!r}.")
    if not least <= found <= most:
        refuse(name, f"must be from {least:g} to {most:g}, not {value!r}.")
    return found


def url(name: str, default: str = "") -> str:
    """An http or https address without a trailing slash; empty stays empty."""
    value = text(name, default).rstrip("/")
    if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
        refuse(name, f"must be an address such as https://points.example, not {value!r}.")
    return value


def redis_url(name: str) -> str:
    """An address of Redis; empty stays empty."""
    value = text(name)
    if value and not re.fullmatch(r"rediss?://[^/\s]+(:\d+)?(/\d+)?", value, re.ASCII):
        refuse(name, "must be an address such as redis://127.0.0.1:6379/0.")
    return value


def one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of a few words."""
    value = text(name, default)
    if value not in choices:
        refuse(name, f"must be one of {', '.join(choices)}, not {value!r}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """Words between commas."""
    return [word for word in re.split(r"[,\s]+", text(name, default)) if word]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Addresses and networks between commas."""
    found = []
    for word in words(name):
        try:
            found.append(ip_network(word))
        except ValueError:
            refuse(name, f"must be networks such as 10.0.0.0/8, between commas, not {word!r}.")
    return tuple(found)


PERIODS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86400}


def rate(name: str, default: str) -> Rate | None:
    """How often somebody may call; None when the variable is there and empty, which switches it off."""
    given = os.environ.get(name, default).strip()
    if not given:
        return None
    count, _, period = given.partition("/")
    count, period = count.strip(), period.strip()
    if not re.fullmatch(r"[1-9]\d{0,8}", count, re.ASCII) or period not in PERIODS:
        refuse(name, f"must be a number of requests and a period, such as 120/min, or empty, not {given!r}.")
    return Rate(int(count), PERIODS[period])
