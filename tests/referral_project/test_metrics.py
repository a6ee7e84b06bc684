"""Who may read metrics, what is logged of a request, and whose counts are kept."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings
from django.test import Client

from referral_project.log_settings import without_tokens
from referral_project.observability.folder import VARIABLE, metrics_folder, metrics_folder_open
from referral_project.observability.requests import is_told
from tests.helpers.api import admin, anybody, service, user

TOKEN = "a-token-that-nobody-would-guess-1234"


@pytest.fixture
def closed_folder(monkeypatch):
    """What metrics_folder_open sets is forgotten afterwards."""
    monkeypatch.setenv(VARIABLE, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("configured", "sent", "status"),
    [
        ("", TOKEN, 404),
        ("", "", 404),
        (TOKEN, "", 401),
        (TOKEN, "wrong", 401),
        (TOKEN, "ключ", 401),
        (TOKEN, TOKEN, 200),
    ],
)
def test_metrics_are_for_who_has_the_token(settings, configured, sent, status):
    settings.METRICS_TOKEN = configured
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {sent}"})
    assert answer.status_code == status
    assert ("referral_rewards_due" in answer.content.decode()) == (status == 200)


@pytest.mark.django_db
def test_a_method_that_somebody_made_up_is_not_a_time_series(settings):
    settings.METRICS_TOKEN = TOKEN
    for name in ("BREW", "STEW"):
        Client().generic(name, "/api/referral/v1/my/links")
    told = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    assert 'method="other",route="api/referral/v1/my/links"' in told
    assert "BREW" not in told


@pytest.mark.parametrize(
    ("policy", "status", "seconds", "told"),
    [
        ("errors", 200, 0.1, False),
        ("errors", 200, 1.0, True),
        ("errors", 404, 0.1, True),
        ("all", 200, 0.1, True),
        ("off", 500, 5.0, False),
    ],
)
def test_which_requests_get_an_access_line(settings, policy, status, seconds, told):
    settings.ACCESS_LOG = policy
    settings.ACCESS_LOG_SLOW_SECONDS = 1.0
    assert is_told(status, seconds) is told


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("caller", "known"),
    [
        (lambda: user("alice"), {"user_id": "alice"}),
        (admin, {"user_id": "the-admin"}),
        (lambda: service("quest_service"), {"service": "quest_service"}),
        (anybody, {}),
    ],
)
def test_lines_say_who_calls(caplog, caller, known):
    # when a request fails
    with caplog.at_level("INFO", logger="access"):
        caller().post("/internal/event", {})

    # then its line, as it is formatted, names the caller
    record = caplog.records[-1]
    fields = {"method": "POST", "route": "api/referral/v1/internal/event", "status": record.status}
    assert fields.items() <= record.__dict__.items()
    assert record.status >= 400


def test_tokens_are_taken_out_of_whatever_is_logged():
    entry = {"event": "refused eyJhbGciOi.eyJzdWIi.c2ln", "exception": "Bearer abc.def", "status": 401}
    assert without_tokens(None, "", entry) == {
        "event": "refused [token]",
        "exception": "Bearer [token]",
        "status": 401,
    }


def test_counts_of_the_dead_are_kept_while_somebody_counts_on(tmp_path, closed_folder):
    # given files of a dead and of a living process
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"histogram_{pid}.db").write_bytes(b"")

    # then both stay
    metrics_folder_open(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2

    # and without a living one the folder begins anew
    (tmp_path / f"histogram_{os.getpid()}.db").unlink()
    (tmp_path / "notes.txt").write_text("not ours")
    metrics_folder_open(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_processes_of_one_installation_share_a_folder_and_others_do_not():
    url = django_settings.DATABASES["default"]["NAME"]
    folder = metrics_folder(given="", wanted=True, database_url=url)
    assert folder == metrics_folder(given="", wanted=True, database_url=url)
    assert folder != metrics_folder(given="", wanted=True, database_url=f"{url}2")
    assert metrics_folder(given="", wanted=False, database_url=url) is None
    assert str(metrics_folder(given="/run/metrics", wanted=False, database_url=url)) == "/run/metrics"
