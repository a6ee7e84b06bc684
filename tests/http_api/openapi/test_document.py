"""The OpenAPI document: complete, valid, true to the decoders, and kept as a file."""

import json

import jsonschema
import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from http_api.management.commands import openapi
from http_api.openapi.document import Undescribed, document_make
from http_api.openapi.operations import OPERATIONS
from http_api.schemas.rewards import ReportedDay, ReportedUser
from kernel.errors import DomainError
from rewards.reporting.campaigns import campaigns_report
from rewards.reporting.users import users_report

DOCUMENT = json.loads(json.dumps(document_make()))
CALLS = {
    f"{method.upper()} {path}": operation
    for path, entry in DOCUMENT["paths"].items()
    for method, operation in entry.items()
}


def _resolved(part):
    while "$ref" in part:
        found = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def _contents(operation):
    for part in (operation.get("requestBody", {}), *map(_resolved, operation["responses"].values())):
        if content := part.get("content", {}).get("application/json"):
            yield content


def test_a_route_without_description_is_named(monkeypatch):
    # given a view that nobody has described
    kind, action = next(key for key in OPERATIONS if key[1] == "retrieve")
    monkeypatch.delitem(OPERATIONS, (kind, action))

    # then the document is refused with its address
    with pytest.raises(Undescribed, match=r"GET /api/referral/v1/\S+ \(\w+\.retrieve\) is not described"):
        document_make()


@pytest.mark.parametrize("call", CALLS)
def test_every_call_says_what_it_is_and_gives_examples_that_obey_its_own_schemas(call):
    # given one call
    operation = CALLS[call]

    # then it has words and a request id, and each of its bodies an example of the promised shape
    assert operation["summary"]
    assert operation["description"]
    for response in operation["responses"].values():
        assert "X-Request-Id" in _resolved(response)["headers"]
    for content in _contents(operation):
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        assert content["examples"]
        for example in content["examples"].values():
            jsonschema.Draft202012Validator(schema).validate(example["value"])


WITH_BODY = {entry.name: entry for entry in OPERATIONS.values() if entry.body}


@pytest.mark.parametrize("name", WITH_BODY)
def test_examples_of_bodies_are_taken_by_the_decoder(name):
    operation = WITH_BODY[name]
    for example in operation.body_examples.values():
        assert isinstance(msgspec.json.decode(json.dumps(example), type=operation.body), operation.body)


@pytest.mark.parametrize(("shape", "report"), [(ReportedUser, users_report), (ReportedDay, campaigns_report)])
def test_rows_of_reports_are_described_by_their_own_columns(shape, report):
    assert tuple(shape.__annotations__) == report.columns


def test_every_error_code_is_described_with_its_status():
    # given the codes that the calls and the introduction name
    told = {
        (code, response["content"]["application/json"]["examples"][code]["value"]["error"]["http_status"])
        for response in DOCUMENT["components"]["responses"].values()
        for code in response["content"]["application/json"]["examples"]
    }

    # then all codes stand in the introduction, and all but 405 at the calls that may answer with them
    for kind in DomainError.__subclasses__():
        assert f"| `{kind.code}` | {kind.http_status} |" in DOCUMENT["info"]["description"]
    assert {(kind.code, kind.http_status) for kind in DomainError.__subclasses__()} - told == {
        ("method_not_allowed", 405)
    }


def test_the_file_in_docs_is_what_the_code_makes():
    # raises with the names of the changes otherwise
    call_command("openapi", check=True)


def test_the_check_names_what_breaks_and_how_to_update(monkeypatch, tmp_path, capsys):
    # given a file whose callers may count on more than the code keeps
    document = json.loads(openapi.SNAPSHOT.read_text())
    document["paths"]["/api/referral/v1/my/old"] = {
        "get": document["paths"]["/api/referral/v1/my/stats"]["get"]
    }
    monkeypatch.setattr(openapi, "SNAPSHOT", tmp_path / "openapi.json")
    openapi.SNAPSHOT.write_text(json.dumps(document))

    # when it is checked
    with pytest.raises(CommandError, match=r"1 BREAKING changes.*make openapi"):
        call_command("openapi", check=True)

    # then the change is named, and writing it anew makes the check pass
    assert "BREAKING GET /api/referral/v1/my/old: the call is gone" in capsys.readouterr().out
    call_command("openapi")
    call_command("openapi", check=True)


@pytest.mark.django_db
def test_the_document_is_served_and_so_is_a_page_that_shows_it():
    client = Client()
    assert client.get("/api/schema").json() == DOCUMENT
    page = client.get("/api/docs").content.decode()
    assert "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "https://" not in page
    assert client.post("/api/schema").json()["error"]["code"] == "method_not_allowed"
