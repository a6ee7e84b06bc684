"""Starts that are refused: each ended by one sentence that names the variable and why.

The table runs the settings as a start does, in this process; each kind of process is then started for real.
"""

import json
import os
import runpy
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.helpers.processes import BIN, ROOT, free_port

KEY = "k" * 32
GOOD = {
    "SECRET_KEY": "a-secret-of-our-own-which-is-long-enough-for-everybody-1234567890",
    "SERVICE_JWT_KEYS": json.dumps({"quest_service": KEY}),
    "SERVICE_JWT_OUT_KEY": KEY,
    "USER_JWT_KEY": KEY,
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "PUBLIC_BASE_URL": "https://referral.example",
}
FORM = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = RSA.public_key().public_bytes(*FORM).decode()
SHORT = (
    rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - too short on purpose
    .public_key()
    .public_bytes(*FORM)
    .decode()
)
CURVE = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*FORM).decode()
PRIVATE = RSA.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def start(command, **changes):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, cwd=ROOT, env=kept | GOOD | changes, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def settings_with(monkeypatch):
    """Runs the settings with these variables and no others of ours; returns what they define."""

    def run(**changes):
        for name in (*GOOD, "REFERRAL_DEMO", "USER_JWT_ALGORITHM", "USER_JWT_JWKS_URL", "REDIS_URL", "DEBUG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in (GOOD | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "referral_project" / "settings.py"))

    return run


REFUSED = {
    "no SECRET_KEY": ({"SECRET_KEY": None}, "SECRET_KEY is missing"),
    "short SECRET_KEY": ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
    "demo SECRET_KEY": ({"SECRET_KEY": "demo-" + KEY}, "SECRET_KEY holds a key generated for the demo"),
    "no service keys": ({"SERVICE_JWT_KEYS": None}, "SERVICE_JWT_KEYS is missing"),
    "service keys are no JSON": ({"SERVICE_JWT_KEYS": "x"}, "SERVICE_JWT_KEYS must be JSON"),
    "demo service key": (
        {"SERVICE_JWT_KEYS": json.dumps({"a": [KEY, "demo-" + KEY]})},
        "SERVICE_JWT_KEYS holds a key generated for the demo (of a)",
    ),
    "empty service key": ({"SERVICE_JWT_KEYS": '{"a": []}'}, "SERVICE_JWT_KEYS is missing (of a)"),
    "demo out key": ({"SERVICE_JWT_OUT_KEY": "demo-" + KEY}, "SERVICE_JWT_OUT_KEY holds a key generated"),
    "no out key": ({"SERVICE_JWT_OUT_KEY": None}, "SERVICE_JWT_OUT_KEY is missing"),
    "no user key": ({"USER_JWT_KEY": None}, "USER_JWT_KEY is missing"),
    "demo user key": ({"USER_JWT_KEY": "demo-" + KEY}, "USER_JWT_KEY holds a key generated for the demo"),
    "no PEM": ({"USER_JWT_ALGORITHM": "RS256"}, "USER_JWT_KEY is no PEM public key"),
    "private PEM": ({"USER_JWT_ALGORITHM": "RS256", "USER_JWT_KEY": PRIVATE}, "holds a private key"),
    "short RSA key": (
        {"USER_JWT_ALGORITHM": "RS256", "USER_JWT_KEY": SHORT},
        "RSA key of at least 2048 bits",
    ),
    "RSA for ES256": ({"USER_JWT_ALGORITHM": "ES256", "USER_JWT_KEY": PUBLIC}, "ES256 needs a P-256 key"),
    "curve for RS256": ({"USER_JWT_ALGORITHM": "RS256", "USER_JWT_KEY": CURVE}, "RS256 needs an RSA key"),
    "JWKS with HS256": ({"USER_JWT_JWKS_URL": "https://id.example/jwks"}, "USER_JWT_JWKS_URL needs"),
    "unknown algorithm": ({"USER_JWT_ALGORITHM": "none"}, "USER_JWT_ALGORITHM must be one of"),
    "debug": ({"DEBUG": "1"}, "DEBUG is on"),
    "no database": ({"DATABASE_URL": None}, "DATABASE_URL is missing"),
    "bad rate": ({"THROTTLE_USER": "fast"}, "THROTTLE_USER must be a number of requests and a period"),
    "no rate": ({"THROTTLE_SERVICE": "0/min"}, "THROTTLE_SERVICE must be a number of requests"),
    "bad Redis": ({"REDIS_URL": "127.0.0.1"}, "REDIS_URL must be an address"),
    "bad network": ({"TRUSTED_PROXIES": "10.0.0.0/8, proxy"}, "TRUSTED_PROXIES must be networks"),
}


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_start_that_would_be_unsafe_is_refused_with_a_sentence(settings_with, changes, sentence):
    with pytest.raises(SystemExit) as ended:
        settings_with(**changes)

    told = str(ended.value)
    assert told.startswith("referral-service cannot start: ")
    assert sentence in told
    assert "\n" not in told
    assert KEY not in told


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"USER_JWT_ALGORITHM": "RS256", "USER_JWT_KEY": PUBLIC},
        {"USER_JWT_ALGORITHM": "RS256", "USER_JWT_KEY": PUBLIC.replace("\n", "\\n")},
        {"USER_JWT_ALGORITHM": "ES256", "USER_JWT_KEY": CURVE},
        {"USER_JWT_ALGORITHM": "ES256", "USER_JWT_KEY": None, "USER_JWT_JWKS_URL": "https://id.example/jwks"},
        {"THROTTLE_USER": "", "THROTTLE_SERVICE": "5/s", "REDIS_URL": "redis://:secret@redis:6379/3"},
    ],
    ids=["HS256", "RS256", "RS256 on one line", "ES256", "JWKS", "throttles"],
)
def test_a_right_configuration_starts(settings_with, changes):
    settings = settings_with(**changes)

    assert settings["DEMO"] is False
    assert settings["THROTTLE_SERVICE"]


@pytest.mark.parametrize("name", ["web", "worker", "scheduler", "migrate"])
def test_every_kind_of_process_refuses_a_demo_key(name):
    commands = {
        "web": [str(BIN / "granian"), "--interface=wsgi", f"--port={free_port()}", "referral_project.wsgi"],
        "worker": [sys.executable, "manage.py", "rundramatiq", "--processes=1", "--threads=1"],
        "scheduler": [sys.executable, "manage.py", "scheduler"],
        "migrate": [sys.executable, "manage.py", "migrate"],
    }

    ended = start(commands[name], SECRET_KEY="demo-" + KEY)

    assert ended.returncode != 0
    assert "SECRET_KEY holds a key generated for the demo" in ended.stderr + ended.stdout
    assert KEY not in ended.stderr + ended.stdout


def test_the_checks_for_a_deployment_find_nothing():
    ended = start([sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"])

    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout
