"""The other end of a link as a program in another language would write it.

It knows msgpack and the page docs/runtime/links.md, and nothing of this package.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgpack

from ccw_actors.runtime import System
from ccw_actors.runtime.links import Link, LinkOptions
from tests.runtime.links.pairs import PATIENCE, link_of

HELLO: list[Any] = ["Hello", "raw", 4711, "0", {}, "ccw-actors link", 1]


class Raw:
    """One connection, in msgpack values."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._items: list[Any] = []
        self._unpacker = msgpack.Unpacker(max_buffer_size=1 << 26)

    def send(self, value: Any) -> None:
        """Send one value: a greeting, or a frame of items."""
        self.writer.write(msgpack.packb(value))

    async def receive(self) -> Any:
        """Return the next value; None at the end of the connection."""
        while True:
            try:
                return self._unpacker.unpack()
            except msgpack.OutOfData:
                data = b""
                with suppress(OSError):
                    data = await self.reader.read(1 << 16)
                if not data:
                    return None
                self._unpacker.feed(data)

    async def item(self) -> Any:
        """Return the next item that is no heartbeat, None at the end."""
        while not self._items:
            frame = await self.receive()
            if frame is None:
                return None
            self._items += [item for item in frame if item != ["Beat"]]
        return self._items.pop(0)

    async def greet(self, hello: list[Any] | None = None) -> Any:
        """Exchange greetings; return the other end's `Hello`."""
        self.send(HELLO if hello is None else hello)
        theirs = await self.receive()
        self.send(["Ready"])
        assert await self.receive() == ["Ready"]
        return theirs


@asynccontextmanager
async def raw_peer(
    system: System, options: LinkOptions | None = None
) -> AsyncGenerator[Raw]:
    """Connect to a System, without a greeting."""
    options = options or LinkOptions(timeout=PATIENCE)
    listener = await system.listen("tcp:0", options)
    host, port = listener.address.removeprefix("tcp:").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Raw(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        await listener.close()


@asynccontextmanager
async def raw_link(
    system: System, options: LinkOptions | None = None
) -> AsyncGenerator[tuple[Raw, Link]]:
    """Connect to a System and greet it."""
    async with raw_peer(system, options) as raw:
        await raw.greet()
        yield raw, await link_of(system, "raw")
