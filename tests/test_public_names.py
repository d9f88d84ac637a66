"""The public names of every module, and that examples and documents use no others.

`tests/public_names.toml` has what is public: each public package and module with its
names. After an intended change, write it again, and read the changes it prints:

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
# The public packages and modules, and the names in the `__all__` of each, which
# tests/test_public_names.py checks. A package or module is public if no part of its
# dotted name begins with an underscore. To write this file again:
#
#     python -m tests.test_public_names --write
"""

USERS = {"ccw_actors.cli", "ccw_actors.conformance.rules", "ccw_actors.scenarios"}
"""Packages that import our names for their own use; the others only re-export."""

UNLISTED = {
    # Pytest finds its hooks by their names.
    "ccw_actors.pytest_plugin": {"pytest_configure", "pytest_pyfunc_call"},
}
"""Names without an underscore that are not in `__all__`."""


@cache
def public_modules() -> dict[str, list[str]]:
    """Return the public packages and modules, and the sorted public names of each."""
    found = pkgutil.walk_packages(ccw_actors.__path__, "ccw_actors.")
    modules = [one.name for one in found if is_public(one.name)]
    return {module: names_of(module) for module in ["ccw_actors", *sorted(modules)]}


def is_public(module: str) -> bool:
    """Return whether no part of a dotted name begins with an underscore."""
    return not any(part.startswith("_") for part in module.split("."))


def names_of(module: str) -> list[str]:
    """Return the names of `__all__`, or else those imported as themselves."""
    listed: Collection[str] | None = getattr(import_module(module), "__all__", None)
    return sorted(reexported(parsed(module)) if listed is None else listed)


def parsed(module: str) -> ast.Module:
    """Return the code of a module."""
    file = import_module(module).__file__
    assert file is not None
    return ast.parse(Path(file).read_text())


def module_of(node: ast.ImportFrom) -> str:
    """Return the module that names are imported from, "" if it is not ours."""
    module = node.module or ""
    return module if module.partition(".")[0] == "ccw_actors" else ""


def imported(code: ast.Module) -> Iterator[ast.alias]:
    """Yield the names imported from this package, at the top level."""
    for node in code.body:
        if isinstance(node, ast.ImportFrom) and module_of(node):
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


def shown(module: str) -> set[str]:
    """Return the names without an underscore that a module defines or re-exports.

    Names imported from elsewhere do not count. Names that a module, or a package in
    `USERS`, imports from this package are for its own use, and do not count either.
    """
    code = parsed(module)
    names = set(defined(code)) | reexported(code)
    if hasattr(import_module(module), "__path__") and module not in USERS:
        names.update(one.asname or one.name for one in imported(code))
    return {one for one in names if not one.startswith("_")}


def changes(before: Collection[str], now: Collection[str]) -> list[str]:
    """Return which names have appeared and which have disappeared."""
    return [
        *(f"{one} has appeared" for one in sorted(set(now) - set(before))),
        *(f"{one} has disappeared" for one in sorted(set(before) - set(now))),
    ]


def as_toml(names: Mapping[str, Iterable[str]]) -> str:
    """Return the file of names, a list for each module."""
    lists = [
        "".join(
            [f'\n"{module}" = [', *(f'\n    "{one}",' for one in sorted(names[module]))]
        )
        + ("\n]\n" if names[module] else "]\n")
        for module in sorted(names)
    ]
    return _HEAD + "".join(lists)


def test_public_modules() -> None:
    """These packages and modules are public, and no others."""
    changed = changes(PINNED, public_modules())
    assert not changed, "; ".join(changed)


@pytest.mark.parametrize("module", PINNED)
def test_public_names(module: str) -> None:
    """A module has these public names and no others, each of them once."""
    now = public_modules().get(module, [])
    changed = changes(PINNED[module], now)
    assert not changed, "; ".join(changed)
    assert PINNED[module] == now


@pytest.mark.parametrize("module", public_modules())
def test_public_names_are_there(module: str) -> None:
    """Every public name of a module exists."""
    found = import_module(module)
    assert [one for one in names_of(module) if not hasattr(found, one)] == []


@pytest.mark.parametrize("module", public_modules())
def test_no_other_names_are_shown(module: str) -> None:
    """A module shows none of our names but its public ones."""
    assert shown(module) - set(names_of(module)) == UNLISTED.get(module, set())


def test_saved_names_are_as_they_are_written() -> None:
    """The file of names is sorted and laid out as `--write` does it."""
    assert SAVED.read_text() == as_toml(PINNED)


def test_changes_are_named() -> None:
    """A name that has appeared or disappeared is reported."""
    assert changes(["kept", "old"], ["kept", "new"]) == [
        "new has appeared",
        "old has disappeared",
    ]


def test_shown_names_are_found() -> None:
    """A definition and an import as itself count, a plain import does not."""
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
    """An example imports only our public names."""
    assert list(hidden(script.read_text())) == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_documents_use_public_names(page: Path) -> None:
    """The programs of the documents import only our public names."""
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
    """Yield the names that a program imports from this package and are not public."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            for one in node.names:
                if one.name.startswith("ccw_actors"):
                    yield one.name
        elif isinstance(node, ast.ImportFrom) and module_of(node):
            module = module_of(node)
            for one in node.names:
                if one.name not in public_names(module):
                    yield f"{module}.{one.name}"


def public_names(module: str) -> set[str]:
    """Return the names to import from a module: its own, and the modules within."""
    within = (one.rpartition(".") for one in public_modules())
    return {
        *public_modules().get(module, ()),
        *(last for outer, _, last in within if outer == module),
    }


def main() -> None:
    """Write the file of names again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", required=True)
    parser.parse_args()
    SAVED.write_text(as_toml(public_modules()))
    for module in sorted({*PINNED, *public_modules()}):
        for change in changes(PINNED.get(module, ()), public_modules().get(module, ())):
            sys.stdout.write(f"{module}: {change}\n")


if __name__ == "__main__":
    main()
