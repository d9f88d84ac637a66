"""Opens streams of frames at addresses: connects, and listens."""

import asyncio
import os
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ccw_actors.errors import LinkError, LinkRefusedError, LinkTimeoutError
from ccw_actors.transport.links._address import LinkAddress
from ccw_actors.transport.links._stream import FrameStream
from ccw_actors.transport.links._tls import Tls
from ccw_actors.transport.links._unix import listening_socket, why_foreign

__all__ = ["FrameServer", "connect_stream", "serve_streams"]

_BUFFER: Final = 1 << 18
_CHILD_ENDS_IN: Final = 5.0
"""Seconds that a child has to end when its input has."""

Serve = Callable[[FrameStream], Awaitable[None]]
"""Takes a new connection, and ends with it."""


class FrameServer:
    """What listens at an address; `address` has the port that it got."""

    def __init__(
        self, address: LinkAddress, server: asyncio.Server | None, path: Path | None
    ) -> None:
        self.address = address
        self._server = server
        self._path = path

    async def close(self) -> None:
        """Accept no more connections; those that exist go on."""
        if self._server is not None:
            self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


async def connect_stream(
    address: LinkAddress, tls: Tls | None, *, timeout: float, frame_size_max: int
) -> FrameStream:
    """Connect to what listens at an address, within so many seconds.

    Raises:
        LinkError: Nobody listens there, a certificate is refused, a host other than
            this one is to be reached without TLS, or the command cannot run.
        LinkTimeoutError: Nobody answers.
    """
    _check_secret(address, tls)
    context = None if tls is None else tls.context(server=False)
    child: asyncio.Future[None] | None = None
    try:
        async with asyncio.timeout(timeout):
            if address.kind == "exec":
                reader, writer, child = await _child(address)
            else:
                reader, writer = await _connected(address, context, tls)
    except TimeoutError:
        raise LinkTimeoutError(
            f"{address}: no connection within {timeout:g} s"
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise LinkError(
            f"{address}: its certificate is refused: {error.verify_message}"
        ) from error
    except ssl.SSLError as error:
        raise LinkError(f"{address}: no TLS: {_tls_reason(error)}") from error
    except OSError as error:
        raise LinkError(f"{address}: {_why(error)}") from error
    _check_peer(str(address), writer)
    return FrameStream(
        reader, writer, str(address), frame_size_max=frame_size_max, child=child
    )


async def serve_streams(
    address: LinkAddress,
    tls: Tls | None,
    serve: Serve,
    *,
    timeout: float,
    frame_size_max: int,
) -> FrameServer:
    """Call `serve` with each connection to an address, in a task of its own.

    The other end has `timeout` seconds to prove who it is.

    Raises:
        LinkError: The address cannot be listened at, or others than this host could
            connect without TLS.
    """
    _check_secret(address, tls)
    if address.kind == "stdio":
        reader, writer = await _own_stdio()
        stream = FrameStream(reader, writer, "stdio:", frame_size_max=frame_size_max)
        _keep(serve, stream)
        return FrameServer(address, None, None)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _check_peer(str(address), writer)
        except LinkRefusedError:
            writer.close()
            return
        peer = _name_of_peer(address, writer)
        # Its own task: asyncio logs a traceback for one of its own that is cancelled.
        stream = FrameStream(reader, writer, peer, frame_size_max=frame_size_max)
        _keep(serve, stream)

    context = None if tls is None else tls.context(server=True)
    if address.kind == "unix":
        path = Path(address.place)
        server = await asyncio.start_unix_server(
            accept, sock=listening_socket(path), limit=_BUFFER
        )
        return FrameServer(address, server, path)
    if address.kind != "tcp":
        raise LinkError(f"{address}: expected unix:, tcp: or stdio: to listen at")
    try:
        server = await asyncio.start_server(
            accept,
            address.place,
            address.port,
            ssl=context,
            ssl_handshake_timeout=None if context is None else timeout,
            limit=_BUFFER,
        )
    except OSError as error:
        raise LinkError(f"{address}: {_why(error)}") from error
    port = server.sockets[0].getsockname()[1]
    return FrameServer(address._replace(port=port), server, None)


_KEPT: Final[set[asyncio.Future[None]]] = set()
"""Tasks that nobody awaits: the event loop itself keeps only weak references."""


def _keep(serve: Serve, stream: FrameStream) -> None:
    """Serve a connection in a task that nobody awaits."""
    task = asyncio.ensure_future(_served(serve, stream))
    _KEPT.add(task)
    task.add_done_callback(_KEPT.discard)


async def _served(serve: Serve, stream: FrameStream) -> None:
    try:
        await serve(stream)
    except asyncio.CancelledError:  # the loop ends, and nobody else closes it
        stream.abort()
        raise


def _why(error: OSError) -> str:
    """Return an error in the words of the system: asyncio has its own."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


async def _connected(
    address: LinkAddress, context: ssl.SSLContext | None, tls: Tls | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.kind == "stdio":
        return await _own_stdio()
    if address.kind == "unix":
        return await asyncio.open_unix_connection(address.place, limit=_BUFFER)
    name = None if tls is None else tls.server_name or address.place
    return await asyncio.open_connection(
        address.place, address.port, ssl=context, server_hostname=name, limit=_BUFFER
    )


def _check_secret(address: LinkAddress, tls: Tls | None) -> None:
    """Refuse a connection that others on a network could read or forge."""
    if tls is None and not address.is_loopback:
        raise LinkError(f"{address}: only {_LOCAL} needs no TLS; give certificates")
    if tls is not None and address.kind != "tcp":
        raise LinkError(f"{address}: expected no certificates but for tcp:")


_LOCAL: Final = "this host's own address (127.0.0.1, ::1)"


def _check_peer(where: str, writer: asyncio.StreamWriter) -> None:
    found: Any = writer.get_extra_info("socket")
    if (
        found is not None
        and found.family == socket.AF_UNIX
        and (why := why_foreign(found))
    ):
        raise LinkRefusedError(where, "peer", why)


def _name_of_peer(address: LinkAddress, writer: asyncio.StreamWriter) -> str:
    name: Any = writer.get_extra_info("peername")
    return (
        f"tcp:{name[0]}:{name[1]}" if address.kind == "tcp" and name else str(address)
    )


def _tls_reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")


async def _child(
    address: LinkAddress,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Future[None]]:
    """Start a child, whose standard input and output are the connection.

    It should end when its input does, and is killed if it does not do so in time. The
    future is done then.
    """
    child = await asyncio.create_subprocess_exec(
        *address.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_BUFFER,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    reaping = asyncio.ensure_future(_reaped(child, child.stdin))
    _KEPT.add(reaping)
    reaping.add_done_callback(_KEPT.discard)
    return child.stdout, child.stdin, reaping


async def _reaped(
    child: asyncio.subprocess.Process, writer: asyncio.StreamWriter
) -> None:
    with suppress(OSError):
        await writer.wait_closed()
    try:
        async with asyncio.timeout(_CHILD_ENDS_IN):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()


async def _own_stdio() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Take over this process's standard input and output.

    What the program prints from now on goes to standard error: on the connection it
    would damage the frames.
    """
    loop = asyncio.get_running_loop()
    sys.stdout.flush()
    taken_in, taken_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    reader = asyncio.StreamReader(limit=_BUFFER)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(taken_in, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(taken_out, "wb", 0)
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
