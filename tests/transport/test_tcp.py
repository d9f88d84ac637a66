"""Messages between two processes, over TCP on loopback: real sockets, both ways."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccw_actors.errors import MessageError, StreamError
from ccw_actors.transport import Codec, read_messages, read_messages_async
from tests.transport.peer import ORDERS, Order, Receipt

ROOT = Path(__file__).parents[2]
PEER = Path(__file__).with_name("peer.py")
SIZE_MAX = 1000
LATE = 60.0

encode = Codec().encode


@contextmanager
def peer(port: int, mode: str) -> Generator[subprocess.Popen[bytes]]:
    """Run the other process, and check that it ends."""
    with subprocess.Popen(
        [sys.executable, PEER, str(port), mode],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join([str(ROOT), *filter(None, sys.path)])},
    ) as process:
        try:
            yield process
            expected = -signal.SIGKILL if mode == "killed" else 0
            assert process.wait(LATE) == expected
        finally:
            process.kill()


@contextmanager
def connected(mode: str) -> Generator[socket.socket]:
    """Run the other process, and return its connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LATE)
        with peer(server.getsockname()[1], mode):
            connection, _ = server.accept()
            with connection:
                connection.settimeout(LATE)
                yield connection


def from_socket(mode: str) -> list[Order | Exception]:
    """Return the messages from a socket, with errors in their places."""
    with connected(mode) as connection:
        return list(
            received(read_messages(connection, Order, message_size_max=SIZE_MAX))
        )


def from_socket_file(mode: str) -> list[Order | Exception]:
    """Return the messages from the file of a socket."""
    with connected(mode) as connection, connection.makefile("rb") as file:
        orders = read_messages(file, Order, message_size_max=SIZE_MAX)
        return list(received(orders))


def received(orders: Iterator[Order]) -> Iterator[Order | Exception]:
    """Yield orders and errors until the end."""
    while True:
        try:
            yield next(orders)
        except StopIteration:
            return
        except MessageError as error:
            yield error
        except StreamError as error:
            yield error
            return


def from_stream(mode: str) -> list[Order | Exception]:
    """Return the messages from an asyncio stream."""
    found: list[Order | Exception] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages = read_messages_async(reader, Order, message_size_max=SIZE_MAX)
        try:
            while True:
                try:
                    found.append(await anext(messages))
                except MessageError as error:
                    found.append(error)
        except StopAsyncIteration:
            pass
        except StreamError as error:
            found.append(error)
        finally:
            writer.transport.abort()
            over.set()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, asyncio.timeout(LATE):
            port = server.sockets[0].getsockname()[1]
            with peer(port, mode):
                await over.wait()

    over = asyncio.Event()
    asyncio.run(run())
    return found


READERS = {"socket": from_socket, "file": from_socket_file, "stream": from_stream}


@pytest.fixture(params=sorted(READERS))
def receive(request: pytest.FixtureRequest) -> Callable[[str], list[Order | Exception]]:
    """Return each way to receive orders from the other process."""
    return READERS[request.param]


Receive = Callable[[str], list[Order | Exception]]


@pytest.mark.parametrize("mode", ["whole", "slow"])
def test_orders_of_another_process(receive: Receive, mode: str) -> None:
    """All arrive, in one piece or byte by byte."""
    assert receive(mode) == ORDERS


@pytest.mark.parametrize("mode", ["cut", "killed"])
def test_process_that_ends_in_the_middle(receive: Receive, mode: str) -> None:
    """Whole messages arrive; the rest is an error."""
    *found, error = receive(mode)
    assert found == ORDERS[:-1]
    assert isinstance(error, StreamError)
    assert str(error).startswith("the stream ends inside the value at byte ")


def test_process_that_sends_something_else(receive: Receive) -> None:
    """Bytes that are not msgpack end the stream there."""
    *found, error = receive("damaged")
    assert found == ORDERS
    place = sum(len(encode(order)) for order in ORDERS)
    assert str(error) == f"the bytes from {place} on are not msgpack: FormatError"


def test_process_that_sends_another_message(receive: Receive) -> None:
    """A message that is not accepted is refused, and the next one read."""
    first, refused, second = receive("foreign")
    assert [first, second] == ORDERS[:2]
    assert isinstance(refused, MessageError)
    place = len(encode(ORDERS[0]))
    assert str(refused) == (
        f"the message at byte {place}: Receipt: Invalid value 'Receipt';"
        " expected `Order`"
    )


@pytest.mark.parametrize("mode", ["large", "endless"])
def test_process_that_sends_too_much(receive: Receive, mode: str) -> None:
    """A message that is too large ends the stream before it is complete."""
    found, error = receive(mode)
    assert found == ORDERS[0]
    place = len(encode(ORDERS[0]))
    assert str(error) == f"the value at byte {place} is larger than {SIZE_MAX} bytes"


def test_answers_over_a_socket() -> None:
    """Each order is answered while the connection is open, and the end is an end."""
    with connected("answer") as connection:
        receipts = read_messages(connection, Receipt)
        for order in ORDERS:
            connection.sendall(encode(order))
            assert next(receipts) == Receipt(order.number)
        connection.shutdown(socket.SHUT_WR)
        assert list(receipts) == []


def test_answers_over_a_stream() -> None:
    """The same with asyncio."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receipts = read_messages_async(reader, Receipt)
        for order in ORDERS:
            writer.write(encode(order))
            await writer.drain()
            answers.append(await anext(receipts))
        writer.write_eof()
        answers.extend([receipt async for receipt in receipts])
        writer.close()
        await writer.wait_closed()
        over.set()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server, asyncio.timeout(LATE):
            with peer(server.sockets[0].getsockname()[1], "answer"):
                await over.wait()

    answers: list[Receipt] = []
    over = asyncio.Event()
    asyncio.run(run())
    assert answers == [Receipt(order.number) for order in ORDERS]


def test_connection_that_is_late() -> None:
    """A socket's timeout passes through, and the late order is read later."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as sender:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(0.001)
                orders = read_messages(connection, Order)
                data = encode(ORDERS[0])
                sender.sendall(data[:-1])
                with pytest.raises(TimeoutError):
                    next(orders)
                connection.settimeout(LATE)
                sender.sendall(data[-1:])
                assert next(orders) == ORDERS[0]


def test_connection_that_is_reset() -> None:
    """A broken connection raises the socket's error, and is no end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sender = socket.create_connection(server.getsockname())
        connection, _ = server.accept()
        with connection:
            connection.settimeout(LATE)
            orders = read_messages(connection, Order)
            sender.sendall(encode(ORDERS[0]))
            assert next(orders) == ORDERS[0]
            linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            sender.close()
            with pytest.raises(ConnectionResetError):
                next(orders)
