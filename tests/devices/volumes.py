"""Volumes in memory, with datasets, for the tests of labels and VTOCs."""

import struct
from collections.abc import Sequence

from ccw_actors.devices import Geometry, Record, Track
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.devices.volume_label import VolumeLabel
from ccw_actors.devices.vtoc import Dataset, datasets, empty_vtoc

__all__ = ["DiskOfDatasets", "variable_block"]

Block = tuple[bytes, bytes]
Place = tuple[int, int]


def variable_block(*records: tuple[int, bytes]) -> bytes:
    """Return a block of format V from segment codes (0: whole record) and data."""
    parts = [
        (len(data) + 4).to_bytes(2) + bytes((code, 0)) + data for code, data in records
    ]
    length = 4 + sum(map(len, parts))
    return length.to_bytes(2) + bytes(2) + b"".join(parts)


class DiskOfDatasets:
    """A small 3350 whose tracks can be changed."""

    def __init__(self) -> None:
        self.geometry: Geometry = ckd_volume(ckd_type("3350")[0], 4)
        self.tracks = {
            number: self.track(number, ()) for number in range(self.geometry.tracks)
        }
        label = VolumeLabel("DISK01", (0, 1, 1), "TESTS")
        self.tracks[0] = label.to_track(self.geometry)
        self.tracks |= empty_vtoc(self.geometry)
        self._dscbs = 2

    def read(self, number: int) -> bytes:
        """Return the image of a track."""
        return self.tracks[number]

    def track(self, number: int, blocks: Sequence[Block]) -> bytes:
        """Return a track with R0 and blocks of a key and data."""
        cylinder, head = divmod(number, self.geometry.heads)
        records = [Record(cylinder, head, 0, b"", bytes(8))]
        records += [
            Record(cylinder, head, at, key, data)
            for at, (key, data) in enumerate(blocks, 1)
        ]
        raw = Track(0, cylinder, head, tuple(records), b"").to_bytes()
        return raw.ljust(self.geometry.track_size, b"\0")

    def put(self, number: int, *blocks: bytes | Block) -> None:
        """Fill a track with blocks."""
        pairs = [(b"", one) if isinstance(one, bytes) else one for one in blocks]
        self.tracks[number] = self.track(number, pairs)

    def add_dscb(self, key: bytes, data: bytes) -> tuple[int, int, int]:
        """Put a record in the VTOC; return its place."""
        self._dscbs += 1
        track = Track.from_bytes(self.tracks[1])
        records = list(track.records)
        records[self._dscbs] = Record(
            0, 1, self._dscbs, key.ljust(44, b"\0"), data.ljust(96, b"\0")
        )
        whole = Track(0, 0, 1, tuple(records), track.remainder)
        self.tracks[1] = whole.to_bytes()
        return 0, 1, self._dscbs

    def add(
        self,
        name: str,
        *extents: tuple[Place, Place],
        organisation: int = 0x4000,
        form: int = 0x90,
        length: int = 80,
        count: int | None = None,
        pointer: tuple[int, int, int] = (0, 0, 0),
    ) -> None:
        """Add a dataset with up to three extents in its format-1 DSCB."""
        data = b"\xf1" + "DISK01".encode("cp037") + bytes((0, 1, 126, 0, 45, 0, 0, 0))
        data += bytes([len(extents) if count is None else count]) + bytes(22)
        data += struct.pack(">HBBHHBH", organisation, form, 0, 800, length, 0, 0)
        data = data.ljust(61, b"\0") + self.extents(*extents).ljust(30, b"\0")
        data += struct.pack(">HHB", *pointer)
        self.add_dscb(name.ljust(44).encode("cp037"), data)

    @staticmethod
    def extents(*extents: tuple[Place, Place]) -> bytes:
        """Return extent descriptors."""
        return b"".join(
            struct.pack(">BBHHHH", 1, at, *first, *last)
            for at, (first, last) in enumerate(extents)
        )

    def find(self, name: str) -> Dataset:
        """Find a dataset in the VTOC."""
        known = {one.name: one for one in datasets(self.geometry, self.read)}
        return known[name]
