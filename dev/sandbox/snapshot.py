"""The whole state as JSON, for tests and for people with curl."""

from typing import Any

from dev.sandbox.peers.points_ledger import shown
from dev.sandbox.peers.token_ledger import nine_decimals
from dev.sandbox.world import World


def state_of(world: World) -> dict[str, Any]:
    requests = {name: peer.counters["requests"] for name, peer in world.peers.items()}
    return {
        "points": {
            "balances": world.points.balances,
            "transactions": shown(world.points.transactions),
            "requests": requests["points"],
        },
        "tokens": {
            "balances": {user: nine_decimals(amount) for user, amount in world.tokens.balances.items()},
            "tasks": [task.shown() for task in world.tokens.tasks.values()],
            "requests": requests["tokens"],
        },
        "analytics": {"events": world.analytics.total, "requests": requests["analytics"]},
    }


def entries_of(world: World, external_id: str) -> dict[str, Any]:
    """Return what was booked or minted under one external id: at most one of each."""
    transaction = world.points.find(external_id)
    task = world.tokens.find(external_id)
    return {
        "external_id": external_id,
        "transactions": [transaction.shown()] if transaction else [],
        "tasks": [task.shown()] if task else [],
    }
