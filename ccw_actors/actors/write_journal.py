"""The journal beside an image: what makes the write of a track whole or nothing.

A track is written in three steps: journal, image, and only then is it done. The journal
has one record, the write begun last. If the process dies in the first step, the record
is not whole and the image has not been touched; if it dies in the second, the track may
be part old and part new, and the record says how to complete it. It also has what the
track was before: if a byte of the track is neither old nor new, another program has
written since, and the record is void.

| size | record |
|---|---|
| 8 | "CCWJRNL1" |
| 16 | BLAKE2b of all that follows |
| 4, 8, 4 | number of the file of the image, offset in it, length; big-endian |
| length | what was there before |
| length | what is to be there |

A journal is removed when its image is closed, so an image closed in order is nothing
but an image.
"""

import os
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

from msgspec import Struct

__all__ = ["Intent", "WriteJournal", "journal_path", "write_all"]

INTENT_MAX: Final = 1 << 20

_MAGIC: Final = b"CCWJRNL1"
_DIGEST_SIZE: Final = 16
_HEAD_SIZE: Final = len(_MAGIC) + _DIGEST_SIZE
_PLACE = struct.Struct(">IQI")


def journal_path(image: Path) -> Path:
    """Where the journal of an image is: beside the file itself, not a link to it."""
    file = image.resolve()
    return file.with_name(file.name + ".journal")


class Intent(Struct, frozen=True):
    """A write begun: the file of the image (from 0), offset in bytes, old and new.

    Both contents have the same length.
    """

    file: int
    offset: int
    old: bytes
    new: bytes

    def to_bytes(self) -> bytes:
        """Give the record."""
        place = _PLACE.pack(self.file, self.offset, len(self.new))
        body = place + self.old + self.new
        return _MAGIC + _digest(body) + body

    @classmethod
    def from_bytes(cls, raw: bytes) -> "Intent | None":
        """Read a record; None if it is not whole."""
        body = raw[_HEAD_SIZE:]
        if raw[: len(_MAGIC)] != _MAGIC or len(body) < _PLACE.size:
            return None
        file, offset, length = _PLACE.unpack_from(body)
        middle = _PLACE.size + length
        body = body[: middle + length]
        if _digest(body) != raw[len(_MAGIC) : _HEAD_SIZE]:
            return None
        return cls(file, offset, body[_PLACE.size : middle], body[middle:])

    def applies_to(self, found: bytes) -> bool:
        """Tell whether every byte found is what it was before, or is to be."""
        return len(found) == len(self.new) and all(
            byte in {old, new}
            for byte, old, new in zip(found, self.old, self.new, strict=True)
        )


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_SIZE).digest()


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of the data at this offset, in as many steps as it takes.

    Raises:
        OSError: Not all of it could be written.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


class WriteJournal:
    """The journal of an image that is open for writing.

    With `sync`, a record is on the disk of the host before the image is touched.

    Raises:
        OSError: The file could not be created.
    """

    def __init__(self, path: Path, *, mode: int, sync: bool) -> None:
        self._path = path
        self._sync = sync
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)
        if sync:
            self._sync_folder()

    @staticmethod
    def read(path: Path) -> Intent | None:
        """Return the write begun last; None if there is no journal, or none in it."""
        try:
            with path.open("rb") as file:
                return Intent.from_bytes(file.read(INTENT_MAX))
        except FileNotFoundError:
            return None

    def begin(self, intent: Intent) -> None:
        """Record a write; the one before has to be complete."""
        write_all(self._fd, intent.to_bytes(), 0)
        if self._sync:
            os.fdatasync(self._fd)

    def close(self, *, keep: bool = False) -> None:
        """Remove the journal, or `keep` it because the last write is not complete."""
        if not keep:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        if self._sync:
            self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
