"""The other end of a QMP connection, which follows a test's script."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeAlias, cast

from ccw_actors.vfio import Qmp

__all__ = ["GREETING", "Monitor", "Script", "monitored"]

GREETING: dict[str, Any] = {
    "QMP": {
        "version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""},
        "capabilities": ["oob"],
    }
}


class Monitor:
    """The monitor of a QEMU."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._text = ""

    def send(self, **message: Any) -> None:
        """Send a line."""
        self.send_line(json.dumps(message))

    def send_line(self, line: str) -> None:
        """Send a line of raw text."""
        self._writer.write(line.encode() + b"\r\n")

    def event(self, name: str, **data: Any) -> None:
        """Send an event."""
        self.send(event=name, data=data, timestamp={"seconds": 1, "microseconds": 2})

    async def read(self) -> dict[str, Any]:
        """Return the next command, also without a newline; {} at the end."""
        while True:
            with contextlib.suppress(json.JSONDecodeError):
                found, end = json.JSONDecoder().raw_decode(self._text)
                self._text = self._text[end:].lstrip()
                return cast("dict[str, Any]", found)
            chunk = await self._reader.read(1 << 16)
            if not chunk:
                return {}
            self._text += chunk.decode()

    async def answer(self, command: str, value: Any = None) -> dict[str, Any]:
        """Check and answer the next command; return its arguments."""
        found = await self.read()
        assert found.get("execute") == command
        self.send(**{"return": {} if value is None else value, "id": found["id"]})
        arguments: dict[str, Any] = found.get("arguments", {})
        return arguments

    async def greet(self) -> None:
        """Send the greeting, and negotiate the protocol."""
        self.send(**GREETING)
        found = await self.read()
        assert found == {
            "execute": "qmp_capabilities",
            "arguments": {"enable": ["oob"]},
        }
        self.send(**{"return": {}})

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


Script: TypeAlias = Callable[[Monitor], Awaitable[object]]


@contextlib.asynccontextmanager
async def monitored(
    script: Script, *, greets: bool = True, **options: Any
) -> AsyncGenerator[Qmp]:
    """Connect to a monitor that runs a script to its end."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    monitor = Monitor(reader, writer)

    async def work() -> None:
        try:
            if greets:
                await monitor.greet()
            await script(monitor)
        except BaseException:
            monitor.close()  # so that the test does not wait forever
            raise

    working = asyncio.create_task(work())
    try:
        async with Qmp(ours, **options) as qmp:
            yield qmp
            await working
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        monitor.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
