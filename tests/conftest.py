"""Fixtures that the whole suite shares."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import dramatiq
import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from django.utils import translation
from dramatiq_postgres.utils import make_pool

from access.grants import grants
from access.throttles import forget_counts
from access.tokens import service_memory, user_memory
from campaigns.catalog import catalog
from dev.demo.campaigns import demo_campaigns_ensure
from referral.clicks import forget_keys as forget_visitor_keys
from referral.keys import forget_keys
from rewards.graceful_shutdown import stopping
from rewards.intake import acceptance
from rewards.payouts.drain import drain_of
from rewards.payouts.providers.registry import peer_named
from tests.helpers.processes import database_url
from tests.helpers.sandbox import SandboxProcess
from tests.helpers.writers import writers_end

# What a test that commits leaves behind; reference data made by migrations stays.
TABLES = (
    "rewards_reconciliationfinding",
    "rewards_reconciliationrun",
    "rewards_analyticsrefusal",
    "rewards_payoutattempt",
    "rewards_rewardtransition",
    "rewards_referralreward",
    "rewards_referralstats",
    "rewards_referredcounter",
    "rewards_referrerdaycounter",
    "rewards_peercircuit",
    "rewards_bulkretryitem",
    "rewards_bulkretry",
    "rewards_peerprobe",
    "rewards_relationimportline",
    "rewards_relationimport",
    "rewards_dailyfigures",
    "rewards_dailyfigurescursor",
    "referral_eventreplay",
    "referral_referralevent",
    "referral_referralrelation",
    "referral_partnerreferralrelation",
    "referral_linkclicks",
    "referral_linkvisit",
    "referral_visitorkey",
    "referral_referrallink",
    "referral_userrole",
    "campaigns_campaignspend",
    "campaigns_ruleversion",
    "campaigns_referralcampaign",
    "dramatiq.queue",
)


CHROMIUM = Path("/usr/bin/chromium")
REDIS_URL = "redis://127.0.0.1:6379/14"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _absent() -> dict[str, str]:
    """What a newcomer's machine lacks, by the marker of the tests that need it; CI must have everything."""
    if os.environ.get("REQUIRE_SERVICES"):
        return {}
    absent = {} if CHROMIUM.exists() else {"browser": str(CHROMIUM)}
    if not shutil.which("curl"):
        absent["curl"] = "curl"
    return absent if _listens(6379) else absent | {"redis": "Redis at 127.0.0.1:6379"}


def _needs(item: pytest.Item) -> set[str]:
    needs = {marker.name for marker in item.iter_markers()}
    return needs | {"browser"} if item.nodeid.startswith("tests/browser/") else needs


def pytest_configure(config: pytest.Config) -> None:
    """The markers of tests that need something which not every machine has."""
    config.addinivalue_line("markers", "redis: needs a Redis on this machine")
    config.addinivalue_line("markers", "curl: needs curl")
    # Nearly every test has people and clients of its own: a password that takes long to hash, and all static
    # files that are looked up for each client, would be a third of the run.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests out that need what is not there."""
    absent = _absent()
    left_out = [item for item in items if _needs(item) & absent.keys()]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for kind, thing in _absent().items():
        terminalreporter.write_line(f"The {kind} tests were left out: there is no {thing}.")


@pytest.fixture(autouse=True)
def _fresh_process_memory() -> None:
    """What a process remembers belongs to one test."""
    catalog.forget()
    grants.forget()
    forget_counts()
    forget_keys()
    forget_visitor_keys()
    service_memory.clear()
    user_memory.clear()
    peer_named.cache_clear()
    drain_of.cache_clear()
    stopping.clear()
    # A request leaves its thread in the language of its reader.
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: pytest.FixtureDef
) -> Iterator[None]:
    """The test database; pytest-django would make none for a run of `committed_db` tests alone."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False)
    # The broker was made with the settings, before there was a test database.
    broker = dramatiq.get_broker()
    broker.pool.close()
    broker.pool = make_pool(database_url())
    yield
    broker.pool.close()
    writers_end(acceptance.together)
    with django_db_blocker.unblock():
        teardown_databases(databases, verbosity=0)


@pytest.fixture
def campaigns(db: None) -> None:
    """The five demo campaigns, in a transaction that is rolled back."""
    demo_campaigns_ensure()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[None]:
    """A database in which everything is really committed, for tests with several connections."""
    with django_db_blocker.unblock():
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            connection.close()


@pytest.fixture
def committed_campaigns(committed_db: None) -> None:
    """The five demo campaigns, committed."""
    demo_campaigns_ensure()


@pytest.fixture(scope="session")
def _sandbox_process() -> Iterator[SandboxProcess]:
    with SandboxProcess() as process:
        yield process


@pytest.fixture
def sandbox(_sandbox_process: SandboxProcess, settings: pytest.FixtureDef) -> SandboxProcess:
    """The stand-in peers, empty and well-behaved, with our settings pointing at them."""
    _sandbox_process.reset()
    settings.POINTS_SERVICE_URL = _sandbox_process.points_url
    settings.TOKEN_GATEWAY_URL = _sandbox_process.tokens_url
    settings.PAYOUT_RETRY_BASE_SECONDS = 0.01
    settings.PAYOUT_RETRY_MAX_SECONDS = 0.05
    settings.PAYOUT_TIMEOUT_SECONDS = 1.0
    settings.PAYOUT_LEASE_SECONDS = 2.0
    settings.PAYOUT_SWEEP_SECONDS = 0.05
    return _sandbox_process
