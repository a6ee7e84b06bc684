"""Who may call: tokens of services and users, and the table of operations."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from access.grants import CACHE_SECONDS, grants
from access.models import ServiceOperation
from access.tokens import service_token, user_token
from tests.factories import CampaignFactory
from tests.helpers.api import Caller, admin, anybody, now_text, service, user

pytestmark = pytest.mark.django_db

SERVICES = (
    "user_service",
    "rf_service",
    "quest_service",
    "voucher_service",
    "rielt_service",
    "token_gateway",
)
PURCHASES = {
    "quest_service": "quest_purchased",
    "voucher_service": "voucher_premium_purchased",
    "rielt_service": "rielt_booking_made",
}
OTHER_KEY = "another-key-that-nobody-has-ever-configured-here"


def claims(**changes):
    """Claims of Quest Service; None takes one away."""
    now = int(time.time())
    whole = {"iss": "quest_service", "aud": "referral-service", "iat": now, "exp": now + 300} | changes
    return {name: value for name, value in whole.items() if value is not None}


def signed(settings, algorithm="HS256", key=None, **changes):
    key = settings.SERVICE_JWT_KEYS["quest_service"][0] if key is None else key
    # Below PyJWT's own checks of what it signs: other libraries sign anything.
    return jwt.PyJWS().encode(json.dumps(claims(**changes)).encode(), key, algorithm)


def unsigned(header, payload, signature=""):
    parts = [json.dumps(part).encode() if not isinstance(part, bytes) else part for part in (header, payload)]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), signature])


def upline_with(token):
    return Caller(token).get("/internal/users/user-a/upline")


def assert_unauthenticated(answer):
    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


# --- services -----------------------------------------------------------------------------------------


def test_a_service_is_let_in_by_its_own_key(settings):
    assert upline_with(signed(settings)).status == 200


def named(claims):
    """A test's name without the moment at which it was collected: every worker must find the same names."""
    now = int(time.time())
    words = []
    for name, value in claims.items():
        near = isinstance(value, int) and not isinstance(value, bool) and abs(value - now) < 10**6
        words.append(f"{name}={'now' if near else ''}{round((value - now) / 100) if near else value!r:.40}")
    return ",".join(words)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"aud": None},
        {"iss": None},
        {"exp": int(time.time()) - 1},
        {"exp": int(time.time()) - 86400},
        {"exp": int(time.time()) + 86400},
        {"exp": "soon"},
        {"exp": []},
        {"exp": {}},
        {"exp": True},
        {"exp": 10**400},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": -1},
        {"aud": "points-service"},
        {"aud": ""},
        {"aud": []},
        {"aud": 5},
        {"aud": ["points-service"]},
        {"iss": "user_service"},
        {"iss": "unknown_service"},
        {"iss": ""},
        {"iss": ["quest_service"]},
        {"iss": {"name": "quest_service"}},
        {"iss": 5},
        {"nbf": int(time.time()) + 86400},
    ],
    ids=named,
)
def test_a_service_token_with_other_claims_is_refused(settings, changes):
    assert_unauthenticated(upline_with(signed(settings, **changes)))


@pytest.mark.parametrize(("seconds", "status"), [(598, 200), (602, 401), (3600, 401)])
def test_a_service_token_may_live_ten_minutes_at_most(settings, seconds, status):
    assert upline_with(signed(settings, exp=int(time.time()) + seconds)).status == status


def test_there_is_no_leeway_for_an_expired_token(settings):
    # given a token that is accepted, and so remembered
    token = signed(settings, exp=int(time.time()) + 1)
    assert upline_with(token).status == 200

    # when it has expired
    time.sleep(1.1)

    # then
    assert_unauthenticated(upline_with(token))


