"""Every change by a person leaves an entry that nobody can change; a change that fails leaves none."""

import json

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from access.audit import Verb, audit_note
from access.models import AuditEntry, ServiceOperation
from campaigns.models import ReferralCampaign
from campaigns.services import campaign_update
from referral.models import ReferralLink
from rewards.models import ReferralReward
from tests.backoffice.conftest import boss, world
from tests.backoffice.world import World, draft_make
from tests.helpers.api import user

PASSWORD = "a-long-password-of-today"


def last() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


def test_an_entry_is_never_changed_and_never_deleted(campaigns):
    audit_note(by="staff:ann", verb=Verb.CREATED, target=ReferralCampaign.objects.first())
    entry = last()

    with connection.cursor() as cursor:
        # Neither can those who erase a user, for whom other history makes an exception.
        cursor.execute("SET LOCAL referral.erasing = 'on'")
    for attempt in (entry.delete, lambda: AuditEntry.objects.update(actor="staff:other")):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attempt()

    assert AuditEntry.objects.get().actor == "staff:ann"


@pytest.mark.parametrize("by", ["worker", "user_service", "demo", "reconciliation"])
def test_what_no_person_does_is_not_noted(campaigns, by):
    audit_note(by=by, verb=Verb.CREATED, target=ReferralCampaign.objects.first())

    assert not AuditEntry.objects.exists()


def test_a_campaign_is_noted_with_what_changed(campaigns):
    admin = user("maria", role="admin")
    made = admin.post(
        "/admin/campaigns", {"code": "spring", "name": "Spring", "campaign_type": "user_invite"}
    )
    entry = last()
    assert (entry.actor, entry.verb, entry.object_id) == ("admin:maria", "created", made.body["id"])
    assert (entry.after["code"], entry.after["status"]) == ("spring", "draft")

    admin.patch(f"/admin/campaigns/{made.body['id']}", {"name": "Summer"}, X_Request_Id="request-7")

    entry = last()
    assert (entry.verb, entry.before, entry.after) == ("changed", {"name": "Spring"}, {"name": "Summer"})
    assert (entry.object_type, entry.request_id) == ("campaigns.referralcampaign", "request-7")


def test_a_refused_change_leaves_no_entry(campaigns):
    campaign = draft_make()

    answer = user("maria", role="admin").patch(f"/admin/campaigns/{campaign.pk}", {"name": ""})

    assert (answer.status, AuditEntry.objects.count()) == (400, 0)


def test_a_change_that_is_rolled_back_takes_its_entry_with_it(campaigns):
    campaign = draft_make()

    with transaction.atomic():
        campaign_update(campaign_id=campaign.pk, changes={"name": "Summer"}, by="staff:ann")
        assert AuditEntry.objects.exists()
        transaction.set_rollback(True)

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("kind", "move", "after"),
    [("locked", "unlock", "pending"), ("failed", "retry", "pending"), ("waiting", "cancel", "cancelled")],
)
def test_moves_of_rewards_are_noted_with_their_reason(world: World, kind, move, after):
    reward = world.rewards[kind]

    answer = user("sam", role="admin").post(f"/admin/rewards/{reward.pk}/{move}", {"reason": "ticket 1"})

    assert answer.status == 200
    entry = last()
    assert (entry.actor, entry.object_id, entry.reason) == ("admin:sam", str(reward.pk), "ticket 1")
    assert (entry.before, entry.after) == ({"status": reward.status}, {"status": after})
    assert reward.beneficiary_user_id not in json.dumps([entry.object_name, entry.before, entry.after])


def test_the_back_office_notes_the_same(boss, world: World):
    reward = world.rewards["locked"]
    address = reverse("admin:rewards_referralreward_moves", args=["unlock"]) + f"?reward={reward.pk}"

    boss.post(address, {"reward": reward.pk, "reason": "ticket 2"})

    assert (last().actor, last().reason) == ("staff:boss", "ticket 2")
    assert ReferralReward.objects.get(pk=reward.pk).status == "pending"


