"""The public names of every room, and that examples and documents use no others.

`tests/public_names.toml` has what is public: each public package and module with its
names. After a change that is meant, write it anew, and read what has changed:

    python -m tests.test_public_names --write
"""

import argparse
import ast
import pkgutil
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import ccw_actors
from tests.test_docs import PAGES, name, program_of

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))
SAVED = Path(__file__).parent / "public_names.toml"
PINNED: dict[str, list[str]] = tomllib.loads(SAVED.read_text())

_HEAD = """\
# The public rooms, and the names in the `__all__` of each, which
# tests/test_public_names.py holds. A package or module is public if no part of its
# dotted name begins with an underscore. To write this file anew:
#
#     python -m tests.test_public_names --write
"""

USERS = {"ccw_actors.cli", "ccw_actors.conformance.rules", "ccw_actors.scenarios"}
"""Packages that import names of ours for their own use; the others re-export alone."""

UNLISTED = {
    # Pytest finds its hooks by their names.
    "ccw_actors.pytest_plugin": {"pytest_configure", "pytest_pyfunc_call"},
}
"""Names that look public and that `__all__` leaves out."""


@cache
def rooms() -> dict[str, list[str]]:
    """Return the public packages and modules, and the sorted public names of each."""
    found = pkgutil.walk_packages(ccw_actors.__path__, "ccw_actors.")
    modules = [one.name for one in found if is_public(one.name)]
    return {module: names_of(module) for module in ["ccw_actors", *sorted(modules)]}


def is_public(module: str) -> bool:
    """Whether no part of a dotted name begins with an underscore."""
    return not any(part.startswith("_") for part in module.split("."))


def names_of(room: str) -> list[str]:
    """Return the names of `__all__`, or without one those imported as themselves."""
    listed: Collection[str] | None = getattr(import_module(room), "__all__", None)
    return sorted(reexported(parsed(room)) if listed is None else listed)


def parsed(room: str) -> ast.Module:
    """Return the code of a room."""
    file = import_module(room).__file__
    assert file is not None
    return ast.parse(Path(file).read_text())


def room_of(node: ast.ImportFrom) -> str:
    """Return from which room names are imported, "" if from none of ours."""
    module = node.module or ""
    return module if module.partition(".")[0] == "ccw_actors" else ""


def imported(code: ast.Module) -> Iterator[ast.alias]:
    """Yield what is imported from this package, at the top level."""
    for node in code.body:
        if isinstance(node, ast.ImportFrom) and room_of(node):
            yield from node.names


def reexported(code: ast.Module) -> set[str]:
    """Return the names that are imported from this package as themselves."""
    return {one.name for one in imported(code) if one.asname == one.name}


def defined(code: ast.Module) -> Iterator[str]:
    """Yield the names that are defined at the top level."""
    for node in code.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign(targets=targets):
                yield from (one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=target)):
                yield target
            case _:
                pass


def shown(room: str) -> set[str]:
    """Return the names without an underscore that a room defines or re-exports.

    What it imports from elsewhere is not its own. What a module imports from this
    package is for its own use, and so it is in a package that is one of `USERS`.
    """
    code = parsed(room)
    names = set(defined(code)) | reexported(code)
    if hasattr(import_module(room), "__path__") and room not in USERS:
        names.update(one.asname or one.name for one in imported(code))
    return {one for one in names if not one.startswith("_")}


def changes(before: Collection[str], now: Collection[str]) -> list[str]:
    """Return which names have appeared and which have disappeared."""
    return [
        *(f"{one} has appeared" for one in sorted(set(now) - set(before))),
        *(f"{one} has disappeared" for one in sorted(set(before) - set(now))),
    ]


def as_toml(names: Mapping[str, Iterable[str]]) -> str:
    """Return the file of names, a list for each room."""
    lists = [
        "".join(
            [f'\n"{room}" = [', *(f'\n    "{one}",' for one in sorted(names[room]))]
        )
        + ("\n]\n" if names[room] else "]\n")
        for room in sorted(names)
    ]
    return _HEAD + "".join(lists)


