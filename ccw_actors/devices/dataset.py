"""Reads datasets: blocks on tracks, records in blocks, members by name.

A sequential dataset ends with a record without data. A partitioned dataset starts with
a directory: records with a key of 8 and data of 256 bytes. A member is sequential from
the place that the directory gives, relative to the start of the dataset (TTR). Numbers
are big-endian, names EBCDIC.

| record format | block |
|---|---|
| F | one record, or (FB) several of `record_length` |
| V | length of the block (4), then records, each with its length (4); |
| | VS: a record may continue in the next block |
| U | one record |
"""

from collections.abc import Iterator
from itertools import chain, islice

from msgspec import Struct

from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.devices.volume_label import EBCDIC
from ccw_actors.devices.vtoc import Dataset, ReadTrack
from ccw_actors.errors import ImageError

__all__ = ["Member", "dataset_records", "member_records", "members"]

_DIRECTORY_KEY = 8
_DIRECTORY_DATA = 256
_NAME = 8
_ENTRY = 12
_LAST = b"\xff" * _NAME
_DESCRIPTOR = 4
_SEGMENT = 0x03
_FIRST, _FINAL = 0x01, 0x02


class Member(Struct, frozen=True):
    """A member of a partitioned dataset, and where it starts: track and record.

    Tracks count from 0 at the start of the dataset. An alias is a second name.
    """

    name: str
    track: int
    record: int
    alias: bool


def dataset_records(
    volume: Geometry, read: ReadTrack, dataset: Dataset
) -> Iterator[bytes]:
    """Read the records of a sequential dataset, as raw bytes.

    Raises:
        ImageError: The dataset is not sequential, or damaged.
    """
    if not dataset.organisation.startswith(("PS", "DA")):
        raise ImageError(
            f"dataset {dataset.name} is of organisation {dataset.organisation},"
            " expected PS; name a member of a PO dataset, as in A.B(C)"
        )
    yield from _records(dataset, _blocks(volume, read, dataset, 0, 1))


def members(volume: Geometry, read: ReadTrack, dataset: Dataset) -> list[Member]:
    """Read the directory of a partitioned dataset.

    Raises:
        ImageError: The dataset is not partitioned, or its directory is damaged.
    """
    if not dataset.organisation.startswith("PO"):
        raise ImageError(
            f"dataset {dataset.name} is of organisation {dataset.organisation},"
            " expected PO for it to have members"
        )
    found: list[Member] = []
    for block in _blocks(volume, read, dataset, 0, 1):
        if (len(block.key), len(block.data)) != (_DIRECTORY_KEY, _DIRECTORY_DATA):
            raise ImageError(
                f"dataset {dataset.name}: its directory has a record of"
                f" {len(block.key)} and {len(block.data)} bytes at {_place(block)},"
                f" expected {_DIRECTORY_KEY} and {_DIRECTORY_DATA}"
            )
        if not _add_members(found, block):
            break
    return found


def _add_members(found: list[Member], block: Record) -> bool:
    """Append a directory block's members; return False at the directory's end."""
    used = int.from_bytes(block.data[:2])
    at = 2
    while at < used:
        entry = block.data[at : at + _ENTRY]
        if entry[:_NAME] == _LAST:
            return False
        size = _ENTRY + 2 * (entry[-1] & 0x1F) if len(entry) == _ENTRY else 0
        if not size or at + size > min(used, _DIRECTORY_DATA):
            raise ImageError(
                f"the directory block at {_place(block)} has {used} bytes in use, and"
                f" an entry at offset {at} that does not end there"
            )
        name = entry[:_NAME].decode(EBCDIC).rstrip()
        track, alias = int.from_bytes(entry[8:10]), bool(entry[11] & 0x80)
        found.append(Member(name, track, entry[10], alias))
        at += size
    return block.key != _LAST


def member_records(
    volume: Geometry, read: ReadTrack, dataset: Dataset, name: str
) -> Iterator[bytes]:
    """Read the records of a member of a partitioned dataset, as raw bytes.

    Raises:
        ImageError: The dataset is not partitioned or damaged, or has no such member.
    """
    known = {member.name: member for member in members(volume, read, dataset)}
    member = known.get(name)
    if member is None:
        listed = ", ".join(known) or "none"
        raise ImageError(
            f"dataset {dataset.name} has no member {name}, expected one of {listed}"
        )
    blocks = _blocks(volume, read, dataset, member.track, member.record)
    yield from _records(dataset, blocks)


def _blocks(
    volume: Geometry, read: ReadTrack, dataset: Dataset, track: int, record: int
) -> Iterator[Record]:
    """Yield the blocks from this place on, up to the one without data."""
    extents = [extent.tracks(volume) for extent in dataset.extents]
    count = sum(map(len, extents))
    if track >= count:
        raise ImageError(
            f"dataset {dataset.name} has {count} tracks, expected more than"
            f" {track}, where its directory puts a member"
        )
    for number in islice(chain.from_iterable(extents), track, None):
        for block in Track.from_bytes(read(number)).records[1:]:
            if block.r < record:
                continue
            if not block.data:
                return
            yield block
        record = 1


def _records(dataset: Dataset, blocks: Iterator[Record]) -> Iterator[bytes]:
    form = dataset.record_format[:1]
    if form == "V":
        yield from _variable(blocks)
        return
    for block in blocks:
        length = dataset.record_length
        if form == "F" and length:
            if len(block.data) % length:
                raise ImageError(
                    f"the block at {_place(block)} has {len(block.data)} bytes,"
                    f" expected a multiple of {length}, the record length"
                )
            for at in range(0, len(block.data), length):
                yield block.data[at : at + length]
        else:
            yield block.data


def _variable(blocks: Iterator[Record]) -> Iterator[bytes]:
    """Yield the records of blocks of format V, their segments joined."""
    partial = b""
    for block in blocks:
        at, end = _DESCRIPTOR, int.from_bytes(block.data[:2])
        if not _DESCRIPTOR <= end <= len(block.data):
            raise ImageError(
                f"the block at {_place(block)} has a length of {end} in its descriptor,"
                f" expected {_DESCRIPTOR} to {len(block.data)}"
            )
        while at < end:
            length = int.from_bytes(block.data[at : at + 2])
            if not _DESCRIPTOR <= length <= end - at:
                raise ImageError(
                    f"the block at {_place(block)} has a record of length {length} at"
                    f" offset {at}, expected {_DESCRIPTOR} to {end - at}"
                )
            segment = block.data[at + 2] & _SEGMENT
            if segment in {0, _FIRST}:
                partial = b""
            partial += block.data[at + _DESCRIPTOR : at + length]
            if segment in {0, _FINAL}:
                yield partial
            at += length


def _place(block: Record) -> str:
    return f"cylinder {block.cc}, head {block.hh}, record {block.r}"
