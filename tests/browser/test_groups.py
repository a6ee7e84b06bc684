"""What a person of each group sees: their menu, their buttons, and a wall instead of the rest."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from tests.backoffice.world import World

# One browser is enough.
pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.sweep]

SEES = {
    "Marketing": ["Dashboard", "Campaigns", "Imports", "Who invited whom"],
    "Support": ["Dashboard", "Rewards", "Discrepancies", "Payout attempts"],
    "Analyst": ["Dashboard", "Rewards", "Discrepancies", "Report: users"],
    "Auditor": ["Dashboard", "Rewards", "Audit log", "Staff"],
}
MISSES = {
    "Marketing": ["Discrepancies", "Audit log", "Staff"],
    "Support": ["Audit log", "Staff"],
    "Analyst": ["Audit log", "Staff"],
    "Auditor": [],
}
MOVES = ("Unlock", "Cancel the reward")


def page_of(context: BrowserContext, server: str, group: str) -> Page:
    """A page of a member of the group."""
    person = User.objects.create_user(group.lower(), is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(person)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server}])
    return context.new_page()


def ends_with(entry: str) -> re.Pattern[str]:
    """The name of an entry begins with that of its icon."""
    return re.compile(f"{re.escape(entry)}$")


@pytest.mark.parametrize("group", SEES)
def test_a_group_sees_its_menu_and_its_buttons(
    context: BrowserContext, server: str, world: World, group: str
) -> None:
    page = page_of(context, server, group)
    page.goto("/admin/")
    menu = page.locator("#nav-sidebar-apps")
    for entry in SEES[group]:
        expect(menu.get_by_role("link", name=ends_with(entry))).to_have_count(1)
    for entry in MISSES[group]:
        expect(menu.get_by_role("link", name=ends_with(entry))).to_have_count(0)

    page.goto(f"/admin/rewards/referralreward/{world.rewards['locked'].pk}/change/")
    expect(page.locator("#content-main")).to_be_visible()
    for move in MOVES:
        expect(page.get_by_role("link", name=move)).to_have_count(1 if group == "Support" else 0)

    page.goto("/admin/campaigns/referralcampaign/")
    expect(page.locator("a[href$='/referralcampaign/add/']")).to_have_count(1 if group == "Marketing" else 0)


def test_a_page_behind_the_wall_says_so(profile: object, server: str, committed: None) -> None:
    # A watched page would take the refusal for trouble.
    page = page_of(profile, server, "Analyst")

    answer = page.goto("/admin/access/auditentry/")

    assert answer is not None
    assert answer.status == 403
    page.close()
    profile.clear_cookies()
