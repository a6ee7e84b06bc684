"""The ways in which a request can be wrong, each a function that makes one as bytes for the wire."""

import json
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from access.tokens import service_token, user_token
from tests.helpers.api import BASE, now_text

SERVICE_CALLS = {
    "/internal/event": "quest_service",
    "/internal/events/bulk": "quest_service",
    "/internal/user-registered": "user_service",
    "/internal/user-role-upgraded": "user_service",
    "/internal/partner-onboarded": "rf_service",
    "/internal/g2a-callback": "token_gateway",
}
USER_CALLS = ("/my/links", "/my/claim")
GETS = ("/my/links", "/my/rewards", "/my/referrals", "/my/stats", "/admin/campaigns", "/admin/rewards")
ODD_TEXTS = (
    "\x00",
    "a" * 5000,
    "‮evil",
    "\ud800",
    "🦄" * 70,
    " ",
    "",
    "../../etc/passwd",
    "' OR 1=1 --",
    "{{7*7}}",
    "%00",
    "\r\nX: y",
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.1,
    10**400,
    [],
    {},
    [[[[]]]],
    {"a": {"b": []}},
    "x" * 300,
    1e308,
    *ODD_TEXTS,
)
EVENT = {
    "event_type": "quest_purchased",
    "referred_user_id": "bob",
    "occurred_at": "2025-06-01T09:30:00Z",
    "amount_base": 500,
    "metadata": {"country_id": "ID"},
    "external_event_id": "abuse",
}


@dataclass(frozen=True)
class Wire:
    """One request as it goes over the wire.

    `hangs_up`: the client closes its side before the announced body is complete. `enveloped` says whether a
    refusal must have the contract's form, which it cannot where the HTTP server itself refuses.
    """

    kind: str
    data: bytes
    enveloped: bool = True
    hangs_up: bool = False


