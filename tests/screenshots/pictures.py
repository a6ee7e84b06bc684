"""A browser in one language, and taking a picture of what it shows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from tests.conftest import CHROMIUM

WIDTH, HEIGHT = 1280, 800
COLOURS = 192
BARS = "#submit-row, .campaign-summary"
LANGUAGES = ("en", "ru")


@contextmanager
def browser_page(base: str, language: str, theme: str) -> Iterator[Page]:
    """A window of a person who reads this language and likes this theme."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=["--no-sandbox", f"--lang={language}"],
            env={**os.environ, "LANGUAGE": language},
        )
        context = browser.new_context(
            base_url=base,
            locale=language,
            color_scheme=theme,
            reduced_motion="reduce",
            timezone_id="UTC",
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        context.set_default_timeout(30_000)
        context.add_cookies([{"name": "django_language", "value": language, "url": base}])
        yield context.new_page()
        browser.close()


class Walk:
    """One walk in one language; `NAME.png` is English, `NAME.ru.png` is Russian."""

    def __init__(self, page: Page, folder: Path, language: str) -> None:
        self.page = page
        self.folder = folder
        self.ending = ".png" if language == "en" else f".{language}.png"

    def sign_in(self, user: str, password: str) -> None:
        """Through the page for it, which is open."""
        self.page.fill("#id_username", user)
        self.page.fill("#id_password", password)
        self.page.locator("button[type=submit]").first.click()
        self.page.wait_for_url("**/admin/")

    def press(self, step: str) -> None:
        """The button above the page that leads to this step."""
        with self.page.expect_navigation():
            self.page.locator(f"a[href*='/{step}/']").first.click()

    def confirm(self) -> None:
        """The first button of the page's own form."""
        with self.page.expect_navigation():
            self.page.locator("#content button[type=submit]").first.click()

    def take_tall(self, name: str, height: int) -> None:
        """Of a window that is so high."""
        self.page.set_viewport_size({"width": WIDTH, "height": height})
        self.take(name)
        self.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})

    def take(self, name: str, part: Locator | None = None) -> None:
        """Of the window, or of a part of the page as long as it is; in few colours, for few bytes."""
        self.page.evaluate("document.fonts.ready")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not self.page.evaluate(wide), f"{name}{self.ending}: the page is wider than the window"
        # The bars at the bottom of the window would cover a part that is longer than it.
        bars = "parts => parts.forEach(part => { part.style.display = %s; })"
        if part:
            self.page.locator(BARS).evaluate_all(bars % "'none'")
        drawn = (part or self.page).screenshot(animations="disabled", caret="hide")
        if part:
            self.page.locator(BARS).evaluate_all(bars % "''")
        picture = (
            Image.open(BytesIO(drawn))
            .convert("RGB")
            .quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        )
        picture.save(self.folder / f"{name}{self.ending}", optimize=True)
