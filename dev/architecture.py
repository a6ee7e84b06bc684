"""`python -m dev.architecture [--update]`: the rooms of docs/architecture.md, made from the code.

A room is a folder of modules. Its reason to exist is the first line of its `__init__.py`; an arrow is an
import. An arrow that follows from others is left out, so that the picture stays one.
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

CLONE = Path(__file__).resolve().parent.parent
PAGE = CLONE / "docs" / "architecture.md"
PACKAGES = (
    "dev",
    "referral_project",
    "backoffice",
    "http_api",
    "rewards",
    "referral",
    "campaigns",
    "access",
    "kernel",
)
LARGEST = "rewards"
# Folders that Django asks for by their names.
DJANGOS = frozenset({"management", "migrations", "templatetags", "formats"})
REASON_COLUMN = 32

Arrow = tuple[str, str]


def main() -> int:
    """Compare the page with the code, or draw it anew."""
    parser = argparse.ArgumentParser(prog="dev.architecture", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the rooms into the page")
    arguments = parser.parse_args()
    page = PAGE.read_text()
    drawn = with_section(page, "rooms", rooms_text())
    if arguments.update:
        PAGE.write_text(drawn)
    elif drawn != page:
        print("docs/architecture.md is not what the code is; see python -m dev.architecture --update")
        return 1
    return 0


def with_section(page: str, name: str, text: str) -> str:
    """The page with this text between the markers of a section. Raises ValueError where there are none."""
    begin, end = f"<!-- {name}: made anew by UPDATE_DOCS=1 -->", f"<!-- end of {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no section {name}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def rooms_text() -> str:
    """The rooms with their reasons, and who imports whom: on the whole, and within the largest."""
    arrows = imports()
    whole = {(source.split(".")[0], target.split(".")[0]) for source, target in arrows}
    return "\n\n".join(
        [
            "\n".join(["```text", *_listing(CLONE), "```"]),
            picture(whole),
            f"Within `{LARGEST}/`:",
            picture(within(LARGEST, arrows)),
        ]
    )


def imports() -> set[Arrow]:
    """Every import of one module of ours by another."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return {
        (source, target)
        for source in graph.modules
        if DJANGOS.isdisjoint(source.split("."))
        for target in graph.find_modules_directly_imported_by(source)
    }


def within(package: str, arrows: set[Arrow]) -> set[Arrow]:
    """The arrows between the parts of a package, named without it."""
    inner = {
        (source.split(".")[1], target.split(".")[1])
        for source, target in arrows
        if source.startswith(f"{package}.") and target.startswith(f"{package}.")
    }
    return {(source, target) for source, target in inner if source != target}


def picture(arrows: set[Arrow]) -> str:
    """A Mermaid diagram, from those who import most down, without the arrows that follow from others."""
    left = reduced(arrows)
    from_above = sorted(left, key=lambda arrow: (-len(_reached(arrow[0], left)), arrow))
    return "\n".join(
        [
            "```mermaid",
            "flowchart TD",
            *(f"    {source} --> {target}" for source, target in from_above),
            "```",
        ]
    )


def reduced(arrows: set[Arrow]) -> set[Arrow]:
    """As few arrows as lead to the same places; a circle stays one."""
    left = {(source, target) for source, target in arrows if source != target}
    for arrow in sorted(left):
        source, target = arrow
        if target in _reached(source, left - {arrow}):
            left.discard(arrow)
    return left


def _reached(source: str, arrows: set[Arrow]) -> set[str]:
    """Where one comes to from here by any number of arrows."""
    reached: set[str] = set()
    ahead = [source]
    while ahead:
        here = ahead.pop()
        following = {end for start, end in arrows if start == here} - reached
        reached |= following
        ahead += following
    return reached


def _listing(clone: Path) -> Iterator[str]:
    """A line for each room, with what it is for."""
    for package in PACKAGES:
        for folder in _rooms(clone / package):
            name = f"{folder.relative_to(clone)}/"
            yield f"{name.ljust(REASON_COLUMN)} {reason(folder)}"


def _rooms(folder: Path) -> Iterator[Path]:
    """The folder and those within; of a tool for development, the tool alone."""
    yield folder
    if folder.parent.name != "dev":
        for inner in sorted(folder.glob("*/__init__.py")):
            if inner.parent.name not in DJANGOS:
                yield from _rooms(inner.parent)


def reason(folder: Path) -> str:
    """Why a folder exists: the first line of what its `__init__.py` says."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    return said.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