class Malformed:
    """Makes requests that are wrong."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.kinds: list[Callable[[], Wire]] = [
            self.bad_json,
            self.wrong_types,
            self.deep_nesting,
            self.huge_numbers,
            self.bad_utf8,
            self.nul_characters,
            self.truncated_json,
            self.random_bytes,
            self.not_an_object,
            self.bad_tokens,
            self.bad_content_types,
            self.bad_methods,
            self.bad_paths,
            self.bad_queries,
            self.bad_headers,
            self.bad_bulk_items,
            self.compressed_bodies,
            self.large_bodies,
            self.chunked_garbage,
            self.truncated_bodies,
            self.broken_request_lines,
            self.contradicting_lengths,
        ]

    def one(self) -> Wire:
        """A request of a random kind."""
        return self.chance.choice(self.kinds)()

    # --- bodies ---------------------------------------------------------------------------------------------

    def bad_json(self) -> Wire:
        """Text that looks like JSON and is not."""
        body = self.chance.choice(
            [
                b"{",
                b"{]",
                b"{'a': 1}",
                b'{"a": 1,}',
                b"nul",
                b'{"a" 1}',
                b"NaN",
                b'{"a": Infinity}',
                b"[1,]",
                b"",
            ]
        )
        return self._call("bad_json", body)

    def wrong_types(self) -> Wire:
        """Good fields with values of other types."""
        body: dict[str, Any] = {**EVENT, "occurred_at": now_text()}
        for name in self.chance.sample(sorted(body), self.chance.randint(1, 3)):
            body[name] = self.chance.choice(ODD_VALUES)
        return self._call("wrong_types", _json(body))

    def deep_nesting(self) -> Wire:
        """Brackets upon brackets."""
        depth = self.chance.choice([40, 500, 5000, 100_000])
        opening, closing = self.chance.choice([("[", "]"), ('{"a":', "}")])
        nested = opening * depth + "1" + closing * self.chance.choice([depth, 0])
        where = self.chance.choice(["%s", '{"metadata": %s}', '{"items": [%s]}', '{"event_type": %s}'])
        return self._call("deep_nesting", (where % nested).encode())

    def huge_numbers(self) -> Wire:
        """Numbers that no column can hold."""
        number = self.chance.choice(
            ["1e400", "-1e400", "9" * 5000, "1e-5000", "1E999999999999", "0." + "1" * 400, "-0"]
        )
        field = self.chance.choice(["amount_base", "metadata", "occurred_at"])
        text = number if field != "metadata" else f'{{"n": {number}}}'
        body = _json({name: value for name, value in EVENT.items() if name != field})[:-1]
        return self._call("huge_numbers", body + f', "{field}": {text}}}'.encode())

    def bad_utf8(self) -> Wire:
        """Bytes that are no text."""
        broken = self.chance.choice([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x28\x8c\xbc"])
        return self._call(
            "bad_utf8", b'{"referred_user_id": "' + broken + b'", "event_type": "quest_purchased"}'
        )

    def nul_characters(self) -> Wire:
        """NUL, in the clear or escaped, in names and values."""
        body = _json(EVENT).replace(b"bob", self.chance.choice([b"\\u0000", b"\x00", b"a\\u0000b"]))
        return self._call("nul_characters", body)

    def truncated_json(self) -> Wire:
        """A good body that ends too early."""
        body = _json(EVENT)
        return self._call("truncated_json", body[: self.chance.randrange(len(body))])

    def random_bytes(self) -> Wire:
        """Noise."""
        return self._call("random_bytes", self.chance.randbytes(self.chance.randint(0, 600)))

    def not_an_object(self) -> Wire:
        """JSON that is something else."""
        return self._call(
            "not_an_object", _json(self.chance.choice([None, True, 1, "text", [], [EVENT], 1.5]))
        )

    def bad_bulk_items(self) -> Wire:
        """Items of a bulk call that are no events, or far too many."""
        items = [self.chance.choice(ODD_VALUES) for _ in range(self.chance.choice([1, 20, 501]))]
        body = {"items": self.chance.choice([items, "items", None, {}, 5])}
        return self._post("bad_bulk_items", "/internal/events/bulk", "quest_service", _json(body))

    def compressed_bodies(self) -> Wire:
        """Bodies in an encoding that nobody agreed on."""
        return self._call(
            "compressed_bodies", zlib.compress(_json(EVENT)), extra="Content-Encoding: deflate\r\n"
        )

    def large_bodies(self) -> Wire:
        """Bodies over the limit, sent or only announced."""
        if self.chance.random() < 0.1:
            return self._call("large_bodies", b'{"a": "' + b"x" * 1_100_000 + b'"}')
        return self._call("large_bodies", b"{}", length=self.chance.choice([2**31, 10**15, 1_048_577]))

    # --- everything around the body -------------------------------------------------------------------------

    def bad_tokens(self) -> Wire:
        """Tokens of nobody, of somebody else, and things that are no tokens."""
        good = service_token("quest_service")
        token = self.chance.choice(
            [
                "",
                "Bearer",
                "Bearer ",
                "Bearer x",
                f"Bearer {good[:-3]}",
                f"Bearer {good.replace('.', '')}",
                f"Bearer {user_token('alice')}",
                "Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJxdWVzdF9zZXJ2aWNlIn0.",
                f"Bearer {'a.' * 2000}",
                "Bearer \xff\xfe",
                f"Basic {good}",
                f"Bearer {'[' * 4000}.{'e' * 10}.x",
            ]
        )
        path = self.chance.choice([*SERVICE_CALLS, *GETS, *USER_CALLS])
        return self._wire("bad_tokens", self.chance.choice(["GET", "POST"]), path, b"{}", authorization=token)

    def bad_content_types(self) -> Wire:
        """A body that is declared as something else."""
        kind = self.chance.choice(
            [
                "",
                "text/plain",
                "application/xml",
                "multipart/form-data; boundary=",
                "application/json; charset=utf-99",
                "application/json5",
                "a" * 3000,
                "\xff",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
            ]
        )
        return self._call("bad_content_types", _json(EVENT), content_type=kind)

    def bad_methods(self) -> Wire:
        """Methods that an address does not have, or that nobody has."""
        method = self.chance.choice(
            ["PUT", "DELETE", "TRACE", "PROPFIND", "OPTIONS", "BREW", "HEAD", "PATCH"]
        )
        path = self.chance.choice([*SERVICE_CALLS, *GETS])
        return self._wire("bad_methods", method, path, b"", authorization=f"Bearer {user_token('alice')}")

    def bad_paths(self) -> Wire:
        """Addresses that do not exist, or are hardly addresses."""
        path = self.chance.choice(
            [
                "/my/links/not-a-uuid",
                "/internal/users/%00/upline",
                "/internal/users/%ff%fe/upline",
                "/../../settings.py",
                "//evil.example/",
                "/my/links/",
                "/%2e%2e/",
                "/admin/campaigns/00000000-0000-0000-0000-00000000000g",
                "/internal/users/" + "a" * 3000 + "/upline",
                "/my/rewards;a=b",
                "/public/track-click/%00",
                "/my/%u0041",
                "/public/track-click/" + "%F0%9F%A6%84" * 40,
                "/internal/users/%0d%0aX:y/upline",
            ]
        )
        token = (
            service_token("user_service")
            if path.startswith("/internal")
            else user_token("alice", role="admin")
        )
        return self._wire(
            "bad_paths", self.chance.choice(["GET", "POST"]), path, b"", authorization=f"Bearer {token}"
        )

    def bad_queries(self) -> Wire:
        """Parameters out of range, of other types, repeated, or unreadable."""
        query = self.chance.choice(
            [
                "page=0",
                "page=-1",
                "page=99999999999999999999",
                "page_size=101",
                "page_size=1e3",
                "cursor=1",
                "cursor=%00",
                "status=%ff",
                "status[]=x",
                "page=1&page=x",
                "level=3",
                "&" * 500,
                "a=" * 1500,
                "campaign_id=%F0%28%8C%BC",
                "from=yesterday",
                "to=0000-00-00",
                "page=%D9%A1",
                "user_id=%00",
                "from=9999-12-31T23:59:59-23:59",
                "min_points_earned=NaN",
            ]
        )
        path = self.chance.choice([*GETS, "/admin/reports/users", "/admin/reports/campaigns"])
        token = user_token("alice", role="admin")
        return self._wire("bad_queries", "GET", f"{path}?{query}", b"", authorization=f"Bearer {token}")

    def bad_headers(self) -> Wire:
        """Header lines that are too long, too many, or not what they claim."""
        extra = self.chance.choice(
            [
                "X-Request-Id: " + "x" * 500,
                "X-Request-Id: <script>",
                "Accept-Language: " + "ru," * 800,
                "If-Match: \xff",
                "Cookie: sessionid=" + "a" * 3000,
                "X-Forwarded-For: 1.2.3.4, unknown, [::1",
                "Accept: */*;q=x",
                "Range: bytes=0-0,-1",
                "Transfer-Encoding: identity",
                "Expect: 100-continue",
                "Host: evil.example",
                "Cookie: csrftoken=\x7f",
                "\r\n".join(f"X-{n}: y" for n in range(80)),
            ]
        )
        return self._call("bad_headers", _json(EVENT)[:-9], extra=extra + "\r\n", enveloped=False)

    # --- the wire itself ------------------------------------------------------------------------------------

    def chunked_garbage(self) -> Wire:
        """Chunks whose sizes are wrong, endless or no numbers."""
        chunks = self.chance.choice(
            [
                b"zz\r\n{}\r\n0\r\n\r\n",
                b"-1\r\n{}\r\n0\r\n\r\n",
                b"ffffffffffffffff\r\n{}",
                b"2\r\n{}{}\r\n0\r\n\r\n",
                b"2\r\n{}\r\n",
                b"1;" + b"e" * 3000 + b"\r\n{\r\n0\r\n\r\n",
                b"\r\n",
                b"2\r\n{]\r\n0\r\n\r\n",
            ]
        )
        head = self._head("POST", "/internal/event", f"Bearer {service_token('quest_service')}")
        data = head + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        return Wire("chunked_garbage", data, enveloped=False, hangs_up=True)

    def truncated_bodies(self) -> Wire:
        """Fewer bytes than were announced, and then the client hangs up."""
        body = _json(EVENT)
        wire = self._call("truncated_bodies", body[:20], length=len(body))
        return Wire("truncated_bodies", wire.data, enveloped=False, hangs_up=True)

    def broken_request_lines(self) -> Wire:
        """What is hardly HTTP."""
        data = self.chance.choice(
            [
                b"GET\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
                b"GET / HTTP/9.9\r\n\r\n",
                b"GET / HTTP/1.1\r\n\r\n",
                b"\r\n\r\n\r\n",
                b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                struct.pack("<II", 0, 0xFFFFFFFF) * 20,
                b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost : localhost\r\n: x\r\n\r\n",
            ]
        )
        return Wire("broken_request_lines", data, enveloped=False, hangs_up=True)

    def contradicting_lengths(self) -> Wire:
        """Two lengths, a negative one, one that is no number, or one beside chunks."""
        head = self._head("POST", "/internal/event", f"Bearer {service_token('quest_service')}")
        lengths = self.chance.choice(
            [
                b"Content-Length: 2\r\nContent-Length: 3\r\n",
                b"Content-Length: -5\r\n",
                b"Content-Length: two\r\n",
                b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                b"Content-Length: 99999999999999999999999\r\n",
            ]
        )
        data = head + b"Content-Type: application/json\r\n" + lengths + b"\r\n{}"
        return Wire("contradicting_lengths", data, enveloped=False, hangs_up=True)

    # --- putting it together --------------------------------------------------------------------------------

    def _call(self, kind: str, body: bytes, *, enveloped: bool = True, **more: Any) -> Wire:
        """A body at any of the calls that take one, with the right token."""
        if self.chance.random() < 0.8:
            path = self.chance.choice(list(SERVICE_CALLS))
            return self._post(kind, path, SERVICE_CALLS[path], body, enveloped=enveloped, **more)
        token = user_token("alice", role="admin")
        path = self.chance.choice([*USER_CALLS, "/admin/campaigns"])
        return self._wire(
            kind, "POST", path, body, authorization=f"Bearer {token}", enveloped=enveloped, **more
        )

    def _post(self, kind: str, path: str, service: str, body: bytes, **more: Any) -> Wire:
        return self._wire(kind, "POST", path, body, authorization=f"Bearer {service_token(service)}", **more)

    def _wire(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes,
        *,
        authorization: str = "",
        content_type: str = "application/json",
        extra: str = "",
        length: int | None = None,
        enveloped: bool = True,
    ) -> Wire:
        lines = (
            f"Content-Type: {content_type}\r\nContent-Length: {len(body) if length is None else length}\r\n"
        )
        head = self._head(method, path, authorization) + (lines + extra).encode("latin-1") + b"\r\n"
        return Wire(kind, head + body, enveloped=enveloped, hangs_up=length is not None)

    @staticmethod
    def _head(method: str, path: str, authorization: str) -> bytes:
        told = f"Authorization: {authorization}\r\n" if authorization else ""
        head = f"{method} {BASE}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{told}"
        return head.encode("latin-1")


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
