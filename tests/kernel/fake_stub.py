"""A gdbstub on a Unix socket that answers from a script, for tests without QEMU."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from ccw_actors.kernel.debugger import Debugger

__all__ = ["REGISTERS", "FakeStub", "fake_stub", "packet"]

REGISTERS = "".join(f"{number:016x}" for number in range(0x100, 0x100 + 18))
"""What a stub answers for the registers: mask 100, address 101, then 102 and so on."""


def packet(payload: bytes | str) -> bytes:
    """Return a packet with a correct checksum, of bytes that need no escape."""
    body = payload.encode() if isinstance(payload, str) else payload
    return b"$%s#%02x" % (body, sum(body) % 256)


class FakeStub:
    """Answers requests by `answers`; those it has no answer to, with nothing.

    `requests` is what was asked, in order. An answer is a payload, or bytes that are
    sent as they are.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.signs: list[str] = []
        self.answers: dict[str, bytes | str] = {
            "qSupported:vContSupported+": "PacketSize=1000;vContSupported+",
            "vCont?": "vCont;c;C;s;S",
            "?": "T05thread:02;",
            "qfThreadInfo": "m01",
            "qsThreadInfo": "l",
            "Hg01": "OK",
            "Hg02": "OK",
            "Hc01": "OK",
            "Hc02": "OK",
            "g": REGISTERS,
        }
        self.silent: set[str] = set()
        self.on: Mapping[str, Callable[[], None]] = {}
        self.writer: asyncio.StreamWriter | None = None

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer until the client closes the connection."""
        self.writer = writer
        while first := await reader.read(1):
            if first == b"\x03":
                self._handle("interrupt")
            elif first != b"$":
                self.signs.append(first.decode())
            else:
                payload = (await reader.readuntil(b"#"))[:-1]
                assert int(await reader.readexactly(2), 16) == sum(payload) % 256
                writer.write(b"+")
                self._handle(payload.decode())
        writer.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        assert self.writer is not None
        self.writer.write(data)

    def _handle(self, request: str) -> None:
        self.requests.append(request)
        if request in self.on:
            self.on[request]()
        elif request not in self.silent:
            answer = self.answers.get(request, "")
            self.send(answer if isinstance(answer, bytes) else packet(answer))


@asynccontextmanager
async def fake_stub(
    folder: Path, change: Callable[[FakeStub], None] = lambda _: None
) -> AsyncGenerator[tuple[FakeStub, Debugger]]:
    """Serve a stub, changed before the debugger connects to it."""
    stub = FakeStub()
    change(stub)
    server = await asyncio.start_unix_server(stub.serve, folder / "gdb")
    try:
        debugger = await Debugger.connect(folder / "gdb", timeout=1.0)
        yield stub, debugger
        await debugger.close()
    finally:
        server.close()
        if stub.writer is not None:
            stub.writer.close()
        await server.wait_closed()
