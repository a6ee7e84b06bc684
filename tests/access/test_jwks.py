"""Users' tokens by keys that are fetched from a JWKS address, over real HTTP."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from access import jwks
from access.jwks import KeySet, forget_keys, key_set, usable_keys
from kernel.errors import Unavailable
from tests.helpers.api import Caller

pytestmark = pytest.mark.django_db

RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ALGORITHMS = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm}


class KeyHost:
    """An HTTP server that publishes a key set, counts who asks, and misbehaves on demand."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.status = 200
        self.asked = 0
        self.before_answer = lambda: None
        self.drips = 0
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.asked += 1
                host.before_answer()
                self.send_response(host.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                for _ in range(host.drips):
                    self.wfile.write(b" ")
                    time.sleep(0.05)
                self.wfile.write(host.body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def publish(self, *entries: dict) -> None:
        self.body = json.dumps({"keys": entries}).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def host() -> Iterator[KeyHost]:
    host = KeyHost()
    forget_keys()
    yield host
    host.close()


def entry(private, kid, **changes):
    """A public key as a JWKS has it; None takes a member away."""
    kind = "RSA" if isinstance(private, rsa.RSAPrivateKey) else "EC"
    whole = json.loads(ALGORITHMS[kind].to_jwk(private.public_key())) | {"kid": kid} | changes
    return {name: value for name, value in whole.items() if value is not None}


def token(private, kid=None, algorithm="RS256"):
    claims = {"sub": "user-a", "exp": int(time.time()) + 60, "jti": str(time.monotonic_ns())}
    return jwt.encode(claims, private, algorithm, headers={"kid": kid} if kid else None)


def status_of(bearer):
    return Caller(bearer).get("/my/stats").status


def let_time_pass(keys: KeySet, seconds: float) -> None:
    keys._asked_at -= seconds


# --- who is let in ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("algorithm", "private"), [("RS256", RSA_KEYS[0]), ("ES256", EC_KEY)])
def test_a_token_signed_by_a_published_key_is_let_in(settings, host, algorithm, private):
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, algorithm
    host.publish(entry(RSA_KEYS[1], "other"), entry(private, "first"))

    assert status_of(token(private, "first", algorithm)) == 200
    assert status_of(token(private, None, algorithm)) == 200
    assert host.asked == 1


def test_no_other_token_is_let_in(settings, host):
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, "RS256"
    host.publish(entry(RSA_KEYS[0], "first"), entry(EC_KEY, "curve"))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    published = entry(RSA_KEYS[0], "first")["n"]

    assert status_of(token(stranger, "first")) == 401
    assert status_of(token(stranger)) == 401
    assert status_of(token(EC_KEY, "curve", "ES256")) == 401
    assert status_of(token(published, "first", "HS256")) == 401
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"first"}').decode().rstrip("=")
    assert status_of(f"{header}.{token(RSA_KEYS[0]).split('.')[1]}.") == 401
    assert status_of("a.b.c") == 401


def test_a_token_of_another_algorithm_asks_nobody(settings, host):
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, "RS256"

    assert status_of(token("s" * 40, "unknown", "HS256")) == 401
    assert host.asked == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"kty": "EC"},
        {"kty": None},
        {"key_ops": ["sign"]},
        {"n": None},
        {"n": "!"},
        {"e": 5},
    ],
    ids=str,
)
def test_a_key_for_something_else_is_not_used(changes):
    good = entry(RSA_KEYS[0], "good", use="sig", alg="RS256", key_ops=["verify"])

    found = usable_keys({"keys": [good | changes, "text", {}, entry(RSA_KEYS[1], "right")]}, "RS256")
    if changes.get("n", "") is None or changes.get("kty", "") is None:
        without = {name: value for name, value in good.items() if changes.get(name, "") is not None}
        found = usable_keys({"keys": [without, entry(RSA_KEYS[1], "right")]}, "RS256")

    assert [name for name, _ in found] == ["right"]


def test_a_short_key_is_not_used():
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - too short on purpose

    found = usable_keys({"keys": [entry(short, "short"), entry(RSA_KEYS[0], "right")]}, "RS256")

    assert [name for name, _ in found] == ["right"]


# --- new keys ---------------------------------------------------------------------------------------------


def test_a_new_key_is_known_as_soon_as_a_token_names_it(settings, host):
    # given
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, "RS256"
    host.publish(entry(RSA_KEYS[0], "first"))
    assert status_of(token(RSA_KEYS[0], "first")) == 200

    # when the keys are rotated
    host.publish(entry(RSA_KEYS[1], "second"))
    let_time_pass(key_set(host.url, "RS256"), jwks.AT_MOST_EVERY_SECONDS)

    # then
    assert status_of(token(RSA_KEYS[1], "second")) == 200
    assert status_of(token(RSA_KEYS[0], "first")) == 401
    assert host.asked == 2


