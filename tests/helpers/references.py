"""Finding what is referred to and is not there: files, modules, invariants, decisions, links, commands.

Every text of the repository is read, line by line. What a line says is compared with a `Tree`, so that the
finder itself can be tried on a tree of three files.
"""

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

READ = (".py", ".md", ".html", ".sql", ".toml", ".sh", ".css", ".js", ".in")
LEFT_BEHIND = frozenset({"__pycache__", "staticfiles"})
READ_BY_NAME = ("Makefile", ".ci/run")
ENDINGS = "py|md|html|sql|toml|sh|css|js|json|po|mo|txt|png|svg"
INVARIANTS = "docs/invariants.md"
# Folders that texts have referred to and that are not, or no longer, at the top.
NEVER_HERE = frozenset({"benchmarks", "contract", "demo", "launcher", "sandbox"})
# What looks like a reference and is none, with the reason.
NO_REFERENCES = {
    "rewards/s": "rewards a second",
    "answer.html": "a property in a script",
    "preview.html": "a variable in a template",
    "token.sh": "made by whoever follows docs/callers/",
    "./token.sh": "made by whoever follows docs/callers/",
    "referral_client.py": "made by whoever follows docs/callers/",
}

PATH = re.compile(
    r"(?<![\w./{}<>%$*~-])((?:\.{1,2}/)?(?:[\w-][\w.-]*/)+[\w.-]*|[\w-]+\.(?:py|md|html|sql|toml|sh)\b(?![.(]))"
)
FOLDER = re.compile(r"`(\w[\w./-]*/)`")
ENDING = re.compile(rf"\.(?:{ENDINGS})$")
TEST = re.compile(r"([\w./-]+\.py)::(\w+)")
INVARIANT = re.compile(r"(?<![\w%.-])D([1-9]\d?)\b(?![-.]\w)")
DECISION = re.compile(r"^docs/adr/\d{4}$")
LINK = re.compile(r"\]\(([^)\s]*)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
TARGET = re.compile(r"`make ([a-z][a-z-]*)|^ {4}make ([a-z][a-z-]*)")
COMMAND = re.compile(r"manage\.py ([a-z_]+)")


@dataclass(frozen=True)
class Tree:
    """The files of a repository, and what may be named besides them.

    `texts` are those that are read; `found_elsewhere` knows names that others bring, such as the templates of
    a package; `commands` are those of `manage.py`.
    """

    files: frozenset[str]
    texts: dict[str, str]
    commands: frozenset[str] = frozenset()
    found_elsewhere: Callable[[str], bool] = field(default=lambda name: False)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder in which a file is."""
        return frozenset(str(parent) for file in self.files for parent in PurePosixPath(file).parents)

    @cached_property
    def tops(self) -> frozenset[str]:
        """The folders at the top, and those that texts take for such."""
        return frozenset(file.split("/")[0] for file in self.files if "/" in file) | NEVER_HERE

    @cached_property
    def packages(self) -> frozenset[str]:
        """The top folders that hold Python modules."""
        return frozenset(file.split("/")[0] for file in self.files if re.match(r"\w+/.*\.py$", file))

    @cached_property
    def names(self) -> frozenset[str]:
        """File names without their folders."""
        return frozenset(PurePosixPath(file).name for file in self.files)

    @cached_property
    def targets(self) -> frozenset[str]:
        """What `make` can be asked for."""
        return frozenset(re.findall(r"^([a-z-]+):", self.texts.get("Makefile", ""), re.MULTILINE))

    @cached_property
    def invariants(self) -> frozenset[str]:
        """The numbers that the page of invariants has a heading for."""
        return frozenset(re.findall(r"^#+ D(\d+)\b", self.texts.get(INVARIANTS, ""), re.MULTILINE))

    def has(self, path: str) -> bool:
        """Whether a file or folder has this path."""
        path = _normal(path)
        return path in self.files or path in self.folders


def repository(root: Path, *, commands: frozenset[str], found_elsewhere: Callable[[str], bool]) -> Tree:
    """What is in this folder, without what set-up and runs leave there."""
    files = frozenset(_files(root))
    texts = {name: (root / name).read_text() for name in sorted(files) if _is_read(name)}
    return Tree(files, texts, commands, found_elsewhere)


def _files(root: Path) -> Iterator[str]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name not in LEFT_BEHIND and (name[0] != "." or name == ".ci")]
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in names)


def _is_read(name: str) -> bool:
    return name.endswith(READ) or name in READ_BY_NAME


def stale_references(tree: Tree, *, exempt: frozenset[str] = frozenset()) -> list[str]:
    """Every reference to something that is not there, as `file:line: what`."""
    return [
        f"{file}:{number}: {what}"
        for file, text in tree.texts.items()
        if file not in exempt
        for number, line in enumerate(text.splitlines(), 1)
        for what in dict.fromkeys(_stale_on(tree, file, line))
    ]


def _stale_on(tree: Tree, file: str, line: str) -> Iterator[str]:
    yield from _paths(tree, file, line)
    yield from _folders(tree, file, line)
    yield from _tests(tree, line)
    yield from _modules(tree, line)
    yield from (f"D{number}" for number in INVARIANT.findall(line) if number not in tree.invariants)
    if file.endswith(".md"):
        yield from _links(tree, file, line)
        yield from _commands(tree, line)


def _paths(tree: Tree, file: str, line: str) -> Iterator[str]:
    for written in PATH.findall(line):
        path = written.rstrip(".")
        if path not in NO_REFERENCES and _is_path(tree, path) and not _is_there(tree, file, path):
            yield path


def _is_path(tree: Tree, path: str) -> bool:
    return bool(ENDING.search(path)) or path.split("/")[0] in tree.tops


def _is_there(tree: Tree, file: str, path: str) -> bool:
    if "/" not in path:
        return path in tree.names or tree.found_elsewhere(path)
    if DECISION.match(path):
        return any(name.startswith(f"{path}-") for name in tree.files)
    return tree.has(path) or tree.has(_beside(file, path)) or tree.found_elsewhere(path)


def _folders(tree: Tree, file: str, line: str) -> Iterator[str]:
    """Folders in backticks; one may stand within a folder that was named before it on its line."""
    within = ["", str(PurePosixPath(file).parent)]
    for folder in FOLDER.findall(line):
        places = [_normal(f"{place}/{folder}") for place in within]
        there = [place for place in places if place in tree.folders]
        within += there
        if not there:
            yield folder


def _tests(tree: Tree, line: str) -> Iterator[str]:
    for path, name in TEST.findall(line):
        if not re.search(rf"^(?:def|class) {name}\b", tree.texts.get(path, ""), re.MULTILINE):
            yield f"{path}::{name}"


def _modules(tree: Tree, line: str) -> Iterator[str]:
    """Dotted names of ours in backticks or behind `python -m`: modules, and what they define."""
    ours = "|".join(sorted(tree.packages)) or "(?!)"
    for name in re.findall(rf"(?:`|-m )((?:{ours})(?:\.\w+)+)", line):
        if not _is_module(tree, name.split(".")) and not tree.found_elsewhere(name):
            yield name


def _is_module(tree: Tree, parts: list[str]) -> bool:
    for length in range(len(parts), 0, -1):
        path, rest = "/".join(parts[:length]), parts[length:]
        if path in tree.folders and not rest:
            return True
        for module in (f"{path}.py", f"{path}/__init__.py"):
            if module in tree.texts and (not rest or rest[0] in _defined(tree.texts[module])):
                return True
    return False


def _defined(source: str) -> set[str]:
    """The names that a module binds at its top."""
    names: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def _links(tree: Tree, file: str, line: str) -> Iterator[str]:
    for target in LINK.findall(line):
        path, _, anchor = target.partition("#")
        if ":" in path or target.startswith("/"):
            continue
        page = _beside(file, path) if path else file
        if not tree.has(page) or (anchor and anchor not in anchors(tree.texts.get(page, ""))):
            yield target


def anchors(page: str) -> set[str]:
    """The anchors that the headings of a Markdown page get."""
    plain = [re.sub(r"[^\w -]", "", heading).strip() for heading in HEADING.findall(page)]
    return {heading.lower().replace(" ", "-") for heading in plain}


def _commands(tree: Tree, line: str) -> Iterator[str]:
    for quoted, indented in TARGET.findall(line):
        if (quoted or indented) not in tree.targets:
            yield f"make {quoted or indented}"
    yield from (f"manage.py {name}" for name in COMMAND.findall(line) if name not in tree.commands)


def _beside(file: str, path: str) -> str:
    return _normal(f"{PurePosixPath(file).parent}/{path}")


def _normal(path: str) -> str:
    """Without `.`, `..`, and slashes at the ends."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
