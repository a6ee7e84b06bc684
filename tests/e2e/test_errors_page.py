"""Every error code, provoked by curl on a running server and written down in docs/errors.md."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from access.tokens import service_token, user_token
from kernel import errors
from tests.factories import CampaignFactory
from tests.helpers.api import change_campaign, link_of, register
from tests.helpers.documents import assert_document
from tests.helpers.processes import ServiceProcesses, free_port

pytestmark = pytest.mark.curl

EVENT = (
    '{"event_type": "quest_purchased", "referred_user_id": "bob", "occurred_at": "2026-01-02T09:00:00Z"%s}'
)
JSON = "-H 'Content-Type: application/json'"
QUEST = f'-H "Authorization: Bearer $QUEST" {JSON}'
BOB = f'-H "Authorization: Bearer $BOB" {JSON}'
ADMIN = f'-H "Authorization: Bearer $ADMIN" {JSON}'


def event(fields: str = "") -> str:
    return f"curl -sS -i $BASE/internal/event {QUEST} \\\n  -d '{EVENT % fields}'"


# What each code says, and the command that hears it, in the order of docs/http-api.md.
COMMANDS = {
    "validation_error": event().replace("09:00:00Z", "09:00:00"),
    "invalid_json": f"curl -sS -i $BASE/internal/event {QUEST} -d '{{\"event_type\": '",
    "campaign_inactive": event(', "campaign_code": "paused_one"'),
    "campaign_not_found": event(', "campaign_code": "no_such_one"'),
    "out_of_scope": event(', "campaign_code": "only_in_lv", "metadata": {"country_id": "ee"}'),
    "event_type_not_allowed": event(', "campaign_code": "voucher_premium_default"'),
    "unauthenticated": "curl -sS -i $BASE/my/stats",
    "forbidden": event().replace("quest_purchased", "rielt_booking_made"),
    "not_found": f"curl -sS -i -X PATCH $BASE/my/links/$LINK_OF_ALICE {BOB} \\\n"
    "  -d '{\"is_active\": false}'",
    "method_not_allowed": 'curl -sS -i -X DELETE $BASE/my/links -H "Authorization: Bearer $BOB"',
    "idempotency_conflict": event(', "amount_base": 2, "external_event_id": "order-1"'),
    "referrer_mismatch": event(', "referrer_user_id": "mallory"'),
    "illegal_transition": f"curl -sS -i $BASE/admin/rewards/$REWARD/unlock {ADMIN} \\\n"
    '  -d \'{"reason": "test"}\'',
    "edit_conflict": f"curl -sS -i -X PATCH $BASE/admin/campaigns/$CAMPAIGN {ADMIN} \\\n"
    '  -H \'If-Match: "99"\' -d \'{"name": "New name"}\'',
    "payload_too_large": "head -c 1100000 /dev/zero | tr '\\0' ' ' |\n"
    f"  curl -sS -i $BASE/internal/event {QUEST} -H 'Expect:' --data-binary @-",
    "unsupported_media_type": "curl -sS -i $BASE/internal/event -H \"Authorization: Bearer $QUEST\" -d 'x=1'",
    "throttled": 'curl -sS -i $BASE/my/stats -H "Authorization: Bearer $BUSY"',
    "unavailable": 'curl -sS -i $AWAY/my/stats -H "Authorization: Bearer $BOB"',
    "internal_error": 'curl -sS -i $BASE/my/links -H "Authorization: Bearer $CAROL"',
}
SHOWN_HEADERS = ("retry-after", "www-authenticate", "allow", "content-type")
HEAD = """# Every error, as curl shows it

Written by `tests/e2e/test_errors_page.py`, which runs these commands against a running server. Ids differ
from run to run and are masked; headers that every answer has are left out. `AWAY` is a server whose database
is away, `BUSY` a user who has called too often; before the last command the database is made to fail.
"""


def say(command: str) -> None:
    """Run a statement of the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(command)


BREAK = """
CREATE FUNCTION test_errors_break() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'secret detail of the database' USING ERRCODE = 'XX000'; END $$;
CREATE TRIGGER test_errors_break BEFORE INSERT ON referral_referrallink
FOR EACH ROW EXECUTE FUNCTION test_errors_break();
"""


@pytest.fixture
def server(committed_campaigns: None, tmp_path: Path) -> Iterator[ServiceProcesses]:
    """A web server that throttles users."""
    web = ServiceProcesses(tmp_path, {"THROTTLE_USER": "6/hour"})
    try:
        web.start_web_alone()
        yield web
    finally:
        web.stop()


@pytest.fixture
def away(committed_db: None, tmp_path: Path) -> Iterator[ServiceProcesses]:
    """A web server whose database is away."""
    (tmp_path / "away").mkdir()
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    web = ServiceProcesses(tmp_path / "away", {"DATABASE_URL": nowhere})
    try:
        web.start_web_alone()
        yield web
    finally:
        web.stop()


def world() -> dict[str, str]:
    """What the commands need to exist, and what they call it."""
    code = link_of("alice")
    rewards = register("bob", code).body["rewards"]
    for name, content in (("paused_one", {}), ("only_in_lv", {"country_id": "lv"})):
        CampaignFactory(code=name, scope={"module": "quest", **content})
    change_campaign("paused_one", status="paused")
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, campaign_id FROM referral_referrallink WHERE owner_user_id = 'alice'")
        link, campaign = cursor.fetchone()
    return {
        "QUEST": service_token("quest_service"),
        "ADMIN": user_token("olga", role="admin"),
        "BOB": user_token("bob"),
        "BUSY": user_token("busy"),
        "CAROL": user_token("carol"),
        "LINK_OF_ALICE": str(link),
        "REWARD": str(rewards[0]["id"]),
        "CAMPAIGN": str(campaign),
    }


def run(command: str, variables: dict[str, str]) -> str:
    """What a shell prints for the command."""
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "*"} | variables
    shell = ["sh", "-c", command]
    return subprocess.run(
        shell, env=environment, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def shown(output: str) -> str:
    """The answer without what differs from run to run, and without the headers that every answer has."""
    head, _, body = output.replace("\r\n", "\n").rpartition("\n\n")
    status, *headers = head.splitlines()
    kept = [line for line in headers if line.partition(":")[0].lower() in SHOWN_HEADERS]
    text = "\n".join([status, *sorted(kept), "", body])
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "…", text)
    return re.sub(r"(?i)(retry-after: )\d{3,}", r"\1…", text)


def test_every_code_of_the_contract_is_heard_by_curl(
    server: ServiceProcesses, away: ServiceProcesses
) -> None:
    # given
    api = "/api/referral/v1"
    variables = world() | {"BASE": server.url + api, "AWAY": away.url + api}
    run(event(', "amount_base": 1, "external_event_id": "order-1"'), variables)
    for _ in range(6):
        run(COMMANDS["throttled"], variables)
    codes = {kind.code for kind in errors.DomainError.__subclasses__()}
    assert set(COMMANDS) == codes

    # when
    pages = [HEAD]
    for code, command in COMMANDS.items():
        if code == "internal_error":
            say(BREAK)
        try:
            output = run(command, variables)
        finally:
            if code == "internal_error":
                say("DROP FUNCTION test_errors_break CASCADE")
        assert f'"code":"{code}"' in output, output
        assert "secret" not in output
        pages.append(f"## {code}\n\n```console\n$ {command}\n{shown(output)}\n```\n")

    # then
    assert_document("errors.md", "\n".join(pages))
