"""The address of an actor: its path and its incarnation there.

Inside a System a text names an actor: its path, followed by "#" and its incarnation
unless that is the first. On the wire a reference is an array of three: the name of its
System, the path, the incarnation.
"""

from typing import Final, NamedTuple

__all__ = [
    "SEPARATOR",
    "Address",
    "address_of",
    "folder_of",
    "path_of",
    "split",
    "why_no_path",
]

SEPARATOR: Final = "#"


class Address(NamedTuple):
    """One actor, as references name it; `incarnation` counts from 1 at each path."""

    system: str
    path: str
    incarnation: int


def address_of(path: str, incarnation: int) -> str:
    """Return the text that names an actor inside its System."""
    return path if incarnation == 1 else f"{path}{SEPARATOR}{incarnation}"


def path_of(address: str) -> str:
    """Return the path in an address."""
    return address.partition(SEPARATOR)[0] if SEPARATOR in address else address


def folder_of(path: str) -> str:
    """Return what is before the last slash of a path, "" without a slash."""
    return path.rpartition("/")[0]


def split(address: str) -> tuple[str, int]:
    """Return the path and the incarnation in an address."""
    path, _, number = address.partition(SEPARATOR)
    return path, int(number) if number else 1


def why_no_path(path: str) -> str:
    """Return why a text is not a valid path, "" if it is one."""
    if not path:
        return "the path is empty"
    if SEPARATOR in path:
        return (
            f"a path must not contain {SEPARATOR!r},"
            " which precedes the number of an incarnation"
        )
    return ""