def test_any_number_of_unknown_keys_asks_once_in_a_while(settings, host):
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, "RS256"
    host.publish(entry(RSA_KEYS[0], "first"))

    assert {status_of(token(RSA_KEYS[1], f"made-up-{number}")) for number in range(50)} == {401}
    assert host.asked == 1

    let_time_pass(key_set(host.url, "RS256"), jwks.AT_MOST_EVERY_SECONDS)
    assert {status_of(token(RSA_KEYS[1], f"made-up-{number}")) for number in range(50)} == {401}
    assert host.asked == 2


def test_old_keys_are_renewed_beside_the_request(host):
    # given
    host.publish(entry(RSA_KEYS[0], "first"))
    keys = KeySet(host.url, "RS256")
    assert keys.keys_for("first")

    # when they are old, and the host takes its time
    may_answer = threading.Event()
    host.before_answer = lambda: may_answer.wait(5)
    host.publish(entry(RSA_KEYS[1], "second"))
    let_time_pass(keys, jwks.OLD_AFTER_SECONDS)

    # then requests go on with the old ones, and one thread alone asks
    assert all(keys.keys_for("first") for _ in range(20))
    may_answer.set()
    with keys._asking:
        assert [name for name, _ in keys._keys] == ["second"]
    assert host.asked == 2


# --- a host that is away or ill ---------------------------------------------------------------------------


def test_known_keys_stay_good_while_the_host_is_away(settings, host):
    settings.USER_JWT_JWKS_URL, settings.USER_JWT_ALGORITHM = host.url, "RS256"
    host.publish(entry(RSA_KEYS[0], "first"))
    assert status_of(token(RSA_KEYS[0], "first")) == 200

    host.close()
    let_time_pass(key_set(host.url, "RS256"), 10 * jwks.OLD_AFTER_SECONDS)
    answer = Caller(token(RSA_KEYS[1], "second")).get("/my/stats")

    assert (answer.status, answer.code) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert status_of(token(RSA_KEYS[0], "first")) == 200


BAD_ANSWERS = {
    "error": (500, b"{}"),
    "redirect": (302, b"{}"),
    "text": (200, b"<html>"),
    "list": (200, b"[]"),
    "no keys": (200, b"{}"),
    "keys are text": (200, b'{"keys": "x"}'),
    "empty": (200, b'{"keys": []}'),
    "broken characters": (200, b'{"keys": ["\xff"]}'),
    "too large": (200, b'{"keys": [], "x": "' + b"x" * jwks.SIZE_LIMIT_BYTES + b'"}'),
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_is_no_key_set_changes_nothing(host, caplog, answer):
    # given
    host.publish(entry(RSA_KEYS[0], "first"))
    keys = KeySet(host.url, "RS256")
    assert keys.keys_for("first")

    # when
    host.status, host.body = answer
    let_time_pass(keys, jwks.AT_MOST_EVERY_SECONDS)
    with pytest.raises(Unavailable):
        keys.keys_for("second")

    # then
    assert keys.keys_for("first")
    assert "the known ones stay" in caplog.text
    assert host.asked == 2


def test_a_host_that_drips_is_given_up_in_time(host, monkeypatch, caplog):
    monkeypatch.setattr(jwks, "TIMEOUT_SECONDS", 0.3)
    host.publish(entry(RSA_KEYS[0], "first"))
    host.drips = 40

    with pytest.raises(Unavailable):
        KeySet(host.url, "RS256").keys_for("first")

    assert "it took more than 0.3 seconds" in caplog.text


@pytest.mark.parametrize("warm", [False, True], ids=["first keys", "known keys"])
def test_many_requests_at_once_ask_once(host, warm):
    """While one thread asks, the others wait for the very first keys only."""
    # given
    host.publish(entry(RSA_KEYS[0], "first"))
    keys = KeySet(host.url, "RS256")
    if warm:
        assert keys.keys_for("first")
        let_time_pass(keys, jwks.AT_MOST_EVERY_SECONDS)
    asked_before = host.asked
    may_answer = threading.Event()
    host.before_answer = lambda: may_answer.wait(5)
    host.publish(entry(RSA_KEYS[1], "second"))

    def ask(_):
        try:
            return len(keys.keys_for("second"))
        except Unavailable:
            return "come again"

    # when
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(ask, number) for number in range(8)]
        if warm:
            while sum(answer.done() for answer in answers) < 7:
                time.sleep(0.01)
        may_answer.set()
        told = [answer.result() for answer in answers]

    # then
    assert host.asked == asked_before + 1
    assert told.count(1) == (1 if warm else 8)
    assert told.count("come again") == (7 if warm else 0)
