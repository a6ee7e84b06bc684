"""Whose request it is."""

from ipaddress import ip_network

import pytest

from access.addresses import address_group, client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "client"),
    [
        ((), "10.0.0.1", "203.0.113.9", "10.0.0.1"),
        (PROXIES, "203.0.113.1", "198.51.100.7", "203.0.113.1"),
        (PROXIES, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXIES, "10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (PROXIES, "10.0.0.1", "1.1.1.1,203.0.113.9 , 10.2.3.4", "203.0.113.9"),
        (PROXIES, "10.0.0.1", "10.9.9.9, 10.2.3.4", "10.9.9.9"),
        (PROXIES, "10.0.0.1", "203.0.113.9, nonsense, 10.2.3.4", "10.2.3.4"),
        (PROXIES, "10.0.0.1", "", "10.0.0.1"),
        (PROXIES, "10.0.0.1", None, "10.0.0.1"),
        (PROXIES, "fd00::1", "2001:db8::5", "2001:db8::5"),
        (PROXIES, "::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (PROXIES, "", "203.0.113.9", ""),
    ],
)
def test_the_client_is_the_rightmost_address_that_no_proxy_of_ours_has(
    settings, proxies, peer, forwarded, client
):
    settings.TRUSTED_PROXIES = proxies
    meta = {"REMOTE_ADDR": peer} | ({} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded})

    assert client_address(meta) == client


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_one_client_of_ipv6_is_its_whole_network(address, group):
    assert address_group(address) == group
