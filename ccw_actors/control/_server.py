"""Serves the control socket of a machine: passes requests to the control actor.

| connection | event | next |
|---|---|---|
| idle | a whole request | asking: the server reads no more of it |
| asking | the actor's answer | answering: the server writes it |
| answering | the client has taken the answer | idle |

A connection that is asking is never refused. When a client connects and there are too
many connections, the one that has been idle or answering for longest is refused; if all
are asking, the new one is.
"""

import asyncio
import logging
import math
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final, Literal, Self, Union

from ccw_actors.control._protocol import (
    CONTROL_FORMAT,
    CONTROL_VERSION,
    REQUEST_SIZE_MAX,
    Hello,
    Refused,
    RequestFailed,
    Welcome,
)
from ccw_actors.control._requests import Handler, control_actor
from ccw_actors.control._socket import ControlSocket
from ccw_actors.errors import (
    ActorFailedError,
    CcwActorsError,
    MessageError,
    StreamError,
)
from ccw_actors.runtime import Message, Request, System
from ccw_actors.transport import Codec, ValueSplitter
from ccw_actors.transport.links import peer_of

__all__ = ["CONNECTIONS_MAX", "CONTROL_PATH", "ControlServer"]

CONTROL_PATH: Final = "host/control"
"""The path of the actor behind the socket."""

CONNECTIONS_MAX: Final = 64
"""The default bound on connections, and so on requests in progress."""

_CHUNK: Final = 1 << 14
_LAST_ANSWERS: Final = 1.0  # seconds that clients have to take their last answers
_RETRY: Final = 1.0  # seconds to wait when the process has no descriptor left
_encode: Final = Codec().encode
_hello: Final = Codec().decoder(Hello, message_size_max=REQUEST_SIZE_MAX)

log = logging.getLogger("ccw_actors")


