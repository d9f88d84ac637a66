"""Frames from and to another process, over asyncio's streams."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

from ccw_actors.errors import StreamError
from ccw_actors.transport._stream import PIECE_SIZE, ValueSplitter

__all__ = ["FrameStream"]

_ENDS_IN: Final = 1.0
"""Seconds that the other end has to take the last bytes, and to close as well."""


class FrameStream:
    """One connection: reads and writes msgpack values, in order.

    `peer` names the other end, for messages. `frame_size_max` bounds the bytes of one
    frame, and so the memory that the other end can take. `child` is done when the
    process at the other end has ended, if this one has started it.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: str,
        *,
        frame_size_max: int,
        child: asyncio.Future[None] | None = None,
    ) -> None:
        self.peer = peer
        self._reader = reader
        self._writer = writer
        self._splitter = ValueSplitter(frame_size_max)
        self._frames: deque[bytes] = deque()
        self._damage: StreamError | None = None
        self._child = child
        self._has_tls = writer.get_extra_info("sslcontext") is not None

    async def receive(self) -> bytes:
        """Return the next frame; b"" when the other end has closed the connection.

        Raises `StreamError` for bytes that are no msgpack, a frame that is too large,
        and an end inside a frame; `ConnectionError` or another `OSError` if the
        connection breaks.
        """
        while not self._frames:
            if self._damage is not None:
                raise self._damage
            piece = await self._reader.read(PIECE_SIZE)
            if not piece:
                self._splitter.end()
                return b""
            try:
                for _, frame in self._splitter.feed(piece):
                    self._frames.append(frame)
            except StreamError as error:  # raised after the frames before it
                self._damage = error
        return self._frames.popleft()

    def send(self, frame: bytes) -> None:
        """Write a frame; never waits."""
        self._writer.write(frame)

    @property
    def waiting(self) -> int:
        """The bytes that the other end has not taken yet."""
        return self._writer.transport.get_write_buffer_size()

    async def taken(self) -> None:
        """Wait until the other end has taken most of the bytes.

        Raises `OSError` if the connection breaks.
        """
        await self._writer.drain()

    def abort(self) -> None:
        """Close at once, and drop what is not written."""
        transport = self._writer.transport
        # A pipe that is closed already cannot be closed again.
        if self._has_tls or not transport.is_closing() or self.waiting:
            transport.abort()

    async def close(self) -> None:
        """Close after what is written, or when the other end does not take it.

        What still comes is dropped. It has to be read: a host that closes a connection
        with unread bytes resets it, and the other end may lose the last bytes.
        """
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ENDS_IN):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                    while await self._reader.read(PIECE_SIZE):
                        pass
                self._writer.close()
                await self._writer.wait_closed()
        self.abort()
        if self._child is not None:
            await asyncio.shield(self._child)
