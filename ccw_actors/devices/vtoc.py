"""The volume table of contents (VTOC): the datasets of a volume and where they are.

A VTOC consists of records of 44 bytes of key and 96 of data, the DSCBs. Format 4 comes
first and describes the VTOC itself. Format 1 describes a dataset and its first three
extents, format 3 thirteen more extents, format 5 free space. Format 0 is a record not
in use. Numbers are big-endian.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from msgspec import Struct

from ccw_actors.devices.ckd_types import type_of
from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import CCHHR, EBCDIC, VolumeLabel
from ccw_actors.errors import ImageError

__all__ = [
    "DATA_SIZE",
    "EXTENTS_MAX",
    "KEY_SIZE",
    "Dataset",
    "Extent",
    "ReadTrack",
    "datasets",
    "empty_vtoc",
    "has_vtoc",
    "resized_vtoc",
]

ReadTrack: TypeAlias = Callable[[int], bytes]
"""Returns the image of a track, given its number."""

KEY_SIZE: Final = 44
DATA_SIZE: Final = 96
EXTENTS_MAX: Final = 123

_EXTENT = struct.Struct(">BBHHHH")
_NO_FORMAT_5: Final = 0x80
# Offsets in the data of a format-4 DSCB.
_FLAGS_AT: Final = 14
_SIZE_AT: Final = 18
_DATA: Final = 0x01


class Extent(Struct, frozen=True):
    """A run of tracks, first and last included, as (cylinder, head)."""

    first: tuple[int, int]
    last: tuple[int, int]

    def tracks(self, volume: Geometry) -> range:
        """Numbers of its tracks.

        Raises:
            ImageError: The extent is not on the volume, or ends before it starts.
        """
        first = volume.track_number(*self.first)
        last = volume.track_number(*self.last)
        inside = volume.contains(*self.first) and volume.contains(*self.last)
        if not inside or first > last:
            raise ImageError(
                f"extent {self}, expected tracks of a volume of {volume.cylinders}"
                f" cylinders and {volume.heads} heads, in order"
            )
        return range(first, last + 1)

    def __str__(self) -> str:
        return "-".join(f"{cc}.{hh}" for cc, hh in (self.first, self.last))


class Dataset(Struct, frozen=True):
    """A dataset, as its format-1 DSCB describes it. Lengths are in bytes.

    `organisation` and `record_format` are written as in JCL: "PS", "FB". `created` is
    (year, day of the year), or None if it is not recorded.
    """

    name: str
    organisation: str
    record_format: str
    record_length: int
    block_length: int
    key_length: int
    created: tuple[int, int] | None
    extents: tuple[Extent, ...]


def has_vtoc(volume: Geometry, read: ReadTrack) -> bool:
    """Return whether a volume has a label, and a VTOC where the label puts it.

    Raises:
        ImageError: The track of the label or of the VTOC is damaged.
    """
    label = VolumeLabel.found_on_track(read(0))
    return label is not None and _first_dscb(volume, read, label) is not None


def datasets(volume: Geometry, read: ReadTrack) -> Iterator[Dataset]:
    """Find the datasets of a volume, in the order of its VTOC.

    Raises:
        ImageError: The volume has no label or VTOC, or one is damaged.
    """
    label = VolumeLabel.on_track(read(0))
    vtoc = _Vtoc(volume, read, label)
    for record in vtoc.records():
        if record.data[:1] == b"\xf1":
            yield _dataset(record, vtoc)


class _Vtoc:
    """The DSCBs of a volume, by their place."""

    def __init__(self, volume: Geometry, read: ReadTrack, label: VolumeLabel) -> None:
        self._volume = volume
        self._read = read
        self._tracks: dict[int, dict[int, Record]] = {}
        first = _first_dscb(volume, read, label)
        if first is None:
            place = "cylinder {}, head {}, record {}".format(*label.vtoc)
            raise ImageError(
                f"no VTOC: the volume label puts it at {place}, where there is no"
                " format-4 DSCB"
            )
        self._extent = _vtoc_extent(first)

    def records(self) -> Iterator[Record]:
        """Yield the DSCBs in order; none if the VTOC has no extent."""
        if self._extent is None:
            return
        for track in self._extent.tracks(self._volume):
            yield from self._on_track(track).values()

    def find(self, cylinder: int, head: int, number: int) -> Record | None:
        """Return the DSCB at this place, if there is one."""
        if not self._volume.contains(cylinder, head):
            return None
        track = self._volume.track_number(cylinder, head)
        return self._on_track(track).get(number)

    def _on_track(self, track: int) -> dict[int, Record]:
        if track not in self._tracks:
            self._tracks[track] = _dscbs(self._read(track))
        return self._tracks[track]


def _vtoc_extent(first: Record) -> Extent | None:
    """Return the extent of a VTOC; None if its format-4 DSCB has none.

    VM/370 formats a volume so: programs that know a VTOC only find that it is full.
    """
    raw = first.data[61:71]
    if not any(raw):
        return None
    extents = _extents(raw)
    if not extents:
        raise ImageError(
            "the format-4 DSCB has a VTOC extent of type 0 (offset 61 of its data),"
            " expected one in use, or ten bytes of zero"
        )
    return extents[0]


def _dscbs(raw: bytes) -> dict[int, Record]:
    return {
        record.r: record
        for record in Track.from_bytes(raw).records
        if (len(record.key), len(record.data)) == (KEY_SIZE, DATA_SIZE)
    }


def _first_dscb(volume: Geometry, read: ReadTrack, label: VolumeLabel) -> Record | None:
    """Return the format-4 DSCB that the label points to, if it is there."""
    cylinder, head, number = label.vtoc
    if not volume.contains(cylinder, head):
        return None
    record = _dscbs(read(volume.track_number(cylinder, head))).get(number)
    is_first = record is not None and record.data[:1] == b"\xf4"
    return record if is_first else None


def _dataset(record: Record, vtoc: _Vtoc) -> Dataset:
    data = record.data
    name = record.key.decode(EBCDIC).rstrip()
    extents = _all_extents(record, vtoc, name)
    if data[15] != len(extents):
        raise ImageError(
            f"dataset {name} has {len(extents)} extents in its DSCBs, expected"
            f" {data[15]}"
        )
    year, day = data[9] + 1900, int.from_bytes(data[10:12])
    return Dataset(
        name,
        organisation=_organisation(data[38], data[39]),
        record_format=_record_format(data[40]),
        record_length=int.from_bytes(data[44:46]),
        block_length=int.from_bytes(data[42:44]),
        key_length=data[46],
        created=(year, day) if day else None,
        extents=tuple(extents),
    )


def _all_extents(record: Record, vtoc: _Vtoc, name: str) -> list[Extent]:
    """Follow a dataset from its format-1 DSCB through those of format 3."""
    extents = _extents(record.data[61:91])
    pointer, seen = record.data[91:96], set[bytes]()
    while any(pointer):
        more = vtoc.find(*CCHHR.unpack(pointer))
        if more is None or more.data[:1] != b"\xf3" or pointer in seen:
            place = "cylinder {}, head {}, record {}".format(*CCHHR.unpack(pointer))
            raise ImageError(
                f"dataset {name} continues at {place}, expected a format-3 DSCB there"
            )
        if len(extents) > EXTENTS_MAX:
            raise ImageError(
                f"dataset {name} has more than the {EXTENTS_MAX} extents allowed"
            )
        seen.add(pointer)
        extents += _extents(more.key[4:44] + more.data[1:91])
        pointer = more.data[91:96]
    return extents


def _extents(raw: bytes) -> list[Extent]:
    """Parse extent descriptors, without those of type 0, which are not in use."""
    found = (_EXTENT.unpack_from(raw, at) for at in range(0, len(raw), _EXTENT.size))
    return [Extent((cc, hh), (ecc, ehh)) for kind, _, cc, hh, ecc, ehh in found if kind]


def _organisation(first: int, second: int) -> str:
    names = ((0x80, "IS"), (0x40, "PS"), (0x20, "DA"), (0x02, "PO"))
    name = next((name for bit, name in names if first & bit), "")
    if second & 0x08:
        name = "VS"
    return (name or "??") + ("U" if first & 0x01 else "")


def _record_format(flags: int) -> str:
    name = {0x40: "V", 0x80: "F", 0xC0: "U"}.get(flags & 0xC0, "")
    letters = ((0x20, "T"), (0x10, "B"), (0x08, "S"), (0x04, "A"), (0x02, "M"))
    return name + "".join(letter for bit, letter in letters if flags & bit)


def empty_vtoc(volume: Geometry) -> dict[int, bytes]:
    """Return the tracks of a VTOC without datasets: cylinder 0 from head 1 on.

    Raises:
        ImageError: The volume has only one head, or an unknown disk type.
    """
    if volume.heads < 2:
        raise ImageError("a VTOC needs a volume with more than one head")
    per_track = type_of(volume).vtoc.dscbs
    unused = (bytes(KEY_SIZE), bytes(DATA_SIZE))
    made: dict[int, bytes] = {}
    for head in range(1, volume.heads):
        dscbs = _first_dscbs(volume) if head == 1 else []
        dscbs += [unused] * (per_track - len(dscbs))
        made[head] = _track_of(head, dscbs).ljust(volume.track_size, b"\0")
    return made


def resized_vtoc(old: Geometry, new: Geometry, read: ReadTrack) -> dict[int, bytes]:
    """Return the track of the format-4 DSCB with the new size of a volume.

    It is empty if the volume has no label or VTOC, or the VTOC had another size.

    Args:
        old: The volume.
        new: Its new shape.
        read: Returns a track of it.

    Raises:
        ImageError: The track of the label or of the VTOC is damaged.
    """
    label = VolumeLabel.found_on_track(read(0))
    first = None if label is None else _first_dscb(old, read, label)
    if label is None or first is None:
        return {}
    data = bytearray(first.data)
    if first.data[_SIZE_AT : _SIZE_AT + 2] != old.cylinders.to_bytes(2):
        return {}
    data[_SIZE_AT : _SIZE_AT + 2] = new.cylinders.to_bytes(2)
    data[_FLAGS_AT] |= _NO_FORMAT_5
    number = old.track_number(*label.vtoc[:2])
    track = Track.from_bytes(read(number))
    records = tuple(
        Record(one.cc, one.hh, one.r, one.key, bytes(data)) if one == first else one
        for one in track.records
    )
    changed = Track(track.bin, track.cc, track.hh, records, track.remainder)
    return {number: changed.to_bytes()}


def _first_dscbs(volume: Geometry) -> list[tuple[bytes, bytes]]:
    """Return keys and data of the two DSCBs that every VTOC starts with."""
    format5 = b"\xf5".ljust(DATA_SIZE, b"\0")
    return [
        (b"\x04" * KEY_SIZE, _format_4(volume)),
        ((b"\x05" * 4).ljust(KEY_SIZE, b"\0"), format5),
    ]


def _format_4(volume: Geometry) -> bytes:
    """Return the data of the format-4 DSCB of a VTOC without datasets."""
    kind = type_of(volume)
    constants = kind.vtoc
    tracks = range(1, volume.heads)
    free = len(tracks) * constants.dscbs - 2
    fields = (
        b"\xf4",
        CCHHR.pack(0, 1, 2),
        free.to_bytes(2),
        volume.cylinders.to_bytes(2) + bytes(2),
        bytes(2),
        bytes((_NO_FORMAT_5, 1, 0, 0)),
        volume.cylinders.to_bytes(2) + volume.heads.to_bytes(2),
        kind.capacity.track.to_bytes(2),
        constants.overheads,
        bytes([constants.flags]),
        constants.tolerance.to_bytes(2),
        bytes((constants.dscbs, constants.directory_blocks)),
        bytes(29),
        _EXTENT.pack(_DATA, 0, 0, tracks[0], 0, tracks[-1]),
    )
    return b"".join(fields).ljust(DATA_SIZE, b"\0")


def _track_of(head: int, dscbs: list[tuple[bytes, bytes]]) -> bytes:
    records = [Record(0, head, 0, b"", bytes(8))]
    records += [
        Record(0, head, number, key, data)
        for number, (key, data) in enumerate(dscbs, 1)
    ]
    return Track(0, 0, head, tuple(records), b"").to_bytes()
