"""The peers as configured: which address, which dialect."""

from collections.abc import Callable
from functools import cache

from django.conf import settings

from rewards.payouts.providers import points, points_m3, tokens
from rewards.payouts.providers.base import Peer
from rewards.payouts.providers.bookings import PointsRecord
from rewards.payouts.providers.transport import Transport
from rewards.provider_names import POINTS, TOKENS

DIALECTS: dict[str, Callable[[Transport], Peer]] = {
    "credit_v1": points.CreditV1,
    "add_m3": points_m3.AddM3,
}


@cache
def peer_named(name: str) -> Peer | None:
    """The peer, or None when its address is not configured: its rewards wait."""
    if name == POINTS and settings.POINTS_SERVICE_URL:
        return DIALECTS[settings.POINTS_DIALECT](_transport(settings.POINTS_SERVICE_URL, points.AUDIENCE))
    if name == TOKENS and settings.TOKEN_GATEWAY_URL:
        return tokens.Gateway(_transport(settings.TOKEN_GATEWAY_URL, tokens.AUDIENCE))
    return None


def points_record() -> PointsRecord | None:
    """Points Service's own record; None when its address is not configured."""
    if not settings.POINTS_SERVICE_URL:
        return None
    return PointsRecord(_transport(settings.POINTS_SERVICE_URL, points.AUDIENCE))


def _transport(url: str, audience: str) -> Transport:
    return Transport(
        base_url=url,
        audience=audience,
        timeout_seconds=settings.PAYOUT_TIMEOUT_SECONDS,
    )
