"""A real browser before a real server, watched for whatever a person would not see."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.admin.world import World, world_make
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


@pytest.fixture
def server(committed_campaigns: None) -> Iterator[str]:
    """The address of the service, running beside the test on the same database."""
    running = LiveServer("127.0.0.1")
    yield running.url
    running.stop()
    for model in (LogEntry, Session, get_user_model()):
        model.objects.all().delete()


@pytest.fixture
def world(server: str) -> World:
    """Rewards of every kind."""
    return world_make()


@pytest.fixture
def context(browser: Browser, server: str) -> Iterator[BrowserContext]:
    """A fresh profile whose trouble fails the test: errors in the console, bad answers, other hosts."""
    context = browser.new_context(base_url=server, locale="en", viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(5_000)
    troubles: list[str] = []
    watch(context, server, troubles)
    yield context
    context.close()
    assert troubles == []


def watch(context: BrowserContext, server: str, troubles: list[str]) -> None:
    """Write down what a person would not see."""
    host = urlsplit(server).netloc
    context.on(
        "console",
        lambda message: troubles.append(f"console: {message.text}") if message.type == "error" else None,
    )
    context.on("weberror", lambda error: troubles.append(f"script: {error.error}"))
    context.on(
        "response",
        lambda answer: troubles.append(f"{answer.status}: {answer.url}") if answer.status >= 400 else None,
    )
    context.on(
        "request",
        lambda request: (
            troubles.append(f"other host: {request.url}")
            if urlsplit(request.url).netloc not in ("", host)
            else None
        ),
    )


@pytest.fixture
def page(context: BrowserContext, server: str) -> Page:
    """A page of somebody who is signed in and may do everything."""
    staff = get_user_model().objects.create_superuser("olga", password=PASSWORD)
    client = Client()
    client.force_login(staff)
    session = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": server}])
    return context.new_page()
