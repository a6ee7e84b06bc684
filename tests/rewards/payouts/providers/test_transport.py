"""HTTP to a peer: kept connections, and what is known of a call that failed."""

import re
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from access.tokens import outgoing_tokens
from rewards.payouts.providers.connection import Connection
from rewards.payouts.providers.transport import CallFailed, NeverSent, Transport
from tests.helpers.scripted_peer import ScriptedPeer, http_answer

ONE, TWO = http_answer(b'{"answer": 1}'), http_answer(b'{"answer": 2}')


def transport_to(peer):
    return Transport(base_url=peer.url, audience="test", timeout_seconds=2)


def ask(transport):
    return transport.call("POST", "/pay", request_id="r", content=b"{}")


def test_calls_one_after_the_other_share_a_connection():
    with ScriptedPeer([ONE, TWO, None]) as peer:
        transport = transport_to(peer)

        assert [ask(transport).body["answer"] for _ in range(2)] == [1, 2]

        assert peer.accepted == 1


def test_a_kept_connection_that_the_peer_has_closed_is_replaced_before_anything_is_sent():
    with ScriptedPeer([ONE], [TWO]) as peer:
        transport = transport_to(peer)
        ask(transport)
        assert peer.closed.acquire(timeout=5)

        assert ask(transport).body == {"answer": 2}

        assert peer.accepted == 2


def test_a_connection_that_says_what_nobody_asked_for_is_not_used_again(monkeypatch):
    # given an answer, and a little later one that nobody asked for
    unasked = http_answer(b'{"answer": "unasked"}')
    with ScriptedPeer([[ONE, unasked], None], [TWO]) as peer:
        transport = transport_to(peer)
        ask(transport)
        time.sleep(0.1)

        # then the next call takes another connection
        assert ask(transport).body == {"answer": 2}
        assert peer.accepted == 2

    # and without the look at the connection it would take the wrong answer
    monkeypatch.setattr(Connection, "is_usable", lambda connection: True)
    with ScriptedPeer([[ONE, unasked], None]) as peer:
        transport = transport_to(peer)
        ask(transport)
        time.sleep(0.1)
        assert ask(transport).body == {"answer": "unasked"}


def test_threads_share_connections_and_each_gets_its_own_answer():
    # given a peer that answers with the id of the call
    def echo(request):
        return http_answer(b'{"id": %s}' % re.search(rb"X-Request-Id: (\d+)", request)[1])

    threads, calls = 8, 25
    with ScriptedPeer(*[[echo] * threads * calls] * threads) as peer:
        transport = transport_to(peer)

        # when
        with ThreadPoolExecutor(threads) as pool:
            replies = list(
                pool.map(
                    lambda number: transport.call("POST", "/pay", request_id=str(number), content=b"{}"),
                    range(threads * calls),
                )
            )

        # then
        assert [reply.body["id"] for reply in replies] == list(range(threads * calls))
        assert peer.accepted <= threads


def sent(peer):
    """Of the only request: its first line, its headers, its body."""
    (request,) = peer.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(
    ("method", "content", "framing"),
    [
        ("POST", b'{"a": 1}', {"Content-Type": "application/json", "Content-Length": "8"}),
        ("POST", b"", {"Content-Type": "application/json", "Content-Length": "0"}),
        ("POST", None, {"Content-Length": "0"}),
        ("GET", None, {}),
    ],
)
def test_a_request_says_who_asks_for_what_and_how_long_it_is(method, content, framing):
    with ScriptedPeer([ONE]) as peer:
        transport = Transport(base_url=f"{peer.url}/base", audience="test", timeout_seconds=2)
        transport.call(method, "/pay?limit=1", request_id="r-1", content=content)

        assert sent(peer) == (
            f"{method} /base/pay?limit=1 HTTP/1.1",
            {
                "Host": f"127.0.0.1:{peer.port}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "referral-service",
                "Authorization": f"Bearer {outgoing_tokens.for_audience('test')}",
                "X-Request-Id": "r-1",
                **framing,
            },
            content or b"",
        )


