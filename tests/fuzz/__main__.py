"""The schema fuzzer against a running server: `python -m tests.fuzz --seconds 150`.

Starts a throwaway PostgreSQL and a web server of its own, and has schemathesis read /api/schema from it:
every phase, the stateful one too, every check. Each call is made as the caller that its description asks
for. The seed is printed; with --seed a run is repeated. Ends with schemathesis' own code: 0 when nothing
failed.
"""

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.stage import stage

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"


def main() -> int:
    """Parse the command line, set the stage, hand over to schemathesis."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=150, help="how long to look for failures")
    parser.add_argument("--seed", type=int, default=None, help="repeat a run")
    options, more = parser.parse_known_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    print(f"seed {seed}, {options.seconds} s", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="referral-fuzz-") as folder,
        stage(Path(folder), METRICS_TOKEN=secrets.token_urlsafe(32), METRICS_FOLDER=folder) as service,
    ):
        from tests.fuzz.people import people_make

        people_make()
        command = [str(SCHEMATHESIS), "--config-file", str(FOLDER / "schemathesis.toml"), "run"]
        command += [f"{service.url}/api/schema", "--max-time", str(options.seconds), "--seed", str(seed)]
        command += ["--phases", "examples,coverage,fuzzing,stateful", "--checks", "all"]
        environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.fuzz.hooks", "PYTHONPATH": str(ROOT)}
        ended = subprocess.run([*command, *more], cwd=folder, env=environment, check=False)
        if ended.returncode:
            print(f"--- the web server's last words\n{service.log('web')}", flush=True)
        return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
