"""`--help` of every command: how it is called, what it prints, how it ends."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from ccw_actors.cli import app
from tests.cli.in_process import ccw_actors


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command and of its subcommands."""
    yield words
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*words, name))


COMMANDS = sorted(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help(words: tuple[str, ...]) -> None:
    """It fits into 80 columns, and gives every exit status in one form."""
    ended = ccw_actors(*words, "--help", columns=80)
    assert (ended.status, ended.err) == (0, "")
    assert max(map(len, ended.out.splitlines())) <= 80
    check_usage(ended.out.partition("\n\n")[0], words)
    statuses = re.search(r"Exit status: (0 .*?)\.(?: |$)", " ".join(ended.out.split()))
    assert statuses
    assert "; 2 usage error" in statuses[1]


def check_usage(usage: str, words: tuple[str, ...]) -> None:
    """Check that arguments are in capitals, without braces or doubled marks."""
    assert usage.startswith(f"Usage: {' '.join(('ccw-actors', *words))} [OPTIONS]")
    assert not re.search(r"[a-z]\.\.\.|\.\.\.\S*\.\.\.|[{}]|\[\[", usage)


def test_every_command_is_listed_in_a_line() -> None:
    """The list has the first sentence of each command, not a part of it."""
    for words in ((), ("dasd",), ("qemu",)):
        listed = ccw_actors(*words, "--help", columns=80).out.partition("Commands:")[2]
        assert listed
        assert "..." not in listed
