"""The host fails: with `sync`, every answered write is there, and whole.

The disk is simulated: written sectors may reach it in any order, or not at all, until
fdatasync of their file returns.
"""

import itertools
import os
import random  # noqa: TID251 - which sectors reach the disk is random, and seeded
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import Struct

from ccw_actors.actors.hardware.image import journal_path, open_image
from tests.actors.images import filled, new_image, read_track, write_track

SECTOR = 512
TRACKS = (7, 8, 7, 9)
CONTENTS = (0x21, 0x22, 0x23, 0x24)
TRIES = 20


class Step(Struct, frozen=True):
    """A write of data to a file, or a sync of it, or (of no file) an answer."""

    file: str
    offset: int = 0
    data: bytes = b""


def name(fd: int) -> str:
    """Return the name of an open file."""
    return Path(f"/proc/self/fd/{fd}").readlink().name


def steps_of(path: Path, contents: Sequence[int]) -> list[Step]:
    """Write tracks with sync; return the steps on files, in order."""
    steps: list[Step] = []
    pwrite, fdatasync = os.pwrite, os.fdatasync

    def noted_write(fd: int, data: bytes, offset: int) -> int:
        steps.append(Step(name(fd), offset, bytes(data)))
        return pwrite(fd, data, offset)

    def noted_sync(fd: int) -> None:
        steps.append(Step(name(fd)))
        fdatasync(fd)

    file = open_image(path, read_only=False, sync=True)
    journal = journal_path(path)
    steps.append(Step(journal.name, 0, journal.read_bytes()))  # it is not synced yet
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pwrite", noted_write)
        patch.setattr(os, "fdatasync", noted_sync)
        for track, content in zip(TRACKS, contents, strict=True):
            file.write(track, filled(track, content))
            steps.append(Step(""))
    file.close()
    return steps


def after_failure(
    disk: dict[str, bytearray], steps: Sequence[Step], rng: random.Random
) -> dict[str, bytes]:
    """Return the contents of the disk when the host fails after these steps."""
    disk = {file: bytearray(data) for file, data in disk.items()}
    pending: dict[str, list[tuple[int, bytes]]] = {file: [] for file in disk}
    for step in steps:
        if step.data:
            cuts = range(-step.offset % SECTOR, len(step.data), SECTOR)
            ends = sorted({0, *cuts, len(step.data)})
            for start, end in itertools.pairwise(ends):
                part = step.offset + start, step.data[start:end]
                pending[step.file].append(part)
        elif step.file:
            for offset, data in pending[step.file]:
                disk[step.file][offset : offset + len(data)] = data
            pending[step.file].clear()
    share = rng.choice((0, 0.1, 0.5, 0.9, 1))
    for file, parts in pending.items():
        for offset, data in parts:
            if rng.random() < share:
                disk[file][offset : offset + len(data)] = data
    return {file: bytes(data) for file, data in disk.items()}


def told_after(done: int) -> dict[int, set[int]]:
    """Return the contents that each track may have, after some answers to writes.

    They are those answered last, or those being written.
    """
    contents = dict.fromkeys(TRACKS, 1) | dict(
        zip(TRACKS[:done], CONTENTS[:done], strict=True)
    )
    allowed = {track: {content} for track, content in contents.items()}
    if done < len(TRACKS):
        allowed[TRACKS[done]].add(CONTENTS[done])
    return allowed


def put_back(path: Path, left: dict[str, bytes], before: bytes) -> None:
    """Make the files that a failure leaves; without its header there is no journal."""
    path.write_bytes(left[path.name])
    journal = left[f"{path.name}.journal"]
    if journal[:SECTOR].strip(b"\0"):
        journal_path(path).write_bytes(journal)
    else:  # no record can be complete without the header
        assert path.read_bytes() == before
        journal_path(path).unlink(missing_ok=True)


def assert_as_told(path: Path, allowed: dict[int, set[int]], when: str) -> None:
    """Assert that each track has allowed contents, before recovery and after."""
    seen = {track: read_track(path, track) for track in allowed}
    open_image(path, read_only=False).close()
    for track, contents in allowed.items():
        found = read_track(path, track)
        assert found in {filled(track, content) for content in contents}, (when, track)
        assert seen[track] == found


def test_power_fails_at_any_step(tmp_path: Path) -> None:
    """Each track is as it was answered last, or as it was being written; never both."""
    path = new_image(tmp_path)
    for track in set(TRACKS):
        write_track(path, track, filled(track, 1))
    before = path.read_bytes()
    steps = steps_of(path, CONTENTS)
    size = max(step.offset + len(step.data) for step in steps if "journal" in step.file)
    disk = {path.name: bytearray(before), f"{path.name}.journal": bytearray(size)}
    undone = 0
    for end, number in itertools.product(range(len(steps) + 1), range(TRIES)):
        rng = random.Random(end * TRIES + number)  # noqa: S311 - no secret
        left = after_failure(disk, steps[:end], rng)
        put_back(path, left, before)
        told = told_after(sum(not step.file for step in steps[:end]))
        assert_as_told(path, told, f"step {end}, try {number}")
        undone += path.read_bytes() != left[path.name]
        assert list(tmp_path.iterdir()) == [path]
    assert undone > 20
