"""The control socket of a machine: what clients get, and what bad ones cannot do."""

import asyncio
import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Self

import msgpack
import pytest

from ccw_actors.control import CONTROL_PATH, ControlClient, ControlServer, ControlSocket
from ccw_actors.errors import (
    ControlError,
    ControlRefusedError,
    NoSuchMachineError,
    RequestFailedError,
)
from ccw_actors.runtime import Request, System
from tests.control.cast import (
    HELLO,
    NAME,
    Add,
    Bug,
    Refuse,
    Sum,
    Telling,
    Wait,
    Wrong,
    connected,
    gone,
    handlers,
    in_thread,
    machine,
    received,
    until,
)

pytestmark = pytest.mark.asyncio

ADD = msgpack.packb(["Add", 2, 3])
FIVE = ["Sum", 5]


async def answers(**options: float) -> None:
    """Check that the machine answers a new client."""
    assert await in_thread(lambda client: client.ask(Add(2, 3)), **options) == Sum(5)


@contextlib.asynccontextmanager
async def greeted() -> AsyncGenerator[socket.socket]:
    """Return a connection that has been welcomed."""
    with await connected() as peer:
        await asyncio.get_running_loop().sock_sendall(peer, HELLO)
        ((kind, name, _pid, _requests),) = await received(peer)
        assert (kind, name) == ("Welcome", NAME)
        yield peer


def open_to_all(folder: Path) -> None:
    """Give everybody the permissions to connect."""
    folder.chmod(0o755)
    (folder / f"{NAME}.sock").chmod(0o666)


def open_files() -> int:
    """Count the open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def send(peer: socket.socket, data: bytes) -> None:
    """Send all of it, in time."""
    await asyncio.get_running_loop().sock_sendall(peer, data)


# -- clients that behave ---------------------------------------------------------------


async def test_requests_are_messages_to_an_actor() -> None:
    """A client's requests are answered in order, and handled by one actor."""
    telling = Telling()

    def ask(client: ControlClient) -> list[Sum]:
        return [client.ask(Add(number, 1)) for number in range(5)]

    async with machine(observer=telling):
        assert await in_thread(ask) == [Sum(number + 1) for number in range(5)]
    assert (
        telling.seen
        == [
            ("", CONTROL_PATH, "Add"),
            (CONTROL_PATH, "", "Sum"),
        ]
        * 5
    )


async def test_welcome() -> None:
    """A client learns the process of the machine, and its requests."""

    def look(client: ControlClient) -> tuple[str, int, tuple[str, ...]]:
        return client.name, client.pid, client.requests

    async with machine():
        names = tuple(kind.__name__ for kind in handlers())
        assert await in_thread(look) == (NAME, os.getpid(), names)


async def test_requests_at_once() -> None:
    """Requests that come in one piece, or byte by byte, are answered in order."""
    async with machine(), greeted() as peer:
        await send(peer, ADD + msgpack.packb(["Add", 10, 20]) + ADD)
        assert await received(peer, 3) == [FIVE, ["Sum", 30], FIVE]
        for byte in ADD:
            await send(peer, bytes([byte]))
        assert await received(peer) == [FIVE]


async def test_answer_that_comes_later() -> None:
    """A client that waits for a late answer gets it, and delays no other."""
    ready = asyncio.Event()
    async with machine(handlers(ready.wait)):
        late = asyncio.create_task(in_thread(lambda client: client.ask(Wait())))
        async with greeted() as peer:
            await send(peer, msgpack.packb(["Wait"]))
            for _ in range(10):
                await answers()
            assert not late.done()
            ready.set()
            assert await received(peer) == [["Sum", -1]]
        assert await late == Sum(-1)


