"""Keys that let a demo or a test start without anybody choosing one."""

import json
import secrets
from collections.abc import Callable, Mapping

PREFIX = "demo-"
"""How the service recognizes a key that must not be used in production."""

SERVICES = (
    "user_service",
    "rf_service",
    "quest_service",
    "voucher_service",
    "rielt_service",
    "token_gateway",
)


def _key() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _service_keys() -> str:
    return json.dumps({service: _key() for service in SERVICES})


def _password() -> str:
    return PREFIX + secrets.token_urlsafe(9)


GENERATORS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": _key,
    "SERVICE_JWT_KEYS": _service_keys,
    "SERVICE_JWT_OUT_KEY": _key,
    "USER_JWT_KEY": _key,
}
ADMIN_PASSWORD = "DEMO_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable
METRICS_TOKEN = "METRICS_TOKEN"  # noqa: S105 - as well


def missing_secrets(given: Mapping[str, str]) -> dict[str, str]:
    """A new key for each one that nobody has given."""
    wanted = {name: make for name, make in GENERATORS.items() if not given.get(name)}
    if given.get("USER_JWT_JWKS_URL"):
        wanted.pop("USER_JWT_KEY", None)
    return {name: make() for name, make in wanted.items()}


def demo_secrets(given: Mapping[str, str], earlier: Mapping[str, str]) -> dict[str, str]:
    """What is missing, as the earlier start had generated it, so that tokens and sessions stay valid."""
    generated = missing_secrets(given)
    if not given.get(ADMIN_PASSWORD):
        generated[ADMIN_PASSWORD] = _password()
    if not given.get(METRICS_TOKEN):
        generated[METRICS_TOKEN] = _key()
    return {
        name: earlier[name] if _is_generated(earlier.get(name, "")) else new
        for name, new in generated.items()
    }


def key_of(service: str, service_keys: str) -> str | None:
    """The key that a service signs with now: the first one where there are several."""
    try:
        keys = json.loads(service_keys).get(service)
    except (ValueError, AttributeError):
        return None
    return keys[0] if isinstance(keys, list) and keys else keys or None


def _is_generated(value: str) -> bool:
    return value.startswith(PREFIX) or (value.startswith("{") and f'"{PREFIX}' in value)
