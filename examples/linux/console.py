"""Reads the lines that guests' scripts print on the console for programs.

A line is "@ NAME rc=0 seconds=3.21", from `try` in guest/functions.sh, or "@ NAME
WORDS", from `tell`. Linux prints its messages between these lines, never inside one.
"""

import re

from msgspec import Struct

__all__ = ["Finding", "findings"]

_FINDING = re.compile(r"^@ (\S+)(?: (.*))?$", re.MULTILINE)
_EXIT_STATUS = re.compile(r"\brc=(\d+)")


class Finding(Struct, frozen=True):
    """One line: its name, the rest, and the exit status, if the line has one."""

    name: str
    text: str
    rc: int | None


def findings(console: str) -> list[Finding]:
    """Return the lines of a guest, in order."""
    found: list[Finding] = []
    for name, text in _FINDING.findall(console.replace("\r", "")):
        rc = _EXIT_STATUS.search(text)
        found.append(Finding(name, text, int(rc[1]) if rc else None))
    return found
