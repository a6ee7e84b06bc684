"""The peers that pay. One module a dialect, all of the same shape (`base.Peer`)."""

POINTS, TOKENS = "points", "tokens"
PEERS = (POINTS, TOKENS)
PEER_OF_CURRENCY = {"points": POINTS, "g2a": TOKENS}