@pytest.mark.parametrize(
    ("request_", "kind", "reason"),
    [
        (Refuse(), "MachineFileError", "there is no such guest"),
        (Bug(), "ValueError", "no reason at all"),
        (Wrong(), "TypeError", "expected a message for an answer, got int"),
    ],
)
async def test_request_that_fails(
    request_: Request[Sum], kind: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The client gets the error, and goes on; a bug is also in the log."""

    def ask(client: ControlClient) -> RequestFailedError:
        with pytest.raises(RequestFailedError) as caught:
            client.ask(request_)
        assert client.ask(Add(2, 3)) == Sum(5)
        return caught.value

    async with machine():
        error = await in_thread(ask)
    assert (error.kind, error.reason) == (kind, reason)
    assert str(error) == f"machine {NAME}: {reason}"
    is_bug = not isinstance(request_, Refuse)
    assert [record.message for record in caplog.records] == (
        [f"{type(request_).__name__}: {kind}('{reason}')"] if is_bug else []
    )


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (["Subtract", 2, 3], "Subtract: Invalid value 'Subtract'"),
        (["Add", 2], "Add: Expected `array` of at least length 3, got 2"),
        (["HandlerEnded", 1], "HandlerEnded: Invalid value 'HandlerEnded'"),
        (None, "1 bytes: Expected `array`, got `None`"),
        ({"Add": 1}, "6 bytes: Expected `array`, got `object`"),
    ],
)
async def test_request_that_is_none(request_: object, said: str) -> None:
    """An unknown request is refused, and the next one is answered."""
    async with machine(), greeted() as peer:
        await send(peer, msgpack.packb(request_) + ADD)
        (kind, error, reason), answer = await received(peer, 2)
        assert (kind, error) == ("RequestFailed", "MessageError")
        assert reason.startswith(said)
        assert answer == FIVE


# -- which clients are served ----------------------------------------------------------


async def test_other_user_is_refused() -> None:
    """A process of another user is refused, whatever it sends, and nothing is done."""
    telling = Telling()
    uid = os.geteuid()
    async with machine(observer=telling, uid=uid + 1):
        with pytest.raises(ControlRefusedError) as caught:
            await answers()
        assert (caught.value.code, caught.value.machine) == ("peer", NAME)
        text = f"this machine is user {uid + 1}'s, but you are user {uid}"
        assert str(caught.value) == f"machine {NAME} refuses: {text}"
        assert await gone(await connected()) == [["Refused", "peer", text]]
    assert telling.seen == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
async def test_other_user_of_the_kernel(runtime_folder: Path) -> None:
    """The user is the kernel's, even if the folder is open to all."""
    script = (
        "import os, socket, sys; os.chdir(sys.argv[1]); os.setuid(65534);"
        f"s = socket.socket(socket.AF_UNIX); s.connect('{NAME}.sock');"
        "sys.stdout.buffer.write(s.recv(4096))"
    )
    async with machine():
        open_to_all(runtime_folder)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            runtime_folder,
            stdout=subprocess.PIPE,
        )
        out, _ = await child.communicate()
        kind, code, reason = msgpack.unpackb(out)
        assert (kind, code) == ("Refused", "peer")
        assert reason.endswith("but you are user 65534")


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        (["Hello", "ccw-actors control", 2], "but you speak ccw-actors control, v"),
        (["Hello", "another", 1], "but you speak another, version 1"),
        (["Add", 2, 3], "expected a Hello first: Add: Invalid value 'Add'"),
        (7, "expected a Hello first: 1 bytes: Expected `array`"),
    ],
)
async def test_other_hello(hello: object, said: str) -> None:
    """A client of another version learns the version of the machine."""
    telling = Telling()
    async with machine(observer=telling):
        peer = await connected()
        await send(peer, msgpack.packb(hello) + ADD)
        ((kind, code, reason),) = await gone(peer)
        assert (kind, code) == ("Refused", "version")
        assert said in reason
        await answers()
    assert len(telling.seen) == 2


# -- clients that misbehave ------------------------------------------------------------


@pytest.mark.parametrize("is_greeted", [False, True])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xc1", "the bytes from {start} on are not msgpack"),
        (msgpack.packb(bytes(1 << 16)), "at byte {start} is larger than 65536 bytes"),
        (b"\xc6\xff\xff\xff\xff" + bytes(1 << 17), "is larger than 65536 bytes"),
        (b"\x91" * (1 << 17), "{start}"),
    ],
)
async def test_stream_that_is_none(data: bytes, said: str, *, is_greeted: bool) -> None:
    """Garbage, and a value that is too large, end the connection with a reason."""
    async with machine():
        peer = await connected()
        start = 0
        if is_greeted:
            await send(peer, HELLO)
            await received(peer)
            start = len(HELLO)
        with contextlib.suppress(ConnectionError):  # it need not read all of that
            await send(peer, data)
        ((kind, code, reason),) = await gone(peer)
        assert (kind, code) == ("Refused", "damaged")
        assert said.format(start=start) in reason
        await answers()


