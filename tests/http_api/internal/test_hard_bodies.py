"""Bodies that once broke something: numbers beyond 64 bits, endless zeros, twins of refused events."""

import pytest

from campaigns.models import ReferralCampaign
from tests.helpers.api import invite, now_text, service, user

pytestmark = pytest.mark.usefixtures("campaigns")

HUGE = 18446744073709551616
BEGINNING = (
    b'{"event_type": "quest_purchased", "referred_user_id": "b", "occurred_at": "2026-01-01T00:00:00Z", '
)


def event(key, **fields):
    return {
        "event_type": "quest_purchased",
        "referred_user_id": "hard-b",
        "occurred_at": now_text(),
        "external_event_id": key,
        **fields,
    }


def report(body):
    return service("quest_service").post("/internal/event", body)


def test_a_deep_link_with_a_huge_number_can_be_shown():
    owner = user("hard-owner")
    body = {"campaign_code": "user_invite_default", "deep_link_payload": {"a": HUGE}}

    assert owner.post("/my/links", body).status == 201
    assert owner.get("/my/links").body["items"][0]["deep_link_payload"] == {"a": HUGE}


def test_a_scope_with_a_huge_number_can_be_shown():
    admin = user("hard-admin", role="admin")
    body = {"code": "huge", "name": "Huge", "campaign_type": "purchase", "scope": {"country_id": HUGE}}

    assert admin.post("/admin/campaigns", body).status == 201
    assert admin.get("/admin/campaigns").status == 200


@pytest.mark.parametrize("number", [b"0e-20000", b"1e-20000"])
def test_metadata_that_the_database_cannot_keep_is_refused(number):
    answer = report(BEGINNING + b'"metadata": {"a": ' + number + b"}}")

    assert (answer.status, answer.code) == (400, "validation_error")


def test_an_amount_with_endless_zeros_is_that_amount():
    assert report(BEGINNING + b'"amount_base": 1.' + b"0" * 20_000 + b"}").status == 200


def test_an_event_is_not_refused_for_another_one_with_its_key():
    invite("hard-a", "hard-b")

    items = [event("same", campaign_code="nope_nope"), event("same", amount_base=2)]
    answer = service("quest_service").post("/internal/events/bulk", {"items": items})

    refused, accepted = answer.body["items"]
    assert refused["error"]["code"] == "campaign_not_found"
    assert accepted["success"] is True


def test_a_wrong_id_is_explained_in_words():
    answer = report(event("k", referrer_user_id="a b"))

    problem = "must be 1 to 64 printable ASCII characters without spaces"
    assert answer.body["error"]["details"] == {"referrer_user_id": [problem]}


def test_a_campaign_made_a_moment_ago_takes_its_events():
    # given a process that has just read the campaigns
    invite("hard-a", "hard-b")
    report(event("before", metadata={"country_id": "x"}))

    # when another process makes a campaign that fits better
    old = ReferralCampaign.objects.get(code="quest_purchase_default")
    new = ReferralCampaign.objects.create(
        code="closer",
        name="Closer",
        campaign_type="purchase",
        event_types=old.event_types,
        scope={"module": "quest", "country_id": "x"},
        reward_rules={"levels": {"level1": {"points_per_purchase": 77}}},
        status="active",
    )
    since = old.rule_versions.get().valid_from
    new.rule_versions.create(number=1, rules=new.reward_rules, valid_from=since, created_by="elsewhere")

    # then the next event goes to it
    answer = report(event("after", metadata={"country_id": "x"}))
    assert [reward["points_amount"] for reward in answer.body["rewards"]] == [77]


@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", ["/", "/healthz/live"])
def test_pages_of_the_service_refuse_other_methods_in_the_envelope(client, method, path):
    response = client.generic(method, path)

    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert response.headers["Allow"] == "GET, HEAD"


def test_a_filter_with_an_unknown_currency_is_refused():
    answer = user("hard-admin", role="admin").get("/admin/rewards", currency="gold")

    assert answer.body["error"]["details"].keys() == {"currency"}
