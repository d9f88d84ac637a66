"""The journal next to an image: it makes the write of a track atomic.

A track is written to the journal, then to the image, and only then is the write
answered. The journal names its image and has one record, the write begun last: the old
data and the new (see `_journal_record`). If the process dies while it writes the
record, that is incomplete and the image has not been touched. If it dies while it
writes the image, the track may be part new and part old; the write was not answered,
and is put back. That takes no space on the disk of the host, as it only overwrites.

A journal is removed when its image is closed, so an image closed in order is a single
file. A file with the name of a journal that is none, or another image's, is never
written, followed or removed.
"""

import errno
import logging
import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from ccw_actors.actors.hardware.image._journal_record import (
    DIGEST_SIZE,
    FAILED_AT,
    HEADER_SIZE,
    JOURNAL_MAX,
    LENGTH_MAX,
    Intent,
    Part,
    Place,
    Written,
    failed_mark,
    header_bytes,
    header_parts,
)
from ccw_actors.actors.hardware.image._new_file import is_at, new_file, sync_folder
from ccw_actors.errors import ImageError

__all__ = ["LeftJournal", "WriteJournal", "journal_path", "read_all", "write_all"]

log = logging.getLogger("ccw_actors.images")


def journal_path(image: Path) -> Path:
    """Where the journal of an image is: next to the file itself, not a link to it."""
    file = Path(os.path.realpath(image))
    return file.with_name(file.name + ".journal")


def read_all(fd: int, length: int, offset: int) -> bytes:
    """Read `length` bytes of a file, fewer at its end."""
    found = bytearray()
    while more := os.pread(fd, length - len(found), offset + len(found)):
        found += more
    return bytes(found)


def write_all(fd: int, data: bytes, offset: int) -> None:
    """Write all of the data at this offset, with as many calls as it takes.

    Raises:
        OSError: Not all of it could be written.
    """
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, offset)
        view, offset = view[written:], offset + written


class LeftJournal:
    """A journal that a dead process left.

    `parts` are the files of the image that it names. `intent` is the write begun last;
    None if there was none, or its record is incomplete.
    """

    def __init__(
        self, path: Path, fd: int, raw: bytes, parts: tuple[Part, ...]
    ) -> None:
        header = raw[:HEADER_SIZE]
        self.parts = parts
        self.intent = Intent.from_bytes(raw[HEADER_SIZE:], header)
        self._path = path
        self._file = os.fstat(fd)

    @classmethod
    def read(cls, path: Path, owners: Collection[int]) -> "LeftJournal | None":
        """Read the file with the name of a journal; None if there is none.

        Args:
            path: Where the journal would be.
            owners: Numbers of the users whose journals are accepted.

        Raises:
            ImageError: It is not a journal, or not of these users, or cannot be read.
        """
        try:
            kind = stat.S_IFMT(path.lstat().st_mode)
            if kind != stat.S_IFREG:
                raise ImageError(_foreign(path, _KINDS.get(kind, "no file")))
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ImageError(_foreign(path, f"{error.strerror}")) from error
        try:
            return cls._of_file(path, fd, owners)
        except OSError as error:
            raise ImageError(_foreign(path, f"{error.strerror}")) from error
        finally:
            os.close(fd)

    @classmethod
    def _of_file(cls, path: Path, fd: int, owners: Collection[int]) -> "LeftJournal":
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ImageError(_foreign(path, "no file"))
        if found.st_uid not in owners:
            raise ImageError(_foreign(path, f"a file of user {found.st_uid}"))
        raw = read_all(fd, JOURNAL_MAX, 0)
        parts = header_parts(raw)
        if parts is None:
            raise ImageError(_foreign(path, "no journal of this version"))
        return cls(path, fd, raw, parts)

    def of_another(self, parts: Sequence[Part], *, copied: bool = False) -> str:
        """Say why the journal is not that of these files; "" if it is.

        Files that were `copied` have the same sizes, and other inode numbers.
        """
        if len(parts) != len(self.parts):
            return (
                f"{self._path.name} is the journal of another image, which has"
                f" {len(self.parts)} files, and this one has {len(parts)}"
            )
        for mine, theirs in zip(parts, self.parts, strict=True):
            if mine == theirs or (copied and mine.size == theirs.size):
                continue
            return (
                f"{self._path.name} is the journal of another image: of file"
                f" {theirs.inode} with {theirs.size} bytes, and this is file"
                f" {mine.inode} with {mine.size}"
            )
        return ""

    def remove(self) -> None:
        """Remove the journal, if it is still the one that was read."""
        with suppress(FileNotFoundError):
            if os.path.samestat(self._file, self._path.lstat()):
                self._path.unlink()