def test_public_rooms() -> None:
    """These packages and modules are public, and no others."""
    changed = changes(PINNED, rooms())
    assert not changed, "; ".join(changed)


@pytest.mark.parametrize("room", PINNED)
def test_public_names(room: str) -> None:
    """A room has these public names and no others, each of them once."""
    now = rooms().get(room, [])
    changed = changes(PINNED[room], now)
    assert not changed, "; ".join(changed)
    assert PINNED[room] == now


@pytest.mark.parametrize("room", rooms())
def test_public_names_are_there(room: str) -> None:
    """What a room says is public can be had from it."""
    module = import_module(room)
    assert [one for one in names_of(room) if not hasattr(module, one)] == []


@pytest.mark.parametrize("room", rooms())
def test_no_other_names_are_shown(room: str) -> None:
    """What a room shows beside its public names is what others have made."""
    assert shown(room) - set(names_of(room)) == UNLISTED.get(room, set())


def test_saved_names_are_as_they_are_written() -> None:
    """The file of names is sorted and laid out as `--write` does it."""
    assert SAVED.read_text() == as_toml(PINNED)


def test_changes_are_named() -> None:
    """What has appeared, and what has disappeared, is said by its name."""
    assert changes(["kept", "old"], ["kept", "new"]) == [
        "new has appeared",
        "old has disappeared",
    ]


def test_shown_names_are_found() -> None:
    """A definition and an import as itself are found, plain imports are told apart."""
    code = ast.parse("""
from pathlib import Path
from ccw_actors.runtime import System as System
from ccw_actors.runtime import Actor
KNOWN: int = 1
OTHER = 2
def function(): local = 3
class Class: ...
""")
    assert list(defined(code)) == ["KNOWN", "OTHER", "function", "Class"]
    assert reexported(code) == {"System"}
    assert [one.name for one in imported(code)] == ["System", "Actor"]


@pytest.mark.parametrize(
    "script", SCRIPTS, ids=lambda path: str(path.relative_to(EXAMPLES))
)
def test_examples_use_public_names(script: Path) -> None:
    """An example imports what its packages make public, and nothing else of ours."""
    assert list(hidden(script.read_text())) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_documents_use_public_names(page: Path) -> None:
    """So do the programs of the documents."""
    for block in program_of(page):
        assert list(hidden(block.text)) == []


def test_hidden_names_are_found() -> None:
    """A private module, a name that is not public, and a plain import are found."""
    program = """
from ccw_actors.runtime import System, life, stepping
from ccw_actors.runtime._cell import Cell
from ccw_actors.channel.lifecycle import minus
import ccw_actors.runtime
"""
    assert list(hidden(program)) == [
        "ccw_actors.runtime.life",
        "ccw_actors.runtime._cell.Cell",
        "ccw_actors.channel.lifecycle.minus",
        "ccw_actors.runtime",
    ]


def hidden(program: str) -> Iterator[str]:
    """Yield what a program imports of this package that is not public."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            for one in node.names:
                if one.name.startswith("ccw_actors"):
                    yield one.name
        elif isinstance(node, ast.ImportFrom) and room_of(node):
            room = room_of(node)
            for one in node.names:
                if one.name not in public_names(room):
                    yield f"{room}.{one.name}"


def public_names(room: str) -> set[str]:
    """Return what may be imported from a room: its names, and the rooms within."""
    within = (one.rpartition(".") for one in rooms())
    return {
        *rooms().get(room, ()),
        *(last for outer, _, last in within if outer == room),
    }


def main() -> None:
    """Write the file of names anew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    SAVED.write_text(as_toml(rooms()))
    for room in sorted({*PINNED, *rooms()}):
        for change in changes(PINNED.get(room, ()), rooms().get(room, ())):
            sys.stdout.write(f"{room}: {change}\n")


if __name__ == "__main__":
    main()
