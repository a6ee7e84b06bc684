from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.sandbox.calls import KEY
from tests.helpers.sandbox import SandboxProcess

NOBODY = "http://127.0.0.1:9/nobody-listens-here"


@pytest.fixture(scope="session")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox")


@pytest.fixture(scope="session")
def running_sandbox(state_folder: Path) -> Iterator[SandboxProcess]:
    with SandboxProcess(state=state_folder, callback_url=NOBODY, callback_key=KEY) as process:
        yield process


@pytest.fixture
def sandbox(running_sandbox: SandboxProcess) -> SandboxProcess:
    """A sandbox that remembers nothing of the tests before."""
    running_sandbox.reset()
    return running_sandbox