def test_a_finding_that_is_closed_is_noted(boss, world: World):
    finding = world.findings["missing"]
    address = reverse("admin:rewards_reconciliationfinding_closing") + f"?finding={finding.pk}"

    boss.post(address, {"finding": finding.pk, "note": "taken back"})

    assert (last().object_id, last().after, last().reason) == (
        str(finding.pk),
        {"state": "closed"},
        "taken back",
    )


def test_a_link_that_is_switched_is_noted_without_its_owner(boss, world: World):
    link = ReferralLink.objects.get(owner_user_id="ann", campaign__code="user_invite_default")

    boss.post(reverse("admin:referral_referrallink_change", args=[link.pk]), {})

    assert (last().before, last().after) == ({"is_active": True}, {"is_active": False})
    assert last().object_name == link.code


def test_rights_of_services_are_noted_from_their_making_to_their_end(boss):
    add = reverse("admin:access_serviceoperation_add")
    boss.post(add, {"service": "new_service", "operation": "upline", "event_type": ""})
    made = ServiceOperation.objects.get(service="new_service")
    boss.post(
        reverse("admin:access_serviceoperation_change", args=[made.pk]),
        {"service": "new_name", "operation": "upline", "event_type": ""},
    )
    boss.post(reverse("admin:access_serviceoperation_delete", args=[made.pk]), {"post": "yes"})

    created, changed, deleted = AuditEntry.objects.filter(object_id=str(made.pk)).order_by("id")
    assert (created.verb, created.after["service"]) == ("created", "new_service")
    assert (changed.before, changed.after) == ({"service": "new_service"}, {"service": "new_name"})
    assert (deleted.verb, deleted.before["service"], deleted.after) == ("deleted", "new_name", None)


def test_several_rights_deleted_at_once_are_each_noted(boss):
    rows = list(ServiceOperation.objects.filter(service="quest_service"))

    boss.post(
        reverse("admin:access_serviceoperation_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"},
    )

    assert not ServiceOperation.objects.filter(service="quest_service").exists()
    noted = AuditEntry.objects.filter(verb="deleted").values_list("object_id", flat=True)
    assert set(noted) == {str(row.pk) for row in rows}


def test_a_person_who_is_given_a_group_is_noted_without_the_password(boss):
    new = {"username": "ann", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    boss.post(reverse("admin:auth_user_add"), new)
    ann = User.objects.get(username="ann")
    assert (last().verb, last().object_name) == ("created", "ann")
    assert ann.password not in json.dumps(last().after)

    support = Group.objects.get(name="Support")
    boss.post(
        reverse("admin:auth_user_change", args=[ann.pk]),
        {
            "username": "ann",
            "is_active": "on",
            "is_staff": "on",
            "groups": [support.pk],
            "date_joined_0": ann.date_joined.date(),
            "date_joined_1": f"{ann.date_joined:%H:%M:%S}",
        },
    )

    changed = last().after
    assert (changed["is_staff"], changed["groups"]) == (True, ["Support"])
    assert "password" not in changed


def test_passwords_that_change_are_noted(boss):
    ann = User.objects.create_user("ann", password="old")
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}

    boss.post(reverse("admin:auth_user_password_change", args=[ann.pk]), new)
    assert (last().object_name, last().after) == ("ann", {"password": "changed"})

    person = User.objects.get(username="boss")
    person.set_password("what-it-was-before")
    person.save()
    boss.force_login(person)
    mine = {"old_password": "what-it-was-before", "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert boss.post(reverse("admin:password_change"), mine).status_code == 302
    assert (last().actor, last().object_name, last().after) == ("staff:boss", "boss", {"password": "changed"})


def test_saving_a_page_without_a_change_leaves_no_entry(boss, world: World):
    link = ReferralLink.objects.first()

    before = AuditEntry.objects.count()

    boss.post(reverse("admin:referral_referrallink_change", args=[link.pk]), {"is_active": "on"})

    assert AuditEntry.objects.count() == before
