"""The demo of one clone: which programs it consists of and what they are told."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.launcher import commands
from dev.launcher.children import Database, Program
from dev.launcher.database.postgres import EmbeddedPostgres
from dev.launcher.demo import environment
from dev.launcher.demo.secrets import demo_secrets, key_of
from dev.launcher.logs import LogFolder
from dev.launcher.ports import LOOPBACK, port_to_use
from dev.launcher.processes import with_mark

PEERS = ("points", "tokens", "analytics", "control")
CALLBACK = "/api/referral/v1/internal/g2a-callback"
EVERYWHERE = {"": LOOPBACK, "0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - addresses to compare with


class Demo:
    """Everything that `make run` starts, described but not started.

    Values given in the environment win over those of an earlier start, and those over new ones.
    """

    def __init__(self, clone: Path, given: Mapping[str, str]) -> None:
        self.clone = clone
        self.run_folder = clone / ".run"
        self.given = {name: value for name, value in given.items() if value}
        self.host = self.given.get("HOST", LOOPBACK)
        self.port = self.given.get("PORT", "8000")
        self.logs = LogFolder(self.run_folder / "logs")
        self._earlier = environment.read(self.env_file)
        self.values = self._values()

    @property
    def env_file(self) -> Path:
        """Where other terminals find out."""
        return self.run_folder / "demo.env"

    @property
    def own_address(self) -> str:
        """The address under which this machine reaches the web server."""
        return EVERYWHERE.get(self.host, self.host)

    @property
    def needs_database(self) -> bool:
        """Whether nobody has given one."""
        return "DATABASE_URL" not in self.given

    @property
    def needs_sandbox(self) -> bool:
        """Whether a peer is missing."""
        return not {"POINTS_SERVICE_URL", "TOKEN_GATEWAY_URL"} <= self.given.keys()

    @property
    def prepared_before(self) -> bool:
        """Whether the last start used the same database."""
        return self._earlier.get("DATABASE_URL") == self.values["DATABASE_URL"]

    def record(self) -> None:
        """Write down what the service is started with."""
        environment.write(self.env_file, self.values)

    def database(self) -> Database:
        """The embedded PostgreSQL."""
        place = self.run_folder / "postgres"
        return Database(EmbeddedPostgres(place, label=self.clone.name, log=self.logs.begin("database")))

    def sandbox(self) -> Program:
        """The stand-ins for the peers that nobody has given."""
        ports = zip(PEERS, self.values["SANDBOX_PORTS"].split(","), strict=True)
        arguments = [word for peer, port in ports for word in (f"--{peer}-port", port)]
        callback_key = key_of("token_gateway", self.values["SERVICE_JWT_KEYS"])
        if callback_key:
            arguments += ["--callback-url", f"{self.base_url}{CALLBACK}", "--callback-key", callback_key]
        arguments += ["--host", LOOPBACK, "--key", self.values["SERVICE_JWT_OUT_KEY"]]
        return self._program(
            "sandbox", "-m", "dev.sandbox", "--state", str(self.run_folder / "sandbox"), *arguments
        )

    def preparation(self) -> Program:
        """Migrations, demo campaigns and the admin user; ends when it is done."""
        return self._program("prepare_demo", "manage.py", "prepare_demo")

    def servers(self) -> list[Program]:
        """What serves until the end, the web server first."""
        return [self._web(), self._worker(), self._program("scheduler", "manage.py", "scheduler")]

    @property
    def base_url(self) -> str:
        """The web server as seen from this machine."""
        address = f"[{self.own_address}]" if ":" in self.own_address else self.own_address
        return f"http://{address}:{self.port}"

    def _web(self) -> Program:
        return self._program("web", *commands.web(self.host, self.port))

    def _worker(self) -> Program:
        return self._program("worker", *commands.worker())

    def _program(self, name: str, *arguments: str) -> Program:
        return Program(
            name,
            [sys.executable, *arguments],
            environment=self._environment(),
            folder=self.clone,
            log=self.logs.begin(name),
        )

    def _environment(self) -> dict[str, str]:
        loopback = ",".join(filter(None, (self.given.get("NO_PROXY"), LOOPBACK, "localhost")))
        ours = {"PYTHONUNBUFFERED": "1", "NO_PROXY": loopback, "no_proxy": loopback}
        return with_mark({**os.environ, **ours, **self.values}, self.run_folder)

    def _values(self) -> dict[str, str]:
        values = {
            "REFERRAL_DEMO": "1",
            "HOST": self.host,
            "PORT": self.port,
            "PUBLIC_BASE_URL": self.base_url,
            "METRICS_FOLDER": str(self.run_folder / "metrics"),
        }
        values |= demo_secrets(self.given, self._earlier)
        if self.needs_sandbox:
            values |= self._sandbox_values()
        passed_on = {name: self.given[name] for name in (*_RECORDED, *values) if name in self.given}
        if "USER_JWT_KEY" in passed_on:
            # The line breaks of PEM, in a file with one line a variable.
            passed_on["USER_JWT_KEY"] = passed_on["USER_JWT_KEY"].replace("\n", "\\n")
        return values | passed_on

    def _sandbox_values(self) -> dict[str, str]:
        recorded = self._earlier.get("SANDBOX_PORTS", "").split(",")
        if len(recorded) != len(PEERS):
            recorded = [""] * len(PEERS)
        ports = [str(port_to_use(port)) for port in recorded]
        points, tokens, _, control = (f"http://{LOOPBACK}:{port}" for port in ports)
        return {
            "SANDBOX_PORTS": ",".join(ports),
            "POINTS_SERVICE_URL": points,
            "TOKEN_GATEWAY_URL": tokens,
            "SANDBOX_CONTROL_URL": control,
        }


_RECORDED = (
    "SECRET_KEY",
    "SERVICE_JWT_KEYS",
    "SERVICE_JWT_OUT_KEY",
    "USER_JWT_KEY",
    "USER_JWT_ALGORITHM",
    "USER_JWT_JWKS_URL",
    "USER_JWT_AUDIENCE",
    "USER_JWT_ISSUER",
    "DEMO_ADMIN_PASSWORD",
    "DATABASE_URL",
)
"""Given values that a command in another terminal needs as well."""
