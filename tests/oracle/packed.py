"""Compressed images for the tests with Hercules' tools: filled, compared and judged."""

import os
import random  # noqa: TID251 - what is written is random, with a known seed
import shutil
import socket
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

from ccw_actors.actors.hardware.image import ImageFile, open_image
from ccw_actors.devices import BlockGeometry, Geometry, Record, Track
from ccw_actors.devices.track import slots

__all__ = ["changed", "console", "contents", "judged", "opened", "scribble"]

PORTS = """
CPUSERIAL 002623
CPUMODEL 2064
MAINSIZE 16
XPNDSIZE 0
NUMCPU 1
ARCHMODE S/390
CNSLPORT {port}
"""


@contextmanager
def opened(
    path: Path, device_type: str = "", *, write: bool = False, shadow: str = ""
) -> Generator[ImageFile]:
    """Open an image, and close it at the end."""
    file = open_image(path, device_type=device_type, read_only=not write, shadow=shadow)
    try:
        yield file
    finally:
        file.close()


def contents(path: Path, device_type: str = "", *, shadow: str = "") -> list[str]:
    """Read every track of an image, or every group of blocks, as digests.

    What follows the end mark of a track has no meaning, and is left out.
    """
    with opened(path, device_type, shadow=shadow) as file:
        volume = file.geometry
        return [_digest(volume, file.read(number)) for number in range(volume.tracks)]


def _digest(volume: Geometry | BlockGeometry, raw: bytes) -> str:
    end = slots(raw)[-1].end if isinstance(volume, Geometry) else len(raw)
    return blake2b(raw[:end], digest_size=8).hexdigest()


def _random_data(source: random.Random, file: ImageFile, number: int) -> bytes:
    """Make a track with no record, some or many; or a group of blocks."""
    volume = file.geometry
    if isinstance(volume, BlockGeometry):
        size = volume.size_of(number)
        pattern = source.choice([b"\0", source.randbytes(16), source.randbytes(size)])
        return pattern * (size // len(pattern))
    cylinder, head = divmod(number, volume.heads)
    records = [Record(cylinder, head, 0, b"", bytes(8))]
    for at in range(1, source.randrange(8)):
        data = source.randbytes(source.randrange(300)) * source.randrange(1, 20)
        records.append(Record(cylinder, head, at, b"", data))
    return Track(0, cylinder, head, tuple(records), b"").to_image(volume.track_size)


def scribble(file: ImageFile, seed: int, writes: int) -> dict[int, str]:
    """Write to random tracks past the first cylinder; return their digests."""
    source = random.Random(seed)  # noqa: S311 - no secret
    first = file.geometry.heads if isinstance(file.geometry, Geometry) else 1
    written: dict[int, str] = {}
    for _ in range(writes):
        number = source.randrange(first, file.geometry.tracks)
        data = _random_data(source, file, number)
        file.write(number, data)
        written[number] = _digest(file.geometry, data)
    return written


def judged(path: Path, *, repair: bool = False) -> str:
    """Return what cckdcdsk says of a file at its highest level; "" if it is sound.

    It looks at a copy, which it may repair.
    """
    copy = path.with_name(f"judged.{path.name}")
    shutil.copy(path, copy)
    words = ["cckdcdsk", "-f", "-3", *([] if repair else ["-ro"]), copy.name]
    done = subprocess.run(
        words, cwd=path.parent, capture_output=True, check=False, timeout=60
    )
    copy.unlink()
    assert done.returncode == 0
    return done.stdout.decode("latin-1")


def console(folder: Path, device: str, *commands: str) -> str:
    """Start Hercules with one device, give it these commands; return what it says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "hercules.cnf").write_text(PORTS.format(port=port) + device + "\n")
    script = "".join(f"{command}\npause 1\n" for command in commands)
    (folder / "hercules.rc").write_text(script + "quit\n")
    done = subprocess.run(
        ["hercules", "-d", "-f", "hercules.cnf"],
        cwd=folder,
        env={**os.environ, "HERCULES_RC": "hercules.rc"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    said = (done.stdout + done.stderr).decode("latin-1")
    assert "Hercules shutdown complete" in said, said[-2000:]
    return said


def changed(written: Mapping[int, str], tracks: list[str]) -> list[str]:
    """Return the digests of tracks, with those that were written."""
    return [written.get(number, one) for number, one in enumerate(tracks)]
