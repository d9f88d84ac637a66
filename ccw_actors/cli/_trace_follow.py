"""Reads a trace that a run still writes: waits for more, as `tail -f` does."""

import errno
import fcntl
import os
import time
from typing import BinaryIO, Final, cast

from ccw_actors.errors import StreamError

__all__ = ["following"]

_PAUSE: Final = 0.1  # seconds


def following(file: BinaryIO) -> BinaryIO:
    """Return a file to read from that ends only when its writer has ended.

    A run holds a lock on its trace (`open_trace`), so its end is known. Where nobody
    has held the lock, reading goes on until it is interrupted.

    Reading raises `StreamError` if the writer removes what is already read: the trace
    is too long, or another run begins it again.
    """
    return cast("BinaryIO", _Following(file))


class _Following:
    """The part of a binary file that `TraceReader` needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._fd = file.fileno()
        self._offset = os.lseek(self._fd, 0, os.SEEK_CUR) if file.seekable() else None
        self._had_writer = False
        self._is_over = self._offset is None  # a pipe waits, and ends, on its own
        self._has_news = True
        if self._offset is not None:
            self._has_ended()  # a run may end before its trace is read to the end

    def read(self, size: int = -1) -> bytes:
        """Return some bytes; wait for them if there are none yet."""
        while True:
            data = self._more(size)
            if data and not self._had_writer:
                # A run may end before all that it writes has been read.
                self._has_ended()
            if data or self._is_over:
                return data
            # What is written before the lock is released is still to be read.
            self._is_over = self._has_ended()
            if not self._is_over:
                time.sleep(_PAUSE)

    def _more(self, size: int) -> bytes:
        if self._offset is not None and os.fstat(self._fd).st_size < self._offset:
            raise StreamError(
                "its beginning was removed while it was followed; start again, or give"
                " the run a larger --trace-size"
            )
        data = os.read(self._fd, size)
        if self._offset is not None:
            self._offset += len(data)
        self._has_news = self._has_news or bool(data)
        return data

    def _has_ended(self) -> bool:
        """Whether there was a writer, and is none now."""
        if not (self._had_writer or self._has_news):
            return False  # to ask takes the lock for a moment: ask only with a reason
        self._has_news = False
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self._had_writer = True
            return False
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
                raise
            return False
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        return self._had_writer
