"""What the person at the terminal reads when everything is up."""

from collections.abc import Mapping

API = "/api/referral/v1"
MANAGE = ".venv/bin/python manage.py"


def welcome(base_url: str, environment: Mapping[str, str]) -> str:
    """Where things are, how to sign in, and three lines that show the service at work."""
    rows = [
        ("The service", base_url),
        ("Back office", f"{base_url}/admin/  (user admin, password {environment['DEMO_ADMIN_PASSWORD']})"),
    ]
    if "SANDBOX_CONTROL_URL" in environment:
        rows.append(("Sandbox peers", environment["SANDBOX_CONTROL_URL"]))
    table = "\n".join(f"  {name:<14} {where}" for name, where in rows)
    return f"\n{table}\n\n{_trial(base_url)}\n\nThe logs are in .run/logs. Ctrl-C stops everything.\n"


def _trial(base_url: str) -> str:
    lines = (
        "Try it in another terminal in this folder: Alice gets a link, Bob joins with it and buys a quest.",
        _links_of_alice(base_url),
        _bob_signs_up(base_url),
        _bob_buys(base_url),
    )
    return "\n\n".join(lines)


def _links_of_alice(base_url: str) -> str:
    command = f'curl -sS -H "Authorization: Bearer $({MANAGE} user_token alice)" {base_url}{API}/my/links'
    return f'LINKS=$({command}); echo "$LINKS"; ' + (
        'CODE=$(echo "$LINKS" | grep -o \'"code": *"[^"]*\' | head -n 1 | sed \'s/.*"//\')'
    )


def _bob_signs_up(base_url: str) -> str:
    body = '{"new_user_id": "bob", "referral_code": "\'$CODE\'", "registered_at": "\'$(date -u +%FT%TZ)\'"}'
    return _post(base_url, "/internal/user-registered", "user_service", body)


def _bob_buys(base_url: str) -> str:
    body = (
        '{"event_type": "quest_purchased", "referrer_user_id": "alice", "referred_user_id": "bob",'
        ' "amount_base": 1000, "occurred_at": "\'$(date -u +%FT%TZ)\'"}'
    )
    return _post(base_url, "/internal/event", "quest_service", body)


def _post(base_url: str, path: str, service: str, body: str) -> str:
    return (
        f'curl -sS -H "Authorization: Bearer $({MANAGE} service_token {service})" '
        f"-H 'Content-Type: application/json' -d '{body}' {base_url}{API}{path}; echo"
    )
