"""What counts as a breaking change of the API."""

import copy

import pytest

from http_api.openapi.changes import changes_between

CALL = {
    "operationId": "things",
    "security": [{"UserToken": []}],
    "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer", "maximum": 100}}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Asked"}}}},
    "responses": {
        "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Told"}}}},
        "404": {"description": "gone"},
    },
}
OLD = {
    "paths": {"/things": {"post": CALL}},
    "components": {
        "schemas": {
            "Asked": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 9}, "kind": {"enum": ["a", "b"]}},
                "required": ["name"],
            },
            "Told": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "state": {"enum": ["on", "off"]}},
                "required": ["id"],
            },
        }
    },
}


def _call(document):
    return document["paths"]["/things"]["post"]


def _asked(document):
    return document["components"]["schemas"]["Asked"]


def _told(document):
    return document["components"]["schemas"]["Told"]


BREAKING = {
    "a call goes": lambda new: new["paths"].clear(),
    "a status goes": lambda new: _call(new)["responses"].pop("200"),
    "a caller is shut out": lambda new: _call(new).update(security=[{"AdminToken": []}]),
    "a parameter goes": lambda new: _call(new)["parameters"].clear(),
    "a parameter becomes required": lambda new: _call(new)["parameters"][0].update(required=True),
    "a parameter takes less": lambda new: _call(new)["parameters"][0]["schema"].update(maximum=50),
    "a body is needed that was not": lambda new: _asked(new).update(required=["name", "kind"]),
    "a new field is needed": lambda new: (
        _asked(new)["properties"].update(more={}),
        _asked(new)["required"].append("more"),
    ),
    "a field takes less": lambda new: _asked(new)["properties"]["name"].update(maxLength=5),
    "a choice goes": lambda new: _asked(new)["properties"]["kind"].update(enum=["a"]),
    "a field takes another type": lambda new: _asked(new)["properties"]["name"].update(type="integer"),
    "an answered field goes": lambda new: _told(new)["properties"].pop("id"),
    "an answered field may be missing": lambda new: _told(new).update(required=[]),
    "an answer has a new choice": lambda new: _told(new)["properties"]["state"].update(
        enum=["on", "off", "else"]
    ),
    "another operation id": lambda new: _call(new).update(operationId="stuff"),
}
HARMLESS = {
    "a new call": lambda new: new["paths"].update({"/more": {"get": CALL}}),
    "a new status": lambda new: _call(new)["responses"].update({"409": {"description": "no"}}),
    "an error goes": lambda new: _call(new)["responses"].pop("404"),
    "a new parameter": lambda new: _call(new)["parameters"].append(
        {"name": "q", "in": "query", "schema": {}}
    ),
    "a new optional field": lambda new: _asked(new)["properties"].update(more={}),
    "a field takes more": lambda new: _asked(new)["properties"]["name"].update(maxLength=20),
    "a new choice for callers": lambda new: _asked(new)["properties"]["kind"].update(enum=["a", "b", "c"]),
    "a required field becomes optional": lambda new: _asked(new).update(required=[]),
    "a new answered field": lambda new: _told(new)["properties"].update(more={}),
    "an answered field is always there": lambda new: _told(new).update(required=["id", "state"]),
    "an answer has fewer choices": lambda new: _told(new)["properties"]["state"].update(enum=["on"]),
}


@pytest.mark.parametrize("name", BREAKING)
def test_what_takes_from_callers_is_breaking(name):
    new = copy.deepcopy(OLD)
    BREAKING[name](new)
    assert any(change.breaking for change in changes_between(OLD, new))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_gives_is_a_change_but_not_breaking(name):
    new = copy.deepcopy(OLD)
    HARMLESS[name](new)
    changes = changes_between(OLD, new)
    assert changes
    assert not any(change.breaking for change in changes)


def test_words_are_no_change():
    new = copy.deepcopy(OLD)
    _asked(new)["properties"]["name"].update(description="how it is called", examples=["x"])
    assert changes_between(OLD, new) == []
