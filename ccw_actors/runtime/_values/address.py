"""The address of an actor: its path and its incarnation there.

Inside a System a text names an actor: its path, followed by "#" and its incarnation
unless that is the first. On the wire a reference is an array of three: the name of its
System, the path, the incarnation.

An actor of a linked System has a remote address here: "#", the name of its System, "#",
the number of the session, "#", and its address there. Without the last it means the
outside of that System. A session is the life of one link, so the references that came
with one do not reach anybody after it.
"""

from typing import Final, NamedTuple

__all__ = [
    "SEPARATOR",
    "Address",
    "address_of",
    "folder_of",
    "is_remote",
    "local_part",
    "path_of",
    "remote_address",
    "shown",
    "split",
    "system_of",
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


def remote_address(system: str, session: int, address: str) -> str:
    """Return the address here of an actor of a linked System, "" for its outside."""
    return f"{SEPARATOR}{system}{SEPARATOR}{session}{SEPARATOR}{address}"


def is_remote(address: str) -> bool:
    """Whether an address is that of a linked System."""
    return address.startswith(SEPARATOR)


def local_part(address: str) -> str:
    """Return the address in its own System, which is the same unless it is remote."""
    return address.split(SEPARATOR, 3)[3] if is_remote(address) else address


def system_of(address: str) -> str:
    """Return the name of the System in a remote address, "" in any other."""
    return address.split(SEPARATOR, 2)[1] if is_remote(address) else ""


def shown(address: str) -> str:
    """Return an address for people: a remote one names its System in words."""
    if not is_remote(address):
        return address
    return f"{local_part(address) or 'the outside'} of {system_of(address)}"


def path_of(address: str) -> str:
    """Return the path in an address."""
    if SEPARATOR not in address:
        return address
    return local_part(address).partition(SEPARATOR)[0]


def folder_of(path: str) -> str:
    """Return what is before the last slash of a path, "" without a slash."""
    return path.rpartition("/")[0]


def split(address: str) -> tuple[str, int]:
    """Return the path and the incarnation in an address."""
    path, _, number = local_part(address).partition(SEPARATOR)
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
