"""Signing in pauses after too many tries, for an account and for an address, and opens again by itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client, RequestFactory
from django.utils import timezone

from access import sign_in
from access.models import AuditEntry, SignInTries
from access.sign_in import tries_count, tries_forget_old, tries_keys
from tests.helpers.races import Racer

PASSWORD = "right-password-of-ann"


@pytest.fixture
def ann(db, settings):
    # Slow hashes protect nothing here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("ann", password=PASSWORD)


def attempt(password=PASSWORD, name="ann", address="192.0.2.1"):
    """The answer's text, or nothing when the person got in."""
    form = {"username": name, "password": password}
    answer = Client(REMOTE_ADDR=address).post("/admin/login/", form)
    return "" if answer.status_code == 302 else answer.content.decode()


def later(by=timedelta(minutes=15, seconds=1)):
    SignInTries.objects.update(since=F("since") - by)


def test_after_five_wrong_passwords_the_right_one_must_wait_too(ann):
    wrong = [attempt("wrong") for _ in range(5)]
    refused = attempt()

    assert all("Too many sign-in attempts" not in answer for answer in wrong)
    assert "Too many sign-in attempts. Try again in 15 minutes." in refused
    later(timedelta(minutes=14, seconds=30))
    assert "Try again in 1 minute." in attempt()
    later(timedelta(minutes=1))
    assert attempt() == ""


def test_refused_tries_do_not_prolong_the_wait(ann):
    for _ in range(10):
        attempt("wrong")
        later(timedelta(minutes=1))
    later(timedelta(minutes=5, seconds=1))

    assert attempt() == ""


def test_one_address_does_not_lock_the_account_for_others(ann):
    for _ in range(6):
        attempt("wrong")

    assert attempt(address="198.51.100.9") == ""


def test_an_address_that_tries_many_accounts_must_wait(ann):
    for number in range(20):
        attempt("wrong", name=f"guess-{number}")

    assert "Too many sign-in attempts" in attempt()
    assert attempt(address="198.51.100.9") == ""


def test_an_account_that_many_addresses_try_is_paused(ann):
    for number in range(30):
        attempt("wrong", address=f"198.51.100.{number}")

    assert "Too many sign-in attempts" in attempt(address="203.0.113.1")


def test_success_forgets_what_went_wrong_before(ann):
    for _ in range(3):
        for _ in range(4):
            attempt("wrong")
        assert attempt() == ""


def test_a_name_in_other_letters_and_nobody_at_all_are_counted_too(ann):
    for _ in range(5):
        attempt("wrong", name="nobody")

    assert "Too many sign-in attempts" in attempt("wrong", name="nobody")


def test_no_name_and_no_address_is_kept_in_the_clear(ann):
    attempt("wrong")

    assert all(len(row.key) == 64 and "ann" not in row.key for row in SignInTries.objects.all())


def test_signing_in_is_in_the_audit_log(ann):
    attempt("wrong")
    attempt()

    assert [(entry.actor, entry.verb) for entry in AuditEntry.objects.all()] == [("staff:ann", "signed_in")]


def test_old_tries_are_tidied_away(ann):
    attempt("wrong")
    assert tries_forget_old() == 0
    later()

    assert tries_forget_old() == 3


def test_the_message_is_russian_too(ann):
    for _ in range(5):
        attempt("wrong")
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.cookies["django_language"] = "ru"

    page = client.post("/admin/login/", {"username": "ann", "password": PASSWORD}).content.decode()

    assert "Слишком много попыток входа. Попробуйте снова через 15 минут." in page


def test_a_session_ends_after_twelve_hours(ann):
    client = Client()
    client.post("/admin/login/", {"username": "ann", "password": PASSWORD})
    assert client.get("/admin/").status_code == 200
    session = Session.objects.get()
    assert timedelta(hours=11) < session.expire_date - timezone.now() <= timedelta(hours=12)

    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    answer = client.get("/admin/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


# --- tries at the same time, in several processes -----------------------------------------------------------


def fifth_and_sixth(counting):
    """Two tries at once when four were made: whether each of them had to wait."""
    keys = tries_keys("ann", RequestFactory().post("/").META)
    for _ in range(4):
        tries_count(keys)
    racers = [Racer(lambda: counting(keys)) for _ in range(2)]
    return sorted(racer.finish() is not None for racer in racers)


def test_of_two_tries_at_once_only_one_is_the_fifth(committed_db):
    try:
        assert fifth_and_sixth(tries_count) == [False, True]
    finally:
        SignInTries.objects.all().delete()


def test_twin_reading_before_counting_lets_both_through(committed_db, monkeypatch):
    barrier_passed = []

    def careless(keys):
        known = dict(SignInTries.objects.filter(key__in=keys).values_list("key", "tries"))
        barrier_passed.append(True)
        while len(barrier_passed) < 2:
            pass
        waits = any(known.get(key, 0) + 1 > limit for key, limit in keys.items())
        tries_count(keys)
        return sign_in.WINDOW if waits else None

    try:
        assert fifth_and_sixth(careless) == [False, False]
    finally:
        SignInTries.objects.all().delete()
