"""Support's walk through the back-office, and a picture at each stop."""

from typing import Any
from uuid import UUID

from rewards.support.review.bulk_retry import bulk_retries_run
from tests.screenshots import support_scene as scene
from tests.screenshots.pictures import Walk
from tests.screenshots.scene import PASSWORD, SUPPORT

REWARDS = "/admin/rewards/referralreward/"
MAIN = "#content-main"
# What the person types, by language.
REASONS: dict[str, dict[str, Any]] = {
    "en": {
        "unlock": "The user became VIP today, confirmed by phone, ticket 4711.",
        "retry": "The accounts are open again, ticket 4712.",
        "attach": "The user shows the invitation in a letter, ticket 4713.",
    },
    "ru": {
        "unlock": "Пользователь сегодня стал VIP, подтверждено по телефону, обращение 4711.",
        "retry": "Счета снова открыты, обращение 4712.",
        "attach": "Пользователь показал приглашение в письме, обращение 4713.",
    },
}


class SupportWalk(Walk):
    """One walk in one language, in the order of the handbook for support."""

    def from_start_to_end(self, reasons: dict[str, str]) -> None:
        """Find a user, understand their rewards, move some, attach a referrer, look after the rest."""
        self.page.goto("/admin/login/")
        self.sign_in(SUPPORT, PASSWORD)
        self._find()
        self._understand()
        self._move(reasons)
        self._attach(reasons)
        self._look_after(reasons)

    def _find(self) -> None:
        self._look_up(scene.ASKS)
        self.take_tall("support-user", 1000)
        self.take("support-tree", self.page.locator("section", has=self.page.locator("#tree-title")))
        self.take("support-timeline", self.page.locator("section#timeline, section:has(#timeline)").first)
        self._look_up(scene.order_of_friend())
        self.take("support-found")

    def _look_up(self, text: str) -> None:
        box = self.page.locator("form[role=search] input[name=q]").first
        box.fill(text)
        with self.page.expect_navigation():
            box.press("Enter")

    def _understand(self) -> None:
        for name, reward in (
            ("locked", scene.locked_reward()),
            ("waiting", scene.waiting_reward()),
            ("doubt", scene.doubtful_reward()),
            ("failed", scene.failed_reward()),
        ):
            self._open(reward)
            self.take(f"support-{name}")
        self.page.goto(f"/admin/referral/referralevent/{scene.lost_event()}/change/")
        self.take("support-event")

    def _open(self, reward: UUID) -> None:
        self.page.goto(f"{REWARDS}{reward}/change/")

    def _move(self, reasons: dict[str, str]) -> None:
        self._open(scene.locked_reward())
        self.press("unlock")
        self.page.fill("[name=reason]", reasons["unlock"])
        self.take("support-unlock")
        chosen = (scene.failed_reward(), scene.doubtful_reward(), scene.paid_reward())
        self.page.goto(f"{REWARDS}moves/cancel/?{'&'.join(f'reward={pk}' for pk in chosen)}")
        self.take("support-cancel")

    def _attach(self, reasons: dict[str, str]) -> None:
        self.page.goto(f"/admin/support/attach/?user={scene.LOST}")
        self.page.fill("[name=referrer]", scene.ASKS)
        self.page.select_option("[name=campaign]", index=1)
        self.take("support-attach")
        self.confirm()
        self.page.fill("[name=reason]", reasons["attach"])
        self.take("support-attach-preview", self.page.locator(MAIN))

    def _look_after(self, reasons: dict[str, str]) -> None:
        self.page.goto("/admin/support/review/")
        self.take_tall("support-review", 1000)
        self.page.locator("#review-errors a", has_text="account_closed").locator(
            "xpath=ancestor::tr"
        ).locator("td a").click()
        self.page.wait_for_url("**/admin/support/retry/**")
        self.page.fill("[name=reason]", reasons["retry"])
        self.take("support-retry")
        self.confirm()
        bulk_retries_run()
        self.page.reload()
        self.take("support-bulk-retry")
        scene.pay_again()
        self.page.goto("/admin/support/peers/")
        self.take_tall("support-peers", 1250)
