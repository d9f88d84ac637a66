"""A cell's hash covers every module from which its scenario takes a name."""

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime import SteppingDispatcher, System
from ccw_actors.verdicts import CellName, cell_hash
from ccw_actors.verdicts import _cell_hash as hashes

ROOT = Path(hashes.__file__).parents[1]
PACKAGE = ROOT.name

OURS = CellName("ours", "qemu", "seed")
LINUX = CellName("2026", "qemu", "seed")
OURS_ONLY = "verdicts/_own_machine.py"
LINUX_ONLY = "verdicts/_linux_machine.py"
CHOICE = "verdicts/_wiring.py"
"""It takes one machine for a cell, and names both."""
ENGINE = "verdicts/_explore.py"
"""It explores cells, and is no part of what they are made of."""


def hashed(cell: CellName, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the files whose text is in the hash of a cell, by their paths."""
    parts: list[str] = []
    left_out: list[str] = []

    def fingerprint(*some: str, without: tuple[str, ...] = ()) -> str:
        parts.extend(some)
        left_out.extend(without)
        return ""

    monkeypatch.setattr(hashes, "fingerprint", fingerprint)
    cell_hash(cell)
    places = [ROOT / part for part in parts]
    files = [
        file
        for place in places
        for file in ([place] if place.is_file() else place.rglob("*.py"))
    ]
    found = {file.relative_to(ROOT).as_posix() for file in files}
    return {file for file in found if not file.startswith(tuple(left_out))}


def sources(file: str) -> Iterator[str]:
    """Yield the modules of this package from which a module takes names."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for name in node.names:
                if node.module.startswith(PACKAGE):
                    yield source_of(node.module, name.name)


def source_of(module: str, name: str) -> str:
    """Return the file in which a name is defined that a module or a package gives."""
    place = ROOT.parent.joinpath(*module.split("."))
    if place.with_suffix(".py").is_file():
        return place.with_suffix(".py").relative_to(ROOT).as_posix()
    if (place / f"{name}.py").is_file():
        return (place / f"{name}.py").relative_to(ROOT).as_posix()
    init = place / "__init__.py"
    for node in ast.parse(init.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for given in node.names:
                if (given.asname or given.name) == name:
                    return source_of(node.module, given.name)
    return init.relative_to(ROOT).as_posix()


def missing(covered: set[str], packages: tuple[str, ...]) -> set[str]:
    """Return what files of some packages take from files that are not covered."""
    return {
        f"{file} takes from {source}"
        for file in covered - {ENGINE}
        if file.startswith(packages)
        for source in sources(file)
        if source not in covered
    }


@pytest.mark.parametrize(("cell", "other"), [(OURS, LINUX_ONLY), (LINUX, OURS_ONLY)])
def test_hash_covers_the_scenario(
    cell: CellName, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the modules of a cell's scenario take names from is in its hash."""
    covered = hashed(cell, monkeypatch)
    assert missing(covered, ("verdicts/",)) == {f"{CHOICE} takes from {other}"}


def test_hashes_cover_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the modules of both kinds of cells take names from is in their hashes."""
    covered = hashed(OURS, monkeypatch) | hashed(LINUX, monkeypatch)
    assert missing(covered, ("machine/", "scenarios/", "verdicts/")) == set()


@pytest.mark.parametrize("cell", [OURS, LINUX])
def test_hash_leaves_out_links(cell: CellName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the links of a System are left out of its engine."""
    covered = hashed(cell, monkeypatch)
    for folder in ("runtime", "transport"):
        every = {
            file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob("*.py")
        }
        links = {file for file in every if file.startswith(f"{folder}/links/")}
        assert links
        assert every - covered == links


def test_an_explored_system_has_no_links() -> None:
    """So no cell executes what the hash leaves out."""
    system = System(SteppingDispatcher())
    for begin in (system.connect, system.listen):
        with pytest.raises(DispatcherError):
            asyncio.run(begin("unix:nowhere"))


def test_a_name_is_found_where_it_is_defined() -> None:
    """A name of a package is followed to the module that defines it."""
    assert source_of(f"{PACKAGE}.scenarios", "add_cpus") == "scenarios/_machine.py"
    assert source_of(f"{PACKAGE}.verdicts", "_machine") == "verdicts/_machine.py"
    assert source_of(f"{PACKAGE}.scenarios", "MAKERS") == "scenarios/__init__.py"
