"""The table of operations: edited by staff in the back-office, in force everywhere within seconds."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from access.grants import CACHE_SECONDS, Grants
from access.models import ServiceOperation
from tests.helpers.api import service

pytestmark = pytest.mark.django_db
ADD = "/admin/access/serviceoperation/add/"
RIGHT = {"service": "token_gateway", "operation": "upline", "event_type": ""}


@pytest.fixture
def staff(django_user_model):
    """Somebody of the staff who may edit the table and nothing else."""
    person = django_user_model.objects.create_user("nina", is_staff=True)
    person.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="access", codename__endswith="_serviceoperation")
    )
    client = Client()
    client.force_login(person)
    return client


def upline():
    return service("token_gateway").get("/internal/users/a/upline").status


def test_a_right_that_staff_add_is_in_force_at_once_and_ends_when_they_delete_it(staff):
    assert upline() == 403

    assert staff.post(ADD, RIGHT).status_code == 302
    assert upline() == 200

    row = ServiceOperation.objects.get(service="token_gateway", operation="upline")
    assert staff.post(f"/admin/access/serviceoperation/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert upline() == 403


def test_other_processes_see_a_change_within_the_time_that_is_promised(staff):
    # given another process that has just read the table
    elsewhere = Grants()
    assert not elsewhere.allows("token_gateway", "upline")

    # when
    staff.post(ADD, RIGHT)

    # then it goes by what it read until CACHE_SECONDS are over, and not longer
    assert not elsewhere.allows("token_gateway", "upline")
    elsewhere._loaded_at -= CACHE_SECONDS
    assert elsewhere.allows("token_gateway", "upline")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"service": "two words"}, "Enter 1 to 64 printable characters without spaces"),
        ({"operation": "event"}, "Enter an event type for this operation"),
        ({"event_type": "quest_purchased"}, "this operation has no event type"),
        ({"operation": "everything"}, "Select a valid choice"),
        ({"service": "quest_service"}, "already exists"),
    ],
    ids=["name", "no event type", "event type", "operation", "twice"],
)
def test_a_right_that_makes_no_sense_is_refused_beside_its_field(staff, changes, problem):
    answer = staff.post(ADD, RIGHT | changes)

    assert answer.status_code == 200
    assert problem in answer.content.decode()
