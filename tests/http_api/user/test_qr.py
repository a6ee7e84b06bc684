"""`GET /my/links/{id}/qr.svg` and `.png`: a link to be printed or shown."""

import struct
import zlib

import pytest
import segno
from django.test import Client

from tests.helpers.api import BASE, anybody, user

pytestmark = pytest.mark.usefixtures("campaigns")

NOWHERE = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def link(campaigns):
    return user("user-a").get("/my/links").body["items"][0]


def qr(link_id, kind, by="user-a"):
    return Client().get(f"{BASE}/my/links/{link_id}/qr.{kind}", headers=user(by)._headers)


def pixels(png):
    """The rows of a PNG of black and white pixels: True is black."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, colours = struct.unpack(">IIBB", png[16:26])
    assert depth == 1
    assert colours in (0, 3)
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        data += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += length + 12
    raw, size, above, bits = zlib.decompress(data), (width + 7) // 8 + 1, bytes((width + 7) // 8), []
    for row in range(height):
        how, *line = raw[row * size : (row + 1) * size]
        assert how in (0, 2), "a row is written as it is, or as the difference to the one above"
        above = bytes((byte + how // 2 * up) % 256 for byte, up in zip(line, above, strict=True))
        bits.append("".join(f"{byte:08b}" for byte in above)[:width])
    white = bits[0][0]
    return [[bit != white for bit in row] for row in bits]


def test_the_picture_holds_the_address_of_the_link(link):
    response = qr(link["id"], "png")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    rows = pixels(response.content)
    modules = [[bool(module) for module in row] for row in segno.make_qr(link["url"], error="m").matrix]
    scale = len(rows) // (len(modules) + 8)
    border = 4 * scale
    middle = scale // 2
    shown = [row[border + middle : -border : scale] for row in rows[border + middle : -border : scale]]
    assert shown == modules


def test_the_drawing_is_an_image_without_scripts_or_outside_hosts(link):
    response = qr(link["id"], "svg")

    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
    text = response.content.decode()
    assert text.startswith(("<?xml", "<svg"))
    assert "<script" not in text
    assert text.count("http") == text.count("http://www.w3.org/2000/svg") == 1
    assert 'fill="#fff"' in text or 'fill="white"' in text


def test_links_have_different_pictures(link):
    other = user("user-b").get("/my/links").body["items"][0]

    assert qr(link["id"], "png").content != qr(other["id"], "png", by="user-b").content


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_link_of_somebody_else_has_no_picture(link, kind):
    for link_id, caller in ((link["id"], "user-x"), (NOWHERE, "user-a")):
        response = qr(link_id, kind, by=caller)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["qr.gif", "qr", "qr.svg/"])
def test_there_is_no_other_picture(link, path):
    assert user("user-a").get(f"/my/links/{link['id']}/{path}").code == "not_found"


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_needs_a_token_and_is_only_read(link, kind):
    assert anybody().get(f"/my/links/{link['id']}/qr.{kind}").status == 401
    assert user("user-a").post(f"/my/links/{link['id']}/qr.{kind}").status == 405
