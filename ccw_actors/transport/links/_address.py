"""Addresses of links.

| address | what it means |
|---|---|
| `unix:PATH` | a socket in the file system, for processes of the same user |
| `tcp:PORT`, `tcp:HOST:PORT` | TCP, to or on 127.0.0.1 unless a host is given |
| `stdio:` | this process's own standard input and output |
| `exec:COMMAND` | those of a child that runs the command, which splits like a shell's |
"""

import ipaddress
import shlex
from typing import Final, Literal, NamedTuple

from ccw_actors.errors import LinkError

__all__ = ["LOOPBACK", "LinkAddress", "parse_address"]

LOOPBACK: Final = "127.0.0.1"
_EXPECTED: Final = "expected unix:PATH, tcp:PORT, tcp:HOST:PORT, stdio: or exec:COMMAND"
_PORT_MAX: Final = 65535
_PATH_MAX: Final = 107
"""unix(7): the address has 108 bytes, the last of them zero."""


class LinkAddress(NamedTuple):
    """One address: `place` is a path or a host, `command` the words of a command."""

    kind: Literal["unix", "tcp", "stdio", "exec"]
    place: str = ""
    port: int = 0
    command: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether no other host can be at the other end."""
        if self.kind != "tcp" or self.place == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.place).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        if self.kind == "tcp":
            host = f"[{self.place}]" if ":" in self.place else self.place
            return f"tcp:{host}:{self.port}"
        return f"{self.kind}:{self.place or shlex.join(self.command)}"


def parse_address(text: str) -> LinkAddress:
    """Return the address that a text names.

    Raises:
        LinkError: It names none.
    """
    kind, colon, rest = text.partition(":")
    match kind:
        case "unix" if rest:
            if len(rest.encode()) > _PATH_MAX:
                raise LinkError(f"{text}: the path has more than {_PATH_MAX} bytes")
            return LinkAddress("unix", rest)
        case "tcp":
            return _tcp(text, rest)
        case "stdio" if colon and not rest:
            return LinkAddress("stdio")
        case "exec" if rest.strip():
            return LinkAddress("exec", command=_words(text, rest))
        case _:
            raise LinkError(f"{text!r}: {_EXPECTED}")


def _tcp(text: str, rest: str) -> LinkAddress:
    host, _, port = rest.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= _PORT_MAX):
        raise LinkError(f"{text!r}: expected a port from 0 to {_PORT_MAX}")
    return LinkAddress("tcp", host.strip("[]") or LOOPBACK, int(port))


def _words(text: str, rest: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(rest))
    except ValueError as error:
        raise LinkError(f"{text!r}: {error}") from error
