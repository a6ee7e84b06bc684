"""Marketing's walk through the back-office, and a picture at each stop.

Fields are found by name and buttons by what they do, never by their words, so that the walk is the same in
every language.
"""

from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from tests.browser.campaign_pages import ADD, LIST, change_page, rule, save
from tests.screenshots.pictures import Walk
from tests.screenshots.scene import MARKETING, PASSWORD

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
    },
    "ru": {
        "code": "vesennie_vouchery",
        "name": "Ваучеры весной",
        "description": "Баллы за ваучеры, которые приглашённые друзья купят в апреле.",
        "theirs": "Ваучеры: весна и лето",
        "mine": "Ваучеры в апреле",
    },
}


class MarketingWalk(Walk):
    """One walk in one language, in the order of the handbook for marketing."""

    def __init__(self, page: Page, folder: Path, language: str) -> None:
        super().__init__(page, folder, language)
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
        self.take("sign-in")
        self.sign_in(MARKETING, PASSWORD)
        self.take("dashboard")

    def _make_campaign(self) -> None:
        self.page.goto(LIST)
        self.take("campaign-list")
        self.page.goto(ADD)
        self.page.fill("#id_name", self.words["name"])
        self.page.fill("#id_description", self.words["description"])
        self.page.fill("#id_code", self.words["code"])
        self.page.select_option("#id_campaign_type", "purchase")
        self._answered()
        self.take("campaign-new")
        rule(self.page, "level1.points_per_purchase").fill("10,5")
        save(self.page, "_continue")
        self.take("campaign-problem", self._rules())
        rule(self.page, "level1.points_per_purchase").fill("10")
        rule(self.page, "level1.points_percent").fill("5")
        rule(self.page, "level1.max_points_per_event").fill("30")
        rule(self.page, "level2.g2a_per_purchase").fill("0.25")
        rule(self.page, "level2.locked_until_role").select_option("vip")
        rule(self.page, "referred.points_per_purchase").fill("5")
        rule(self.page, "limits.budget_points").fill("50000")
        save(self.page, "_continue")
        self.take("campaign-draft")
        self.take("campaign-rules", self._rules())
        self.take("campaign-limits", self.page.locator(".campaign-rules").nth(1))
        self.page.select_option("[name=try-level1]", "user")
        self._answered()
        self.take("campaign-preview", self.page.locator("[data-sample]"))

    def _let_it_live(self) -> None:
        self.press("activate")
        self.take("campaign-activate")
        self.confirm()
        self.page.goto(change_page(self._campaign()))
        self.press("duplicate")
        self.take("campaign-duplicate")

    def _change_it(self) -> None:
        """A change of the rules, then a second editor who is told of the first."""
        campaign = self._campaign()
        self.page.goto(change_page(campaign))
        rule(self.page, "level1.points_per_purchase").fill("15")
        save(self.page, "_continue")
        self.page.goto(f"{LIST}{campaign.pk}/versions/")
        self.take("campaign-versions")
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
        self.take("campaign-two-editors")

    def _look(self) -> None:
        self.page.goto("/admin/rewards/referralreward/?status__exact=locked")
        self.take("rewards")
        self.page.goto("/admin/reports/campaigns/")
        self.take("report-campaigns")
        self.page.goto("/admin/rewards/relationimport/add/")
        self.take("import-upload")
        self.page.select_option(
            "[name=campaign]", str(ReferralCampaign.objects.get(code="user_invite_default").pk)
        )
        self.page.set_input_files(
            "[name=file]", {"name": "friends.csv", "mimeType": "text/csv", "buffer": FRIENDS}
        )
        self.confirm()
        self.take("import-preview")
        self.page.emulate_media(color_scheme="dark")
        self.page.goto("/admin/?first=2026-01-01")
        self.page.locator("[role=button][x-on\\:click*=openUserLinks]").first.click()
        self.page.wait_for_function("document.querySelector('[x-show=openUserLinks]').checkVisibility()")
        self.page.wait_for_timeout(400)
        self.take("theme")

    def _campaign(self) -> ReferralCampaign:
        return ReferralCampaign.objects.get(code=self.words["code"])

    def _answered(self) -> None:
        """The preview has followed what was typed."""
        self.page.wait_for_timeout(400)
        self.page.wait_for_load_state("networkidle")

    def _rules(self) -> Locator:
        return self.page.locator(".campaign-rules").first
