"""Which names are public, where each is defined, and where the reference shows it."""

import ast
import pkgutil
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

import ccw_actors

__all__ = ["Public", "home_of", "homes", "names_of", "public_modules"]

_PACKAGE: Final = "ccw_actors"


class Public(NamedTuple):
    """A name in a module."""

    module: str
    name: str

    def __str__(self) -> str:
        """Return the dotted name."""
        return f"{self.module}.{self.name}"


@cache
def public_modules() -> tuple[str, ...]:
    """Return the modules with no part of their dotted name beginning with "_"."""
    found = pkgutil.walk_packages(ccw_actors.__path__, f"{_PACKAGE}.")
    names = sorted(one.name for one in found)
    return tuple(
        one for one in names if not any(part.startswith("_") for part in one.split("."))
    )


def names_of(module: str) -> list[str]:
    """Return the names in `__all__`, or those that are imported as themselves."""
    listed = getattr(import_module(module), "__all__", None)
    if listed is not None:
        return sorted(map(str, listed))
    return sorted(
        name for name, (_, before) in _imports(module).items() if name == before
    )


@cache
def _imports(module: str) -> Mapping[str, tuple[str, str]]:
    """Return what a module imports from this package: its name, and from where."""
    file = import_module(module).__file__
    assert file is not None
    return {
        alias.asname: (node.module, alias.name)
        for node in ast.parse(Path(file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        if node.module is not None and node.module.startswith(_PACKAGE)
        for alias in node.names
        if alias.asname is not None
    }


def definition_of(public: Public) -> Public:
    """Return the module that defines a name, and its name there."""
    found = _imports(public.module).get(public.name)
    return public if found is None else definition_of(Public(*found))


@cache
def homes() -> Mapping[Public, Public]:
    """Return for each definition of a public name where the reference shows it.

    That is the first package above the definition that has the name, or else the
    shortest module that has it.
    """
    shown: dict[Public, list[Public]] = defaultdict(list)
    for module in public_modules():
        for name in names_of(module):
            one = Public(module, name)
            shown[definition_of(one)].append(one)
    return {
        defined: min(
            places,
            key=lambda one: (
                not f"{defined.module}.".startswith(f"{one.module}."),
                one.module.count("."),
                one,
            ),
        )
        for defined, places in shown.items()
    }


def home_of(public: Public) -> Public:
    """Return where the reference shows a public name."""
    return homes()[definition_of(public)]
