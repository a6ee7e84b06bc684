"""The page on which a person sees what the stand-ins hold."""

from collections import Counter
from collections.abc import Iterable
from html import escape
from itertools import islice
from typing import Any

from dev.sandbox.peers.token_ledger import nine_decimals
from dev.sandbox.world import World

ROWS = 50
REFRESH_SECONDS = 3

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{refresh}">
<title>Sandbox peers</title>
<style>
:root {{ color-scheme: light dark; --line: #d5d8dd; --quiet: #5b6270; --back: #ffffff; --text: #1b1f27; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #3a404b; --quiet: #a3abb9; --back: #16191f; --text: #e8eaee; }}
}}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--back); color: var(--text); }}
h1 {{ font-size: 1.5rem; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
p, .empty {{ color: var(--quiet); }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; }}
td.number, th.number {{ text-align: right; font-variant-numeric: tabular-nums; }}
</style>
</head>
<body>
<h1>Sandbox peers</h1>
<p>Stand-ins for Points Service, Token Gateway and Analytics. No real points or tokens move here.
This page renews itself every {refresh} seconds; tables show the latest {rows} rows.</p>
{sections}
</body>
</html>
"""

_NUMBERS = {"Points", "G2A", "Amount", "Times", "Hits"}


def render(world: World) -> str:
    sections = [
        _section("Balances", ("User", "Points", "G2A"), _balances(world)),
        _section(
            "Latest points transactions",
            ("When", "User", "Kind", "Amount", "Reason", "External id"),
            _transactions(world),
        ),
        _section(
            "Latest token tasks",
            ("When", "User", "Amount", "Status", "Transaction or error", "External id"),
            _tasks(world),
        ),
        _section("Faults", ("Id", "Peer", "Mode", "Limited to", "Left", "Hits"), _faults(world)),
        _section("Counters", ("Peer", "What", "Times"), _counters(world)),
    ]
    return _PAGE.format(refresh=REFRESH_SECONDS, rows=ROWS, sections="\n".join(sections))


def _balances(world: World) -> Iterable[tuple[Any, ...]]:
    users = {**dict.fromkeys(reversed(world.points.balances)), **dict.fromkeys(world.tokens.balances)}
    for user in islice(users, ROWS):
        tokens = world.tokens.balances.get(user)
        yield user, world.points.balances.get(user, 0), nine_decimals(tokens) if tokens else "0"


def _transactions(world: World) -> Iterable[tuple[Any, ...]]:
    for transaction in islice(reversed(world.points.transactions), ROWS):
        order = transaction.order
        moment = _moment(transaction.created_at)
        yield moment, order.user_id, order.kind, order.amount, order.reason, order.external_id


def _tasks(world: World) -> Iterable[tuple[Any, ...]]:
    for task in islice(reversed(world.tokens.tasks.values()), ROWS):
        order = task.order
        outcome = task.tx_hash or task.last_error or ""
        amount = nine_decimals(order.amount)
        yield _moment(task.created_at), order.user_id, amount, task.status, outcome, order.external_id


def _faults(world: World) -> Iterable[tuple[Any, ...]]:
    for fault in islice(reversed(world.faults.all()), ROWS):
        limits = [f"user {fault.user_id}"] if fault.user_id else []
        limits += [f"path {fault.path}"] if fault.path else []
        limits += [f"{fault.probability:.0%} of calls"] if fault.probability < 1 else []
        left = "until removed" if fault.remaining is None else fault.remaining or "used up"
        yield fault.id, fault.peer, fault.mode, ", ".join(limits) or "nothing", left, fault.hits


def _counters(world: World) -> Iterable[tuple[Any, ...]]:
    counted: dict[str, Counter[str]] = {name: peer.counters for name, peer in world.peers.items()}
    for name, counters in counted.items():
        yield from ((name, what, times) for what, times in sorted(counters.items()))
    yield "analytics", "events received", world.analytics.total
    yield from (("tokens", what, times) for what, times in sorted(world.callback.counters.items()))


def _section(title: str, heads: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    body = "\n".join(_row("td", heads, row) for row in rows)
    if not body:
        return f'<h2>{title}</h2>\n<p class="empty">None yet.</p>'
    return f'<h2>{title}</h2>\n<div class="wide"><table>\n{_row("th", heads, heads)}\n{body}\n</table></div>'


def _row(tag: str, heads: tuple[str, ...], cells: tuple[Any, ...]) -> str:
    numbers = (' class="number"' if head in _NUMBERS else "" for head in heads)
    texts = (escape(str(cell)) for cell in cells)
    return (
        "<tr>"
        + "".join(f"<{tag}{kind}>{text}</{tag}>" for kind, text in zip(numbers, texts, strict=True))
        + "</tr>"
    )


def _moment(timestamp: str) -> str:
    return timestamp[:19].replace("T", " ") + " UTC"
