"""Refusals in the caller's language; codes, names of fields and values are never translated."""

import ast
import re
from pathlib import Path

import pytest

from kernel import errors
from tests.helpers.api import Caller, admin, anybody, now_text, service, user
from tests.helpers.processes import ROOT

pytestmark = pytest.mark.django_db

EVENT = {"event_type": "quest_purchased", "referred_user_id": "user-b", "occurred_at": now_text()}
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
NESTED = {"levels": {"level1": {"points_per_purchase": "x", "before_role": "lock"}, "other": {}}}

# What goes wrong, and the path of a field whose problem is told.
REFUSALS = {
    "no token": (anybody, "POST", "/internal/event", {}, None),
    "wrong token": (lambda: Caller("x.y.z"), "GET", "/my/stats", {}, None),
    "forbidden": (lambda: service("user_service"), "POST", "/internal/event", EVENT, None),
    "not admin": (lambda: user("a"), "GET", "/admin/campaigns", {}, None),
    "not found": (anybody, "GET", "/nothing", {}, None),
    "method": (lambda: user("a"), "DELETE", "/my/stats", {}, None),
    "not JSON": (lambda: service("quest_service"), "POST", "/internal/event", b"x", None),
    "no object": (lambda: service("user_service"), "POST", "/internal/user-registered", b"[]", "body"),
    "missing": (lambda: service("user_service"), "POST", "/internal/user-registered", {}, "new_user_id"),
    "wrong type": (
        lambda: service("quest_service"),
        "POST",
        "/internal/event",
        EVENT | {"campaign_code": 5},
        "campaign_code",
    ),
    "wrong shape": (
        lambda: service("quest_service"),
        "POST",
        "/internal/event",
        EVENT | {"referred_user_id": "a b"},
        "referred_user_id",
    ),
    "too long": (
        lambda: service("quest_service"),
        "POST",
        "/internal/event",
        EVENT | {"referral_code": "x" * 65},
        "referral_code",
    ),
    "no choice": (
        lambda: service("user_service"),
        "POST",
        "/internal/user-role-upgraded",
        {"user_id": "a", "new_role": "king", "occurred_at": now_text()},
        "new_role",
    ),
    "no campaign": (lambda: service("quest_service"), "POST", "/internal/event", EVENT, None),
    "parameter": (admin, "GET", "/admin/rewards?page_size=1000", {}, "page_size"),
    "rules": (
        admin,
        "POST",
        "/admin/campaigns",
        {"code": "new_one", "name": "New", "campaign_type": "purchase", "reward_rules": NESTED},
        "reward_rules.levels.level1.points_per_purchase",
    ),
}


def refusal(name, language):
    caller, method, path, body, _ = REFUSALS[name]
    return caller().call(method, path, body, Accept_Language=language)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_speaks_the_language_that_is_asked_for(name):
    russian, english = refusal(name, "ru-RU,ru;q=0.9,en;q=0.5"), refusal(name, "en")
    field = REFUSALS[name][4]

    assert (russian.status, russian.code) == (english.status, english.code)
    assert CYRILLIC.search(russian.body["error"]["message"])
    assert not CYRILLIC.search(english.body["error"]["message"])
    told, said = russian.body["error"]["details"], english.body["error"]["details"]
    assert told.keys() == said.keys()
    assert all(CYRILLIC.search(problem) for problems in told.values() for problem in problems)
    assert field is None or field in told


@pytest.mark.parametrize("language", ["", "de", "*", "x" * 5000, "en;q=0.9, ru;q=0.1", "\x00", "é"])
def test_english_is_spoken_to_whoever_asks_for_anything_else(language):
    assert refusal("no token", language).body["error"]["message"].startswith("Send a token")


def test_one_answer_leaves_the_next_in_its_own_language():
    assert CYRILLIC.search(refusal("not admin", "ru").body["error"]["message"])

    assert not CYRILLIC.search(user("a").get("/admin/campaigns").body["error"]["message"])


def test_items_of_a_bulk_call_are_refused_in_the_language_too():
    body = {"items": [EVENT, EVENT | {"occurred_at": "now"}]}

    answer = service("quest_service").post("/internal/events/bulk", body, Accept_Language="ru")

    first, second = (item["error"] for item in answer.body["items"])
    assert first["code"] == "campaign_inactive"
    assert CYRILLIC.search(first["message"])
    assert CYRILLIC.search(second["details"]["occurred_at"][0])


# --- every refusal there is -------------------------------------------------------------------------------

REFUSING = {
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, errors.DomainError)
}
APPS = ("access", "api", "campaigns", "referral", "rewards", "referral_project")


def refusing_calls(tree):
    """Calls such as NotFound(text) and ValidationFailed.of(field, text), each with its text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "of":
            name, texts = getattr(called.value, "id", ""), node.args[1:2]
        else:
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            texts = node.args[:1]
        if name in REFUSING:
            yield from texts


def untranslated(source):
    """The lines of refusals whose text is written down without being handed to gettext."""
    return [text.lineno for text in refusing_calls(ast.parse(source)) if is_bare(text)]


def is_bare(text):
    return isinstance(text, ast.JoinedStr | ast.Constant)


@pytest.mark.parametrize("app", APPS)
def test_the_text_of_every_refusal_can_be_translated(app):
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted(Path(ROOT, app).rglob("*.py"))
        if path != ROOT / "api" / "errors.py" and (lines := untranslated(path.read_text()))
    }

    assert found == {}, "hand these texts to gettext: _(…)"


def test_a_text_that_is_not_handed_to_gettext_is_found():
    assert untranslated('raise NotFound("no")\nraise ValidationFailed.of(x, f"{y}")\nNotFound(_("no"))') == [
        1,
        2,
    ]
