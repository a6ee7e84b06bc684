"""Every list with every filter reads no more than it shows, however rare what is asked for."""

import re
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.models import ReferralCampaign
from referral.models import (
    PartnerReferralRelation,
    ReferralEvent,
    ReferralLink,
    ReferralRelation,
    UserRole,
)
from rewards.models import PayoutAttempt, ReferralReward, ReferralStats, RewardTransition
from tests.helpers.many import fill, rows_read

ROWS = 40_000
LISTS = (
    ReferralReward,
    RewardTransition,
    PayoutAttempt,
    ReferralStats,
    ReferralEvent,
    ReferralRelation,
    PartnerReferralRelation,
    ReferralLink,
    UserRole,
)


def address(model: type) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def filters(page: str) -> set[str]:
    """The queries to which the filters of a list lead."""
    found = re.findall(
        r'<a href="\?([^"]*__exact=[^"]*|(?:status|currency|to_status|reason|outcome)=[^"]*)"', page
    )
    return {unescape(query) for query in found}


@pytest.mark.sweep
def test_no_list_reads_more_than_it_shows_whatever_is_asked_for(boss: Client, campaigns: None) -> None:
    fill(ROWS)
    rare = ReferralCampaign.objects.get(code="partner_onboarding_default")
    frequent = ReferralCampaign.objects.get(code="user_invite_default")
    wasteful = []
    for model in LISTS:
        page = boss.get(address(model)).content.decode()
        queries = {"", *filters(page)}
        if 'data-field-name="campaign"' in page:
            queries |= {f"campaign__id__exact={campaign.pk}" for campaign in (rare, frequent)}
        assert len(queries) > 1, model
        for query in sorted(queries):
            with CaptureQueriesContext(connection) as asked:
                assert boss.get(address(model), dict(parse_qsl(query))).status_code == 200
            read = max(rows_read(one["sql"]) for one in asked if one["sql"].startswith("SELECT"))
            if read > ROWS / 10:
                wasteful.append((model._meta.model_name, query, read))

    assert wasteful == []
