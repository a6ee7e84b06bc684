"""A sandbox that keeps no promise but the one about its ready line."""

import json
import time

print(json.dumps({"ready": True}), flush=True)
time.sleep(600)