def test_another_key_does_not_open(settings):
    assert_unauthenticated(upline_with(signed(settings, key=OTHER_KEY)))
    assert_unauthenticated(upline_with(signed(settings, key=settings.SERVICE_JWT_KEYS["user_service"][0])))
    assert_unauthenticated(upline_with(signed(settings, key=settings.SERVICE_JWT_OUT_KEY)))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_than_ours_is_refused_with_the_right_key(settings, algorithm):
    assert_unauthenticated(upline_with(signed(settings, algorithm)))
    person = json.dumps({"sub": "user-a", "exp": int(time.time()) + 60}).encode()
    token = jwt.PyJWS().encode(person, settings.USER_JWT_KEY, algorithm)
    assert_unauthenticated(Caller(token).get("/my/stats"))


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", None, "HS256"])
def test_a_token_that_nobody_signed_is_refused(name):
    assert_unauthenticated(upline_with(unsigned({"alg": name, "typ": "JWT"}, claims())))
    people = {"sub": "user-a", "role": "admin", "exp": int(time.time()) + 60}
    assert_unauthenticated(Caller(unsigned({"alg": name, "typ": "JWT"}, people)).get("/my/stats"))
    assert_unauthenticated(Caller(unsigned({"alg": name, "typ": "JWT"}, people)).get("/admin/campaigns"))


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b",
        "a.b.c",
        "....",
        unsigned({"alg": "HS256"}, b"not json"),
        unsigned({"alg": "HS256"}, []),
        unsigned([], {}),
        unsigned({"alg": "HS256"}, b"[" * 20000 + b"]" * 20000),
        unsigned(b"\xff", b"\xff"),
        "é.é.é",
        "x" * 400_000,
    ],
    ids=["word", "two parts", "words", "dots", "text", "list", "header", "deep", "bytes", "accents", "long"],
)
def test_what_is_no_token_is_refused(token):
    assert_unauthenticated(upline_with(token))
    assert_unauthenticated(Caller(token).get("/my/stats"))
    assert_unauthenticated(Caller(token).get("/admin/campaigns"))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", "Token x"])
def test_without_a_bearer_token_nobody_is_let_in(header):
    for path in ("/internal/event", "/my/links", "/admin/campaigns"):
        assert_unauthenticated(anybody().post(path, {}, Authorization=header))


def test_the_scheme_may_be_written_in_any_case(settings):
    answer = anybody().post("/internal/event", {}, Authorization=f"bearer {signed(settings)}")

    assert answer.status != 401


def test_both_keys_open_during_a_rotation_and_the_old_one_no_longer_after_it(settings):
    # given
    old, new = "old-" + "k" * 40, "new-" + "k" * 40
    settings.SERVICE_JWT_KEYS = settings.SERVICE_JWT_KEYS | {"quest_service": [new, old]}

    # then
    assert upline_with(signed(settings, key=old)).status == 200
    assert upline_with(signed(settings, key=new, iat=1)).status == 200

    # when the rotation is over
    settings.SERVICE_JWT_KEYS = settings.SERVICE_JWT_KEYS | {"quest_service": [new]}

    # then
    assert_unauthenticated(upline_with(signed(settings, key=old, iat=2)))
    assert upline_with(signed(settings, key=new, iat=3)).status == 200


def test_the_two_kinds_of_tokens_do_not_open_each_others_doors():
    assert_unauthenticated(upline_with(user_token("user-a")))
    assert_unauthenticated(upline_with(user_token("user-a", role="admin")))
    assert_unauthenticated(Caller(service_token("quest_service")).get("/my/stats"))
    assert_unauthenticated(Caller(service_token("quest_service")).get("/admin/campaigns"))


def test_a_user_token_dressed_as_a_service_is_refused(settings):
    token = jwt.encode(claims(sub="user-a", role="admin"), settings.USER_JWT_KEY, "HS256")

    assert_unauthenticated(upline_with(token))


# --- users --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"sub": None},
        {"exp": int(time.time()) - 1},
        {"exp": "x"},
        {"exp": []},
        {"sub": ""},
        {"sub": "user a"},
        {"sub": "x" * 65},
        {"sub": "user\u0000a"},
        {"sub": 5},
        {"sub": ["user-a"]},
        {"sub": "ы"},
    ],
    ids=named,
)
def test_a_user_token_with_other_claims_is_refused(settings, changes):
    whole = {"sub": "user-a", "role": "user", "exp": int(time.time()) + 60} | changes
    present = {name: value for name, value in whole.items() if value is not None}
    # PyJWT would not sign some of these, another library might.
    raw = jwt.PyJWS().encode(json.dumps(present).encode(), settings.USER_JWT_KEY, "HS256")

    assert_unauthenticated(Caller(raw).get("/my/stats"))


