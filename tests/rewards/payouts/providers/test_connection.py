"""HTTP/1.1 as peers speak it: which answers are read, which not, and by when, against real sockets."""

import gc
import socket
import time

import pytest

from rewards.payouts.providers.connection import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, Answer, Connection
from rewards.payouts.providers.transport import CallFailed, NeverSent, Transport
from tests.helpers.raw_peer import RawPeer
from tests.helpers.scripted_peer import ScriptedPeer, http_answer

ONE, TWO = http_answer(b'{"answer": 1}'), http_answer(b'{"answer": 2}')
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
UNLIMITED = OK + b"\r\n"


def transport_to(peer, *, timeout_seconds=2):
    return Transport(base_url=peer.url, audience="test", timeout_seconds=timeout_seconds)


def ask(transport):
    return transport.call("POST", "/pay", request_id="r", content=b"{}")


def bytewise(answer):
    return [bytes([byte]) for byte in answer]


KEPT = {
    "a length": (ONE, 200, {"answer": 1}),
    "no reason": (ONE.replace(b" OK", b""), 200, {"answer": 1}),
    "no body": (http_answer(b""), 200, None),
    "no JSON": (http_answer(b"<html>"), 200, None),
    "an error": (http_answer(b"{}", "503 Service Unavailable"), 503, {}),
    "a redirect": (
        OK.replace(b"200 OK", b"302 Found\r\nLocation: /x\r\nContent-Length: 0") + b"\r\n",
        302,
        None,
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, None),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, None),
    "304": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, None),
    "chunks": (CHUNKED + b'5\r\n{"a":\r\n3;x=y\r\n 1}\r\n0\r\n\r\n', 200, {"a": 1}),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nRetry-After: 1\r\nX: y\r\n\r\n", 200, {}),
    "an offer of HTTP/2": (
        ONE.replace(b"OK\r\n", b"OK\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"),
        200,
        {"answer": 1},
    ),
    "HTTP/1.0 that stays": (
        ONE.replace(b"1.1 200 OK\r\n", b"1.0 200 OK\r\nConnection: keep-alive\r\n"),
        200,
        {"answer": 1},
    ),
    **{
        f"{status} before": (
            b"HTTP/1.1 %d Interim\r\nRetry-After: 9\r\nContent-Length: 7\r\n\r\n" % status + ONE,
            200,
            {"answer": 1},
        )
        for status in (100, 102, 103)
    },
    "many before": (b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + ONE, 200, {"answer": 1}),
}
LAST = {
    "close": (ONE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), {"answer": 1}),
    "HTTP/1.0": (ONE.replace(b"1.1", b"1.0"), {"answer": 1}),
    "no length": (UNLIMITED + b'{"answer": 1}', {"answer": 1}),
    "no length, empty": (UNLIMITED, None),
    "no length, HTTP/1.0": (b'HTTP/1.0 200 OK\r\n\r\n{"answer": 1}', {"answer": 1}),
    "two answers": (ONE + TWO, {"answer": 1}),
    "one and a half": (ONE + b"HTTP/1.1 20", {"answer": 1}),
    "a beginning": (ONE + b"H", {"answer": 1}),
    "rubbish after it": (ONE + b"rubbish", {"answer": 1}),
    "more after close": (ONE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n") + TWO, {"answer": 1}),
    "a body after 204": (b"HTTP/1.1 204 No Content\r\n\r\n{}", None),
    "a second end of chunks": (CHUNKED + b"2\r\n{}\r\n0\r\n\r\n0\r\n\r\n", {}),
}
BAD = {
    "nothing": b"",
    "half a line": b"HTTP/1.1 20",
    "half a head": OK + b"Content-Le",
    "half a body": ONE[:-1],
    "half a chunk": CHUNKED + b"d\r\n{'half",
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "half a last chunk": CHUNKED + b"2\r\n{}\r\n0\r\n",
    "only an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "unknown coding without an end": OK + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "no chunk": CHUNKED + b"no number\r\n{}",
    "an endless chunk": CHUNKED + b"FFFFFFFFFFFFFFFFFF\r\n{}",
    "no HTTP": b"no HTTP at all\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "099": b"HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\n{}",
    "099 without a length": b"HTTP/1.1 099 Low\r\n\r\n{}",
    "000": b"HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\n{}",
    "000 before": b"HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\n{}" + http_answer(b""),
    "a folded header": OK + b"X:\r\n y\r\nContent-Length: 2\r\n\r\n{}",
    "bare newlines": ONE.replace(b"\r\n", b"\n"),
    "two lengths": ONE.replace(b"OK\r\n", b"OK\r\nContent-Length: 4\r\n"),
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a negative length": OK + b"Content-Length: -2\r\n\r\n{}",
    "no length at all": OK + b"Content-Length: many\r\n\r\n{}",
    "NUL in a header": OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxyz",
    "101 for no reason": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + ONE,
    "too large": http_answer(b"1" * (BODY_LIMIT_BYTES + 1)),
    "too large a chunk": CHUNKED + b"%x\r\n" % (BODY_LIMIT_BYTES + 1) + b"1" * (BODY_LIMIT_BYTES + 1),
    "too large without a length": UNLIMITED + b"1" * (BODY_LIMIT_BYTES + 1),
    "too long a reason": b"HTTP/1.1 200 " + b"x" * HEAD_LIMIT_BYTES + b"\r\nContent-Length: 2\r\n\r\n{}",
    "too long a header": OK + b"X: " + b"y" * HEAD_LIMIT_BYTES + b"\r\nContent-Length: 2\r\n\r\n{}",
    "too many headers": OK + b"X: y\r\n" * (HEAD_LIMIT_BYTES // 6) + b"Content-Length: 2\r\n\r\n{}",
    "too many interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * (HEAD_LIMIT_BYTES // 25 + 1) + ONE,
    "too many chunks": CHUNKED + b"1\r\n1\r\n" * (HEAD_LIMIT_BYTES // 5 + 1) + b"0\r\n\r\n",
    "too long a trailer": CHUNKED + b"2\r\n{}\r\n0\r\nX: " + b"y" * HEAD_LIMIT_BYTES + b"\r\n\r\n",
}


@pytest.mark.parametrize("cut", [lambda answer: answer, bytewise], ids=["at once", "bytewise"])
@pytest.mark.parametrize(("answer", "status", "body"), KEPT.values(), ids=KEPT.keys())
def test_after_a_whole_answer_the_connection_serves_the_next_call(answer, status, body, cut):
    with ScriptedPeer([cut(answer), TWO], pause_seconds=0.0005) as peer:
        transport = transport_to(peer)

        first, second = ask(transport), ask(transport)

        assert (first.status, first.body, second.body) == (status, body, {"answer": 2})
        assert "retry-after" not in first.headers
        assert peer.accepted == 1


@pytest.mark.parametrize(("answer", "body"), LAST.values(), ids=LAST.keys())
def test_a_connection_that_ends_or_says_more_than_it_was_asked_is_not_kept(answer, body):
    with ScriptedPeer([answer], [TWO]) as peer:
        transport = transport_to(peer)

        first = ask(transport)

        assert not transport._idle
        assert (first.body, ask(transport).body) == (body, {"answer": 2})
        assert peer.accepted == 2


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_an_answer_that_cannot_be_read_says_nothing_of_what_the_peer_did(answer):
    with ScriptedPeer([answer], [TWO]) as peer:
        transport = transport_to(peer)

        with pytest.raises(
            CallFailed, match=r"^(unreadable_answer|answer_too_large|connection_reset): "
        ) as failure:
            ask(transport)

        assert not isinstance(failure.value, NeverSent)
        assert ask(transport).body == {"answer": 2}


def test_what_is_just_not_too_large_is_read():
    body = b'"%s"' % (b"x" * (BODY_LIMIT_BYTES - 2))
    padded = OK + b"X: " + b"y" * (HEAD_LIMIT_BYTES - 200) + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    with ScriptedPeer([padded + body, TWO]) as peer:
        transport = transport_to(peer)

        assert len(ask(transport).body) == BODY_LIMIT_BYTES - 2
        assert ask(transport).body == {"answer": 2}


def test_headers_are_found_in_lower_case_and_the_first_of_a_name_counts():
    head = OK + b"RETRY-after: 7\r\nRetry-After: 9\r\nX-Empty:\r\nX-Latin: \xe9\r\nContent-Length: 0\r\n\r\n"
    with ScriptedPeer([head]) as peer:
        headers = ask(transport_to(peer)).headers

    assert headers == {"retry-after": "7", "x-empty": "", "x-latin": "é", "content-length": "0"}


DRIPS = {
    "a status": (b"HTTP/1.1 200 ", b"x"),
    "a header": (OK + b"X: ", b"y"),
    "interim answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "empty lines": (b"", b"\r\n"),
    "a body": (OK + b"Content-Length: 60000\r\n\r\n", b"1"),
    "chunks": (CHUNKED, b"1\r\n1\r\n"),
    "a body without a length": (UNLIMITED, b"1"),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"y"),
}


@pytest.mark.parametrize(("begin", "drip"), DRIPS.values(), ids=DRIPS.keys())
def test_bytes_that_drip_in_do_not_renew_the_deadline(begin, drip):
    with RawPeer(begin, then_drip=drip, every=0.02) as peer:
        started = time.monotonic()

        with pytest.raises(CallFailed, match=r"^timeout: ") as failure:
            ask(transport_to(peer, timeout_seconds=0.4))

        assert not isinstance(failure.value, NeverSent)
        assert 0.3 < time.monotonic() - started < 0.9


def test_silence_ends_at_the_deadline():
    with ScriptedPeer([None]) as peer:
        started = time.monotonic()

        with pytest.raises(CallFailed, match=r"^timeout: ") as failure:
            ask(transport_to(peer, timeout_seconds=0.3))

        assert not isinstance(failure.value, NeverSent)
        assert 0.2 < time.monotonic() - started < 0.8


def test_the_next_call_on_a_connection_has_all_its_time_again():
    # given a call that waited twice, the second time with less time left than the next one takes
    first, second = [b"", ONE[:-1], ONE[-1:]], [b"", b"", b"", TWO]
    with ScriptedPeer([first, second], pause_seconds=0.4) as peer:
        transport = transport_to(peer, timeout_seconds=1.4)

        assert [ask(transport).body["answer"] for _ in range(2)] == [1, 2]

        assert peer.accepted == 1


def test_silence_after_a_beginning_ends_at_the_same_deadline():
    with ScriptedPeer([[b"", OK], None], pause_seconds=0.5) as peer:
        started = time.monotonic()

        with pytest.raises(CallFailed, match=r"^timeout: "):
            ask(transport_to(peer, timeout_seconds=0.6))

        assert time.monotonic() - started < 0.9


@pytest.mark.parametrize("headers", [b"", b"Upgrade: x\r\nConnection: Upgrade\r\n"], ids=["bare", "upgrade"])
def test_nobody_waits_for_what_comes_after_a_change_of_protocol(headers):
    with ScriptedPeer([b"HTTP/1.1 101 Switching Protocols\r\n" + headers + b"\r\n", None]) as peer:
        with pytest.raises(CallFailed, match="HTTP 101") as failure:
            ask(transport_to(peer))

        assert not isinstance(failure.value, NeverSent)


def test_what_an_earlier_call_has_sent_is_not_noted_for_the_next():
    request = b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n"
    with ScriptedPeer([ONE, TWO]) as peer:
        connection = Connection("127.0.0.1", peer.port)
        connection.exchange(request, time.monotonic() + 2)
        assert connection.sending

        with pytest.raises(TimeoutError):
            connection.exchange(request, time.monotonic() - 1)

        assert not connection.sending
        connection.close()


def test_small_requests_are_not_held_back_by_the_kernel():
    with ScriptedPeer([ONE, None]) as peer:
        transport = transport_to(peer)
        ask(transport)

        (connection,) = transport._idle
        assert connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_answers_leave_nothing_behind_that_only_the_garbage_collector_finds():
    with ScriptedPeer([ONE] * 3, [b"no HTTP"]) as peer:
        transport = transport_to(peer)
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                ask(transport)
            assert not [found for found in gc.get_objects() if isinstance(found, Answer)]
        finally:
            gc.enable()
