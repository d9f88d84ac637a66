"""A machine for the tests of its control socket, and misbehaving clients."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, TypeVar

import msgpack

from ccw_actors.control import ControlClient, ControlServer, ControlSocket, Handler
from ccw_actors.control._folder import ControlFolder
from ccw_actors.errors import MachineFileError
from ccw_actors.runtime import Handled, Message, Observer, Request, System

__all__ = [
    "HELLO",
    "NAME",
    "Add",
    "Bug",
    "Huge",
    "Refuse",
    "Sum",
    "Telling",
    "Wait",
    "Wrong",
    "connected",
    "gone",
    "handlers",
    "in_thread",
    "machine",
    "received",
    "until",
]

T = TypeVar("T")

NAME = "m"
HELLO: bytes = msgpack.packb(["Hello", "ccw-actors control", 1])


class Sum(Message, frozen=True):
    """An answer."""

    value: int | bytes


class Add(Request[Sum], frozen=True):
    """Answered at once."""

    one: int
    other: int


class Wait(Request[Sum], frozen=True):
    """Answered when the test says so."""


class Refuse(Request[Sum], frozen=True):
    """Fails with an error of this package."""


class Bug(Request[Sum], frozen=True):
    """Fails with a bug."""


class Wrong(Request[Sum], frozen=True):
    """Answered with an object that is not a message."""


class Huge(Request[Sum], frozen=True):
    """Answered with more than a socket buffers."""


class Telling(Observer):
    """Keeps which actor handled what, and why a message was lost."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.lost: list[str] = []

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep the reason."""
        self.lost.append(f"{event.message_type.__name__}: {reason}")

    def handled(self, event: Handled) -> None:
        """Keep it."""
        kind = event.message_type.__name__
        self.seen.append((event.sender, event.recipient, kind))


def _refuse(_request: Refuse) -> Message:
    raise MachineFileError("there is no such guest")


async def _bug(_request: Bug) -> Message:
    raise ValueError("no reason at all")


def handlers(wait: Callable[[], Any] = lambda: None) -> Mapping[Any, Handler]:
    """Return the handlers of the requests above; `wait` makes what `Wait` awaits."""

    async def waits(_request: Wait) -> Message:
        await wait()
        return Sum(-1)

    return {
        Add: lambda request: Sum(request.one + request.other),
        Wait: waits,
        Refuse: _refuse,
        Bug: _bug,
        Wrong: lambda _request: 5,  # type: ignore[dict-item,return-value] # pyright: ignore[reportReturnType]
        Huge: lambda _request: Sum(bytes(8 << 20)),
    }


@contextlib.asynccontextmanager
async def machine(
    answers: Mapping[Any, Handler] | None = None,
    *,
    observer: Observer | None = None,
    **options: Any,
) -> AsyncGenerator[ControlServer]:
    """Run a machine."""
    control = ControlSocket.claim(NAME)
    async with (
        ControlServer(control, answers or handlers(), **options) as server,
        System() as system,
    ):
        if observer is not None:
            system.observe(observer)
        async with server.serving(system):
            yield server


async def in_thread(call: Callable[[ControlClient], T], **options: Any) -> T:
    """Make a call with a client of the machine, which blocks."""

    def work() -> T:
        with ControlClient(NAME, **options) as client:
            return call(client)

    return await asyncio.to_thread(work)


async def connected() -> socket.socket:
    """Return a connection that has sent nothing yet; it does not block."""
    await asyncio.sleep(0)  # for the machine, which runs here, too
    folder = ControlFolder.open(create=False)
    made = socket.socket(socket.AF_UNIX)
    made.connect(folder.address_of(NAME))
    folder.close()
    made.settimeout(0)
    return made


async def received(peer: socket.socket, messages: int = 1) -> list[Any]:
    """Return the next messages at a connection."""
    unpacker, found = msgpack.Unpacker(max_buffer_size=0), list[Any]()
    loop = asyncio.get_running_loop()
    while len(found) < messages:
        chunk = await loop.sock_recv(peer, 1 << 16)
        assert chunk, f"the connection ends after {found}"
        unpacker.feed(chunk)
        found.extend(unpacker)
    return found


async def gone(peer: socket.socket) -> list[Any]:
    """Return the messages at a connection up to its end."""
    unpacker = msgpack.Unpacker(max_buffer_size=0)
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while chunk := await loop.sock_recv(peer, 1 << 16):
            unpacker.feed(chunk)
    peer.close()
    return list(unpacker)


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until that holds."""
    while not condition():  # noqa: ASYNC110 - it is no event that could be waited for
        await asyncio.sleep(0)
