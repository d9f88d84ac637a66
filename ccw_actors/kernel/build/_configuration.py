"""The configuration of a kernel: what is wanted, and whether it came out so."""

import re
from collections.abc import Iterable
from pathlib import Path

from ccw_actors.kernel.build._errors import BuildFailedError, KernelSourceError

__all__ = ["ADDITIONS", "check_additions", "check_configuration", "wanted"]

_FOLDER = Path(__file__).parent / "configurations"

ADDITIONS = ("kasan", "kcsan", "lockdep")
"""What may be added: detectors, which make a kernel slower."""

_EXCLUSIVE = {"kasan", "kcsan"}
_NEVER_RENAMED = {
    "VFIO_CCW",
    "VFIO_MDEV",
    "DEBUG_INFO",
    "SCLP_VT220_CONSOLE",
    "KPROBES",
}
"""Symbols without which a kernel is of no use, in every version."""

_SELECTED = ("DEBUG_INFO", "TRACING")
"""Symbols that others have to select."""


def check_additions(additions: Iterable[str]) -> tuple[str, ...]:
    """Return the additions in their order, each once.

    Raises:
        KernelSourceError: There is no such addition, or one excludes another.
    """
    given = set(additions)
    for name in sorted(given.difference(ADDITIONS)):
        raise KernelSourceError(
            f"there is no addition {name}; expected one of {', '.join(ADDITIONS)}"
        )
    if given >= _EXCLUSIVE:
        raise KernelSourceError(
            f"{' and '.join(sorted(_EXCLUSIVE))} exclude each other: build two kernels"
        )
    return tuple(name for name in ADDITIONS if name in given)


def wanted(additions: Iterable[str]) -> str:
    """Return the settings to ask for, as a text of Kconfig."""
    names = ("base", *additions)
    return "\n".join((_FOLDER / f"{name}.config").read_text() for name in names)


def check_configuration(asked: str, became: str, tree: Path) -> None:
    """Check that every symbol that was asked for is set.

    A symbol that the tree does not have is not expected, unless nothing goes without
    it: versions rename some.

    Raises:
        BuildFailedError: One is not set; the text names it.
    """
    is_set = _settings(became)
    missing = [name for name in _settings(asked) if name not in is_set]
    missing += [name for name in _SELECTED if name not in is_set]
    if not missing:
        return
    known = _symbols(tree)
    unset = [name for name in missing if name in known or name in _NEVER_RENAMED]
    if unset:
        names = ", ".join(f"CONFIG_{name}" for name in unset)
        raise BuildFailedError(
            f"the configuration lacks {names}: something that it depends on is not set,"
            " or has another name in this version"
        )


def _settings(text: str) -> list[str]:
    """Return the symbols that a configuration turns on."""
    return re.findall(r"^CONFIG_(\w+)=(?!n$)", text, re.MULTILINE)


def _symbols(tree: Path) -> set[str]:
    """Return every symbol that a tree's Kconfig files define for s390."""
    found = set[str]()
    for path in tree.rglob("Kconfig*"):
        parts = path.relative_to(tree).parts
        if parts[0] == "arch" and len(parts) > 2 and parts[1] != "s390":
            continue
        if path.is_file():
            text = path.read_text(errors="replace")
            found.update(re.findall(r"^\s*(?:menu)?config\s+(\w+)", text, re.MULTILINE))
    return found
