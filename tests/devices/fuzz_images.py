"""Feed images made by atheris to everything that reads one.

Run by `test_image_fuzz`: `python fuzz_images.py CORPUS -max_total_time=20`. Any
exception but an ImageError is a bug, and so is an input that takes long or much memory.
"""

import gzip
import importlib
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

atheris: Any = importlib.import_module("atheris")

with atheris.instrument_imports():
    from ccw_actors.devices import BlockGeometry, CkdHeader, Geometry, track_offset
    from ccw_actors.devices.cckd_image import (
        CCKD_HEADERS_SIZE,
        CckdHeader,
        is_cckd,
        is_shadow,
    )
    from ccw_actors.devices.cckd_space import Counters, Piece, SpaceMap, free_list
    from ccw_actors.devices.cckd_track import null_track, unpacked_track
    from ccw_actors.devices.ckd_image import HEADER_SIZE
    from ccw_actors.devices.dataset import dataset_records, members
    from ccw_actors.devices.volume_check import damages
    from ccw_actors.devices.vtoc import datasets
    from ccw_actors.errors import ImageError
    from tests.devices.volumes import DiskOfDatasets

IMAGES = Path(__file__).parents[1] / "data" / "images"
CYLINDERS = 2
TRACK = 30


def compressed_track(raw: bytes, track: int) -> bytes:
    """Read a track of a compressed image, and what its space is said to be."""
    head = header_of(raw)
    size = head.level1_size
    level1 = raw[CCKD_HEADERS_SIZE : CCKD_HEADERS_SIZE + size]
    if track >= head.geometry.tracks or len(level1) < size:
        raise ImageError("no such track")
    at = head.level2_offset(level1, track, len(raw))
    level2 = raw[at : at + head.level2_size] if at else b""
    below = head.is_below(level1, track)
    place = head.track_place(level2, track, len(raw), below=below)
    if not place.length:
        data: bytes = null_track(head.geometry, track, place.null_format)
        return data
    piece = Piece(place.offset, place.size, place.length, "it")
    SpaceMap(head, [piece]).listed()
    end = place.offset + place.length
    found: bytes = unpacked_track(head.geometry, track, raw[place.offset : end])
    return found


def header_of(raw: bytes) -> CckdHeader:
    """Read the headers of any kind of compressed image, and its free space."""
    head = CckdHeader.from_bytes(raw, device_type="3370", shadow=is_shadow(raw))
    counters = Counters.from_bytes(raw, head)

    def read(length: int, offset: int) -> bytes:
        return raw[offset : offset + length]

    with suppress(ImageError):
        free_list(head, counters, len(raw), read)
    return head


def size_of(volume: Geometry | BlockGeometry, track: int) -> int:
    """Return the bytes of a track, or of a group of blocks."""
    if isinstance(volume, BlockGeometry):
        return volume.size_of(track)
    return volume.track_size


def one_input(raw: bytes) -> None:
    """Take the input for an image: compressed, or the start of a volume's tracks."""
    try:
        if is_cckd(raw):
            for track in (0, 1, 15, 44):
                data = compressed_track(raw, track)
                assert len(data) == size_of(header_of(raw).geometry, track)
        else:
            read_volume(raw)
    except ImageError:
        return


def read_volume(raw: bytes) -> None:
    """Read everything in a volume that starts with the input."""
    header = CkdHeader.from_bytes(raw)
    size = header.track_size
    volume = Geometry(header.device_type, CYLINDERS, header.heads, size)

    def read(number: int) -> bytes:
        at = track_offset(volume, number)
        return raw[at : at + size].ljust(size, b"\xff")

    list(damages(volume, read))
    for dataset in datasets(volume, read):
        for take in (dataset_records, members):
            try:
                list(take(volume, read, dataset))
            except ImageError:
                continue


def corpus(folder: Path) -> None:
    """Write images to begin with."""
    for name in ("cckd3390", "ckd3390raw"):
        raw = gzip.decompress((IMAGES / f"{name}.img.gz").read_bytes())
        (folder / name).write_bytes(raw[: 2 * 56832])
    disk = DiskOfDatasets()
    disk.add("A.B", ((1, 0), (1, 4)))
    disk.add("P", ((1, 0), (1, 4)), organisation=0x0200)
    disk.put(TRACK, b"1" * 80, b"")
    volume = disk.geometry
    header = CkdHeader(volume.device_type, volume.heads, volume.track_size).to_bytes()
    tracks = b"".join(disk.tracks[number] for number in range(TRACK + 1))
    assert len(header) == HEADER_SIZE
    (folder / "datasets").write_bytes(header + tracks)


if __name__ == "__main__":
    corpus(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
