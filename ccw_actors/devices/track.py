"""One track of a count-key-data volume, from and to the bytes of its image.

A track image starts with its home address, five bytes: bin, cylinder, head. Records
follow, R0 first, each with a count area of eight bytes (cylinder, head, record, key
length, data length), its key and its data. Eight bytes of FF end the records; the rest
of the image has no meaning. Numbers are big-endian.
"""

import struct

from msgspec import Struct

from ccw_actors.errors import ImageError

__all__ = [
    "COUNT_SIZE",
    "END_MARK",
    "HOME_ADDRESS_SIZE",
    "RECORD_NUMBER",
    "Record",
    "Slot",
    "Track",
    "slots",
]

HOME_ADDRESS_SIZE = 5
COUNT_SIZE = 8
RECORD_NUMBER = 4
"""Offset of the record number in a count area; R0 has number 0."""

_R0_LENGTH = 8
_HOME_ADDRESS = struct.Struct(">BHH")
_COUNT = struct.Struct(">HHBBH")
END_MARK = b"\xff" * COUNT_SIZE


class Slot(Struct, frozen=True, array_like=True, gc=False):
    """The place of a record in the image of its track, without its key and data.

    `offset` is that of the count area, in bytes from the start of the track image.
    Lengths are in bytes.
    """

    offset: int
    key_length: int
    data_length: int

    @property
    def key_offset(self) -> int:
        """Offset of the key, directly after the count area."""
        return self.offset + COUNT_SIZE

    @property
    def data_offset(self) -> int:
        """Offset of the data, directly after the key."""
        return self.offset + COUNT_SIZE + self.key_length

    @property
    def end(self) -> int:
        """Offset of the first byte after the record."""
        return self.data_offset + self.data_length


def slots(raw: bytes) -> tuple[Slot, ...]:
    """Find the records of a track image, R0 first, without copying them.

    Raises:
        ImageError: A record runs past the end of the image, the records do not end,
            or the image has none.
    """
    found: list[Slot] = []
    offset = HOME_ADDRESS_SIZE
    while raw[offset : offset + COUNT_SIZE] != END_MARK:
        if offset + COUNT_SIZE > len(raw):
            raise ImageError(_no_end_mark(raw, len(found), offset))
        slot = Slot(
            offset, raw[offset + 5], int.from_bytes(raw[offset + 6 : offset + 8])
        )
        if slot.end > len(raw):
            raise ImageError(_too_long(raw, slot))
        found.append(slot)
        offset = slot.end
    if not found:
        raise ImageError(f"{_place(raw)}: no records at all, expected R0")
    return tuple(found)


def _no_end_mark(raw: bytes, records: int, offset: int) -> str:
    return (
        f"{_place(raw)}: no end mark after {records} records; the count"
        f" area at offset {offset} would run past the end of the"
        f" {len(raw)} bytes of the track image"
    )


def _too_long(raw: bytes, slot: Slot) -> str:
    return (
        f"{_place(raw)}: record {raw[slot.offset + 4]} at offset {slot.offset} has a"
        f" key of {slot.key_length} and data of {slot.data_length} bytes, which run"
        f" past the end of the {len(raw)} bytes of the track image"
    )


def _place(raw: bytes) -> str:
    if len(raw) < HOME_ADDRESS_SIZE:
        return "track without a home address"
    _, cc, hh = _HOME_ADDRESS.unpack_from(raw)
    return f"track at cylinder {cc}, head {hh}"


class Record(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One record: its identifier (cylinder, head, record number), key and data."""

    cc: int
    hh: int
    r: int
    key: bytes
    data: bytes

    def to_bytes(self) -> bytes:
        """Return count area, key and data as a track image has them."""
        count = _COUNT.pack(self.cc, self.hh, self.r, len(self.key), len(self.data))
        return count + self.key + self.data


class Track(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A whole track, parsed.

    `bin`, `cc` and `hh` are its home address. `remainder` are the bytes of the image
    after the end mark, kept so that `to_bytes` gives back the same image.
    """

    bin: int
    cc: int
    hh: int
    records: tuple[Record, ...]
    remainder: bytes

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Track":
        """Parse a track image.

        Raises:
            ImageError: The image is corrupt; the message names the record and offset.
        """
        found = slots(raw)
        records = tuple(_record(raw, slot) for slot in found)
        remainder = raw[found[-1].end + len(END_MARK) :]
        home_bin, cc, hh = _HOME_ADDRESS.unpack_from(raw)
        return cls(home_bin, cc, hh, records, remainder)

    @classmethod
    def of_data(cls, *data: bytes) -> "Track":
        """Return track 0 with an R0 and a record without key for each argument."""
        records = (bytes(_R0_LENGTH), *data)
        return cls(
            0,
            0,
            0,
            tuple(Record(0, 0, r, b"", one) for r, one in enumerate(records)),
            b"",
        )

    def to_image(self, size: int) -> bytes:
        """Return the track image, padded with zeros to `size` bytes."""
        return self.to_bytes().ljust(size, b"\0")

    def to_bytes(self) -> bytes:
        """Return the track image, without padding."""
        return b"".join(
            (
                _HOME_ADDRESS.pack(self.bin, self.cc, self.hh),
                *(record.to_bytes() for record in self.records),
                END_MARK,
                self.remainder,
            )
        )


def _record(raw: bytes, slot: Slot) -> Record:
    cc, hh, r, _, _ = _COUNT.unpack_from(raw, slot.offset)
    return Record(
        cc,
        hh,
        r,
        key=raw[slot.key_offset : slot.data_offset],
        data=raw[slot.data_offset : slot.end],
    )
