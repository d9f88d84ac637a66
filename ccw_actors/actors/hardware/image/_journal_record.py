"""The contents of an image's journal: its image, and the write begun last.

| offset | size | header |
|---|---|---|
| 0 | 8 | "CCWJRNL2" |
| 8 | 16 | BLAKE2b of what follows, up to offset 512 |
| 24 | 4 | files of the image, 1 to 27 |
| 28 | 8, 8 | inode number and size in bytes of each file |

| offset | size | record |
|---|---|---|
| 512 | 16 | BLAKE2b of the header and of offsets 544 to 623 |
| 528 | 16 | 0; if the write was answered as failed, BLAKE2b of 512 to 527 |
| 544 | 4, 8, 4 | place: number of the file from 0, offset in it, length |
| 560 | 16 | BLAKE2b of the old data |
| 576 | 16 | BLAKE2b of the new data |
| 592 | 4, 8, 4 | the write before it to another place; length 0: there was none |
| 608 | 16 | BLAKE2b of what that one wrote |
| 624 | length | the old data |
| | length | the new data |

Numbers are big-endian. The write before it identifies the generation of the image: if
other data are there, the image is older or newer than the journal.

The data found at the place say how far the write came:

| found | begun | answered as failed |
|---|---|---|
| the old data | nothing to do | nothing to do |
| the new data | done | put back |
| part of each | put back | put back |
| anything else | void | void |
"""

import struct
from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b
from typing import Final

from msgspec import Struct

__all__ = [
    "DIGEST_SIZE",
    "FAILED_AT",
    "HEADER_SIZE",
    "JOURNAL_MAX",
    "LENGTH_MAX",
    "Intent",
    "Part",
    "Place",
    "State",
    "Written",
    "changed_sectors",
    "digest",
    "failed_mark",
    "header_bytes",
    "header_parts",
]

DIGEST_SIZE: Final = 16
HEADER_SIZE: Final = 512
LENGTH_MAX: Final = 1 << 17
"""The most bytes that a track, or a group of blocks, can have."""

_MAGIC: Final = b"CCWJRNL2"
_PARTS_MAX: Final = 27
_COUNT = struct.Struct(">I")
_PART = struct.Struct(">QQ")
_FIXED = struct.Struct(">IQI16s16sIQI16s")
_FIXED_AT: Final = 2 * DIGEST_SIZE
_CONTENT_AT: Final = _FIXED_AT + _FIXED.size
_SECTOR: Final = 512
_MIXED_MAX: Final = 2

FAILED_AT: Final = HEADER_SIZE + DIGEST_SIZE
JOURNAL_MAX: Final = HEADER_SIZE + _CONTENT_AT + 2 * LENGTH_MAX


def digest(content: bytes) -> bytes:
    """BLAKE2b in 16 bytes."""
    return blake2b(content, digest_size=DIGEST_SIZE).digest()


class Part(Struct, frozen=True):
    """A file of an image: its inode number, and its size in bytes."""

    inode: int
    size: int


def header_bytes(parts: Sequence[Part]) -> bytes:
    """Return the header of a journal for an image of these files."""
    body = _COUNT.pack(len(parts))
    body += b"".join(_PART.pack(part.inode, part.size) for part in parts)
    body = body.ljust(HEADER_SIZE - len(_MAGIC) - DIGEST_SIZE, b"\0")
    return _MAGIC + digest(body) + body


def header_parts(raw: bytes) -> tuple[Part, ...] | None:
    """Return the files of the image from a header, None if it is not a header."""
    body = raw[len(_MAGIC) + DIGEST_SIZE : HEADER_SIZE]
    if len(raw) < HEADER_SIZE or raw[: len(_MAGIC)] != _MAGIC:
        return None
    if digest(body) != raw[len(_MAGIC) : len(_MAGIC) + DIGEST_SIZE]:
        return None
    (count,) = _COUNT.unpack_from(body)
    if not 1 <= count <= _PARTS_MAX:
        return None
    pairs = _PART.iter_unpack(body[_COUNT.size : _COUNT.size + count * _PART.size])
    return tuple(Part(inode, size) for inode, size in pairs)


