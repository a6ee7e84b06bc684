"""Take the pictures of the handbook anew: `python -m tests.screenshots`.

Starts a throwaway PostgreSQL, stand-in peers and a web server, fills them with the demo's story, lets it be
paid, and walks through the back-office in Chromium, once in each language. Days on the pictures are those of
the run; all else is the same every time.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.support.sandbox import ROOT, SandboxProcess
from tests.support.stage import stage

HANDBOOK = ROOT / "docs" / "images" / "handbook"


def main() -> int:
    """Parse the command line, set the stage, take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HANDBOOK, help="where the pictures go")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="referral-screenshots-") as folder,
        SandboxProcess() as peers,
        stage(
            Path(folder),
            LOG_LEVEL="ERROR",
            POINTS_SERVICE_URL=peers.points_url,
            TOKEN_GATEWAY_URL=peers.tokens_url,
            # The browser's driver keeps an event loop in this thread, in which nothing of ours is.
            DJANGO_ALLOW_ASYNC_UNSAFE="1",
        ) as service,
    ):
        from tests.screenshots.pictures import take_all  # noqa: PLC0415 - only now are the settings complete
        from tests.screenshots.scene import scene_set  # noqa: PLC0415

        scene_set()
        take_all(service.url, options.folder, options.theme)
    return 0


if __name__ == "__main__":
    sys.exit(main())