def test_audience_and_issuer_of_users_are_checked_when_configured(settings):
    settings.USER_JWT_AUDIENCE, settings.USER_JWT_ISSUER = "platform", "auth"
    right = user_token("user-a")
    settings.USER_JWT_AUDIENCE = "elsewhere"
    wrong_audience = user_token("user-a")
    settings.USER_JWT_AUDIENCE, settings.USER_JWT_ISSUER = "platform", "elsewhere"
    wrong_issuer = user_token("user-a")
    settings.USER_JWT_AUDIENCE = settings.USER_JWT_ISSUER = ""
    neither = user_token("user-a")
    settings.USER_JWT_AUDIENCE, settings.USER_JWT_ISSUER = "platform", "auth"

    assert Caller(right).get("/my/stats").status == 200
    for token in (wrong_audience, wrong_issuer, neither):
        assert_unauthenticated(Caller(token).get("/my/stats"))


def key_pair(algorithm):
    """A private key and, as configuration has it, the public one."""
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, private.public_key().public_bytes(*form).decode()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_users_may_come_with_tokens_signed_by_a_private_key(settings, algorithm):
    # given
    private, public = key_pair(algorithm)
    settings.USER_JWT_ALGORITHM, settings.USER_JWT_KEY = algorithm, public
    person = {"sub": "user-a", "exp": int(time.time()) + 60}

    # then the private key opens, another does not, and the public key is no secret to sign with
    assert Caller(jwt.encode(person, private, algorithm)).get("/my/stats").status == 200
    assert_unauthenticated(Caller(jwt.encode(person, key_pair(algorithm)[0], algorithm)).get("/my/stats"))
    header = {"alg": "HS256", "typ": "JWT"}
    signed_part = unsigned(header, person).rstrip(".")
    digest = hmac.new(public.encode(), signed_part.encode(), hashlib.sha256).digest()
    confused = f"{signed_part}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    assert_unauthenticated(Caller(confused).get("/my/stats"))
    assert_unauthenticated(Caller(user_token_hs256("user-a")).get("/my/stats"))


def user_token_hs256(user_id):
    return jwt.encode({"sub": user_id, "exp": int(time.time()) + 60}, OTHER_KEY, "HS256")


@pytest.mark.parametrize("role", ["user", "vip", "pro", "Admin", "ADMIN", "", "staff", "administrator"])
def test_only_the_role_admin_opens_the_admin_api(role):
    for path in ("/admin/campaigns", "/admin/rewards", "/admin/reports/users"):
        answer = user("user-a", role=role).get(path)
        assert (answer.status, answer.code) == (403, "forbidden")
        assert admin().get(path).status == 200


# --- operations ---------------------------------------------------------------------------------------

OPERATIONS = {
    "user-registered": ("POST", "/internal/user-registered"),
    "user-role-upgraded": ("POST", "/internal/user-role-upgraded"),
    "partner-onboarded": ("POST", "/internal/partner-onboarded"),
    "upline": ("GET", "/internal/users/user-a/upline"),
    "g2a-callback": ("POST", "/internal/g2a-callback"),
}
ALLOWED = {
    "user_service": {"user-registered", "user-role-upgraded", "upline"},
    "rf_service": {"partner-onboarded"},
    "quest_service": {"upline"},
    "voucher_service": {"upline"},
    "rielt_service": {"upline"},
    "token_gateway": {"g2a-callback"},
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_call_its_own_operations_only(name, operation):
    method, path = OPERATIONS[operation]

    # An empty body: permission comes before shape.
    answer = service(name).call(method, path)

    if operation in ALLOWED[name]:
        assert answer.status in (200, 400)
    else:
        assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    "event_type", [*PURCHASES.values(), "user_registered", "rf_partner_onboarded", "game_won"]
)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_report_its_own_event_types_only(name, event_type):
    body = {"event_type": event_type, "referred_user_id": "user-b", "occurred_at": now_text()}

    single = service(name).post("/internal/event", body)
    bulk = service(name).post("/internal/events/bulk", {"items": [body]})

    if PURCHASES.get(name) == event_type:
        assert (single.status, single.code) == (400, "campaign_inactive")
        assert bulk.body["items"][0]["error"]["code"] == "campaign_inactive"
    else:
        assert (single.status, single.code) == (403, "forbidden")
        told = bulk.code if bulk.status != 200 else bulk.body["items"][0]["error"]["code"]
        assert told == "forbidden"


