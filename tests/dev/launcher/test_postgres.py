"""The embedded database, started for real."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from dev.launcher import processes
from dev.launcher.database import binaries
from dev.launcher.database.account import database_account
from dev.launcher.database.postgres import EmbeddedPostgres
from dev.launcher.errors import LaunchError


@pytest.fixture
def started(folder: Path) -> Iterator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(folder / "postgres", durable=False)
    postgres.start()
    yield postgres
    postgres.remove()


def ask(postgres: EmbeddedPostgres, question: str) -> object:
    with psycopg.connect(postgres.url) as connection:
        row = connection.execute(question).fetchone()
        return row[0] if row else None


def test_it_listens_on_loopback_only_and_knows_more_than_ascii(started: EmbeddedPostgres) -> None:
    assert ask(started, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(started, "SHOW unix_socket_directories") == ""
    assert ask(started, "SHOW timezone") == "UTC"
    assert ask(started, "SELECT lower('ПРИВЕТ')") == "привет"


def test_nobody_gets_in_without_the_password(started: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(started.url.replace(started.cluster.password, "guess"))


def test_a_second_start_keeps_data_password_and_port(started: EmbeddedPostgres) -> None:
    with psycopg.connect(started.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    started.stop()

    again = EmbeddedPostgres(started.cluster.home, durable=False)
    again.start()

    assert again.url == started.url
    assert ask(again, "SELECT answer FROM kept") == 42
    again.stop()


def test_it_starts_again_after_its_main_process_was_killed(started: EmbeddedPostgres) -> None:
    url = started.url
    busy = psycopg.connect(url)
    os.kill(started.process.pid, signal.SIGKILL)
    started.process.wait()

    started.start()

    busy.close()
    assert started.url == url
    assert ask(started, "SELECT 1") == 1


def test_it_ends_a_server_whose_launcher_died(started: EmbeddedPostgres) -> None:
    left = started.process

    again = EmbeddedPostgres(started.cluster.home, durable=False)
    again.start()

    assert left.wait(timeout=1) is not None
    assert ask(again, "SELECT 1") == 1
    again.stop()


def test_stopping_leaves_no_process(started: EmbeddedPostgres) -> None:
    started.stop()

    assert processes.working_in(started.cluster.data) == []


def test_data_of_another_version_are_refused_in_a_sentence(folder: Path) -> None:
    place = folder / "postgres"
    (place / "data").mkdir(parents=True)
    (place / "data" / "PG_VERSION").write_text("12\n")
    if os.geteuid() == 0:
        os.chown(place / "data", 65534, 65534)

    with pytest.raises(LaunchError, match=r"PostgreSQL 12, this is PostgreSQL \d+: move it"):
        EmbeddedPostgres(place).start()


def test_it_works_in_a_folder_that_only_its_owner_may_enter(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    postgres = EmbeddedPostgres(closed / "clone" / ".run" / "postgres", durable=False, label="test")
    try:
        postgres.start()

        assert ask(postgres, "SELECT 1") == 1
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert postgres.cluster.home.parent == binaries.ELSEWHERE
    finally:
        postgres.remove()


def test_programs_in_a_closed_folder_are_copied_out_of_it(folder: Path) -> None:
    installed = binaries.installed()

    copy = binaries.copied(installed, folder / "elsewhere")

    assert copy != installed
    assert binaries.usable(copy, database_account())
    assert binaries.major_version(copy) == binaries.major_version(installed)
    assert binaries.copied(installed, folder / "elsewhere") == copy
