"""The console blocks of the README, and what a command has to print for them."""

import re
from pathlib import Path
from typing import NamedTuple

README = Path(__file__).parent.parent / "README.md"

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_VARIES = re.compile(
    r"\d+\.\d+(?!\.)"  # seconds
    r"|vmlinuz-\S+|^Linux .*"  # the kernel that Debian has today
    r"|\b[\d,]+ (?=I/Os|interrupts|times)"
)


class Shown(NamedTuple):
    """A command of the README and the lines below it."""

    command: str
    output: list[str]


def shown_commands() -> list[Shown]:
    """Return the commands of the README's console blocks, in order."""
    shown: list[Shown] = []
    for block in _CONSOLE.findall(README.read_text()):
        first, *rest = block.splitlines()
        assert first.startswith("$ "), first
        shown.append(Shown(first.removeprefix("$ "), rest))
    return shown


def assert_shown(expected: list[str], printed: str) -> None:
    """Hold that lines are printed in their order; `...` stands for any lines."""
    lines = iter(_VARIES.sub("0", line).rstrip() for line in printed.splitlines())
    for one in expected:
        if one != "...":
            wanted = _VARIES.sub("0", one).rstrip()
            assert wanted in lines, f"not printed, or not in this place: {one}"
