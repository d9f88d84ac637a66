"""Connections for the tests of streams."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from ccw_actors.transport.links import (
    FrameServer,
    FrameStream,
    Tls,
    connect_stream,
    parse_address,
    serve_streams,
)

SIZE_MAX = 1000
PATIENCE = 20.0


async def connect(address: str, tls: Tls | None = None) -> FrameStream:
    """Connect to an address."""
    return await connect_stream(
        parse_address(address), tls, timeout=PATIENCE, frame_size_max=SIZE_MAX
    )


async def listen(
    address: str,
    tls: Tls | None,
    serve: Callable[[FrameStream], Awaitable[None]],
    timeout: float = PATIENCE,
) -> FrameServer:
    """Listen at an address."""
    return await serve_streams(
        parse_address(address), tls, serve, timeout=timeout, frame_size_max=SIZE_MAX
    )


class Ends(NamedTuple):
    """Both ends of a connection; `address` is the one that is listened at."""

    address: str
    connecting: FrameStream
    accepting: FrameStream


@asynccontextmanager
async def both_ends(
    text: str, server: Tls | None = None, client: Tls | None = None
) -> AsyncGenerator[Ends]:
    """Listen at an address and connect to it."""
    accepted: asyncio.Queue[FrameStream] = asyncio.Queue()
    done = asyncio.Event()

    async def serve(stream: FrameStream) -> None:
        accepted.put_nowait(stream)
        await done.wait()
        await stream.close()

    listening = await listen(text, server, serve)
    try:
        stream = await connect(str(listening.address), client)
        try:
            yield Ends(str(listening.address), stream, await accepted.get())
        finally:
            done.set()
            await stream.close()
    finally:
        await listening.close()
