"""HTTP to a peer: kept connections, and what is known of a call that failed."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rewards.peers.transport import ANSWER_LIMIT_BYTES, CallFailed, NeverSent, Transport
from tests.support.scripted_peer import ScriptedPeer, http_answer

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


def test_what_comes_after_an_interim_answer_is_nobody_elses():
    # given a peer whose answer follows an interim one, late
    with ScriptedPeer([b"HTTP/1.1 103 Early Hints\r\n\r\n", None], [TWO]) as peer:
        transport = transport_to(peer)

        # when
        first, second = ask(transport), ask(transport)

        # then the next call does not wait for it on the same connection
        assert (first.status, second.body) == (103, {"answer": 2})
        assert peer.accepted == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        ONE[:-1],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{'half",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n{}",
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 101 + b"\r\n",
        http_answer(b"1" * (ANSWER_LIMIT_BYTES + 1)),
    ],
    ids=["nothing", "half a body", "half a chunk", "no chunk", "no HTTP", "headers", "too large"],
)
def test_an_answer_that_cannot_be_read_says_nothing_of_what_the_peer_did(answer):
    with ScriptedPeer([answer], [TWO]) as peer:
        transport = transport_to(peer)

        with pytest.raises(CallFailed) as failure:
            ask(transport)

        assert not isinstance(failure.value, NeverSent)
        assert ask(transport).body == {"answer": 2}


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://no-such-host.invalid", "http://a..b"])
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
