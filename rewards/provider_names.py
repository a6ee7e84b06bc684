"""The providers that pay, by name, and which currency is whose."""

POINTS, TOKENS = "points", "tokens"
PEERS = (POINTS, TOKENS)
PEER_OF_CURRENCY = {"points": POINTS, "g2a": TOKENS}
# What they are called where people read; Analytics pays nothing, and is called all the same.
PEER_NAMES = {POINTS: "Points Service", TOKENS: "Token Gateway", "analytics": "Analytics"}
