"""Errors in one shape, and refusals of everything that has the wrong one."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from referral.models import ReferralEvent
from tests.helpers.api import BASE, admin, anybody, buy_quest, invite, service, user

pytestmark = pytest.mark.django_db
with_campaigns = pytest.mark.usefixtures("campaigns")

NOWHERE_ID = "00000000-0000-7000-8000-000000000000"
MIB = 1024 * 1024

REGISTRATION = {"new_user_id": "user-b", "referral_code": "ABCDEFGH", "registered_at": "2025-01-02T09:00:00Z"}
EVENT = {
    "event_type": "quest_purchased",
    "campaign_code": "quest_purchase_default",
    "referred_user_id": "user-b",
    "occurred_at": "2025-01-02T09:00:00Z",
}
PARTNER = {
    "business_partner_id": "partner-1",
    "onboarding_user_id": "user-a",
    "campaign_code": "partner_onboarding_default",
    "occurred_at": "2025-01-02T09:00:00Z",
}
ROLE = {"user_id": "user-a", "new_role": "vip", "occurred_at": "2025-01-02T09:00:00Z"}
LINK = {"campaign_code": "user_invite_default"}
CAMPAIGN = {"code": "new_one", "name": "New", "campaign_type": "purchase"}

# What each call takes: caller, address, a good body.
CALLS = {
    "registration": ("user_service", "/internal/user-registered", REGISTRATION),
    "event": ("quest_service", "/internal/event", EVENT),
    "partner": ("rf_service", "/internal/partner-onboarded", PARTNER),
    "role": ("user_service", "/internal/user-role-upgraded", ROLE),
    "link": ("user", "/my/links", LINK),
    "campaign": ("admin", "/admin/campaigns", CAMPAIGN),
}
REQUIRED = {
    "registration": ["new_user_id", "registered_at"],
    "event": ["event_type", "referred_user_id", "occurred_at"],
    "partner": ["business_partner_id", "onboarding_user_id", "campaign_code", "occurred_at"],
    "role": ["user_id", "new_role", "occurred_at"],
    "link": ["campaign_code"],
    "campaign": ["code", "name", "campaign_type"],
}
OPTIONAL = {
    "registration": ["referral_code", "campaign_code", "external_event_id"],
    "event": [
        "campaign_code",
        "referrer_user_id",
        "referral_code",
        "subject_type",
        "subject_id",
        "amount_base",
        "metadata",
        "external_event_id",
    ],
    "partner": ["external_event_id"],
    "role": ["old_role"],
    "link": ["deep_link_payload"],
}
IDS = [
    ("registration", "new_user_id"),
    ("event", "referred_user_id"),
    ("event", "referrer_user_id"),
    ("event", "subject_type"),
    ("event", "subject_id"),
    ("partner", "business_partner_id"),
    ("partner", "onboarding_user_id"),
    ("role", "user_id"),
]
TIMES = [
    ("registration", "registered_at"),
    ("event", "occurred_at"),
    ("partner", "occurred_at"),
    ("role", "occurred_at"),
]
TEXTS = [
    *((call, name) for call, names in REQUIRED.items() for name in names),
    *((call, name) for call in ("registration", "partner", "role") for name in OPTIONAL[call]),
    *(
        ("event", name)
        for name in (
            "campaign_code",
            "referrer_user_id",
            "referral_code",
            "subject_type",
            "subject_id",
            "external_event_id",
        )
    ),
    ("campaign", "description"),
]


def caller_of(name):
    people = {"user": lambda: user("user-a"), "admin": admin, "anybody": anybody}
    return people[name]() if name in people else service(name)


def send(call, body):
    who, path, _ = CALLS[call]
    return caller_of(who).post(path, body)


def sent_with(call, **fields):
    return send(call, {**CALLS[call][2], **fields})


def assert_envelope(answer, status, code):
    assert answer.status == status, answer.body
    assert set(answer.body) == {"error", "request_id"}
    error = answer.body["error"]
    assert set(error) == {"code", "http_status", "message", "details"}
    assert (error["code"], error["http_status"]) == (code, status)
    assert error["message"]
    assert answer.body["request_id"] == answer.headers["X-Request-Id"]
    assert all(isinstance(sentences, list) and sentences for sentences in error["details"].values())


def assert_refused(answer, field):
    assert_envelope(answer, 400, "validation_error")
    assert field in answer.body["error"]["details"], answer.body
    assert not ReferralEvent.objects.exists()


# --- addresses, methods, media types ---------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/internal",
        "/internal/event/",
        "/my/links/",
        "/my/links/not-a-uuid",
        "/admin/rewards/1/unlock",
    ],
)
def test_an_unknown_address_is_not_found(path):
    assert_envelope(service("quest_service").post(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "caller", "path"),
    [
        ("GET", "quest_service", "/internal/event"),
        ("PUT", "quest_service", "/internal/event"),
        ("DELETE", "user_service", "/internal/user-registered"),
        ("PATCH", "user_service", "/internal/user-role-upgraded"),
        ("GET", "rf_service", "/internal/partner-onboarded"),
        ("POST", "user_service", "/internal/users/user-a/upline"),
        ("DELETE", "user", "/my/links"),
        ("POST", "user", "/my/stats"),
        ("POST", "user", "/my/rewards"),
        ("GET", "user", f"/my/links/{NOWHERE_ID}"),
        ("GET", "anybody", "/public/track-click/ABC"),
        ("DELETE", "admin", "/admin/campaigns"),
        ("PUT", "admin", f"/admin/campaigns/{NOWHERE_ID}"),
        ("POST", "admin", "/admin/rewards"),
        ("GET", "admin", f"/admin/rewards/{NOWHERE_ID}/unlock"),
        ("POST", "admin", "/admin/reports/users"),
    ],
)
def test_a_wrong_method_is_not_allowed_and_the_right_ones_are_named(method, caller, path):
    answer = caller_of(caller).call(method, path)

    assert_envelope(answer, 405, "method_not_allowed")
    assert method not in answer.headers["Allow"]
    assert {"GET", "POST", "PATCH"} & set(answer.headers["Allow"].split(", "))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"]
)
def test_a_body_that_does_not_say_it_is_json_is_an_unsupported_media_type(call, media_type):
    who, path, body = CALLS[call]

    answer = caller_of(who).call("POST", path, body, content_type=media_type)

    assert_envelope(answer, 415, "unsupported_media_type")


@with_campaigns
@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "APPLICATION/JSON"])
def test_the_media_type_may_have_parameters_and_capitals(media_type):
    answer = service("quest_service").call("POST", "/internal/event", EVENT, content_type=media_type)

    assert answer.status == 200


def test_an_address_over_its_limit_is_refused_and_one_within_is_taken():
    assert_envelope(user("user-a").get("/my/stats", q="x" * 8200), 400, "validation_error")
    assert user("user-a").get("/my/stats", q="x" * 8000).status == 200
    assert_envelope(anybody().call("GET", "/" + "x" * 8200), 400, "validation_error")


# --- bodies ---------------------------------

NOT_JSON = {
    "empty": b"",
    "spaces": b"  ",
    "word": b"nonsense",
    "cut": b'{"event_type": "quest_purchased"',
    "trailing comma": b'{"a": 1,}',
    "trailing text": b"{} {}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"amount_base": NaN}',
    "infinity": b'{"amount_base": -Infinity}',
    "raw NUL": b'{"referral_code": "a\x00b"}',
    "raw line break": b'{"referral_code": "a\nb"}',
    "no UTF-8": b'{"referral_code": "\xff\xfe"}',
    "lone high surrogate": b'{"referral_code": "\\ud800"}',
    "lone low surrogate": b'{"referral_code": "\\udc00 x"}',
    "lone surrogate in an unknown field": b'{"unknown": "\\ud800 x"}',
    "encoded surrogate": b'{"referral_code": "\xed\xa0\x80"}',
    "very deep": b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_body_that_is_no_json_is_refused(call):
    who, path, _ = CALLS[call]

    for body in NOT_JSON.values():
        # The header is named for the empty body, with which the client would send none.
        answer = caller_of(who).post(path, body, Content_Type="application/json")

        # A field that was read before the text broke may be told first.
        assert answer.code in ("invalid_json", "validation_error")
        assert_envelope(answer, 400, answer.code)


@pytest.mark.parametrize("body", [NOT_JSON[name] for name in NOT_JSON], ids=NOT_JSON)
def test_text_that_is_no_json_is_called_invalid_json(body):
    padded = json.dumps(EVENT).encode()[:-1] + b', "more": ' + (body or b",") + b"}"

    assert_envelope(service("quest_service").post("/internal/event", padded), 400, "invalid_json")


@pytest.mark.parametrize("call", CALLS)
def test_a_body_that_is_no_object_is_refused(call):
    for body in ([], [{}], "text", 5, True, None):
        assert_refused(send(call, json.dumps(body).encode()), "body")


@pytest.mark.parametrize("call", CALLS)
def test_a_body_over_one_mebibyte_is_too_large(call):
    answer = sent_with(call, padding="x" * MIB)

    assert_envelope(answer, 413, "payload_too_large")


def test_a_body_over_every_limit_is_too_large():
    assert_envelope(
        service("quest_service").post("/internal/event", b" " * (9 * MIB)), 413, "payload_too_large"
    )


@with_campaigns
def test_a_body_of_one_mebibyte_is_taken():
    body = json.dumps({**EVENT, "padding": ""}).encode()
    body = body[:-2] + b"x" * (MIB - len(body)) + body[-2:]

    assert len(body) == MIB
    assert service("quest_service").post("/internal/event", body).status == 200


@pytest.mark.parametrize("call", CALLS)
def test_a_nul_character_anywhere_is_refused_with_its_path(call):
    assert_refused(sent_with(call, unknown={"inner": ["fine", "a\u0000b"]}), "unknown.inner[1]")


@pytest.mark.parametrize(
    "rest",
    [
        b'"\\ud800 x"',
        b'"\xff"',
        b"[" * 700 + b"]" * 700,
        b"1e99999999999999999999",
        b"9" * 5000,
    ],
    ids=["surrogate", "no UTF-8", "deep", "huge exponent", "huge number"],
)
def test_a_nul_beside_something_else_that_is_broken_is_refused(rest):
    body = json.dumps(EVENT).encode()[:-1] + b', "zero": "\\u0000", "rest": ' + rest + b"}"

    assert service("quest_service").post("/internal/event", body).status == 400


# --- fields ---------------------------------


@pytest.mark.parametrize(
    ("call", "field"), [(call, name) for call, names in REQUIRED.items() for name in names]
)
def test_a_missing_required_field_is_named(call, field):
    body = {name: value for name, value in CALLS[call][2].items() if name != field}

    assert_refused(send(call, body), field)


@pytest.mark.parametrize(
    ("call", "field"), [(call, name) for call, names in REQUIRED.items() for name in names]
)
def test_a_required_field_may_not_be_null(call, field):
    assert_refused(sent_with(call, **{field: None}), field)


@with_campaigns
@pytest.mark.parametrize(
    ("call", "field"), [(call, name) for call, names in OPTIONAL.items() for name in names]
)
def test_an_optional_field_may_be_null(call, field):
    assert sent_with(call, **{field: None}).status in (200, 201)


@pytest.mark.parametrize(("call", "field"), TEXTS)
def test_a_text_of_another_type_is_refused(call, field):
    for value in (5, 1.5, True, [], ["user-b"], {}, {"id": "user-b"}):
        assert_refused(sent_with(call, **{field: value}), field)


@pytest.mark.parametrize(("call", "field"), TEXTS)
def test_a_text_with_a_nul_is_refused(call, field):
    assert_refused(sent_with(call, **{field: "user\u0000b"}), field)


@pytest.mark.parametrize(("call", "field"), IDS)
def test_an_id_of_another_shape_is_refused(call, field):
    for value in ("", " ", "user b", " user-b", "user-b\n", "x" * 65, "пользователь", "u\u007f", "\u00a0x"):
        assert_refused(sent_with(call, **{field: value}), field)


@with_campaigns
@pytest.mark.parametrize(("call", "field"), IDS)
@pytest.mark.parametrize("value", ["x" * 64, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", '"\\', "42"])
def test_an_id_is_any_printable_text_without_spaces(call, field, value):
    assert sent_with(call, **{field: value}).status == 200


@pytest.mark.parametrize("call", ["registration", "event", "partner"])
def test_an_event_id_of_another_shape_is_refused(call):
    for value in ("", "x" * 129, "a b", "ы"):
        assert_refused(sent_with(call, external_event_id=value), "external_event_id")


@pytest.mark.parametrize("call", ["registration", "event", "partner", "link"])
def test_a_campaign_code_of_another_shape_is_refused(call):
    for value in ("", "ab", "x" * 65, "Quest", "quest purchase", "quest.default", "квест"):
        assert_refused(sent_with(call, campaign_code=value), "campaign_code")


@pytest.mark.parametrize("call", ["registration", "event"])
def test_a_referral_code_that_is_too_long_is_refused(call):
    assert_refused(sent_with(call, referral_code="A" * 65), "referral_code")


@pytest.mark.parametrize(
    ("field", "value"), [("new_role", "admin"), ("new_role", "VIP"), ("new_role", ""), ("old_role", "none")]
)
def test_an_unknown_role_is_refused(field, value):
    assert_refused(sent_with("role", **{field: value}), field)


# --- times ---------------------------------


NO_TIMES = (
    "2025-01-02T09:00:00",
    "2025-01-02",
    "09:00:00Z",
    "yesterday",
    "",
    "1735808400",
    "2025-13-02T09:00:00Z",
    "2025-02-30T09:00:00Z",
    "2025-01-02T25:00:00Z",
    "2025-01-02T09:00:00+25:00",
    "0001-01-01T00:00:00+05:00",
    "9999-12-31T23:59:59-05:00",
    "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z",
)


@pytest.mark.parametrize(("call", "field"), TIMES)
def test_a_time_that_is_none_or_lies_outside_is_refused(call, field):
    for value in NO_TIMES:
        assert_refused(sent_with(call, **{field: value}), field)


@with_campaigns
@pytest.mark.parametrize(("call", "field"), TIMES)
def test_a_time_more_than_five_minutes_ahead_is_refused(call, field):
    now = datetime.now(UTC)

    assert_refused(sent_with(call, **{field: (now + timedelta(minutes=5, seconds=30)).isoformat()}), field)
    assert sent_with(call, **{field: (now + timedelta(minutes=4, seconds=30)).isoformat()}).status == 200


@with_campaigns
@pytest.mark.parametrize(("call", "field"), TIMES)
@pytest.mark.parametrize(
    "value", ["0001-01-01T00:00:00Z", "0001-01-01T05:00:00+05:00", "1969-12-31T23:59:59.999999Z"]
)
def test_a_time_long_ago_is_a_time(call, field, value):
    assert sent_with(call, **{field: value}).status == 200


@with_campaigns
def test_times_are_kept_as_utc_to_the_microsecond():
    assert sent_with("event", occurred_at="2025-01-02T12:00:00.123456+03:00").status == 200

    assert ReferralEvent.objects.get().occurred_at == datetime(2025, 1, 2, 9, 0, 0, 123456, tzinfo=UTC)


# --- amounts and metadata ---------------------------------

BAD_AMOUNTS = {
    "negative": b"-1",
    "negative text": b'"-0.01"',
    "tiny negative": b"-1e-400",
    "13 digits": b"1000000000000",
    "13 digits as text": b'"1000000000000"',
    "10 places": b"0.0000000001",
    "10 places as text": b'"1.1234567891"',
    "1e400": b"1e400",
    "1e-400": b"1e-400",
    "1e99999999999999999999": b"1e99999999999999999999",
    "5000 digits": b"9" * 5000,
    "true": b"true",
    "false": b"false",
    "list": b"[]",
    "object": b"{}",
    "empty": b'""',
    "word": b'"five"',
    "text NaN": b'"NaN"',
    "text infinity": b'"Infinity"',
    "exponent in text": b'"1e3"',
    "spaces": b'" 5"',
    "comma": b'"1,5"',
    "Arabic digits": '"٥"'.encode(),
}


def event_with_raw(field, raw):
    body = json.dumps(EVENT).encode()[:-1] + b', "' + field.encode() + b'": ' + raw + b"}"
    return service("quest_service").post("/internal/event", body)


@pytest.mark.parametrize("raw", BAD_AMOUNTS.values(), ids=BAD_AMOUNTS)
def test_an_amount_that_is_none_is_refused(raw):
    assert_refused(event_with_raw("amount_base", raw), "amount_base")


@with_campaigns
@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        (b"0", "0"),
        (b"-0", "0"),
        (b"-0.0", "0"),
        (b"500", "500"),
        (b"500.0", "500"),
        (b"5e2", "500"),
        (b'"500.00"', "500"),
        (b"0.1", "0.1"),
        (b"999999999999.999999999", "999999999999.999999999"),
        (b'"999999999999.999999999"', "999999999999.999999999"),
        (b"0.000000001", "0.000000001"),
        (b"1.10000000000000000000", "1.1"),
    ],
)
def test_an_amount_is_kept_exactly(raw, stored):
    assert event_with_raw("amount_base", raw).status == 200

    assert f"{ReferralEvent.objects.get().amount_base.normalize():f}" == stored


BAD_METADATA = {
    "text": b'"x"',
    "number": b"5",
    "list": b"[]",
    "true": b"true",
    "over 8 KB": b'{"a": "' + b"x" * 8192 + b'"}',
    "NUL in a text": b'{"a": {"b": ["\\u0000"]}}',
    "NUL in a key": b'{"a\\u0000": 1}',
    "deep": b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "1e400": b'{"a": 1e400}',
    "1e-400": b'{"a": [1e-400]}',
    "1e99999999999999999999": b'{"a": 1e99999999999999999999}',
    "4000 digits": b'{"a": ' + b"9" * 4000 + b"}",
    "5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", BAD_METADATA.values(), ids=BAD_METADATA)
def test_metadata_that_cannot_be_kept_is_refused(raw):
    answer = event_with_raw("metadata", raw)

    assert_envelope(answer, 400, "validation_error")
    assert all(path.startswith("metadata") for path in answer.body["error"]["details"])


@with_campaigns
def test_metadata_of_eight_kilobytes_is_kept_as_sent():
    metadata = {"a": "x" * 8000, "b": [1, {"c": None}], "d": True}

    assert sent_with("event", metadata=metadata).status == 200
    assert ReferralEvent.objects.get().metadata == metadata


@with_campaigns
def test_the_payload_of_a_deep_link_may_hold_any_json():
    payload = {"module": "space", "share": 1.5, "more": [1, {"a": None}]}

    answer = sent_with("link", deep_link_payload=payload)

    assert answer.status == 201
    assert json.loads(json.dumps(answer.body["deep_link_payload"], default=float)) == payload


@pytest.mark.parametrize("value", ["space", 5, [], True])
def test_the_payload_of_a_deep_link_must_be_an_object(value):
    assert_refused(sent_with("link", deep_link_payload=value), "deep_link_payload")


# --- the query string ---------------------------------


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        *(
            (path, name, value)
            for path in ("/my/rewards", "/admin/rewards", "/admin/campaigns", "/admin/reports/users")
            for name, values in (
                ("page", ["0", "-1", "x", "1.5", "", "9" * 30]),
                ("page_size", ["0", "101", "x", ""]),
            )
            for value in values
        ),
        ("/my/rewards", "status", "paid"),
        ("/my/rewards", "status", "\x00"),
        ("/my/rewards", "cursor", "x"),
        ("/my/links", "campaign_type", "invite"),
        ("/admin/rewards", "status", "x"),
        ("/admin/rewards", "campaign_id", "x"),
        ("/admin/rewards", "event_id", "\x00"),
        ("/admin/rewards", "user_id", "user\x00a"),
        ("/admin/rewards", "currency", "\x00"),
        ("/admin/rewards", "tx_id", "\x00"),
        ("/admin/campaigns", "status", "x"),
        ("/admin/campaigns", "campaign_type", "x"),
        ("/admin/reports/users", "campaign_id", "x"),
        ("/admin/reports/users", "from", "yesterday"),
        ("/admin/reports/users", "to", "2025-01-02T09:00:00"),
        ("/admin/reports/users", "from", "\x00"),
        ("/admin/reports/users", "min_points_earned", "-1"),
        ("/admin/reports/users", "min_referred", "x"),
    ],
)
def test_a_bad_parameter_is_named(path, name, value):
    caller = user("user-a") if path.startswith("/my") else admin()

    assert_refused(caller.get(path, **{name: value}), name)


# --- the request id ---------------------------------


@pytest.mark.parametrize("request_id", ["a", "A-z_0.9", "x" * 128])
def test_a_request_id_of_the_caller_is_echoed(request_id):
    answer = service("quest_service").post("/internal/event", {}, X_Request_Id=request_id)

    assert answer.headers["X-Request-Id"] == request_id
    assert answer.body["request_id"] == request_id


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a b", "a/b", "ы", "a,b", 'a"b'])
def test_a_request_id_of_another_shape_is_replaced(request_id):
    answer = service("quest_service").post("/internal/event", {}, X_Request_Id=request_id)

    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["X-Request-Id"])
    assert answer.headers["X-Request-Id"] != request_id


def test_every_answer_has_a_request_id_of_its_own():
    first, second = user("user-a").get("/my/stats"), user("user-a").get("/my/stats")

    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


# --- faults of ours ---------------------------------


def break_table(table, sqlstate):
    """Every insert into the table fails from now on; the test's transaction takes it back."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            CREATE FUNCTION test_break() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'secret detail of the database' USING ERRCODE = '{sqlstate}'; END $$;
            CREATE TRIGGER test_break BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION test_break();
            """
        )


@with_campaigns
def test_a_crash_is_an_internal_error_that_tells_no_secrets():
    invite("user-a", "user-b")
    break_table("rewards_referralreward", "XX000")

    answer = buy_quest("user-b")

    assert_envelope(answer, 500, "internal_error")
    assert "secret" not in json.dumps(answer.body)
    assert "INSERT" not in json.dumps(answer.body)


@with_campaigns
def test_a_database_that_goes_away_is_unavailable_with_a_time_to_come_back():
    invite("user-a", "user-b")
    break_table("rewards_referralreward", "57P01")

    answer = buy_quest("user-b")

    assert_envelope(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_the_form_of_a_post_without_csrf_is_refused_in_the_envelope(django_user_model):
    client = Client(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.create_superuser("boss"))

    response = client.post(f"{BASE}/admin/campaigns", "{}", content_type="application/json")

    assert response.status_code == 403
    assert response.json()["error"]["code"] == "forbidden"


def test_answers_are_json_whatever_is_asked_for():
    answer = anybody().call("POST", "/public/track-click/ABC", Accept="application/xml")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.body["valid"] is False
