"""The target of a trace: a file of bounded size for one run, or a pipe.

An existing file is replaced only if it is a trace and no other run writes it. When it
has grown to one and a half times its limit, the oldest part is removed. The file then
contains the beginning of the trace, the types, and the newest events.
"""

import errno
import fcntl
import os
import select
import stat
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from ccw_actors.errors import TraceFileError, TraceInUseError
from ccw_actors.trace._records import FORMAT, VERSION, HeaderRecord, TypeRecord
from ccw_actors.transport import Codec

__all__ = ["TRACE_SIZE", "TraceFile", "TracePipe", "TraceTarget", "open_trace"]

TRACE_SIZE: Final = 256 << 20
"""The default number of bytes of a trace to keep: the newest ones."""

_BUFFER: Final = 1 << 16
_MARK: Final = 1 << 20
_MOVED: Final = 1 << 22
_PIPE_BUFFER: Final = 1 << 24
_PATIENCE: Final = 1.0  # seconds to wait for the reader of a full pipe
_MODE: Final = 0o666

_encode = Codec().encode
# A header without its version, and the kind of a type record.
_HEADER: Final = _encode(HeaderRecord(FORMAT, VERSION))[:-1]
_TYPE: Final = _encode(TypeRecord(1, "", False, ()))[: len(b"\x95\xa4type")]  # noqa: FBT003


class TraceTarget(Protocol):
    """The target to which a `TraceWriter` writes, record by record.

    `path` is its path, `cut` the number of bytes removed again. `write`, `flush` and
    `close` raise `OSError`.
    """

    path: Path
    cut: int

    def write(self, record: bytes, /) -> object:
        """Take one record, which may be buffered."""
        ...

    def flush(self) -> None:
        """Write buffered records."""
        ...

    def close(self) -> None:
        """Write buffered records, and close the target."""
        ...


def open_trace(
    path: Path, *, size_max: int | None = TRACE_SIZE, inputs: Iterable[Path] = ()
) -> TraceTarget:
    """Begin a trace at a path; with `size_max` None it keeps all of it.

    Raises:
        TraceFileError: The file is one of the `inputs`, exists and is not a trace, or
            cannot be written.
        TraceInUseError: Another run is writing it.
    """
    try:
        return _opened(path, size_max, inputs)
    except OSError as error:
        raise TraceFileError(f"{path}: {error.strerror}") from error


def _opened(
    path: Path, size_max: int | None, inputs: Iterable[Path]
) -> "TraceFile | TracePipe":
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        kind = stat.S_IFREG
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        return TracePipe(path)
    return TraceFile(path, size_max=size_max, inputs=inputs)


