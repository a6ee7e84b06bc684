"""Every page opens, in the browser, without anything going wrong unseen."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.backoffice.world import World
from tests.browser.conftest import PASSWORD

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]


def test_the_first_page_leads_to_the_back_office(context: BrowserContext, server: str) -> None:
    get_user_model().objects.create_superuser("olga", password=PASSWORD)
    page = context.new_page()

    page.goto("/")
    expect(page.locator("code")).to_have_text(f"{server}/api/referral/v1/")
    page.get_by_role("link", name="Back-office").click()
    page.fill("#id_username", "olga")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.locator("#nav-sidebar-apps")).to_contain_text("Campaigns")


def test_the_description_of_the_api_can_be_browsed(context: BrowserContext) -> None:
    page = context.new_page()

    page.goto("/")
    page.get_by_role("link", name="API").click()

    page.locator("[id='operations-internal-internal_event']").click()
    expect(page.locator("#swagger-ui")).to_contain_text("A referred user has bought something")
    expect(page.locator("#swagger-ui")).to_contain_text("idempotency_conflict")


def test_the_sign_in_page_itself_leads_to_the_index(context: BrowserContext) -> None:
    get_user_model().objects.create_superuser("olga", password=PASSWORD)
    page = context.new_page()

    page.goto("/admin/login/")
    page.fill("#id_username", "olga")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Log in").click()

    page.wait_for_url("**/admin/")


def test_every_list_and_one_page_of_each_open(page: Page, world: World) -> None:
    for model in admin.site._registry:
        app, name = model._meta.app_label, model._meta.model_name
        page.goto(f"/admin/{app}/{name}/")
        expect(page.locator("#changelist"), name).to_be_visible()
        row = model._default_manager.first()
        assert row, f"the world has no {name}"
        page.goto(f"/admin/{app}/{name}/{row.pk}/change/")
        expect(page.locator("#content-main"), name).to_be_visible()


def test_the_menu_leads_to_every_list(page: Page) -> None:
    page.goto("/admin/")
    linked = {link.get_attribute("href") for link in page.locator("#nav-sidebar-apps a").all()}

    for model in admin.site._registry:
        assert f"/admin/{model._meta.app_label}/{model._meta.model_name}/" in linked


def test_a_script_that_somebody_smuggles_into_a_page_does_not_run(browser: Browser, server: str) -> None:
    """The other tests fail on a message of the policy in the console; here it must come."""
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))

    for path in ("/", "/admin/login/"):
        page.goto(server + path)
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.smuggled = true";
                document.body.append(script);
            }"""
        )
        assert page.evaluate("window.smuggled") is None

    page.close()
    assert sum("Content Security Policy" in message for message in messages) == 2