@pytest.mark.parametrize("size", [0, 1, len(HELLO) // 2, len(HELLO) + 3])
async def test_client_that_dies(size: int) -> None:
    """A client that ends in the middle of a message leaves nothing behind."""
    files = open_files()
    async with machine() as server:
        for _ in range(3 * 64):
            peer = await connected()
            await send(peer, (HELLO + ADD)[:size])
            peer.close()
        await answers()
        await until(lambda: not server.connections)
        await answers()
    assert open_files() == files


async def test_client_that_dies_before_its_answer() -> None:
    """The request of a dead client is carried out, and no other client notices."""
    ready, done = asyncio.Event(), list[str]()

    async def wait() -> None:
        await ready.wait()
        done.append("done")

    async with machine(handlers(wait)) as server:
        async with greeted() as peer:
            await send(peer, msgpack.packb(["Wait"]))
            await answers()
        await until(lambda: server.connections <= 1)
        assert (done, server.connections) == ([], 1)
        ready.set()
        await until(lambda: not server.connections)
    assert done == ["done"]


async def test_flood_of_connections() -> None:
    """The connection that has been idle for longest makes way for a new one."""
    async with machine(connections_max=5) as server:
        idle = [await connected() for _ in range(20)]
        await answers()
        assert server.connections <= 5
        for peer in idle[:15]:
            ((kind, code, reason),) = await gone(peer)
            assert (kind, code) == ("Refused", "busy")
            assert "this machine has 5 connections" in reason
        await send(idle[-1], HELLO)
        assert (await received(idle[-1]))[0][0] == "Welcome"
        for peer in idle[15:]:
            peer.close()


async def test_who_waits_for_an_answer_keeps_its_place() -> None:
    """A connection with a request in progress stays; a new one is refused."""
    ready = asyncio.Event()
    async with (
        machine(handlers(ready.wait), connections_max=3),
        contextlib.AsyncExitStack() as stack,
    ):
        peers = [await stack.enter_async_context(greeted()) for _ in range(3)]
        for peer in peers:
            await send(peer, msgpack.packb(["Wait"]))
        ((kind, code, reason),) = await gone(await connected())
        assert (kind, code) == ("Refused", "busy")
        assert reason.endswith("all of them wait for answers")
        with pytest.raises(ControlRefusedError):
            await answers()
        ready.set()
        for peer in peers:
            assert await received(peer) == [["Sum", -1]]
        await answers()


async def test_flood_without_reading() -> None:
    """A client that reads no answers is read no further, and delays no other."""
    telling = Telling()
    async with machine(observer=telling):
        async with greeted() as peer:
            data, refused = msgpack.packb(["Huge"]) * 1000, 0
            while refused < 1000:
                try:
                    peer.send(data)
                    refused = 0
                except BlockingIOError:
                    refused += 1
                await asyncio.sleep(0)
            await answers()
            assert [kind for _, _, kind in telling.seen].count("Huge") == 1
        await answers()


@pytest.mark.parametrize("request_", [b"\xc0", ADD, msgpack.packb(["Bug?"])])
async def test_flood_of_requests(request_: bytes) -> None:
    """A client that asks without end takes turns with all others."""

    async def flood(peer: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.sock_sendall(peer, request_ * 500)
            await asyncio.sleep(0)

    async def drain(peer: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await loop.sock_recv(peer, 1 << 16)
            await asyncio.sleep(0)

    async with machine(), contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            peer = await stack.enter_async_context(greeted())
            for work in (flood, drain):
                task = asyncio.create_task(work(peer))
                stack.callback(task.cancel)
        for _ in range(5):
            await answers()


class Turns:
    """Counts the turns of the event loop while it is entered."""

    async def __aenter__(self) -> Self:
        self.count = 0
        self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _work(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


async def test_flood_has_its_turn_and_no_more() -> None:
    """With a connection full of requests, the loop makes a turn after each."""
    async with machine(), greeted() as peer, Turns() as turns:
        await send(peer, b"\xc0" * 300)
        await received(peer, 300)
    assert turns.count >= 300


async def test_flood_of_connections_has_its_turn_and_no_more() -> None:
    """With many waiting connections, the loop makes a turn after each."""
    control = ControlSocket.claim(NAME)
    peers = [await connected() for _ in range(100)]
    server = ControlServer(control, handlers(), uid=os.geteuid() + 1)
    async with server, System() as system, Turns() as turns, server.serving(system):
        for peer in peers:
            ((kind, code, _reason),) = await gone(peer)
            assert (kind, code) == ("Refused", "peer")
    assert turns.count >= 100


async def test_who_asks_is_not_idle() -> None:
    """For a new connection, an idle one is closed, and never one that asks."""
    async with machine(connections_max=3), contextlib.AsyncExitStack() as stack:
        old, idle, other = [
            await stack.enter_async_context(greeted()) for _ in range(3)
        ]
        await send(old, ADD)
        assert await received(old) == [FIVE]
        stack.enter_context(await connected())
        assert [code for _, code, _ in await gone(idle)] == ["busy"]
        for peer in (old, other):
            await send(peer, ADD)
            assert await received(peer) == [FIVE]


async def test_client_that_says_no_more() -> None:
    """After the last request a client gets all answers, or an error for half of one."""
    async with machine():
        async with greeted() as peer:
            await send(peer, ADD * 3)
            peer.shutdown(socket.SHUT_WR)
            assert await gone(peer) == [FIVE] * 3
        async with greeted() as peer:
            await send(peer, ADD + ADD[:2])
            peer.shutdown(socket.SHUT_WR)
            answer, (kind, code, reason) = await gone(peer)
            assert (answer, kind, code) == (FIVE, "Refused", "damaged")
            assert reason.startswith("the stream ends inside the value at byte ")


# -- the end ---------------------------------------------------------------------------


async def test_end_of_the_machine(runtime_folder: Path) -> None:
    """Idle and waiting clients see the end, and the name is free by then."""
    ended = list[str]()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("ended")

    telling = Telling()
    async with contextlib.AsyncExitStack() as stack:
        idle = asyncio.Event()
        async with machine(handlers(wait), observer=telling):
            waiting = await stack.enter_async_context(greeted())
            await send(waiting, msgpack.packb(["Wait"]))
            await answers()

            def look(client: ControlClient) -> list[Path]:
                loop.call_soon_threadsafe(idle.set)
                client.wait_for_end(timeout=30)
                return list(runtime_folder.iterdir())

            loop = asyncio.get_running_loop()
            looking = asyncio.create_task(in_thread(look))
            await idle.wait()
        assert ended == ["ended"]
        assert await looking == []
        ((kind, error, _reason),) = await gone(waiting)
        assert (kind, error) == ("RequestFailed", "ActorStoppedError")
    assert telling.lost == []
    with pytest.raises(NoSuchMachineError):
        await answers()


async def test_handlers_are_over_before_the_machine_is() -> None:
    """A handler that is cancelled can still use the machine's actors."""
    begun, ended = asyncio.Event(), list[str]()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("ended")

    server = ControlServer(ControlSocket.claim(NAME), handlers(wait))
    async with server, System() as system, contextlib.AsyncExitStack() as stack:
        async with server.serving(system):
            peer = await stack.enter_async_context(greeted())
            await send(peer, msgpack.packb(["Wait"]))
            await begun.wait()
        assert ended == ["ended"]
        assert not system.is_alive(CONTROL_PATH)


async def test_last_answer_is_whole() -> None:
    """A client that is reading its answer at the end of the machine gets all of it."""
    telling = Telling()
    async with contextlib.AsyncExitStack() as stack:
        async with machine(observer=telling):
            peer = await stack.enter_async_context(greeted())
            await send(peer, msgpack.packb(["Huge"]))
            await until(lambda: (CONTROL_PATH, "", "Sum") in telling.seen)
            reading = asyncio.create_task(received(peer))
        ((kind, data),) = await reading
        assert (kind, len(data)) == ("Sum", 8 << 20)


async def test_client_in_the_backlog_at_the_end() -> None:
    """A client that has not been accepted yet sees the end as well."""
    control = ControlSocket.claim(NAME)
    peer = await connected()
    control.close()
    assert await gone(peer) == []
    with pytest.raises(ControlError):
        ControlClient(NAME)


async def test_peer_without_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without descriptors answers again when it has one."""
    monkeypatch.setattr("ccw_actors.control._server._RETRY", 0.01)
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, iter([OSError(24, "Too many open files")] * 3)

    async def failing(listener: socket.socket) -> object:
        for error in failures:
            raise error
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", failing)
    async with machine():
        await answers()
    assert next(failures, None) is None


async def test_reset_by_the_client() -> None:
    """A connection that is reset is forgotten like any other."""
    async with machine() as server:
        async with greeted() as peer:
            peer.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            await send(peer, ADD * 10)
        await until(lambda: not server.connections)
        await answers()
