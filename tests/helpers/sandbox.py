"""The sandbox peers as a process that a test can start, kill and give orders to."""

import contextlib
import json
import random
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parents[2]
PEERS = ("points", "tokens", "analytics", "control")
START_SECONDS = 20
STOP_SECONDS = 5
# Below the range from which the system takes the ports of outgoing connections: a port stays ours
# while its process is down.
FREE_PORTS = range(20000, 32000)


class SandboxProcess:
    """`python -m dev.sandbox` in a process of its own.

    It keeps its ports over stop, kill and restart. With `state`, its ledger survives them too.
    """

    def __init__(
        self,
        *,
        state: Path | None = None,
        key: str = "",
        token_delay: float = 0.05,
        callback_url: str = "",
        callback_key: str = "",
    ) -> None:
        self._options = ["--key", key, "--token-delay", str(token_delay)]
        if state is not None:
            self._options += ["--state", str(state)]
        if callback_url:
            self._options += ["--callback-url", callback_url, "--callback-key", callback_key]
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        self.control = requests.Session()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def points_url(self) -> str:
        return self._url("points")

    @property
    def tokens_url(self) -> str:
        return self._url("tokens")

    @property
    def analytics_url(self) -> str:
        return self._url("analytics")

    @property
    def control_url(self) -> str:
        return self._url("control")

    @property
    def pid(self) -> int:
        assert self._process is not None, "the sandbox was not started"
        return self._process.pid

    def start(self) -> None:
        """Return when all ports answer. The first start chooses the ports."""
        for _ in range(5):
            ports = self._ports or _some_ports()
            if self._launch(ports):
                self._ports = ports
                return
        raise RuntimeError("the sandbox did not start; its reason is on stderr")

    def stop(self) -> None:
        """End it in order; does nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it the way a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def fault(self, **order: Any) -> str:
        """Order a fault (`peer`, `mode` and what the mode takes) and return its id."""
        answer = self.control.post(f"{self.control_url}/faults", json=order, timeout=10)
        assert answer.ok, answer.text
        return str(answer.json()["id"])

    def faults(self) -> list[dict[str, Any]]:
        return self._get("/faults")

    def clear_faults(self) -> None:
        self.control.delete(f"{self.control_url}/faults", timeout=10).raise_for_status()

    def clear_fault(self, fault_id: str) -> None:
        self.control.delete(f"{self.control_url}/faults/{fault_id}", timeout=10).raise_for_status()

    def state(self) -> dict[str, Any]:
        return self._get("/state")

    def ledger(self, external_id: str) -> dict[str, Any]:
        """Return `transactions` and `tasks` with this external id."""
        return self._get(f"/ledger/{external_id}")

    def events(self) -> list[dict[str, Any]]:
        """Return the latest analytics events in order of arrival."""
        return self._get("/events")

    def reset(self) -> None:
        """Forget ledgers, journals, counters and faults."""
        self.control.post(f"{self.control_url}/reset", timeout=10).raise_for_status()

    def _url(self, peer: str) -> str:
        assert self._ports, "the sandbox was not started"
        return f"http://127.0.0.1:{self._ports[peer]}"

    def _get(self, path: str) -> Any:
        answer = self.control.get(self.control_url + path, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _launch(self, ports: dict[str, int]) -> bool:
        command = [sys.executable, "-m", "dev.sandbox", *self._options]
        for peer, port in ports.items():
            command += [f"--{peer}-port", str(port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        line = self._process.stdout.readline() if readable else b""
        if line and json.loads(line)["ready"]:
            return True
        self.kill()
        return False

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        # Pooled connections lead to the process that is gone.
        self.control.close()


def _some_ports() -> dict[str, int]:
    # Test runs side by side may share the seed of the global generator, but must not share ports.
    chosen = random.SystemRandom().sample(FREE_PORTS, len(PEERS))
    return dict(zip(PEERS, chosen, strict=True))
