"""Staff with and without rights."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.backoffice.world import World, world_make


@pytest.fixture
def world(campaigns: None) -> World:
    """Rewards of every kind, rolled back afterwards."""
    return world_make()


@pytest.fixture
def boss(db: None) -> Client:
    """Somebody who may do everything."""
    return signed_in(User.objects.create_superuser("boss", password="unused"))


def staff_with(*permissions: str) -> Client:
    """A staff user with these rights only."""
    person = User.objects.create_user("-".join(permissions) or "nobody", is_staff=True)
    for name in permissions:
        app, _, codename = name.partition(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return signed_in(person)


def signed_in(person: User) -> Client:
    """A browser of this person."""
    client = Client()
    client.force_login(person)
    return client
