"""Whose request it is: the client's address, taken from proxies only where they are configured."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

NETWORK_BITS_OF_ONE_HOUSEHOLD = 64


def client_address(meta: Mapping[str, Any]) -> str:
    """The address of the client, from a request's META.

    The peer of the connection, unless it is one of TRUSTED_PROXIES: then the rightmost address of
    X-Forwarded-For that is none of them. What stands left of that one is the client's own word.
    """
    address = str(meta.get("REMOTE_ADDR", ""))
    if not (settings.TRUSTED_PROXIES and _is_trusted(address, settings.TRUSTED_PROXIES)):
        return address
    for hop in reversed(str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")):
        hop = hop.strip()
        if not _is_address(hop):
            break
        address = hop
        if not _is_trusted(hop, settings.TRUSTED_PROXIES):
            break
    return address


def address_group(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 that one IPv6 client chooses from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, NETWORK_BITS_OF_ONE_HOUSEHOLD), strict=False))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def _is_trusted(text: str, networks: tuple[Any, ...]) -> bool:
    try:
        parsed = ip_address(text)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks)
