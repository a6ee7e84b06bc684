"""docs/architecture.md shows the rooms that there are, and the ways that calls really go."""

import json
from functools import partial

import pytest
from django.test import RequestFactory
from django.urls import reverse

from access.tokens import service_token
from dev.architecture import reduced, rooms_text, with_section
from referral_project.wsgi import application
from rewards.actors import pay_due
from rewards.models import ReferralReward
from tests.backoffice.conftest import signed_in
from tests.helpers.api import BASE, invite, link_of, now_text
from tests.helpers.documents import assert_document
from tests.helpers.processes import ROOT
from tests.helpers.tracing import way_of

# One after the other, so that two never write the page at once.
pytestmark = pytest.mark.xdist_group("architecture")

NAME = "architecture.md"
# Steps from one file into another. A payout has more or fewer, by how often its threads look at each other.
MOST_STEPS = {"purchase": 55, "registration": 65, "payout": 100, "reward": 76, "retry": 17}


def assert_section(section, text):
    """The section of the page says exactly this."""
    page = (ROOT / "docs" / NAME).read_text()
    assert_document(NAME, with_section(page, section, text))


def assert_way(section, way):
    """The page lists these files in this order; the way has not become much longer."""
    assert_section(section, "\n".join(f"1. `{file}`" for file in way.files))
    assert way.steps <= MOST_STEPS[section]


# --- rooms --------------------------------------------------------------------------------------------------


def test_the_page_shows_the_rooms_and_their_imports():
    assert_section("rooms", rooms_text())


def test_an_arrow_that_follows_from_others_is_left_out():
    assert reduced({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
    assert reduced({("a", "b"), ("b", "a"), ("a", "a")}) == {("a", "b"), ("b", "a")}


# --- ways ---------------------------------------------------------------------------------------------------


def request(operation, service, **body):
    """A call of a service, as the web server hands it to the application; calling it answers it."""
    headers = {"Authorization": f"Bearer {service_token(service)}"}
    made = RequestFactory().post(
        f"{BASE}/internal/{operation}", json.dumps(body), "application/json", headers=headers
    )
    return partial(answered, made.environ)


def answered(environ):
    """The answer, read to its end."""
    told = []
    body = application(environ, lambda status, headers: told.append(status))
    content = b"".join(body)
    getattr(body, "close", list)()
    assert told == ["200 OK"], content
    return json.loads(content)


@pytest.fixture
def known(committed_campaigns):
    """Alice has invited Bob, who has bought something; this process remembers what it needs."""
    invite("alice", "bob")
    purchase("order-1")()


def purchase(order):
    return request(
        "event",
        "quest_service",
        event_type="quest_purchased",
        campaign_code="quest_purchase_default",
        referred_user_id="bob",
        amount_base=500,
        occurred_at=now_text(),
        external_event_id=order,
    )


@pytest.mark.usefixtures("known")
def test_the_way_of_a_purchase():
    assert_way("purchase", way_of(purchase("order-2")))


@pytest.mark.usefixtures("known")
def test_the_way_of_a_registration():
    code = link_of("alice")
    registration = request(
        "user-registered", "user_service", new_user_id="carol", referral_code=code, registered_at=now_text()
    )

    assert_way("registration", way_of(registration))


@pytest.mark.usefixtures("known")
def test_the_way_of_a_payout(sandbox):
    way = way_of(lambda: pay_due.fn("points"), threads=True)

    assert not ReferralReward.objects.filter(currency="points", status="pending").exists()
    assert_way("payout", way)


@pytest.mark.usefixtures("known")
def test_the_way_of_the_page_of_a_reward(django_user_model):
    reward = ReferralReward.objects.filter(currency="points").first()
    boss = signed_in(django_user_model.objects.create_superuser("boss", password="unused"))
    address = reverse("admin:rewards_referralreward_change", args=[reward.pk])
    boss.get(address)

    assert_way("reward", way_of(lambda: boss.get(address)))


@pytest.mark.usefixtures("known")
def test_the_way_of_a_retry(django_user_model):
    reward = ReferralReward.objects.filter(currency="points").first()
    for status, due in (("sent_to_points", reward.next_attempt_at), ("failed", None)):
        ReferralReward.objects.filter(pk=reward.pk).update(status=status, next_attempt_at=due)
    boss = signed_in(django_user_model.objects.create_superuser("boss", password="unused"))
    address = reverse("admin:rewards_referralreward_moves", args=["retry"]) + f"?reward={reward.pk}"
    boss.get(address)

    way = way_of(lambda: boss.post(address, {"reward": reward.pk, "reason": "repaired"}))

    assert ReferralReward.objects.get(pk=reward.pk).status == "pending"
    assert_way("retry", way)
