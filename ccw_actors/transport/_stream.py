"""Streams of msgpack values, read from a file or a socket with bounded memory."""

import inspect
import socket
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, cast

import msgpack

from ccw_actors.errors import StreamError
from ccw_actors.transport._bounds import OBJECTS_MAX, SIZE_MAX, SMALL, check_objects

__all__ = ["PIECE_SIZE", "ValueSplitter", "pieces_of", "read_stream"]

PIECE_SIZE: Final = 1 << 16
"""The number of bytes in one read."""

_ANY_LENGTH = (1 << 32) - 1


def read_stream(
    source: BinaryIO | socket.socket,
    *,
    value_size_max: int = SIZE_MAX,
    objects_max: int = OBJECTS_MAX,
) -> Iterator[object]:
    """Yield the msgpack values of a stream, one after the other.

    An array is a list, or a tuple if it is the key of a map. Each value is yielded as
    soon as its last byte has been read. `value_size_max` bounds the bytes of one value,
    `objects_max` the values in it if it takes more than 64 KiB. Together they bound the
    memory: three times the bytes, and a hundred bytes for each value.

    The iterator raises `StreamError` for bytes that are not msgpack, for a value that
    exceeds a bound, and for a stream that ends inside a value, after yielding the
    values before that. A source that is neither a binary file nor a socket raises
    `TypeError`. To read messages, use `read_messages`.
    """
    return _values(pieces_of(source), value_size_max, objects_max)


def _values(
    read: Callable[[], bytes], value_size_max: int, objects_max: int
) -> Iterator[object]:
    splitter = ValueSplitter(value_size_max)
    while chunk := read():
        for start, data in splitter.feed(chunk):
            yield _value(data, start, objects_max)
    splitter.end()


def pieces_of(source: BinaryIO | socket.socket) -> Callable[[], bytes]:
    """Return a function that reads the next piece of a source; b"" at its end.

    It passes on exceptions of the source, and raises `BlockingIOError` for a file that
    has no data now but has not ended. A source that cannot be read raises `TypeError`.
    """
    read = _reader_of(source)

    def piece() -> bytes:
        data = read(PIECE_SIZE)
        if data is None:
            raise BlockingIOError("nothing to read yet; expected a source that waits")
        if isinstance(data, str):
            raise TypeError("expected bytes, got text: the file is not a binary one")
        return cast("bytes", data)

    return piece


def _reader_of(source: object) -> Any:
    """Return the method that reads a source. Raises `TypeError` if it has none."""
    # `read` of a socket's file waits for all requested bytes, but `read1` returns bytes
    # as they arrive.
    names = ("read1", "read", "recv")
    read: Any = next(filter(None, (getattr(source, one, None) for one in names)), None)
    if read is None or inspect.iscoroutinefunction(read):
        raise TypeError(
            f"expected a binary file or a socket, got {type(source).__name__}"
            + ("; read_messages_async reads it" if read else "")
        )
    return read


class ValueSplitter:
    """Splits a stream of msgpack values, which comes in pieces, into single values.

    `value_size_max` bounds the bytes of one value, and three times that the memory:
    data that a header only announces takes none.
    """

    def __init__(self, value_size_max: int = SIZE_MAX) -> None:
        self._max = value_size_max
        self._finder = _finder(value_size_max)
        self._pending = bytearray()
        self._start = 0

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield where each complete value begins, and its bytes.

        Take them before you feed the next piece (at most 64 KiB). Raises `StreamError`
        for bytes that are not msgpack and for a value that is too large, after yielding
        the values before that.
        """
        self._pending += chunk
        begin = self._start
        self._finder.feed(chunk)
        while (end := self._next_end(begin)) is not None:
            _check_size(end - self._start, self._max, self._start)
            data = bytes(self._pending[self._start - begin : end - begin])
            start, self._start = self._start, end
            yield start, data
        del self._pending[: self._start - begin]
        _check_size(len(self._pending), self._max, self._start)

    def _next_end(self, begin: int) -> int | None:
        """Return where the current value ends; None if it is not complete.

        Damage beyond the largest value counts as a value that is too large, so that
        the error does not depend on the pieces. `begin` is the place of the first
        pending byte.
        """
        try:
            return _end_of_value(self._finder, self._start)
        except StreamError:
            value = self._pending[self._start - begin :]
            if len(value) > self._max:
                self._finder = _finder(self._max)
                self._finder.feed(value[: self._max + 1])
                if _end_of_value(self._finder, self._start) is None:
                    _check_size(len(value), self._max, self._start)
            raise

    def end(self) -> None:
        """Raise `StreamError` if the stream ends inside a value."""
        if self._pending:
            raise StreamError(
                f"the stream ends inside the value at byte {self._start}:"
                f" {len(self._pending)} bytes of it are there"
            )


def _check_size(size: int, size_max: int, start: int) -> None:
    if size > size_max:
        raise StreamError(f"the value at byte {start} is larger than {size_max} bytes")


def _finder(value_size_max: int) -> msgpack.Unpacker:
    # It only skips, so that announced data allocates nothing.
    return msgpack.Unpacker(
        max_buffer_size=value_size_max + 2 * PIECE_SIZE,
        max_array_len=_ANY_LENGTH,
        max_map_len=_ANY_LENGTH,
    )


def _end_of_value(finder: msgpack.Unpacker, start: int) -> int | None:
    try:
        finder.skip()
    except msgpack.OutOfData:
        return None
    except (ValueError, msgpack.UnpackException) as error:
        raise _damaged(start, error) from error
    return finder.tell()


def _value(data: bytes, start: int, objects_max: int) -> object:
    try:
        if len(data) > SMALL:
            check_objects(data, objects_max)
        try:
            value = msgpack.unpackb(data, strict_map_key=False)
        except TypeError:
            # A key is an array, which must become a tuple; that is rare.
            value = msgpack.unpackb(
                data, strict_map_key=False, object_pairs_hook=_with_tuples
            )
        return cast("object", value)
    except (TypeError, ValueError, RecursionError, msgpack.UnpackException) as error:
        raise _damaged(start, error) from error


def _with_tuples(pairs: list[tuple[object, object]]) -> dict[object, object]:
    return {_key(key): value for key, value in pairs}


def _key(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_key, cast("list[object]", value)))
    return value


def _damaged(start: int, error: Exception) -> StreamError:
    reason = str(error) or type(error).__name__
    return StreamError(f"the bytes from {start} on are not msgpack: {reason}")
