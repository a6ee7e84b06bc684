"""Fixtures of the tests that go through HTTP."""

from copy import copy

import pytest
from uuid_utils.compat import uuid7

from campaigns.models import ReferralCampaign, RuleVersion
from dev.demo.campaigns import demo_campaigns_ensure

_made: list[RuleVersion] = []


@pytest.fixture
def campaigns(db):
    """The five demo campaigns: made by the service once, copied under new ids for each further test."""
    if not _made:
        demo_campaigns_ensure()
        _made.extend(RuleVersion.objects.select_related("campaign").order_by("pk"))
        return
    copies = []
    for version in map(copy, _made):
        version.pk, version.campaign = uuid7(), copy(version.campaign)
        version.campaign.pk = uuid7()
        version.campaign = version.campaign  # The foreign key follows the new id.
        copies.append(version)
    ReferralCampaign.objects.bulk_create([version.campaign for version in copies])
    RuleVersion.objects.bulk_create(copies)
