"""The contents of the package's images, as its device models read them."""

import gzip
import hashlib
from pathlib import Path

from ccw_actors.devices import HEADER_SIZE, CkdHeader, Track, geometry, track_offset
from ccw_actors.machine import SHIPPED_MACHINE
from ccw_actors.machine.programs import VolumeContents

SHIPPED = SHIPPED_MACHINE.parent
ALICE = SHIPPED / "ORC390.img.gz"
BOB = SHIPPED / "ORCLNX.img.gz"


def unpack(image: Path, folder: Path) -> Path:
    """Unpack a gzipped image into a folder."""
    unpacked = folder / image.stem
    unpacked.write_bytes(gzip.decompress(image.read_bytes()))
    return unpacked


def tracks(raw: bytes) -> list[Track]:
    """Read all records of an image."""
    volume = geometry(CkdHeader.from_bytes(raw[:HEADER_SIZE]), len(raw))
    offsets = [track_offset(volume, number) for number in range(volume.tracks)]
    return [Track.from_bytes(raw[at : at + volume.track_size]) for at in offsets]


def contents(image: Path) -> VolumeContents:
    """Return what `read_volume` has to find in a gzipped image."""
    found = tracks(gzip.decompress(image.read_bytes()))
    label = found[0].records[3].data.decode("cp037")
    data = [record.data for track in found for record in track.records[1:]]
    return {
        "volser": label[4:10].rstrip(),
        "records": len(data),
        "bytes": sum(map(len, data)),
        "sha256": hashlib.sha256(b"".join(data)).hexdigest(),
    }
