"""A connection to a gdbstub: requests with answers, and stop replies.

QEMU executes one command at a time. While its CPUs run it stops them for any byte that
arrives, so that nothing but the interrupt may be sent then; `Debugger` holds to it.
"""

import asyncio
from pathlib import Path
from typing import cast

from ccw_actors.errors import DebuggerError
from ccw_actors.kernel.debugger._packets import (
    Acknowledged,
    Damaged,
    Event,
    Packet,
    PacketParser,
    frame,
)

__all__ = ["Connection"]

_STOPS = (b"T", b"S", b"W", b"X")
"""Beginnings of stop replies. No other answer to our requests has them."""

_TRIES = 3
"""How often a damaged packet is asked for, or sent, in a row."""


class Connection(asyncio.Protocol):
    """One end of a gdbstub's Unix socket.

    `timeout` bounds each wait for an answer, in seconds. Every method raises
    `DebuggerError` once the connection is lost.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self.timeout = timeout
        self._path = path
        self._parser = PacketParser()
        self._transport: asyncio.Transport | None = None
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._stops: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._resumes = False
        self._acknowledges = True
        self._sent = b""
        self._failures = 0
        self._lost = ""

    @classmethod
    async def open(cls, path: Path, timeout: float) -> "Connection":
        """Connect; raise `DebuggerError` if nothing listens at `path` in time."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, protocol = await loop.create_unix_connection(
                    lambda: cls(path, timeout), str(path)
                )
        except TimeoutError:
            raise DebuggerError(
                f"{path}: no connection in {timeout:g} s; is another debugger attached?"
            ) from None
        except OSError as error:
            raise DebuggerError(
                f"{path}: no gdbstub answers ({error.strerror or error}); "
                f"start QEMU with -gdb unix:{path},server=on,wait=off"
            ) from error
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio calls this."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Sort packets into answers and stop replies; asyncio calls this."""
        for event in self._parser.feed(data):
            self._handle(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail every call that waits; asyncio calls this."""
        self._fail(f"QEMU has ended, or closed the connection{f': {exc}' * bool(exc)}")

    async def ask(self, request: str) -> str:
        """Send a request and return its answer: "" if QEMU does not know it."""
        self.send(request)
        return await self.answer(request)

    async def answer(self, request: str) -> str:
        """Return the answer to a request that was sent."""
        payload = await self._take(self._answers, self.timeout)
        if payload is None:
            # A late answer would be taken for that of the next request.
            raise self.broken(f"no answer to {request[:60]!r} in {self.timeout:g} s")
        return payload.decode("latin-1")

    def send(self, request: str) -> None:
        """Send a request; do not wait for an answer."""
        self._sent = frame(request.encode("latin-1"))
        self._write(self._sent)

    def resume(self, request: str) -> None:
        """Send a request whose answer is a stop reply, or a refusal in its place.

        Stop replies before it are forgotten. QEMU sends two to a debugger that connects
        while its CPUs run.
        """
        while not self._stops.empty():
            self._stops.get_nowait()
        self.send(request)
        self._resumes = True

    def interrupt(self) -> None:
        """Send the byte that stops all CPUs. It has no answer but a stop reply."""
        self._write(b"\x03")

    async def stop_reply(self, timeout: float | None) -> str | None:
        """Return the next stop reply, None if there is none in `timeout` seconds.

        What was sent in its place is returned as well: "" or "E22".
        """
        payload = await self._take(self._stops, timeout)
        return None if payload is None else payload.decode("latin-1")

    def acknowledge_no_longer(self) -> None:
        """Neither send acknowledgements nor wait for them from now on."""
        self._acknowledges = False

    def broken(self, why: str) -> DebuggerError:
        """Close the connection; return the error that says why."""
        self._fail(why)
        return self._error()

    async def close(self) -> None:
        """Close the connection. QEMU and its CPUs stay as they are."""
        self._fail("the debugger has closed the connection")
        if self._transport is not None:
            self._transport.close()
        await asyncio.sleep(0)

    def _handle(self, event: Event) -> None:
        match event:
            case Packet(payload):
                self._failures = 0
                self._acknowledge(b"+")
                is_stop = self._resumes or payload.startswith(_STOPS)
                self._resumes = False
                (self._stops if is_stop else self._answers).put_nowait(payload)
            case Damaged():
                if self._is_tried_again("what QEMU sends is damaged"):
                    self._acknowledge(b"-")
            case Acknowledged("-"):
                if self._is_tried_again("QEMU receives damaged packets"):
                    self._write(self._sent)
            case Acknowledged():
                pass

    def _is_tried_again(self, wrong: str) -> bool:
        self._failures += 1
        if self._failures >= _TRIES:
            self._fail(wrong)
        return not self._lost

    def _acknowledge(self, sign: bytes) -> None:
        if self._acknowledges:
            self._write(sign)

    def _write(self, data: bytes) -> None:
        if self._lost or self._transport is None:
            raise self._error()
        self._transport.write(data)

    async def _take(
        self, queue: "asyncio.Queue[bytes | None]", timeout: float | None
    ) -> bytes | None:
        """Return what is next in a queue, None after the timeout."""
        if self._lost and queue.empty():
            raise self._error()
        try:
            async with asyncio.timeout(timeout):
                payload = await queue.get()
        except TimeoutError:
            return None
        if payload is None:
            raise self._error()
        return payload

    def _fail(self, why: str) -> None:
        if not self._lost:
            self._lost = why
            for queue in (self._answers, self._stops):
                queue.put_nowait(None)
            if self._transport is not None:
                self._transport.close()

    def _error(self) -> DebuggerError:
        return DebuggerError(f"{self._path}: {self._lost or 'not connected'}")
