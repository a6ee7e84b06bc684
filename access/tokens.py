"""Tokens: verifying those of users and services, and signing our own calls.

Source: docs/http-api.md, Who may call; docs/providers.md. Verified tokens are remembered for
REMEMBER_SECONDS, never past their `exp`: an HMAC and three JSON decodings per request would otherwise be a
large part of a small request.
"""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from access.jwks import key_set
from kernel.decoding import ID_PATTERN
from kernel.errors import Unauthenticated

SERVICE_AUDIENCE = "referral-service"
SERVICE_TOKEN_SECONDS = 600
OUTGOING_ISSUER = "referral_service"
OUTGOING_SECONDS = 300
REMEMBER_SECONDS = 5.0
REMEMBER_TOKENS = 4096

_REFUSED = _("The token is missing, expired or not valid here.")


@dataclass(frozen=True, slots=True)
class Service:
    """A calling service, as proved by its token."""

    name: str
    is_authenticated: bool = True


@dataclass(frozen=True, slots=True)
class EndUser:
    """A signed-in user of the platform, as proved by the token; `role` is used for admin rights only."""

    user_id: str
    role: str
    is_authenticated: bool = True


class _Memory:
    """Recently verified tokens of one kind."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Any]] = {}

    def get(self, token: str) -> Any:
        """Who the token is, unless forgotten."""
        known = self._known.get(token)
        return known[1] if known and known[0] > time.time() else None

    def put(self, token: str, who: Any, expires_at: float) -> None:
        """Remember a verified token for a moment."""
        with self._lock:
            if len(self._known) >= REMEMBER_TOKENS:
                self._known = {}
            self._known[token] = (min(time.time() + REMEMBER_SECONDS, expires_at), who)

    def clear(self) -> None:
        """Forget everything, for tests that change keys."""
        self._known = {}


service_memory = _Memory()
user_memory = _Memory()


def service_of(token: str) -> Service:
    """The service that a token proves. Raises Unauthenticated."""
    known = service_memory.get(token)
    if known is not None:
        return known
    claims = _service_claims(token)
    service = Service(claims["iss"])
    service_memory.put(token, service, claims["exp"])
    return service


def _service_claims(token: str) -> Mapping[str, Any]:
    try:
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.InvalidTokenError, RecursionError):
        raise Unauthenticated(_REFUSED) from None
    keys = settings.SERVICE_JWT_KEYS.get(issuer, ()) if isinstance(issuer, str) else ()
    claims = _verified(token, keys, ["HS256"], audience=SERVICE_AUDIENCE, required=["exp", "iss", "aud"])
    if claims["exp"] > time.time() + SERVICE_TOKEN_SECONDS:
        raise Unauthenticated(
            _("A service token may live {seconds} seconds at most."), seconds=SERVICE_TOKEN_SECONDS
        )
    return claims


def user_of(token: str) -> EndUser:
    """The user that a token proves. Raises Unauthenticated, Unavailable while its key cannot be fetched."""
    known = user_memory.get(token)
    if known is not None:
        return known
    claims = _verified(
        token,
        _user_keys(token),
        [settings.USER_JWT_ALGORITHM],
        audience=settings.USER_JWT_AUDIENCE or None,
        issuer=settings.USER_JWT_ISSUER or None,
        required=["exp", "sub"],
    )
    if not re.fullmatch(ID_PATTERN, str(claims["sub"])):
        raise Unauthenticated(_REFUSED)
    user = EndUser(claims["sub"], str(claims.get("role", "user")))
    user_memory.put(token, user, claims["exp"])
    return user


def _user_keys(token: str) -> Sequence[str | jwt.PyJWK]:
    """The configured key, or those of the key set that the token may be signed with.

    Raises Unauthenticated, Unavailable.
    """
    if not settings.USER_JWT_JWKS_URL:
        return [settings.USER_JWT_KEY]
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError):
        raise Unauthenticated(_REFUSED) from None
    if header.get("alg") != settings.USER_JWT_ALGORITHM:
        raise Unauthenticated(_REFUSED)
    return key_set(settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM).keys_for(header.get("kid"))


def _verified(
    token: str,
    keys: Sequence[str | jwt.PyJWK],
    algorithms: list[str],
    *,
    required: list[str],
    audience: str | None = None,
    issuer: str | None = None,
) -> Mapping[str, Any]:
    """The claims, if one of the keys signed them; several keys are there during a rotation."""
    options: Any = {"require": required, "verify_aud": audience is not None, "verify_iss": issuer is not None}
    for key in keys:
        try:
            claims = jwt.decode(
                token, key, algorithms, options=options, audience=audience, issuer=issuer, leeway=0
            )
            return {**claims, "exp": float(claims["exp"])}
        except (jwt.PyJWTError, OverflowError, RecursionError):
            continue
    raise Unauthenticated(_REFUSED)


def service_token(name: str, *, seconds: int = SERVICE_TOKEN_SECONDS) -> str:
    """A token for one of the configured services, as that service would sign it. Raises KeyError."""
    now = int(time.time())
    claims = {"iss": name, "aud": SERVICE_AUDIENCE, "iat": now, "exp": now + seconds}
    return jwt.encode(claims, settings.SERVICE_JWT_KEYS[name][0], "HS256")


def user_token(user_id: str, *, role: str = "user", seconds: int = 3600) -> str:
    """A user's token signed with the HS256 demo key."""
    now = int(time.time())
    claims: dict[str, Any] = {"sub": user_id, "role": role, "iat": now, "exp": now + seconds}
    if settings.USER_JWT_AUDIENCE:
        claims["aud"] = settings.USER_JWT_AUDIENCE
    if settings.USER_JWT_ISSUER:
        claims["iss"] = settings.USER_JWT_ISSUER
    return jwt.encode(claims, settings.USER_JWT_KEY, "HS256")


class OutgoingTokens:
    """Our own service tokens, one an audience, signed anew when half of their life is over."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[float, str]] = {}

    def for_audience(self, audience: str) -> str:
        """A token that lives for at least another two minutes."""
        renew_at, token = self._tokens.get(audience, (0.0, ""))
        if renew_at > time.time():
            return token
        now = int(time.time())
        claims = {"iss": OUTGOING_ISSUER, "aud": audience, "iat": now, "exp": now + OUTGOING_SECONDS}
        token = jwt.encode(claims, settings.SERVICE_JWT_OUT_KEY, "HS256")
        self._tokens[audience] = (now + OUTGOING_SECONDS / 2, token)
        return token


outgoing_tokens = OutgoingTokens()
