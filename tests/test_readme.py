"""What the README shows is what its commands print."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.in_process import ccw_actors
from tests.shown import README, assert_shown, shown_commands

SECTIONS = [
    "Who it is for",
    "The race",
    "Run it",
    "Run a real Linux on it",
    "Which designs are right",
    "Develop",
    "What you can do with it",
    "The layers",
    "Contribute",
]

_INLINE = re.compile(r"`(ccw-actors [^`]+)`")


def test_sections_are_in_their_order() -> None:
    """A reader meets the problem first, and the layers after what they are for."""
    text = README.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= 200


def test_first_command_prints_what_is_shown(tmp_path: Path) -> None:
    """The machine of the first command runs here and prints those lines.

    `.ci/run` gives the whole command, with its virtual environment.
    """
    first, *_ = shown_commands()
    set_up, _, run = first.command.rpartition(" && ")
    assert set_up == "python3 -m venv .venv && .venv/bin/pip install -q ."
    program, *words = shlex.split(run)
    assert program == ".venv/bin/ccw-actors"
    done = subprocess.run(
        [sys.executable, "-m", "ccw_actors", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert_shown(first.output, done.stdout)


def test_second_console_block_boots_linux() -> None:
    """tests/linux/test_ipl.py runs the other command that the README shows."""
    commands = [one.command for one in shown_commands()]
    assert commands[1:] == ["python examples/linux/boot.py"]


@pytest.mark.parametrize("line", sorted(set(_INLINE.findall(README.read_text()))))
def test_commands_in_sentences_are_there(line: str) -> None:
    """A command named in a sentence has help, and its options are in it."""
    _, *words = shlex.split(line)
    options = [word for word in words if word.startswith("-")]
    names = words[: words.index(options[0])] if options else words
    done = ccw_actors(*names, "--help")
    assert done.status == 0
    for option in options:
        assert option in done.out
