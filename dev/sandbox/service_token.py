"""The tokens with which services prove to each other who they are (JWT, HS256)."""

import time

import jwt

ISSUER = "referral_service"
LONGEST_LIFE_SECONDS = 300
CLOCK_SKEW_SECONDS = 5


class BadTokenError(Exception):
    """The caller's token is missing, expired, too long-lived, or not meant for this peer."""


class TokenCheck:
    """Accepts tokens of the referral service for one audience; with an empty key it accepts everybody."""

    def __init__(self, *, key: str, audience: str) -> None:
        self._key = key
        self._audience = audience

    def verify(self, authorization: str) -> None:
        if not self._key:
            return
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise BadTokenError("no bearer token")
        expires = self._expiry(token.strip())
        if expires > time.time() + LONGEST_LIFE_SECONDS + CLOCK_SKEW_SECONDS:
            raise BadTokenError("the token lives longer than five minutes")

    def _expiry(self, token: str) -> float:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=self._audience,
                issuer=ISSUER,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise BadTokenError(str(error)) from error
        return float(claims["exp"])


def sign(*, key: str, issuer: str, audience: str) -> str:
    now = int(time.time())
    return jwt.encode({"iss": issuer, "aud": audience, "iat": now, "exp": now + 60}, key, algorithm="HS256")
