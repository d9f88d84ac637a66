"""Small images and processes that die, for the tests of image files."""

import os
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ccw_actors.actors.hardware.image import create_tracks, open_image
from ccw_actors.devices import Geometry, Record, Track
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume

__all__ = [
    "VOLUME",
    "Death",
    "abandoned",
    "contents",
    "die",
    "die_here",
    "filled",
    "half_of_the_second",
    "new_image",
    "read_track",
    "write_track",
]

VOLUME: Geometry = ckd_volume(ckd_type("2311")[0], 4)

KILLER = """
    import os, signal, sys
    from pathlib import Path
    from ccw_actors.actors.hardware.image import open_image

    path, track, call, cut = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    data = sys.stdin.buffer.read()
    pwrite, calls = os.pwrite, 0

    def write_and_die(fd, data, offset):
        global calls
        calls += 1
        if calls < call:
            return pwrite(fd, data, offset)
        pwrite(fd, bytes(data)[:cut], offset)
        os.kill(os.getpid(), signal.SIGKILL)

    file = open_image(path, read_only=False)
    os.pwrite = write_and_die
    file.write(track, data)
"""


def new_image(folder: Path) -> Path:
    """Make an image of a small disk."""
    path = folder / "disk.img"
    create_tracks(path, VOLUME, "TEST01")
    return path


def filled(number: int, content: int, volume: Geometry = VOLUME) -> bytes:
    """Make a track image with three records full of one byte."""
    cylinder, head = divmod(number, volume.heads)
    data = bytes([content]) * 1000
    records = [Record(cylinder, head, 0, b"", bytes(8))]
    records += [Record(cylinder, head, at, b"", data) for at in (1, 2, 3)]
    raw = Track(0, cylinder, head, tuple(records), b"").to_bytes()
    return raw.ljust(volume.track_size, b"\0")


def die(path: Path, track: int, data: bytes, *, call: int, cut: int) -> None:
    """Let a process write a track, and kill itself within one of its writes.

    Args:
        path: The image.
        track: The track that it writes.
        data: What it writes there.
        call: The write in which it dies: 1 is the journal's, 2 the image's.
        cut: How many bytes of that write are done.
    """
    words = [sys.executable, "-c", textwrap.dedent(KILLER), str(path)]
    words += [str(track), str(call), str(cut)]
    done = subprocess.run(words, input=data, check=False, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()


@contextmanager
def abandoned() -> Generator[None]:
    """Close all files that are opened in the block, as the death of a process would."""
    # The list contains the descriptor of the folder itself, which is closed by now.
    before = {path for path in list(Path("/proc/self/fd").iterdir()) if path.exists()}
    try:
        yield
    finally:
        for path in set(Path("/proc/self/fd").iterdir()) - before:
            with suppress(OSError):
                os.close(int(path.name))


Pwrite = Callable[[int, bytes, int], int]


class Death(BaseException):
    """Ends a simulated process."""


def half_of_the_second(pwrite: Pwrite, cut: int = 1500) -> Pwrite:
    """Return a `pwrite` that writes the journal, and `cut` bytes of the image."""
    calls = 0

    def write_and_die(fd: int, data: bytes, offset: int) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return pwrite(fd, data, offset)
        pwrite(fd, bytes(data)[:cut], offset)
        raise Death

    return write_and_die


def die_here(path: Path, *writes: tuple[int, bytes], cut: int) -> None:
    """Write tracks, and leave the last as a process does that dies in the middle.

    This simulates `die` without a process: it is faster.

    Args:
        path: The image.
        writes: Numbers of tracks, and the data for each.
        cut: How many bytes of the last are in the image at the end.
    """
    with abandoned(), pytest.MonkeyPatch.context() as patch:
        file = open_image(path, read_only=False)
        for track, data in writes[:-1]:
            file.write(track, data)
        patch.setattr(os, "pwrite", half_of_the_second(os.pwrite, cut))
        with pytest.raises(Death):
            file.write(*writes[-1])


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return what a folder has: files with their bytes, others with their kind."""
    found: dict[str, bytes | str] = {}
    for path in folder.iterdir():
        kind = stat.S_IFMT(path.lstat().st_mode)
        found[path.name] = path.read_bytes() if kind == stat.S_IFREG else oct(kind)
    return found


def read_track(path: Path, track: int) -> bytes:
    """Read one track."""
    file = open_image(path, read_only=True)
    try:
        return file.read(track)
    finally:
        file.close()


def write_track(path: Path, track: int, data: bytes) -> None:
    """Write one track."""
    file = open_image(path, read_only=False)
    try:
        file.write(track, data)
    finally:
        file.close()
