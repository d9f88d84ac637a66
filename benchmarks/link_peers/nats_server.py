"""nats-py with nats-server (Debian: nats-server) between the two processes."""

import asyncio
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.link_peer import LinkPeer, free_port, until_end_of_input
from benchmarks.peer import DATA
from benchmarks.peers.messages import Read, Record, Total
from ccw_actors.transport import Codec

__all__ = ["PEER"]

nats: Any = importlib.import_module("nats")
if shutil.which("nats-server") is None:
    raise ImportError("no nats-server is installed (Debian: nats-server)")

_CODEC = Codec()
_decode: Callable[[bytes], Record | Read] = _CODEC.raw_decoder(Record | Read)
_total = _CODEC.raw_decoder(Total)


class Nats(LinkPeer):
    """A subject, to which the other process subscribes."""

    share = 0.5

    async def serve(self, address: str) -> None:
        """Start the server, and subscribe."""
        place = free_port()
        host, _, port = place.partition(":")
        server = await asyncio.create_subprocess_exec(
            "nats-server", "-a", host, "-p", port, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            client = await nats.connect(f"nats://{place}")
            await client.subscribe("counter", cb=self._handle)
            await client.flush()
            Path(address).write_text(place, encoding="ascii")  # noqa: ASYNC240
            self.ready()
            await until_end_of_input()
            await client.close()
        finally:
            server.terminate()
            await server.wait()

    async def _handle(self, given: Any) -> None:
        message = _decode(given.data)
        if isinstance(message, Read):
            await given.respond(_CODEC.encode(Total(message.number)))

    async def open(self, address: str) -> None:
        """Connect to the server."""
        place = Path(address).read_text(encoding="ascii")  # noqa: ASYNC240
        self.client = await nats.connect(f"nats://{place}")

    async def tell(self, count: int) -> None:
        """Publish."""
        for number in range(count):
            data = _CODEC.encode(Record(number, 1, 2, DATA))
            await self.client.publish("counter", data)
        await self.ask(0)

    async def ask(self, number: int) -> None:
        """Request."""
        data = _CODEC.encode(Read(number, 1, 2, DATA))
        answer = await self.client.request("counter", data, timeout=60)
        _total(answer.data)

    async def close(self) -> None:
        """Disconnect."""
        await self.client.close()


PEER = Nats
