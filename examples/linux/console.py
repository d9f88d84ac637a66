"""Reads the lines that guest scripts print on the console for a program.

A line is "@ NAME rc=0 seconds=3.21", from `try` in guest/functions.sh, or "@ NAME
WORDS", from `tell`. Linux may put its messages between such lines, never into one.
"""

import re

from msgspec import Struct

__all__ = ["Finding", "findings"]

_FINDING = re.compile(r"^@ (\S+)(?: (.*))?$", re.MULTILINE)
_EXIT_STATUS = re.compile(r"\brc=(\d+)")


class Finding(Struct, frozen=True):
    """One line: its name, the rest, and the exit status if the rest has one."""

    name: str
    text: str
    rc: int | None


def findings(console: str) -> list[Finding]:
    """Return the lines for programs on a console, in order."""
    found: list[Finding] = []
    for name, text in _FINDING.findall(console.replace("\r", "")):
        rc = _EXIT_STATUS.search(text)
        found.append(Finding(name, text, int(rc[1]) if rc else None))
    return found
