"""Streams of frames between two ends."""

import asyncio
import socket
from pathlib import Path

import msgpack
import pytest

from ccw_actors.errors import LinkError, StreamError
from ccw_actors.transport.links import FrameStream
from tests.transport.links.streams import SIZE_MAX, both_ends, connect, listen

loop = pytest.mark.asyncio

VALUES: tuple[object, ...] = (1, [2, "x" * 300], {}, [])
FRAMES: list[bytes] = [msgpack.packb(one) for one in VALUES]


@pytest.fixture
def place(tmp_path: Path) -> str:
    """Return an address."""
    return f"unix:{tmp_path}/s"


@loop
async def test_frames_keep_their_order(place: str) -> None:
    """Each frame arrives as it was sent, in order, in both directions."""
    async with both_ends(place) as ends:
        for frame in FRAMES:
            ends.connecting.send(frame)
            ends.accepting.send(frame)
        assert [await ends.accepting.receive() for _ in FRAMES] == FRAMES
        assert [await ends.connecting.receive() for _ in FRAMES] == FRAMES


@loop
async def test_close(place: str) -> None:
    """The other end gets all frames that were sent before, and then the end."""
    async with both_ends(place) as ends:
        for frame in FRAMES:
            ends.connecting.send(frame)
        ends.accepting.send(FRAMES[1])  # Unread bytes must not damage that.
        closing = asyncio.ensure_future(ends.connecting.close())
        assert [await ends.accepting.receive() for _ in FRAMES] == FRAMES
        assert await ends.accepting.receive() == b""
        await ends.accepting.close()
        await closing


@loop
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\xc1", "are not msgpack"),
        (b"\xc6\x80\x00\x00\x00" + bytes(5000), "is larger than 1000 bytes"),
        (b"\xdd\xff\xff\xff\xff" + bytes(5000), "is larger than 1000 bytes"),
        (msgpack.packb("x" * SIZE_MAX), "is larger than 1000 bytes"),
    ],
)
async def test_bytes_that_are_no_frame(place: str, data: bytes, error: str) -> None:
    """The frames before them arrive; then the stream raises, each time."""
    async with both_ends(place) as ends:
        ends.connecting.send(FRAMES[0] + FRAMES[1] + data)
        assert await ends.accepting.receive() == FRAMES[0]
        assert await ends.accepting.receive() == FRAMES[1]
        for _ in range(2):
            with pytest.raises(StreamError, match=error):
                await ends.accepting.receive()


@loop
async def test_half_a_frame(place: str) -> None:
    """A stream that ends inside a frame raises."""
    async with both_ends(place) as ends:
        ends.connecting.send(FRAMES[1][:-1])
        ends.connecting.abort()
        with pytest.raises(StreamError, match="ends inside the value at byte 0"):
            await ends.accepting.receive()


@loop
async def test_what_waits(place: str) -> None:
    """A writer knows how much waits, and can wait until the other end takes it."""
    async with both_ends(place) as ends:
        frame = msgpack.packb("x" * 900)
        while not ends.connecting.waiting:
            ends.connecting.send(frame)
        assert ends.connecting.waiting > 0
        reading = asyncio.ensure_future(_read_all(ends.accepting))
        for _ in range(100):
            ends.connecting.send(frame)
        await ends.connecting.taken()
        reading.cancel()
        assert ends.connecting.waiting < 1 << 17


async def _read_all(stream: FrameStream) -> None:
    while await stream.receive():
        pass


def test_end_of_the_event_loop(place: str, caplog: pytest.LogCaptureFixture) -> None:
    """What serves a connection ends with it, and nothing is logged."""

    async def left_open() -> None:
        accepted = asyncio.Event()

        async def serve(_stream: FrameStream) -> None:
            accepted.set()
            await asyncio.Event().wait()

        server = await listen(place, None, serve)
        stream = await connect(place)
        await accepted.wait()
        await server.close()
        await stream.close()

    asyncio.run(left_open())
    assert caplog.messages == []


@loop
async def test_nobody_listens(place: str) -> None:
    """The error has the words of the kernel."""
    with pytest.raises(LinkError, match=f"{place}: No such file or directory"):
        await connect(place)
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))
        address = f"tcp:{port.getsockname()[1]}"
        with pytest.raises(LinkError, match="Connection refused"):
            await connect(address)
