"""`python -m sandbox`: the stand-in peers, by the short name that is promised (docs/configuration.md)."""

import sys

from dev.sandbox.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
