"""Stands in for the service: the launcher knows only these commands and what they promise."""

import os
import sys
import time

import psycopg

command = sys.argv[1]
if command == "prepare_demo":
    if os.environ.get("STUB_FAILS"):
        sys.exit("the campaign of the demo is broken")
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS prepared (times integer)")
elif command == "rundramatiq":
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "dramatiq"])  # noqa: S606 - this process becomes it
elif command == "scheduler":
    time.sleep(600)
