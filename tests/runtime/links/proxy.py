"""A proxy between two ends of a connection, which delays, cuts and corrupts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple


class Harm(NamedTuple):
    """What happens to the bytes of one direction, counted from the first.

    They go on in pieces of `piece` bytes. At byte `cut` the connection ends, and byte
    `corrupt` is changed; -1 for neither.
    """

    piece: int = 1 << 16
    cut: int = -1
    corrupt: int = -1


class Proxy:
    """Takes connections, and makes one to `port` for each."""

    def __init__(self, port: int, there: Harm, back: Harm) -> None:
        self.port = port
        self.there = there
        self.back = back

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass bytes on in both directions until one of them ends."""
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.ensure_future(_pass(reader, far_writer, self.there)),
            asyncio.ensure_future(_pass(far_reader, writer, self.back)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for one in (writer, far_writer):
            one.transport.abort()


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, harm: Harm
) -> None:
    passed = 0
    with suppress(OSError):
        while data := await reader.read(harm.piece):
            if passed <= harm.corrupt < passed + len(data):
                at = harm.corrupt - passed
                data = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
            if 0 <= harm.cut <= passed + len(data):
                writer.write(data[: harm.cut - passed])
                await writer.drain()
                return
            passed += len(data)
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(0)


@asynccontextmanager
async def proxy(port: int, there: Harm, back: Harm) -> AsyncGenerator[int]:
    """Run a proxy; yield its port."""
    running = Proxy(port, there, back)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