class TraceFile:
    """A regular file; see `open_trace`."""

    def __init__(
        self, path: Path, *, size_max: int | None, inputs: Iterable[Path] = ()
    ) -> None:
        self.path = path
        self.cut = 0
        self._size_max = size_max
        self._pending = bytearray()
        self._size = 0
        self._begin = bytearray()
        self._marks: deque[int] = deque()
        self._mark = min(_MARK, (size_max or _MARK) // 16)
        _check_no_input(path, inputs)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            self._claim()
        except BaseException:
            os.close(self._fd)
            raise

    def write(self, record: bytes, /) -> int:
        """Take a record."""
        if record.startswith((_TYPE, _HEADER)):
            self._begin += record
        size = self._size + len(self._pending)
        if size - (self._marks[-1] if self._marks else 0) >= self._mark:
            self._marks.append(size)
        self._pending += record
        if len(self._pending) >= _BUFFER or not self._size:
            self.flush()
        return len(record)

    def flush(self) -> None:
        """Write buffered records; a record that does not fit is not begun."""
        data, self._pending = self._pending, bytearray()
        try:
            _write_all(self._fd, data, self._size)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)
        if self._size_max is not None and self._size > self._size_max * 3 // 2:
            self._shorten(self._size_max)

    def close(self) -> None:
        """Write buffered records, cut the file to size, and close it."""
        try:
            self.flush()
            if self._size_max is not None and self._size > self._size_max:
                self._shorten(self._size_max)
        finally:
            os.close(self._fd)

    def _claim(self) -> None:
        head = os.pread(self._fd, len(_HEADER), 0)
        if head and head != _HEADER:
            raise TraceFileError(
                f"{self.path}: exists and is not a trace; expected a new file, or a"
                " trace to replace"
            )
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TraceInUseError(
                f"{self.path}: another run is writing this trace"
            ) from error
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                raise
        os.ftruncate(self._fd, 0)

    def _shorten(self, size_max: int) -> None:
        """Remove the oldest records, from the end of the types on."""
        begin = bytes(self._begin)
        wanted = self._size - (size_max - len(begin))
        while self._marks and self._marks[0] < wanted:
            self._marks.popleft()
        start = self._marks[0] if self._marks else self._size
        if start <= len(begin):
            return  # it contains hardly more than types
        _write_all(self._fd, begin, 0)
        to = len(begin)
        for at in range(start, self._size, _MOVED):
            part = os.pread(self._fd, min(_MOVED, self._size - at), at)
            _write_all(self._fd, part, to)
            to += len(part)
        os.ftruncate(self._fd, to)
        moved = start - len(begin)
        self._marks = deque(mark - moved for mark in self._marks)
        self.cut += self._size - to
        self._size = to


class TracePipe:
    """A pipe or a device, which may take data late or not at all.

    Up to 16 MiB wait for a reader. When that is full, the reader of a pipe has a second
    to take some of it, or the trace ends with `OSError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cut = 0
        self._fd = -1
        self._pending = bytearray()
        self._open()

    def write(self, record: bytes, /) -> int:
        """Take a record."""
        self._pending += record
        if len(self._pending) >= _BUFFER:
            self._push(0.0)
        while len(self._pending) > _PIPE_BUFFER:
            self._push(_PATIENCE)
        return len(record)

    def flush(self) -> None:
        """Write the data that the reader takes at once."""
        self._push(0.0)

    def close(self) -> None:
        """Write buffered records while the reader takes them."""
        try:
            while self._pending:
                self._push(_PATIENCE)
        finally:
            if self._fd >= 0:
                os.close(self._fd)

    def _open(self) -> bool:
        """Open the pipe for writing; that fails while it has no reader."""
        if self._fd < 0:
            try:
                self._fd = os.open(
                    self.path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
                )
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
        return self._fd >= 0

    def _push(self, patience: float) -> None:
        """Write the data that the reader takes now; wait `patience` seconds for some.

        Raises `OSError` if it takes nothing in that time.
        """
        taken = 0
        if self._open():
            taken = self._write(patience)
        elif patience:
            select.poll().poll(patience * 1000)
            taken = self._open()
        if patience and not taken:
            why = "nobody reads this pipe" if self._fd < 0 else "its reader has stopped"
            raise OSError(errno.EPIPE, why, str(self.path))

    def _write(self, patience: float) -> int:
        """Write the data that the reader takes; return the size of the last write.

        Wait `patience` seconds for the reader to take some.
        """
        taken = 0
        poll = select.poll()  # select(2) handles only the first 1024 descriptors
        poll.register(self._fd, select.POLLOUT)
        ready = poll.poll(patience * 1000)
        while ready and self._pending:
            try:
                taken = os.write(self._fd, self._pending[:_BUFFER])
            except BlockingIOError:
                break
            del self._pending[:taken]
        return taken


def _check_no_input(path: Path, inputs: Iterable[Path]) -> None:
    """Raise `TraceFileError` for the path of an input, which must not change."""
    for given in inputs:
        if given.exists() and path.exists() and path.samefile(given):
            raise TraceFileError(f"{path}: {given} is an input and cannot hold a trace")


def _write_all(fd: int, data: bytes | bytearray, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, at)
        view, at = view[written:], at + written