@pytest.mark.parametrize("name", ["user_service", "rf_service", "token_gateway"])
@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b'{"event_type": 5}', b"[]"])
def test_a_service_without_events_is_forbidden_before_its_body_is_judged(name, body):
    for path in ("/internal/event", "/internal/events/bulk"):
        answer = service(name).post(path, body, Content_Type="application/json")
        assert (answer.status, answer.code) == (403, "forbidden")


def test_a_forbidden_event_type_is_told_before_the_shape_of_the_rest():
    answer = service("quest_service").post("/internal/event", {"event_type": "rielt_booking_made"})

    assert (answer.status, answer.code) == (403, "forbidden")


def test_the_table_of_operations_is_the_one_of_the_contract():
    rows = set(ServiceOperation.objects.values_list("service", "operation", "event_type"))

    assert rows == {
        ("user_service", "user-registered", ""),
        ("user_service", "user-role-upgraded", ""),
        ("user_service", "user-erased", ""),
        ("user_service", "upline", ""),
        ("rf_service", "partner-onboarded", ""),
        ("token_gateway", "g2a-callback", ""),
        *((name, "upline", "") for name in PURCHASES),
        *(
            (name, operation, event_type)
            for name, event_type in PURCHASES.items()
            for operation in ("event", "events/bulk", "event-reversed")
        ),
    }


def test_staff_can_add_a_service_with_an_event_type_of_its_own(settings):
    # given a campaign for its events and a key
    CampaignFactory(
        campaign_type="custom",
        event_types=["game_won"],
        reward_rules={"levels": {"level1": {"points_per_event": 7}}},
    )
    settings.SERVICE_JWT_KEYS = settings.SERVICE_JWT_KEYS | {"game_service": ["g" * 40]}
    body = {
        "event_type": "game_won",
        "referred_user_id": "user-b",
        "referrer_user_id": "user-a",
        "occurred_at": now_text(),
    }
    assert service("game_service").post("/internal/event", body).status == 403

    # when
    ServiceOperation.objects.create(service="game_service", operation="event", event_type="game_won")
    grants.forget()

    # then
    answer = service("game_service").post("/internal/event", body)
    assert [reward["points_amount"] for reward in answer.body["rewards"]] == [7]
    assert service("game_service").get("/internal/users/user-a/upline").status == 403


def test_a_right_that_was_taken_away_holds_no_longer_than_the_cache(monkeypatch):
    # given a process that has just answered by this right
    caller = service("quest_service")
    assert caller.get("/internal/users/user-a/upline").status == 200
    ServiceOperation.objects.filter(service="quest_service", operation="upline").delete()

    # when the seconds of the cache are over
    later = time.monotonic() + CACHE_SECONDS
    monkeypatch.setattr("access.grants.time.monotonic", lambda: later)

    # then
    assert caller.get("/internal/users/user-a/upline").status == 403


@pytest.mark.parametrize("event_type", ["user_registered", "rf_partner_onboarded"])
def test_registrations_and_partners_are_not_reported_as_events_even_with_the_right(event_type):
    ServiceOperation.objects.create(service="user_service", operation="event", event_type=event_type)
    body = {"event_type": event_type, "referred_user_id": "user-b", "occurred_at": now_text()}

    answer = service("user_service").post("/internal/event", body)

    assert (answer.status, answer.code) == (400, "event_type_not_allowed")
