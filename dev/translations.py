"""`python -m dev.translations [--update]`: every text that people read exists in Russian.

The extraction works on a copy, so that looking never changes the tree.
"""

import argparse
import gettext
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.launcher.errors import LaunchError

CLONE = Path(__file__).resolve().parent.parent
CATALOGUE = Path("locale") / "ru" / "LC_MESSAGES" / "django.po"
NOT_EXTRACTED = ("tests", "benchmarks", "docs", "launcher", "sandbox", "staticfiles", "__pycache__", ".*")
COLLECT = "python -m dev.translations --update collects and compiles"
TOOLS = ("xgettext", "msgmerge", "msgattrib", "msgfmt", "msguniq")


def main() -> int:
    """Check, or bring the catalogue up to date."""
    parser = argparse.ArgumentParser(prog="dev.translations", description=__doc__)
    parser.add_argument("--update", action="store_true", help="collect the texts again and compile")
    arguments = parser.parse_args()
    try:
        _require_tools()
        with tempfile.TemporaryDirectory() as folder:
            copy = extracted_copy(CLONE, Path(folder) / "copy")
            complaints = update(CLONE, copy) if arguments.update else check(CLONE, copy)
    except LaunchError as error:
        complaints = [str(error)]
    print("\n".join(complaints) if complaints else "Every text has its Russian translation.")
    return 1 if complaints else 0


def extracted_copy(clone: Path, copy: Path) -> Path:
    """The sources and the catalogue in another place, with every text of the sources in the catalogue."""
    shutil.copytree(clone, copy, ignore=shutil.ignore_patterns(*NOT_EXTRACTED))
    (copy / "locale").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "django", "makemessages", "-l", "ru", "--no-wrap", "--no-obsolete"]
    _run([*command, "--add-location", "file", "-v", "0"], copy)
    return copy


def check(clone: Path, copy: Path) -> list[str]:
    """What is missing, and whether the compiled file is that of the catalogue."""
    untranslated = missing(copy / CATALOGUE)
    if untranslated:
        heading = (
            f"{len(untranslated)} texts lack a Russian translation; see make translations in CONTRIBUTING:"
        )
        return [heading, *untranslated]
    if (clone / CATALOGUE).exists() and not _is_compiled_from(clone / CATALOGUE, copy):
        return [f"django.mo is not what {CATALOGUE} compiles to ({COLLECT})"]
    return []


def update(clone: Path, copy: Path) -> list[str]:
    """Take the extracted catalogue over; what is untranslated in it is told, and left to a person."""
    if not (copy / CATALOGUE).exists():
        return []
    (clone / CATALOGUE).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(copy / CATALOGUE, clone / CATALOGUE)
    _compile(clone / CATALOGUE, (clone / CATALOGUE).with_suffix(".mo"))
    return missing(clone / CATALOGUE)


def missing(catalogue: Path) -> list[str]:
    """The texts without a translation, and those whose translation is only a guess."""
    if not catalogue.exists():
        return []
    # Two questions, because the tool takes two filters as "both", not as "either".
    filters = ("--untranslated", "--only-fuzzy")
    texts = [
        _texts(_run(["msgattrib", one, "--no-obsolete", "--no-wrap", str(catalogue)])) for one in filters
    ]
    return [text for found in texts for text in found]


def _texts(listing: str) -> list[str]:
    places, found = "", []
    for line in listing.splitlines():
        if line.startswith("#: "):
            places = line.removeprefix("#: ")
        elif line.startswith("msgid ") and places:
            found.append(f"  {places}: {line.removeprefix('msgid ')}")
            places = ""
    return found


def _is_compiled_from(catalogue: Path, folder: Path) -> bool:
    """Compared by content: different versions of the compiler write the same texts differently."""
    fresh = folder / "fresh.mo"
    _compile(catalogue, fresh)
    committed = catalogue.with_suffix(".mo")
    return committed.exists() and _content(committed) == _content(fresh)


def _content(compiled: Path) -> dict[object, str]:
    with compiled.open("rb") as file:
        return dict(vars(gettext.GNUTranslations(file))["_catalog"])


def _compile(catalogue: Path, target: Path) -> None:
    _run(["msgfmt", "--check-format", "-o", str(target), str(catalogue)])


def _require_tools() -> None:
    absent = [tool for tool in TOOLS if not shutil.which(tool)]
    if absent:
        raise LaunchError(f"{', '.join(absent)} not found; install the package gettext.")


def _run(command: list[str], folder: Path | None = None) -> str:
    # The extraction needs no settings, and must not find those of whoever called us.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LaunchError(f"{command[0]} failed: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
