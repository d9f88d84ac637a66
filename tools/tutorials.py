"""Runs the tutorials: writes the files they show, and compares what commands print.

A page is run from top to bottom in an empty folder. Its fenced blocks say what to do:

| block | what is done |
|---|---|
| `python file=NAME`, `toml file=NAME` | the block is the whole file NAME |
| `python add=NAME` | the block is added at the end of NAME |
| `python replace=NAME:Class.method` | the block takes the place of that definition |
| `console` | each line that begins with `$ ` is run; below it stands what it prints |

Commands are run by bash, 88 columns wide, and only what they print to standard output
is compared. Seconds are shown as 0.00, and the folder as /your/folder.

python -m tools.tutorials           compares; exit status 1 if something differs
python -m tools.tutorials --write   writes what commands print into the pages
"""

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["TUTORIALS", "actions_of", "as_run"]

ROOT: Final = Path(__file__).parent.parent
TUTORIALS: Final = tuple(sorted((ROOT / "docs" / "tutorials").glob("*.md")))

_BLOCK = re.compile(
    r"^```(?P<language>\w+)(?: (?P<action>\w+)=(?P<target>\S+))?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_SECONDS = re.compile(r"\b\d+\.\d\d(?=s?$| seconds)", re.MULTILINE)
_FOLDER = "/your/folder"
_PATIENCE = 300.0


class Action(NamedTuple):
    """What a block asks for: "file", "add", "replace", or "run" for commands."""

    kind: str
    target: str
    text: str


def actions_of(page: str) -> Iterator[Action]:
    """Yield what the blocks of a page ask for, in order; other blocks are left out."""
    for found in _BLOCK.finditer(page):
        if found["language"] == "console":
            yield Action("run", "", found["text"])
        elif found["action"]:
            yield Action(found["action"], found["target"], found["text"])


def as_run(page: str, folder: Path) -> str:
    """Run a page in a folder; return it with what its commands have printed.

    Raises:
        ValueError: A block asks for something that there is not.
    """

    def replaced(found: re.Match[str]) -> str:
        for action in actions_of(found[0]):
            if action.kind == "run":
                return f"```console\n{_session(action.text, folder)}```"
            _change(action, folder)
        return found[0]

    return _BLOCK.sub(replaced, page)


def _change(action: Action, folder: Path) -> None:
    """Write, extend or change a file."""
    name, _, place = action.target.partition(":")
    file = folder / name
    match action.kind:
        case "file":
            file.write_text(action.text)
        case "add":
            file.write_text(f"{file.read_text()}\n\n{action.text}")
        case "replace":
            file.write_text(_with(file.read_text(), place, action.text))
        case _:
            raise ValueError(f"{action.kind}={action.target}: not file, add or replace")


def _with(text: str, place: str, new: str) -> str:
    """Return a module in which a definition is replaced."""
    node: ast.AST = ast.parse(text)
    for name in place.split("."):
        node = _definition(node, name)
    assert isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    lines = text.splitlines(keepends=True)
    lines[first - 1 : node.end_lineno] = [new]
    return "".join(lines)


def _definition(node: ast.AST, name: str) -> ast.AST:
    for child in ast.iter_child_nodes(node):
        if getattr(child, "name", "") == name:
            return child
    raise ValueError(f"there is no definition of {name}")


def _session(text: str, folder: Path) -> str:
    """Run the commands of a block; return them with what they have printed."""
    commands = [line for line in text.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{_output(line[2:], folder)}" for line in commands)


def _output(command: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    text = done.stdout.replace(str(folder), _FOLDER)
    lines = [line.rstrip() for line in text.splitlines()]
    return _SECONDS.sub("0.00", "".join(f"{line}\n" for line in lines))


def _environment() -> dict[str, str]:
    """Return what a reader's shell has: this Python on PATH, and this package."""
    python = str(Path(sys.executable).parent)
    return {
        "PATH": f"{python}:{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "COLUMNS": "88",
        "PYTHONPATH": str(ROOT),
        # A file that is replaced within a second must not be taken for the old one, so
        # no bytecode is kept. That of the package is read from where tests keep it.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", ""),
    }


def main() -> None:
    """Compare the tutorials, or write what their commands print."""
    parser = argparse.ArgumentParser(description="Run the tutorials.")
    parser.add_argument("--write", action="store_true", help="write what is printed")
    parser.add_argument("pages", nargs="*", type=Path, default=TUTORIALS)
    arguments = parser.parse_args()
    differs = False
    for page in arguments.pages:
        shown = page.read_text()
        with tempfile.TemporaryDirectory() as folder:
            found = as_run(shown, Path(folder))
        differs |= found != shown
        if arguments.write:
            page.write_text(found)
        else:
            before = shown.splitlines(keepends=True)
            after = found.splitlines(keepends=True)
            sys.stdout.writelines(unified_diff(before, after, str(page), "as run"))
    sys.exit(differs and not arguments.write)


if __name__ == "__main__":
    main()