class ControlServer:
    """Holds a control socket while it is entered; answers while it is `serving`.

    `handlers` has a handler for each type of request. Only processes of user `uid` are
    served, by default those of this process's user. On exit the name becomes free, and
    then every client sees the end of its connection.
    """

    def __init__(
        self,
        control_socket: ControlSocket,
        handlers: Mapping[type[Request[Any]], Handler],
        *,
        uid: int | None = None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        self._socket = control_socket
        self._handlers = dict(handlers)
        self._uid = os.geteuid() if uid is None else uid
        self._max = connections_max
        # In the order of their last activity.
        self._connections: dict[_Connection, asyncio.Task[None]] = {}

    @property
    def name(self) -> str:
        """The machine's name."""
        return self._socket.name

    @property
    def connections(self) -> int:
        """The number of clients."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            self._socket.release()
            waiting: list[asyncio.Task[None]] = []
            for connection, task in self._connections.items():
                if connection.state != "idle":
                    connection.is_last = True
                    waiting.append(task)
            if waiting:  # their answers exist, or come at once
                await asyncio.wait(waiting, timeout=_LAST_ANSWERS)
            tasks = list(self._connections.values())
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            self._socket.close()

    @asynccontextmanager
    async def serving(self, system: System) -> AsyncGenerator[None]:
        """Spawn the actor, and accept connections; on exit, stop both.

        Requests in progress are cancelled before the exit returns.
        """
        actor = system.spawn(control_actor(self._handlers), CONTROL_PATH)
        accepting = asyncio.create_task(self._accept(system))
        try:
            yield
        finally:
            accepting.cancel()
            actor.stop(drain=False)
            await asyncio.wait({accepting})
            await actor.stopped()

    async def _accept(self, system: System) -> None:
        loop, listener = asyncio.get_running_loop(), self._socket.listener
        welcome = Welcome(
            self._socket.name,
            os.getpid(),
            tuple(kind.__name__ for kind in self._handlers),
        )
        # At run time, because the handlers are arguments.
        kinds: Any = Union[tuple(self._handlers)]  # noqa: UP007
        decode = system.codec.decoder(kinds, message_size_max=REQUEST_SIZE_MAX)
        while True:
            try:
                peer, _ = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor is left
                log.warning("%s: %s", self._socket.path, error.strerror)
                await asyncio.sleep(_RETRY)
                continue
            connection = _Connection(peer, self._touch)
            if self._admit(connection):
                task = asyncio.create_task(connection.serve(system, welcome, decode))
                self._connections[connection] = task
                task.add_done_callback(partial(self._forget, connection))
            await asyncio.sleep(0)  # a flood of connections must not keep the loop

    def _admit(self, connection: "_Connection") -> bool:
        """Return whether to serve a connection; refuse it, or an idle one, if not."""
        _, uid = peer_of(connection.peer)
        if uid != self._uid:
            connection.refuse(
                "peer", f"this machine is user {self._uid}'s, but you are user {uid}"
            )
            connection.close()
            return False
        if len(self._connections) < self._max:
            return True
        reason = f"this machine has {self._max} connections, its maximum"
        for other, task in self._connections.items():
            if other.state != "asking":
                other.refuse("busy", f"{reason}; this one was idle for longest")
                task.cancel()  # and then it is closed
                del self._connections[other]
                return True
        connection.refuse("busy", f"{reason}, and all of them wait for answers")
        connection.close()
        return False

    def _touch(self, connection: "_Connection") -> None:
        task = self._connections.pop(connection, None)
        if task is not None:
            self._connections[connection] = task

    def _forget(self, connection: "_Connection", task: asyncio.Task[None]) -> None:
        self._connections.pop(connection, None)
        connection.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: %r", self._socket.path, error, exc_info=error)


class _Refusal(Exception):  # noqa: N818 - it ends a connection only
    """The connection ends because of what the client sent."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class _Connection:
    """One client; it calls `touch` at each activity.

    With `is_last` the connection ends when the request in progress is answered.
    """

    def __init__(self, peer: socket.socket, touch: Any) -> None:
        peer.settimeout(0)  # it never blocks
        self.peer = peer
        self.state: Literal["idle", "asking", "answering"] = "idle"
        self.is_last = False
        self._touch = touch
        self._splitter = ValueSplitter(REQUEST_SIZE_MAX)
        self._frames = self._splitter.feed(b"")

    def close(self) -> None:
        """Close the socket."""
        self.peer.close()

    def refuse(self, code: str, reason: str) -> None:
        """Tell the client why the connection ends, if that does not block."""
        if self.state != "answering":  # it would be written into the answer
            with suppress(OSError):
                self.peer.send(_encode(Refused(code, reason)))

    async def serve(self, system: System, welcome: Welcome, decode: Any) -> None:
        """Answer requests until the client ends the connection."""
        try:
            await self._greet(welcome)
            while not self.is_last and (frame := await self._read()) is not None:
                answer = await self._answer(system, frame, decode)
                await self._write(system.codec, answer)
        except _Refusal as refusal:
            self.refuse(refusal.code, refusal.reason)
        except StreamError as error:
            self.refuse("damaged", str(error))
        except OSError:  # the client has gone
            pass

    async def _greet(self, welcome: Welcome) -> None:
        frame = await self._read()
        if frame is None:
            return
        try:
            hello = _hello(frame)
        except MessageError as error:
            raise _Refusal("version", f"expected a Hello first: {error}") from error
        if hello != Hello():
            raise _Refusal(
                "version",
                f"this machine speaks {CONTROL_FORMAT}, version {CONTROL_VERSION},"
                f" but you speak {hello.format[:80]}, version {hello.version}",
            )
        await self._write(Codec(), welcome)

    async def _answer(self, system: System, frame: bytes, decode: Any) -> Message:
        try:
            request = decode(frame)
        except MessageError as error:
            return RequestFailed(type(error).__name__, str(error))
        self.state = "asking"
        try:
            answer: Message = await system.ref(CONTROL_PATH).ask(
                request, timeout=math.inf
            )
        except ActorFailedError as error:
            kind, _, reason = error.reason.partition(": ")
            return RequestFailed(kind, reason)
        except CcwActorsError as error:
            return RequestFailed(type(error).__name__, str(error))
        return answer

    async def _write(self, codec: Codec, message: Message) -> None:
        self.state = "answering"
        self._touch(self)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.peer, codec.encode(message))
        self.state = "idle"
        self._touch(self)

    async def _read(self) -> bytes | None:
        """Return the next message's bytes; None at the end of the stream."""
        loop = asyncio.get_running_loop()
        while True:
            # Reading and writing may never wait, so this lets other tasks run.
            await asyncio.sleep(0)
            found = next(self._frames, None)
            if found is not None:
                return found[1]
            chunk = await loop.sock_recv(self.peer, _CHUNK)
            if not chunk:
                self._splitter.end()
                return None
            self._frames = self._splitter.feed(chunk)
