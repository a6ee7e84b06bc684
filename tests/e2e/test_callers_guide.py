"""docs/callers/: every snippet is run for real, in the order of the pages, against a running server."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests.helpers.api import link_of
from tests.helpers.processes import ServiceProcesses

PAGES = Path(__file__).resolve().parents[2] / "docs" / "callers"
# The first one holds what the others use; the second one has Bob sign up, who buys on the rest.
ORDER = {
    "README.md": "user_service",
    "user-service.md": "user_service",
    "rf-service.md": "rf_service",
    "quest-service.md": "quest_service",
    "voucher-service.md": "voucher_service",
    "rielt-service.md": "rielt_service",
}
BLOCK = re.compile(r"^```(?P<language>bash|python|json)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (?P<name>[a-z_]+\.(?:py|sh))\n")
OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Snippet:
    """One block of a page, with the answer that the page shows below it."""

    place: str
    language: str
    text: str
    shown: str | None


def snippets_of(page: str) -> list[Snippet]:
    """The blocks that a reader would run."""
    text = (PAGES / page).read_text()
    found: list[Snippet] = []
    for match in BLOCK.finditer(text):
        place = f"{page}:{text[: match.start()].count(chr(10)) + 1}"
        if match["language"] != "json":
            found.append(Snippet(place, match["language"], match["text"], None))
        else:
            before = found.pop()
            found.append(Snippet(before.place, before.language, before.text, match["text"]))
    return found


def told(value: object) -> object:
    """An answer without what is made up anew each time: our ids."""
    if isinstance(value, dict):
        return {key: told(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [told(inner) for inner in value]
    return "an id" if isinstance(value, str) and OURS.fullmatch(value) else value


def test_every_page_is_known():
    assert {page.name for page in PAGES.iterdir()} == ORDER.keys()


@pytest.mark.xdist_group("processes")
def test_every_snippet_works_and_answers_what_the_page_shows(committed_campaigns, tmp_path):
    # given a server, and a link of Alice's
    service = ServiceProcesses(tmp_path, {})
    environment = {**os.environ, "REFERRAL_URL": service.url, "CODE": link_of("alice")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    ran = []
    try:
        service.start("web")
        service.wait_until_ready()

        # when a reader pastes every snippet, each page with its service's key
        for page, name in ORDER.items():
            environment["REFERRAL_KEY"] = settings.SERVICE_JWT_KEYS[name][0]
            for snippet in snippets_of(page):
                _run(snippet, tmp_path, environment)
                ran.append((page, snippet.language))
    finally:
        service.stop()

    # then each page had a shell's and a Python's
    assert {(page, language) for page in ORDER for language in ("bash", "python")} == set(ran)


def _run(snippet: Snippet, folder: Path, environment: dict[str, str]) -> None:
    if named := FILE.match(snippet.text):
        (folder / named["name"]).write_text(snippet.text)
    command = ["bash", "-euo", "pipefail", "-c"] if snippet.language == "bash" else [sys.executable, "-c"]
    ended = subprocess.run(
        [*command, snippet.text], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, f"{snippet.place}\n{ended.stdout}\n{ended.stderr}"
    if snippet.shown is not None:
        assert told(json.loads(ended.stdout)) == told(json.loads(snippet.shown)), snippet.place
