"""Take the pictures of the handbooks anew: `python -m tests.screenshots`.

Starts a throwaway PostgreSQL, stand-in peers and a web server, fills them with the demo's story, lets it be
paid, and walks through the back-office in Chromium, once in each language: first marketing, then, when some
rewards have got into trouble, support. Days on the pictures are those of the run; all else is the same every
time.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.helpers.sandbox import ROOT, SandboxProcess
from tests.helpers.stage import stage

HANDBOOK = ROOT / "docs" / "images" / "handbook"
READERS = ("marketing", "support")


def main() -> int:
    """Parse the command line, set the stage, take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HANDBOOK, help="where the pictures go")
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--only", choices=READERS, help="the pictures of one handbook alone")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
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
            # The services of the scene call without a network.
            ALLOWED_HOSTS="127.0.0.1,localhost,testserver",
        ) as service,
    ):
        # Only now are the settings complete.
        from tests.screenshots.scene import scene_set
        from tests.screenshots.walks import marketing_walks, support_walks

        scene_set()
        if options.only != "support":
            marketing_walks(service.url, options.folder, options.theme)
        if options.only != "marketing":
            support_walks(service.url, options.folder, options.theme, peers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
