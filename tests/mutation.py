"""Runs commands of `ccw-actors` on damaged files, and checks each end.

A `Kind` is a folder of files, one of which is damaged: bytes change, it is cut short,
grows, loses or doubles a part, or gets a part of another file of its kind. `survive`
runs a command on such folders, in this process, and checks that each run:

- ends in time, with an exit status that the command may have;
- raises no exception, prints only its own lines on stderr, at most one of them an
  error, and says why if it fails;
- changes only those files in the folder that it may, and only as it may.

The same seed makes the same damage.
"""

import io
import random  # noqa: TID251 - damage is random, with a known seed
import signal
import sys
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from msgspec import Struct

from ccw_actors.cli import main

__all__ = ["Command", "Ending", "Kind", "Mutant", "mutants", "run_command", "survive"]

SECONDS = 10
Files = Mapping[str, bytes]
Change = Callable[[Files, Files], bool]


def nothing_changes(before: Files, after: Files) -> bool:
    """Return whether no file was changed, made or removed."""
    return before == after


class Kind(Struct, frozen=True):
    """Files in a folder, by name; `target` is the one that is damaged.

    Most damage is within the ranges `hot`, mainly at their starts. Parts come from
    `donors`. Damage of the sorts in `fatal` has to make every command fail.
    """

    name: str
    files: dict[str, bytes]
    target: str
    hot: tuple[tuple[int, int], ...] = ((0, 512),)
    donors: tuple[bytes, ...] = ()
    fatal: frozenset[str] = frozenset()


class Command(Struct, frozen=True):
    """Words after `ccw-actors`, and the exit statuses that the command may have.

    It runs in the folder. `may_change` returns whether it may change files so.
    """

    words: tuple[str, ...]
    statuses: frozenset[int] = frozenset({0, 1, 2})
    may_change: Change = nothing_changes


class Mutant(Struct, frozen=True):
    """A damaged file: the sort of damage, and the new content."""

    sort: str
    data: bytes


class Ending(Struct, frozen=True):
    """The end of a command."""

    status: int
    out: bytes
    err: str


# -- damage --------------------------------------------------------------------------


def _place(rng: random.Random, kind: Kind, size: int) -> int:
    if rng.random() < 0.1:
        return rng.randrange(size)
    start, end = rng.choice(kind.hot)
    offset = int((end - start) * rng.random() ** 2)
    return min(start + offset, size - 1)