_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


def _foreign(path: Path, what: str) -> str:
    return f"{path.name} is where its journal goes, and is not one: {what}"


class WriteJournal:
    """The journal of an image that is open for writing.

    It has space for its record from the start. With `sync`, a record is on the disk of
    the host before the image is touched.

    Args:
        path: Where to create it.
        parts: The files of the image.
        like: The result of fstat of the first; the journal gets its owner if it can.
        length: The most bytes that a track, or a group of blocks, has.
        sync: Have records on the disk of the host.

    Raises:
        FileExistsError: The name exists.
        OSError: The file cannot be created.
    """

    def __init__(
        self,
        path: Path,
        parts: Sequence[Part],
        *,
        like: os.stat_result,
        length: int,
        sync: bool,
    ) -> None:
        self._path = path
        self._sync = sync
        self._header = header_bytes(parts)
        self._last: Written | None = None
        self._before: Written | None = None
        self._begun: Written | None = None
        self._mark = b""
        self._like = like
        self._size = JOURNAL_MAX - 2 * (LENGTH_MAX - length)
        self._fd = self._create()

    def _create(self) -> int:
        like = self._like
        with new_file(self._path, mode=like.st_mode & 0o777 | 0o600) as made:
            if os.geteuid() == 0:
                with suppress(OSError):
                    os.fchown(made, like.st_uid, like.st_gid)
            _reserve(made, self._size)
            write_all(made, self._header, 0)
            status = os.fstat(made)
        if self._sync:
            sync_folder(self._path)
        # Open it again by its own name: /proc and lsof then show that.
        fd = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        if os.path.samestat(status, os.fstat(fd)):
            return fd
        os.close(fd)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def begin(self, place: Place, old: bytes, new: bytes) -> None:
        """Record a write; the one before must be complete, or put back.

        Raises:
            OSError: It could not be recorded, so the image must not be touched.
        """
        if not os.fstat(self._fd).st_nlink:  # another program has removed it
            fd = self._create()
            os.close(self._fd)
            self._fd = fd
        if self._last is not None and self._last.place != place:
            self._before = self._last
        elif self._before is not None and self._before.place == place:
            self._before = None
        raw, self._begun = Intent(place, old, new, self._before).packed(self._header)
        self._mark = failed_mark(raw)
        write_all(self._fd, raw, HEADER_SIZE)
        self._flush()

    def end(self) -> None:
        """Note that the write begun last is complete."""
        self._last = self._begun

    def fail(self) -> None:
        """Record that the write begun last was answered as failed."""
        write_all(self._fd, self._mark, FAILED_AT)
        self._flush()

    def clear(self) -> None:
        """Record that the write begun last has been put back."""
        write_all(self._fd, bytes(DIGEST_SIZE), HEADER_SIZE)

    def close(self, *, keep: bool = False) -> None:
        """Remove the journal, or `keep` it because the last write is incomplete.

        Another file that has its name by now stays.
        """
        try:
            if not keep and is_at(self._fd, self._path):
                self._path.unlink(missing_ok=True)
                if self._sync:
                    sync_folder(self._path)
        except OSError as error:  # harmless: its write is complete
            log.warning("%s: cannot be removed: %s", self._path, error.strerror)
        finally:
            os.close(self._fd)

    def _flush(self) -> None:
        if self._sync:
            os.fdatasync(self._fd)


def _reserve(fd: int, size: int) -> None:
    """Reserve space for a file on the disk of the host, if its file system can."""
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError as error:
        if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
            raise
