"""Check the English of this repository with proselint and a list of our own.

    python -m tools.prose [PATH ...]

checks the pages, the docstrings, the comments and the messages of the files and folders
given, or of the whole repository, and prints a line for each finding:
`FILE:LINE: message`. Exit status: 0 nothing found; 1 something found.

`tools/prose.toml` has our list, and which checks of proselint are off, and why.
"""

# pyright: reportMissingTypeStubs=false

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from proselint import checks
from proselint.config import DEFAULT, Config
from proselint.registry import CheckRegistry
from proselint.registry.checks import Check, CheckFlags, CheckResult
from proselint.tools import LintFile

from tools.prose_text import prose_of

ROOT = Path(__file__).parent.parent
OWN = "ccw"
_SETTINGS = tomllib.loads((ROOT / "tools" / "prose.toml").read_text())
_FOLDERS = ("ccw_actors", "docs", "examples", "benchmarks", "tests", "tools")
_SPEED = ROOT / "docs" / "generated" / "speed"


def _pattern(phrase: str) -> re.Pattern[str]:
    """Return what finds a phrase of our list, also where a line ends inside it."""
    words = phrase.replace(" ", r"(?: |[ \t]*\n[ \t#]*)")
    return re.compile(rf"\b(?:{words})(?!\w)", re.IGNORECASE)


_OWN_WORDS = {
    _pattern(phrase): instead for phrase, instead in _SETTINGS["instead"].items()
}


def files_of(paths: list[Path]) -> Iterator[Path]:
    """Yield the pages and modules in folders, and the files that are given."""
    for path in paths:
        if path.is_dir():
            found = (*path.rglob("*.md"), *path.rglob("*.py"))
            yield from sorted(one for one in found if not _is_left_out(one))
        else:
            yield path


def _is_left_out(path: Path) -> bool:
    """Whether no person writes it: figures of benchmarks, hidden folders, data."""
    hidden = any(part.startswith((".", "__py")) for part in path.resolve().parts)
    return hidden or path.resolve().is_relative_to(_SPEED)


def everything() -> list[Path]:
    """Return the pages at the top, and every folder that has prose."""
    here = Path(os.path.relpath(ROOT))
    return [*sorted(here.glob("*.md")), *(here / folder for folder in _FOLDERS)]


def findings(path: Path) -> Iterator[str]:
    """Yield `LINE: message` for each place of a file that a check refuses.

    Strings of tests are input or quoted output, so a test's docstrings and comments
    are checked alone.
    """
    prose = prose_of(path, messages="tests" not in path.parts)
    for found in LintFile(str(path), prose).lint(_CONFIG):
        message = " ".join(found.check_result.message.split())
        yield f"{_line(prose, found.check_result)}: {message}"


def _line(prose: str, found: CheckResult) -> int:
    """Return the line of the first letter: LintFile puts an empty line before all."""
    text = f"\n{prose}"
    before = len(text[: found.span[1]].rstrip()) - len(text[slice(*found.span)].strip())
    return text.count("\n", 0, before)


def _own_words(text: str, check: Check) -> Iterator[CheckResult]:
    """Yield what our list refuses."""
    for pattern, instead in _OWN_WORDS.items():
        for found in pattern.finditer(text):
            words = " ".join(found[0].split())
            message = f"instead of {words!r}: {instead}"
            yield CheckResult(check.path, message, found.span(), None)


def _config() -> Config:
    """Return which checks are on: the most specific first, as proselint wants it."""
    off = dict.fromkeys(_SETTINGS["off"], False)
    checks = {**DEFAULT["checks"], OWN: True, **off}
    by_depth = sorted(checks.items(), key=lambda one: -one[0].count("."))
    return Config(max_errors=DEFAULT["max_errors"], checks=dict(by_depth))


CheckRegistry().register_many(
    (
        *checks.__register__,
        Check(_own_words, path=OWN, flags=CheckFlags(allow_quotes=True)),
    )
)
_CONFIG = _config()


def main(paths: Annotated[list[Path] | None, typer.Argument()] = None) -> None:
    """Print what is found, a line each; exit status 1 if something is."""
    found = 0
    for path in files_of(paths or everything()):
        for finding in findings(path):
            found += 1
            print(f"{path}:{finding}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    typer.run(main)