class Place(Struct, frozen=True):
    """Where a track is: the file of the image (from 0), offset and length in bytes."""

    file: int
    offset: int
    length: int


class Written(Struct, frozen=True):
    """A completed write: its place, and the digest of its data."""

    place: Place
    digest: bytes


class State(Enum):
    """How far a write has come that was begun."""

    NOTHING = "all is as it was before"
    DONE = "it is complete"
    CUT_SHORT = "it must be put back"
    VOID = "another program has written there"


class Intent(Struct, frozen=True):
    """A write that was begun: its place, the old data and the new, of the same length.

    `before` is the last write to another place. `failed`: it was answered as failed.
    """

    place: Place
    old: bytes
    new: bytes
    before: Written | None = None
    failed: bool = False

    def packed(self, header: bytes) -> tuple[bytes, Written]:
        """Return the record that goes behind this header; and the write, once done."""
        before = self.before or Written(Place(0, 0, 0), bytes(DIGEST_SIZE))
        done = Written(self.place, digest(self.new))
        fixed = _FIXED.pack(
            *(self.place.file, self.place.offset, self.place.length),
            *(digest(self.old), done.digest),
            *(before.place.file, before.place.offset, before.place.length),
            before.digest,
        )
        own = digest(header + fixed)
        mark = failed_mark(own) if self.failed else bytes(DIGEST_SIZE)
        return own + mark + fixed + self.old + self.new, done

    @classmethod
    def from_bytes(cls, raw: bytes, header: bytes) -> "Intent | None":
        """Read the record behind a header; None if incomplete, or of another header."""
        if len(raw) < _CONTENT_AT:
            return None
        own, mark = raw[:DIGEST_SIZE], raw[DIGEST_SIZE:_FIXED_AT]
        fixed = raw[_FIXED_AT:_CONTENT_AT]
        if digest(header + fixed) != own:
            return None
        file, offset, length, old_sum, new_sum, *last, last_sum = _FIXED.unpack(fixed)
        middle = _CONTENT_AT + length
        old, new = raw[_CONTENT_AT:middle], raw[middle : middle + length]
        if length > LENGTH_MAX or (digest(old), digest(new)) != (old_sum, new_sum):
            return None
        before = Place(*last)
        return cls(
            Place(file, offset, length),
            old,
            new,
            Written(before, last_sum) if before.length else None,
            mark == failed_mark(own),
        )

    def state(self, found: bytes) -> State:
        """Decide how far the write came, by the data found at its place.

        A write, and putting it back, can each stop inside one sector. All other sectors
        are wholly old or wholly new, in whatever order they reached the disk.
        """
        if found == self.old:
            return State.NOTHING
        if found == self.new:
            return State.CUT_SHORT if self.failed else State.DONE
        if len(found) != len(self.new):
            return State.VOID
        mixed = self._mixed(found)
        return State.VOID if mixed is None or mixed > _MIXED_MAX else State.CUT_SHORT

    def _mixed(self, found: bytes) -> int | None:
        """Count the sectors that are part old, part new; None if one is neither."""
        mixed = 0
        for at in range(0, len(found), _SECTOR):
            sectors = [part[at : at + _SECTOR] for part in (found, self.old, self.new)]
            if sectors[0] in sectors[1:]:
                continue
            mixed += 1
            if any(byte not in pair for byte, *pair in zip(*sectors, strict=True)):
                return None
        return mixed


def failed_mark(record: bytes) -> bytes:
    """Return the mark of a record whose write was answered as failed."""
    own = record[:DIGEST_SIZE]
    return blake2b(own, digest_size=DIGEST_SIZE, person=b"failed").digest()


def changed_sectors(found: bytes, wanted: bytes) -> list[tuple[int, int]]:
    """Return where data of one length differ: start and end, in whole sectors."""
    changed: list[tuple[int, int]] = []
    for at in range(0, len(wanted), _SECTOR):
        end = min(at + _SECTOR, len(wanted))
        if found[at:end] == wanted[at:end]:
            continue
        start = changed.pop()[0] if changed and changed[-1][1] == at else at
        changed.append((start, end))
    return changed
