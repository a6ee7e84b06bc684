"""Each handbook's walk in each language."""

from pathlib import Path

from tests.helpers.sandbox import SandboxProcess
from tests.screenshots.marketing import MarketingWalk
from tests.screenshots.pictures import LANGUAGES, browser_page
from tests.screenshots.scene import campaigns_name
from tests.screenshots.support import REASONS, SupportWalk
from tests.screenshots.support_scene import troubles_set


def marketing_walks(base: str, folder: Path, theme: str) -> None:
    """The pictures of the handbook for marketing."""
    for language in LANGUAGES:
        campaigns_name(language)
        with browser_page(base, language, theme) as page:
            MarketingWalk(page, folder, language).from_start_to_end()
        print(f"marketing, {language}: done", flush=True)


def support_walks(base: str, folder: Path, theme: str, peers: SandboxProcess) -> None:
    """The pictures of the handbook for support, of rewards that have got into trouble."""
    troubles_set(peers)
    for language in LANGUAGES:
        campaigns_name(language)
        with browser_page(base, language, theme) as page:
            SupportWalk(page, folder, language).from_start_to_end(REASONS[language])
        print(f"support, {language}: done", flush=True)
