"""Files that cannot be used: one exit status, and one line that names the file."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.in_process import Ended, ccw_actors

FILE = "{}"
COMMANDS = {
    "run": ("run", FILE, "--no-trace", "--no-control"),
    "trace": ("trace", FILE),
    "replay": ("replay", FILE),
    "conform": ("conform", FILE),
    "qemu": ("qemu", "--disk", f"0190={FILE}"),
    "qemu attach": ("qemu", "attach", "nobody", f"0190={FILE}"),
    "dasd ls": ("dasd", "ls", FILE),
    "dasd cat": ("dasd", "cat", FILE, "A.B"),
    "dasd verify": ("dasd", "verify", FILE),
    "dasd recover": ("dasd", "recover", FILE),
}
"""Every command that reads a file, and how it is given one."""

KINDS = {
    "run": "machine file",
    "trace": "trace",
    "replay": "counterexample",
    "conform": "golden vectors",
    "qemu": "disk image",
    "dasd": "disk image",
}
NOBODY = 65534
TOML = b'[[guest]]\nname = "a"\nstrage = 1\n'


def _nothing(_file: Path) -> None: ...


def _folder(file: Path) -> None:
    file.mkdir()


def _contents(data: bytes) -> Callable[[Path], None]:
    def write(file: Path) -> None:
        file.write_bytes(data)

    return write


FILES = {
    "missing": _nothing,
    "folder": _folder,
    "empty": _contents(b""),
    "toml": _contents(TOML),
    "random": _contents(sha512(b"random").digest() * 9),
}


def run_on(command: str, file: Path) -> Ended:
    """Run a command on a file."""
    return ccw_actors(*(word.format(file) for word in COMMANDS[command]))


def check(ended: Ended, file: Path) -> str:
    """Check that the file is refused in a plain line, which is returned."""
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.startswith("ccw-actors: ")
    assert str(file) in ended.line
    for word in ("[Errno", "Error", "Traceback", "Invalid value", "Value error"):
        assert word not in ended.line
    return ended.line


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_cannot_be_used(tmp_path: Path, command: str, kind: str) -> None:
    """The status is 2, and one line on stderr names the file; nothing is printed."""
    file = tmp_path / "input"
    FILES[kind](file)
    check(run_on(command, file), file)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_file(tmp_path: Path, command: str) -> None:
    """The line says what was expected there."""
    line = check(run_on(command, tmp_path / "input"), tmp_path / "input")
    assert KINDS[command.split(maxsplit=1)[0]] in line


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_may_not_be_read(command: str) -> None:
    """Without permission it is the same; the line gives the system's reason."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file = Path(folder) / "input"
        file.write_bytes(TOML)
        file.chmod(0)
        with _without_privileges():
            ended = run_on(command, file)
    line = check(ended, file)
    assert "Permission denied" in line


@contextmanager
def _without_privileges() -> Generator[None]:
    """Be somebody who may not read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("explore", "--engine", "foo", "clear-twice"),
            "--engine: 'foo' is not one of",
        ),
        (("verdicts", "--jobs", "x"), "--jobs: expected a whole number of at least 1"),
        (("qemu", "--cpus", "999"), "--cpus: expected a whole number from 1 to 248, g"),
        (
            ("machines", "--timeout", "x"),
            "--timeout: expected a number of at least 0.0",
        ),
        (("trace", "--from", "x", "f"), "--from: expected a whole number, got 'x'"),
        (("conform",), "Missing argument 'FILE'"),
        (("verdicts", "--design", "foo"), "--design: got 'foo'; expected one of "),
        (("stop", "a/b"), "NAME: expected at most 64 letters"),
    ],
)
def test_wrong_words(words: tuple[str, ...], said: str) -> None:
    """A wrong option or argument is named first, and nothing is said twice."""
    ended = ccw_actors(*words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.line.startswith(f"ccw-actors: {said}")
    assert "Invalid value" not in ended.line


def test_page(tmp_path: Path) -> None:
    """The errors in docs/command-line.md are those that the commands print."""
    (tmp_path / "machine.toml").write_bytes(TOML)
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    shown = page.partition("```shell-session\n")[2].partition("```")[0]
    commands = shown.split("$ ccw-actors ")[1:]
    assert commands
    for words, _, error in (one.partition("\n") for one in commands):
        ended = ccw_actors(*words.split(), folder=tmp_path)
        assert (ended.status, ended.err) == (2, error)
