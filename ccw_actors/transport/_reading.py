"""Reads messages from a file, a socket or an asyncio stream, with bounded memory."""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from types import UnionType
from typing import BinaryIO, Generic, TypeVar

from ccw_actors.errors import MessageError, StreamError
from ccw_actors.transport._bounds import OBJECTS_MAX, SIZE_MAX
from ccw_actors.transport._codec import Codec
from ccw_actors.transport._stream import PIECE_SIZE, ValueSplitter, pieces_of

__all__ = ["read_messages", "read_messages_async"]

T = TypeVar("T")


def read_messages(
    source: BinaryIO | socket.socket,
    accepted: type[T] | UnionType,
    *,
    codec: Codec | None = None,
    message_size_max: int = SIZE_MAX,
    objects_max: int = OBJECTS_MAX,
) -> Iterator[T]:
    """Return an iterator over the messages in a binary file or a socket.

    They have the accepted type or types, and were encoded by `Codec.encode`. Pass
    `codec` for messages with custom fields. Each is returned as soon as its last byte
    has been read. The bounds are those of `Codec.decoder`. Data that is read but not
    yet returned takes at most three times `message_size_max`.

    The iterator raises:
        MessageError: A message is not accepted; iteration continues after it.
        StreamError: The bytes are not msgpack, a message is too large, or the stream
            ends inside one. This ends the stream: after the last message before it,
            every further call raises it.

    An exception of the source, such as `TimeoutError`, passes through and loses
    nothing: you may continue to iterate. A source that is neither a binary file nor a
    socket raises `TypeError` at once.
    """
    arriving = _Arriving(accepted, codec, message_size_max, objects_max)
    return _Messages(pieces_of(source), arriving)


def read_messages_async(
    reader: asyncio.StreamReader,
    accepted: type[T] | UnionType,
    *,
    codec: Codec | None = None,
    message_size_max: int = SIZE_MAX,
    objects_max: int = OBJECTS_MAX,
) -> AsyncIterator[T]:
    """Return the messages in an asyncio stream, like `read_messages`.

    Cancelling a wait for a message, as by a timeout, loses nothing either.
    """
    if not inspect.iscoroutinefunction(getattr(reader, "read", None)):
        raise TypeError(
            f"expected an asyncio.StreamReader, got {type(reader).__name__};"
            " read_messages reads files and sockets"
        )
    arriving = _Arriving(accepted, codec, message_size_max, objects_max)
    return _AsyncMessages(reader, arriving)


class _Arriving(Generic[T]):
    """The messages of a stream that comes in pieces; other code reads them.

    `ended` is true when no more pieces will come.
    """

    def __init__(
        self,
        accepted: type[T] | UnionType,
        codec: Codec | None,
        message_size_max: int,
        objects_max: int,
    ) -> None:
        self._decode: Callable[[bytes], T] = (codec or Codec()).decoder(
            accepted, message_size_max=message_size_max, objects_max=objects_max
        )
        self._splitter = ValueSplitter(message_size_max)
        self._whole: Iterator[tuple[int, bytes]] = iter(())
        self._damage: StreamError | None = None
        self.ended = False

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the stream; an empty one is its end."""
        self.ended = not piece
        self._whole = self._splitter.feed(piece) if piece else self._end()

    def next_whole(self) -> tuple[int, bytes] | None:
        """Return where the next message begins, and its bytes; None if incomplete.

        Raises `StreamError` if no more messages can follow.
        """
        if self._damage is not None:
            raise self._damage.with_traceback(None)
        try:
            return next(self._whole, None)
        except StreamError as error:
            self._damage = error
            raise

    def decoded(self, start: int, payload: bytes) -> T:
        """Return a message, or raise `MessageError` with its position."""
        try:
            return self._decode(payload)
        except MessageError as error:
            raise MessageError(f"the message at byte {start}: {error}") from error

    def _end(self) -> Iterator[tuple[int, bytes]]:
        self._splitter.end()
        yield from ()


class _Messages(Iterator[T]):
    """Reads in the caller's thread."""

    def __init__(self, read: Callable[[], bytes], arriving: _Arriving[T]) -> None:
        self._read = read
        self._arriving = arriving

    def __next__(self) -> T:
        arriving = self._arriving
        while (whole := arriving.next_whole()) is None:
            if arriving.ended:
                raise StopIteration
            arriving.feed(self._read())
        return arriving.decoded(*whole)


class _AsyncMessages(AsyncIterator[T]):
    """Reads on the event loop."""

    def __init__(self, reader: asyncio.StreamReader, arriving: _Arriving[T]) -> None:
        self._reader = reader
        self._arriving = arriving

    async def __anext__(self) -> T:
        arriving = self._arriving
        while (whole := arriving.next_whole()) is None:
            if arriving.ended:
                raise StopAsyncIteration
            arriving.feed(await self._reader.read(PIECE_SIZE))
        return arriving.decoded(*whole)
