"""Who may see and do what in the back-office."""

import pytest
from django.contrib import admin
from django.urls import reverse

from rewards.models import ReferralReward
from tests.backoffice.conftest import staff_with
from tests.backoffice.world import World, draft_make

MOVES = ("unlock", "retry", "cancel")


def move_page(name: str, reward: ReferralReward) -> str:
    return f"{reverse('admin:rewards_referralreward_moves', args=[name])}?reward={reward.pk}"


@pytest.mark.parametrize("move", MOVES)
def test_who_may_only_look_cannot_move_rewards(world: World, move: str) -> None:
    viewer = staff_with("rewards.view_referralreward")
    reward = world.rewards["locked" if move != "retry" else "failed"]

    answers = [
        viewer.get(move_page(move, reward)),
        viewer.post(move_page(move, reward), {"reward": reward.pk, "reason": "because"}),
        viewer.get(reverse(f"admin:rewards_referralreward_{move}", args=[reward.pk])),
    ]

    assert {answer.status_code for answer in answers} == {403}
    was = reward.status
    reward.refresh_from_db()
    assert reward.status == was


def test_who_may_only_look_is_offered_no_moves(world: World) -> None:
    viewer = staff_with("rewards.view_referralreward")

    changelist = viewer.get(reverse("admin:rewards_referralreward_changelist")).content.decode()
    page = viewer.get(reverse("admin:rewards_referralreward_change", args=[world.rewards["locked"].pk]))

    assert "unlock_chosen" not in changelist
    assert "/unlock/" not in page.content.decode()


def test_who_may_change_rewards_moves_them_by_the_service(world: World) -> None:
    support = staff_with("rewards.view_referralreward", "rewards.change_referralreward")
    reward = world.rewards["locked"]

    support.post(move_page("unlock", reward), {"reward": reward.pk, "reason": "ticket 1"})

    reward.refresh_from_db()
    assert reward.status == "pending"


def test_only_rewards_that_the_page_showed_as_possible_are_moved(boss: object, world: World) -> None:
    reward = world.rewards["locked"]

    boss.post(move_page("unlock", reward), {"reason": "ticket 1"})

    reward.refresh_from_db()
    assert reward.status == "locked"


def test_who_may_only_look_cannot_change_campaigns(campaigns: None) -> None:
    viewer = staff_with("campaigns.view_referralcampaign")
    campaign = draft_make()

    page = viewer.get(reverse("admin:campaigns_referralcampaign_change", args=[campaign.pk]))
    saved = viewer.post(
        reverse("admin:campaigns_referralcampaign_change", args=[campaign.pk]), {"name": "Mine"}
    )
    step = viewer.post(
        reverse("admin:campaigns_referralcampaign_activate", args=[campaign.pk]), {"revision": 1}
    )

    assert (page.status_code, saved.status_code, step.status_code) == (200, 403, 403)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.status) == ("Spring", "draft")


def test_nothing_but_rights_and_people_can_be_deleted(boss: object, world: World) -> None:
    deletable = {
        model._meta.label
        for model, page in admin.site._registry.items()
        if page.has_delete_permission(boss.get("/admin/").wsgi_request)
    }

    assert deletable == {"access.ServiceOperation", "auth.User", "auth.Group"}


def test_a_person_without_rights_sees_no_menu(db: None) -> None:
    page = staff_with().get("/admin/").content.decode()

    assert "/admin/rewards/" not in page


def test_who_is_no_staff_is_sent_to_sign_in(client: object, db: None) -> None:
    answer = client.get(reverse("admin:rewards_referralreward_changelist"))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
