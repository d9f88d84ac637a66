"""The disks that chains run on: one of each kind, with all sorts of tracks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from ccw_actors.actors.hardware.image import (
    create_blocks,
    create_tracks,
    open_image,
)
from ccw_actors.devices import Record, Track
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume

__all__ = ["BLOCKS", "CYLINDERS", "HEADS", "KEYS", "RECORD_MAX", "create_volumes"]

CYLINDERS: Final = 2
HEADS: Final = 15
BLOCKS: Final = {"3370": 1000, "0671": 600}
RECORD_MAX: Final = {"3390": 56664, "3380": 47476}
KEYS: Final = tuple(f"KEY{number:05}".encode("cp037") for number in range(1, 6))

_Shape: TypeAlias = Record | tuple[bytes, int]
"""A record, or the key and the length of the next one."""


def create_volumes(folder: Path) -> None:
    """Make the images that setups name: a device type with the suffix .img."""
    for name in RECORD_MAX:
        path = folder / f"{name}.img"
        volume = ckd_volume(ckd_type(name)[0], CYLINDERS)
        create_tracks(path, volume, "ORACLE")
        file = open_image(path, read_only=False)
        for cylinder, head, records in _tracks(RECORD_MAX[name]):
            track = _track(cylinder, head, records)
            number = volume.track_number(cylinder, head)
            file.write(number, track.to_image(volume.track_size))
        file.close()
    for name, blocks in BLOCKS.items():
        create_blocks(folder / f"{name}.img", name, blocks, "ORACLE")
        with (folder / f"{name}.img").open("r+b") as raw:
            for block in (*range(5, blocks, 97), blocks - 2, blocks - 1):
                raw.seek(block * 512)
                raw.write(_pattern(block, 512))


def _pattern(seed: int, size: int) -> bytes:
    period = bytes((7 * at + 13 * seed + 3) % 256 for at in range(256))
    return (period * (size // 256 + 1))[:size]


def _track(cylinder: int, head: int, records: Sequence[_Shape]) -> Track:
    """Return a track whose records have these shapes; R0 comes first."""
    zero = Record(cylinder, head, 0, b"", bytes(8))
    own = tuple(
        one
        if isinstance(one, Record)
        else Record(cylinder, head, r, one[0], _pattern(head + r, one[1]))
        for r, one in enumerate(records, 1)
    )
    return Track(0, cylinder, head, (zero, *own), b"")


def _tracks(record_max: int) -> Iterator[tuple[int, int, Sequence[_Shape]]]:
    """Yield cylinder, head and records of the tracks that are not empty."""
    plain = [(b"", 100)] * 3
    keyed = [(key, 80) for key in KEYS]
    mixed = [(b"", 100), (b"", 1), (b"", 0), (KEYS[0] * 5 + bytes(4), 96), (b"", 17)]
    yield 0, 12, plain
    yield 0, 13, keyed
    yield 0, 14, []
    yield 1, 0, [(b"", 512)] * 4
    yield 1, 1, keyed
    yield 1, 2, mixed
    yield 1, 3, [(b"", record_max)]
    yield 1, 4, []
    yield 1, 5, []
    yield 1, 6, [(b"", 0), (b"", 40)]
    yield 1, 7, [(b"", 0)]
    yield 1, 8, [Record(1, 8, r, b"", _pattern(r, 64)) for r in (3, 1, 2, 1)]
    yield 1, 9, [Record(9, 9, r, KEYS[r], _pattern(r, 64)) for r in (1, 2)]
    yield 1, 10, [(KEYS[0], 0), (KEYS[1], 8)]
    yield 1, 11, [(b"", 4096)] * 12 if record_max > 50000 else [(b"", 4096)] * 10
    yield 1, 12, keyed
    yield 1, 13, plain
    yield 1, 14, [(b"", 512)] * 3
