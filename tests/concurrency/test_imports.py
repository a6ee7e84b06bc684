"""An import and a registration that each close a part of a ring: one of them is refused."""

from campaigns.models import ReferralCampaign
from dev.demo.campaigns import demo_campaigns_ensure
from referral import services
from referral.models import ReferralRelation
from rewards.imports import relations
from rewards.imports.relations import import_go_on, import_prepare
from tests.helpers.api import link_of, register
from tests.helpers.races import Pause, cross


def ring_of_two(point):
    """The file says that Ann invited Bob; while it is written, Ann signs up with Bob's link."""
    demo_campaigns_ensure()
    code = link_of("bob")
    prepared = import_prepare(
        campaign=ReferralCampaign.objects.get(code="user_invite_default"),
        file_name="old.csv",
        content=b"referrer_user_id,referred_user_id,registered_at\nann,bob,2026-01-31",
        by="staff:maria",
    )
    cross(
        lambda: import_go_on(import_id=prepared.pk, by="staff:maria"),
        lambda: register("ann", code),
        point,
    )
    return ReferralRelation.objects.count()


def test_an_import_and_a_registration_close_no_ring_between_them():
    assert ring_of_two(Pause(relations, "relation_create")) == 1


def test_twin_without_the_lock_of_relations_they_do(monkeypatch):
    monkeypatch.setattr(relations, "lock_relations", lambda: None)
    monkeypatch.setattr(services, "lock_relations", lambda: None)

    assert ring_of_two(Pause(relations, "relation_create")) == 2
