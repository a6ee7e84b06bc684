"""A real browser before a real server, watched for whatever a person would not see."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    sync_playwright,
)
from pytest_django.live_server_helper import LiveServer

from access.models import SignInTries
from tests.backoffice.world import World, world_make
from tests.conftest import CHROMIUM

PASSWORD = "correct-horse-battery"
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's browser; a test that needs it fails where it is missing.

    Its driver keeps an event loop running in this thread, in which nothing of ours is asynchronous. Django
    must be told so, and no other test may see the loop: the browser leaves with the last test of this folder.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="package")
def server(django_db_setup: None) -> Iterator[str]:
    """The address of the service, running beside the tests on the same database."""
    running = LiveServer("127.0.0.1")
    yield running.url
    running.stop()


@pytest.fixture(scope="package")
def profile(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """The browser's one profile, so that styles and scripts are loaded once."""
    profile = browser.new_context(base_url=server, locale="en", viewport={"width": 1400, "height": 1000})
    profile.set_default_timeout(15_000)
    yield profile
    profile.close()


@pytest.fixture
def committed(committed_campaigns: None) -> Iterator[None]:
    """The demo campaigns; people and their sessions are forgotten afterwards, groups stay."""
    yield
    for model in (LogEntry, Session, get_user_model(), SignInTries):
        model.objects.all().delete()


@pytest.fixture
def world(committed: None) -> World:
    """Rewards of every kind."""
    return world_make()


@pytest.fixture
def context(profile: BrowserContext, server: str, committed: None) -> Iterator[BrowserContext]:
    """A profile that knows nobody, whose trouble fails the test."""
    troubles: list[str] = []
    listeners = watchers(server, troubles)
    for event, listener in listeners.items():
        profile.on(event, listener)
    yield profile
    for open_page in profile.pages:
        open_page.close()
    for event, listener in listeners.items():
        profile.remove_listener(event, listener)
    profile.clear_cookies()
    assert troubles == []


def watchers(server: str, troubles: list[str]) -> dict[str, Callable[[Any], None]]:
    """What writes down errors in the console and in scripts, bad answers, and requests to other hosts."""
    host = urlsplit(server).netloc

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    def crashed(error: WebError) -> None:
        troubles.append(f"script: {error.error}")

    def answered(answer: Response) -> None:
        if answer.status >= 400:
            troubles.append(f"{answer.status}: {answer.url}")

    def asked(request: Request) -> None:
        if urlsplit(request.url).netloc not in ("", host):
            troubles.append(f"other host: {request.url}")

    return {"console": heard, "weberror": crashed, "response": answered, "request": asked}


@pytest.fixture
def page(context: BrowserContext, server: str) -> Page:
    """A page of somebody who is signed in and may do everything."""
    staff = get_user_model().objects.create_superuser("olga", password=PASSWORD)
    client = Client()
    client.force_login(staff)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": server}])
    return context.new_page()