def _flip(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        raw[_place(rng, kind, len(raw))] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    for _ in range(rng.choice((1, 2, 4))):
        at, size = _place(rng, kind, len(raw)), rng.choice((1, 2, 4, 8))
        value = rng.choice(
            (bytes(8), b"\xff" * 8, b"\x80" + bytes(7), rng.randbytes(8))
        )
        raw[at : at + size] = value[: len(raw[at : at + size])]


def _cut(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    near = rng.choice((_place(rng, kind, len(raw)), len(raw) - rng.randrange(1, 999)))
    del raw[max(near, 0) :]


def _grow(rng: random.Random, _kind: Kind, raw: bytearray) -> None:
    raw += rng.choice((bytes, rng.randbytes))(rng.randrange(1, 5000))


def _lose(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    at = _place(rng, kind, len(raw))
    del raw[at : at + rng.randrange(1, 600)]


def _double(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    at, to = _place(rng, kind, len(raw)), _place(rng, kind, len(raw))
    part = raw[at : at + rng.randrange(1, 600)]
    raw[to : to + len(part)] = part[: len(raw[to : to + len(part)])]


def _splice(rng: random.Random, kind: Kind, raw: bytearray) -> None:
    donor = rng.choice((*kind.donors, bytes(raw)))
    start, end = rng.choice(kind.hot)
    if rng.random() < 0.5:
        start = _place(rng, kind, len(raw))
        end = start + rng.choice((8, 64, 512, 4096))
    raw[start:end] = donor[start:end].ljust(len(raw[start:end]), b"\0")


_SORTS: dict[str, Callable[[random.Random, Kind, bytearray], None]] = {
    "flip": _flip,
    "set": _set,
    "cut": _cut,
    "grow": _grow,
    "lose": _lose,
    "double": _double,
    "splice": _splice,
}


def mutants(kind: Kind, seed: int, count: int) -> Generator[Mutant]:
    """Yield `count` damaged copies of a kind's target, some damaged twice."""
    rng = random.Random(f"{kind.name} {seed}")  # noqa: S311 - damage, no secret
    original = kind.files[kind.target]
    for number in range(count):
        sort = list(_SORTS)[number % len(_SORTS)]
        raw = bytearray(original)
        if rng.random() < 0.2:
            _flip(rng, kind, raw)
        _SORTS[sort](rng, kind, raw)
        yield Mutant(sort, bytes(raw))


# -- runs ----------------------------------------------------------------------------


class Overtime(BaseException):
    """The command has not ended in time."""


@contextmanager
def _in_time() -> Generator[None]:
    def late(_number: int, _frame: FrameType | None) -> None:
        raise Overtime

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run_command(words: tuple[str, ...], folder: Path) -> Ending:
    """Run `ccw-actors` in this process, as its entry point does, in a folder.

    Raises:
        BaseException: Any exception of the command that is not its exit.
    """
    out, err = io.BytesIO(), io.StringIO()
    text = io.TextIOWrapper(out, write_through=True)
    with pytest.MonkeyPatch.context() as patch, _in_time():
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["ccw-actors", *words])
        patch.setattr(sys, "stdout", text)
        patch.setattr(sys, "stderr", err)
        try:
            main()
            code = None
        except SystemExit as end:
            code = end.code
    text.detach()
    if isinstance(code, str):  # as the interpreter prints it at its end
        return Ending(1, out.getvalue(), f"{err.getvalue()}{code}\n")
    return Ending(code or 0, out.getvalue(), err.getvalue())


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _fill(folder: Path, files: Files) -> None:
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, data in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def survive(
    kind: Kind,
    commands: tuple[Command, ...],
    folder: Path,
    *,
    seed: int,
    count: int,
) -> Counter[tuple[str, int]]:
    """Run commands in turn, one on each damaged file; count their kinds of ends.

    Args:
        kind: The files, and the one to damage.
        commands: The commands to run.
        folder: Where to put the files; existing files of the kind keep their inodes.
        seed: The seed of the damage.
        count: Number of damaged files, and of runs.
    """
    ends: Counter[tuple[str, int]] = Counter()
    for number, mutant in enumerate(mutants(kind, seed, count)):
        turn = number + number // len(_SORTS)  # each command meets each sort
        command = commands[turn % len(commands)]
        where = f"{kind.name}, seed {seed}, number {number}: {' '.join(command.words)}"
        _fill(folder, kind.files)
        (folder / kind.target).write_bytes(mutant.data)
        before = _files(folder)
        try:
            end = run_command(command.words, folder)
        except BaseException as error:
            raise AssertionError(f"{where}: raised {error!r}") from error
        _check(end, command, f"{where}: {end}")
        if mutant.sort in kind.fatal and mutant.data != kind.files[kind.target]:
            assert end.status, f"{where}: a {mutant.sort} was not noticed"
        assert command.may_change(before, _files(folder)), f"{where}: changed files"
        ends[" ".join(command.words[:2]), end.status] += 1
    return ends


def _check(end: Ending, command: Command, where: str) -> None:
    assert end.status in command.statuses, where
    said = end.err.splitlines()
    assert all(line.startswith("ccw-actors: ") for line in said), where
    notices = [
        line for line in said if line.endswith(("left alone", "as it was before"))
    ]
    assert len(said) - len(notices) <= 1, where
    assert len(notices) <= 1, where
    if end.status:
        assert end.out or len(said) > len(notices), where
