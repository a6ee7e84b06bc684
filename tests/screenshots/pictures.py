"""The walk through the back-office, and a picture at each stop.

Fields are found by name and buttons by what they do, never by their words, so that the walk is the same in
every language.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from tests.browser.campaign_pages import ADD, LIST, change_page, rule, save
from tests.conftest import CHROMIUM
from tests.screenshots.scene import PASSWORD, USER

WIDTH, HEIGHT = 1280, 800
COLOURS = 192
BARS = "#submit-row, .campaign-summary"
FRIENDS = "\n".join(
    (
        "referrer_user_id,referred_user_id,registered_at",
        "old-0001,old-0002,2025-03-14",
        "old-0001,old-0003,2025-03-15",
        "old-0003,old-0004,2025-04-02",
        "old-0004,old-0001,2025-04-03",
        "old-0005,old-0005,2025-04-03",
        "old-0006,,2025-04-03",
    )
).encode()
# What the person types, by language.
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "code": "spring_vouchers",
        "name": "Vouchers in spring",
        "description": "Points for vouchers that invited friends buy in April.",
        "theirs": "Vouchers, spring and summer",
        "mine": "Vouchers in April",
        "campaigns": {},
    },
    "ru": {
        "code": "vesennie_vouchery",
        "name": "Ваучеры весной",
        "description": "Баллы за ваучеры, которые приглашённые друзья купят в апреле.",
        "theirs": "Ваучеры: весна и лето",
        "mine": "Ваучеры в апреле",
        "campaigns": {
            "user_invite_default": "Пригласи друзей",
            "partner_onboarding_default": "Приведи партнёра",
            "quest_purchase_default": "Покупки квестов",
            "voucher_premium_default": "Премиум-ваучеры",
            "rielt_booking_default": "Бронирование жилья",
            "spring_vouchers": "Весенние скидки",
        },
    },
}


def take_all(base: str, folder: Path, theme: str) -> None:
    """Every picture in every language; `NAME.png` is English, `NAME.ru.png` is Russian."""
    folder.mkdir(parents=True, exist_ok=True)
    for language, words in WORDS.items():
        for code, name in words["campaigns"].items():
            ReferralCampaign.objects.filter(code=code).update(name=name)
        with _browser_page(base, language, theme) as page:
            Walk(page, folder, language).from_start_to_end()
        print(f"{language} is done", flush=True)


@contextmanager
def _browser_page(base: str, language: str, theme: str) -> Iterator[Page]:
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
    """One walk in one language, in the order of the handbook."""

    def __init__(self, page: Page, folder: Path, language: str) -> None:
        self.page = page
        self.folder = folder
        self.ending = ".png" if language == "en" else f".{language}.png"
        self.words = WORDS[language]

    def from_start_to_end(self) -> None:
        """Sign in, make a campaign, let it live, and look at what it brings."""
        self._sign_in()
        self._make_campaign()
        self._let_it_live()
        self._change_it()
        self._look()

    def _sign_in(self) -> None:
        self.page.goto("/admin/login/")
        self._take("sign-in")
        self.page.fill("#id_username", USER)
        self.page.fill("#id_password", PASSWORD)
        self.page.locator("button[type=submit]").first.click()
        self.page.wait_for_url("**/admin/")
        self._take("dashboard")

    def _make_campaign(self) -> None:
        self.page.goto(LIST)
        self._take("campaign-list")
        self.page.goto(ADD)
        self.page.fill("#id_name", self.words["name"])
        self.page.fill("#id_description", self.words["description"])
        self.page.fill("#id_code", self.words["code"])
        self.page.select_option("#id_campaign_type", "purchase")
        self._answered()
        self._take("campaign-new")
        rule(self.page, "level1.points_per_purchase").fill("10,5")
        save(self.page, "_continue")
        self._take("campaign-problem", self._rules())
        rule(self.page, "level1.points_per_purchase").fill("10")
        rule(self.page, "level1.points_percent").fill("5")
        rule(self.page, "level1.max_points_per_event").fill("30")
        rule(self.page, "level2.g2a_per_purchase").fill("0.25")
        rule(self.page, "level2.locked_until_role").select_option("vip")
        rule(self.page, "referred.points_per_purchase").fill("5")
        rule(self.page, "limits.budget_points").fill("50000")
        save(self.page, "_continue")
        self._take("campaign-draft")
        self._take("campaign-rules", self._rules())
        self._take("campaign-limits", self.page.locator(".campaign-rules").nth(1))
        self.page.select_option("[name=try-level1]", "user")
        self._answered()
        self._take("campaign-preview", self.page.locator("[data-sample]"))

    def _let_it_live(self) -> None:
        self._press("activate")
        self._take("campaign-activate")
        self._confirm()
        self.page.goto(change_page(self._campaign()))
        self._press("duplicate")
        self._take("campaign-duplicate")

    def _change_it(self) -> None:
        """A change of the rules, then a second editor who is told of the first."""
        campaign = self._campaign()
        self.page.goto(change_page(campaign))
        rule(self.page, "level1.points_per_purchase").fill("15")
        save(self.page, "_continue")
        self.page.goto(f"{LIST}{campaign.pk}/versions/")
        self._take("campaign-versions")
        self.page.goto(change_page(campaign))
        self.page.fill("#id_name", self.words["mine"])
        rules = {**self._campaign().reward_rules}
        rules["levels"] = {**rules["levels"], "level1": {**rules["levels"]["level1"], "hold_days": 14}}
        campaign_update(
            campaign_id=campaign.pk,
            changes={"name": self.words["theirs"], "reward_rules": rules},
            by="staff:igor",
        )
        save(self.page, "_continue")
        self._take("campaign-two-editors")

    def _look(self) -> None:
        self.page.goto("/admin/rewards/referralreward/?status__exact=locked")
        self._take("rewards")
        self.page.goto("/admin/reports/campaigns/")
        self._take("report-campaigns")
        self.page.goto("/admin/rewards/relationimport/add/")
        self._take("import-upload")
        self.page.select_option(
            "[name=campaign]", str(ReferralCampaign.objects.get(code="user_invite_default").pk)
        )
        self.page.set_input_files(
            "[name=file]", {"name": "friends.csv", "mimeType": "text/csv", "buffer": FRIENDS}
        )
        self._confirm()
        self._take("import-preview")
        self.page.emulate_media(color_scheme="dark")
        self.page.goto("/admin/?first=2026-01-01")
        self.page.locator("[role=button][x-on\\:click*=openUserLinks]").first.click()
        self.page.wait_for_function("document.querySelector('[x-show=openUserLinks]').checkVisibility()")
        self.page.wait_for_timeout(400)
        self._take("theme")

    def _campaign(self) -> ReferralCampaign:
        return ReferralCampaign.objects.get(code=self.words["code"])

    def _press(self, step: str) -> None:
        with self.page.expect_navigation():
            self.page.locator(f"a[href*='/{step}/']").first.click()

    def _confirm(self) -> None:
        with self.page.expect_navigation():
            self.page.locator("#content button[type=submit]").first.click()

    def _answered(self) -> None:
        """The preview has followed what was typed."""
        self.page.wait_for_timeout(400)
        self.page.wait_for_load_state("networkidle")

    def _rules(self) -> Locator:
        return self.page.locator(".campaign-rules").first

    def _take(self, name: str, part: Locator | None = None) -> None:
        """Of the window, or of a part of the page as long as it is; in few colours, for few bytes."""
        self.page.evaluate("document.fonts.ready")
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
            .quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        )
        picture.save(self.folder / f"{name}{self.ending}", optimize=True)