def test_a_peer_may_have_an_address_of_ipv6():
    with ScriptedPeer([ONE], host="::1") as peer:
        assert ask(transport_to(peer)).body == {"answer": 1}

        assert sent(peer)[1]["Host"] == f"[::1]:{peer.port}"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://peer.example", "peer.example"),
        ("http://peer.example:80/base", "peer.example"),
        ("http://peer.example:443", "peer.example:443"),
        ("https://Peer.Example", "peer.example"),
        ("https://peer.example:443", "peer.example"),
        ("https://peer.example:80", "peer.example:80"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
        ("http://bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_host_is_named_with_its_port_unless_that_goes_without_saying(address, host):
    transport = Transport(base_url=address, audience="test", timeout_seconds=2)

    assert f"\r\nHost: {host}\r\n".encode() in transport._request("GET", "/", "r", None)


@pytest.mark.parametrize(
    "bad", ["\r", "\n", "\r\nX-Other: y", " ", "\t", "\x00", "\x7f", "\x85", "ü", "\u2028"]
)
@pytest.mark.parametrize("place", ["method", "path", "request_id"])
def test_what_would_make_another_request_is_not_sent(place, bad):
    with ScriptedPeer([ONE, TWO]) as peer:
        transport = transport_to(peer)
        ask(transport)
        call = {"method": "GET", "path": "/task/1", "request_id": "r"}

        with pytest.raises(NeverSent, match=r"^unsendable: "):
            transport.call(**{**call, place: call[place] + bad})

        # and the connection is as good as before
        assert ask(transport).body == {"answer": 2}
        assert (peer.accepted, len(peer.requests)) == (1, 2)


def test_proxies_of_the_environment_are_not_for_us(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ScriptedPeer([ONE]) as peer:
        assert ask(transport_to(peer)).body == {"answer": 1}


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://a..b", "http://a:99999"]
)
def test_nothing_was_sent_to_whom_there_is_no_connection(address):
    with pytest.raises(NeverSent, match=r"\w+: ."):
        ask(Transport(base_url=address, audience="test", timeout_seconds=2))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with a certificate for 127.0.0.1 that nobody else has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "peer.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def tls_of(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_nothing_is_sent_to_a_peer_whose_certificate_nobody_vouches_for(certificate):
    with ScriptedPeer([ONE], tls=tls_of(certificate)) as peer, pytest.raises(NeverSent, match="CERTIFICATE"):
        ask(transport_to(peer))


def test_the_authorities_that_the_host_trusts_are_trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with ScriptedPeer([ONE, TWO, None], tls=tls_of(certificate)) as peer:
        transport = transport_to(peer)

        assert [ask(transport).body["answer"] for _ in range(2)] == [1, 2]

        assert peer.accepted == 1


def test_over_tls_answers_are_read_byte_by_byte_and_what_nobody_asked_for_is_noticed(
    certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    bytewise = [bytes([byte]) for byte in ONE]
    with ScriptedPeer([bytewise, TWO + ONE], [ONE], tls=tls_of(certificate), pause_seconds=0.001) as peer:
        transport = transport_to(peer)

        assert [ask(transport).body["answer"] for _ in range(3)] == [1, 2, 1]

        assert peer.accepted == 2


def test_over_tls_too_bytes_that_drip_in_do_not_renew_the_deadline(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    dripping = [b"HTTP/1.1 200 OK\r\nX: ", *[b"y"] * 100]
    with ScriptedPeer([dripping], tls=tls_of(certificate), pause_seconds=0.02) as peer:
        transport = Transport(base_url=peer.url, audience="test", timeout_seconds=0.4)
        started = time.monotonic()

        with pytest.raises(CallFailed, match=r"^timeout: ") as failure:
            ask(transport)

        assert not isinstance(failure.value, NeverSent)
        assert time.monotonic() - started < 0.9


def test_a_peer_that_never_shakes_hands_was_sent_nothing():
    with ScriptedPeer([None]) as peer:
        transport = Transport(
            base_url=peer.url.replace("http:", "https:"), audience="test", timeout_seconds=0.3
        )
        started = time.monotonic()

        with pytest.raises(NeverSent, match=r"^timeout: "):
            ask(transport)

        assert time.monotonic() - started < 1


@pytest.mark.parametrize("is_secure", [False, True])
def test_the_deadline_is_also_that_of_a_request_that_is_taken_slowly(certificate, monkeypatch, is_secure):
    # given a peer that takes a little at a time, and so again and again makes room for more
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    over = threading.Event()

    def take_slowly(listener):
        connection, _ = listener.accept()
        with (
            tls_of(certificate).wrap_socket(connection, server_side=True)
            if is_secure
            else connection as taker
        ):
            while not over.wait(0.02):
                for _ in range(16):
                    taker.recv(16 * 1024)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        pool.submit(take_slowly, listener)
        address = f"{'https' if is_secure else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        transport = Transport(base_url=address, audience="test", timeout_seconds=0.6)

        # when
        started = time.monotonic()
        with pytest.raises(CallFailed, match=r"^timeout: ") as failure:
            transport.call("POST", "/pay", request_id="r", content=bytes(64 * 1024 * 1024))
        took = time.monotonic() - started
        over.set()

    # then
    assert not isinstance(failure.value, NeverSent)
    assert took < 1.2
