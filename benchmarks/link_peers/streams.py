"""asyncio's streams with the same codec: a length, and a message; no actors."""

import asyncio
from collections.abc import Callable

from benchmarks.link_peer import LinkPeer, until_end_of_input
from benchmarks.peer import DATA
from benchmarks.peers.messages import Read, Record, Total
from ccw_actors.transport import Codec

__all__ = ["PEER"]

_CODEC = Codec()
_decode: Callable[[bytes], Record | Read] = _CODEC.raw_decoder(Record | Read)
_total = _CODEC.raw_decoder(Total)
_LENGTH = 4


class Streams(LinkPeer):
    """Each message is written when it is told, and read by its length."""

    async def serve(self, address: str) -> None:
        """Serve."""
        server = await asyncio.start_unix_server(self._serve, address)
        self.ready()
        await until_end_of_input()
        server.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        count = 0
        while True:
            try:
                head = await reader.readexactly(_LENGTH)
            except asyncio.IncompleteReadError:
                return
            message = _decode(await reader.readexactly(int.from_bytes(head)))
            if isinstance(message, Record):
                count += 1
            else:
                self._write(writer, _CODEC.encode(Total(message.number)))
                await writer.drain()

    async def open(self, address: str) -> None:
        """Connect."""
        self.reader, self.writer = await asyncio.open_unix_connection(address)

    async def tell(self, count: int) -> None:
        """Tell, and wait for room where the socket has none."""
        encode, writer = _CODEC.encode, self.writer
        for number in range(count):
            self._write(writer, encode(Record(number, 1, 2, DATA)))
            await writer.drain()
        await self.ask(0)

    async def ask(self, number: int) -> None:
        """Ask."""
        self._write(self.writer, _CODEC.encode(Read(number, 1, 2, DATA)))
        head = await self.reader.readexactly(_LENGTH)
        _total(await self.reader.readexactly(int.from_bytes(head)))

    async def close(self) -> None:
        """Close."""
        self.writer.close()

    @staticmethod
    def _write(writer: asyncio.StreamWriter, payload: bytes) -> None:
        writer.write(len(payload).to_bytes(_LENGTH) + payload)


PEER = Streams
