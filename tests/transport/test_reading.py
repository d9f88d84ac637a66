"""Messages of a file or a stream: whole, refused, cut, damaged, hostile, in pieces."""

import asyncio
import io
import tracemalloc
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgpack
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ccw_actors.errors import MessageError, StreamError
from ccw_actors.transport import (
    OBJECTS_MAX,
    Codec,
    Message,
    read_messages,
    read_messages_async,
    read_stream,
)
from tests.transport.hostile import FRAGMENTS, GROWTH, check_text, hostile_bytes, traced
from tests.transport.kinds import ACCEPTED, CODEC, MESSAGES, Bare, Open

# The buffers of the reader: two pieces of 64 KiB, and the 1 MiB of msgpack.
CONSTANT = 3 << 19


class Note(Message, frozen=True):
    """A message that is read here."""

    number: int
    text: str = ""


class Other(Message, frozen=True):
    """One that is not accepted here."""


encode = Codec().encode


class Pieces(io.RawIOBase):
    """A source whose reads end anywhere, as those of a socket."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._sizes = cycle(sizes)

    def read(self, size: int = -1) -> bytes:
        """Read up to n bytes, and at least one if there is one."""
        return self._data.read(min(size, next(self._sizes)))


def each_of_file(data: bytes, sizes: list[int], **options: Any) -> Iterator[object]:
    """Yield the messages of a file, and the errors in their places; keep none."""
    source = cast("BinaryIO", Pieces(data, sizes))
    messages: Iterator[object] = read_messages(source, **options)
    last: list[object] = []
    while True:
        try:
            one = next(messages)
        except StopIteration:
            return
        except (MessageError, StreamError) as error:
            one = error
        last = [*last[-1:], one]
        if ended(last):
            return
        yield one


def from_file(data: bytes, sizes: list[int], **options: Any) -> list[object]:
    """Return the messages of a file, and the errors in their places."""
    return list(each_of_file(data, sizes, **options))


def from_stream(data: bytes, sizes: list[int], **options: Any) -> list[object]:
    """Return the same of an asyncio stream, which is fed in pieces as it is read."""

    async def feed(reader: asyncio.StreamReader) -> None:
        source = Pieces(data, sizes)
        while piece := source.read(1 << 16):
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    async def read() -> list[object]:
        reader = asyncio.StreamReader()
        feeding = asyncio.create_task(feed(reader))
        messages: AsyncIterator[object] = read_messages_async(reader, **options)
        found: list[object] = []
        while not ended(found):
            try:
                found.append(await anext(messages))
            except StopAsyncIteration:
                break
            except (MessageError, StreamError) as error:
                found.append(error)
        await feeding
        return found

    return asyncio.run(read())


def ended(found: list[object]) -> bool:
    """Whether a stream has ended: its error has been raised twice."""
    last = found[-2:]
    if [type(one) for one in last] != [StreamError, StreamError]:
        return False
    assert str(last[0]) == str(last[1])
    found.pop()
    return True


READERS = {"file": from_file, "stream": from_stream}
Reader = Callable[..., list[object]]
SIZES = st.lists(st.integers(1, 9) | st.integers(1, 5000), min_size=1, max_size=4)


@given(st.lists(MESSAGES, max_size=6), SIZES, st.sampled_from(sorted(READERS)))
def test_messages_in_any_pieces(
    messages: list[Message], sizes: list[int], name: str
) -> None:
    """Messages come out as they went in, in any pieces."""
    data = b"".join(map(CODEC.encode, messages))
    found = READERS[name](data, sizes, accepted=ACCEPTED, codec=CODEC)
    assert [type(one) for one in found] == [type(one) for one in messages]
    assert b"".join(map(CODEC.encode, found)) == data


@pytest.fixture(params=sorted(READERS))
def read(request: pytest.FixtureRequest) -> Reader:
    """Return the function that reads a file, then the one that reads a stream."""
    return READERS[request.param]


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_message_that_is_refused(read: Reader, size: int) -> None:
    """A message that is not accepted is an error with its place; others follow."""
    parts = [encode(Note(1)), encode(Other()), msgpack.packb(["Note", "2"])]
    data = b"".join(parts) + encode(Note(3, "x"))
    first, other, wrong, last = read(data, [size], accepted=Note)
    assert (first, last) == (Note(1), Note(3, "x"))
    assert str(other) == (
        f"the message at byte {len(parts[0])}: Other: Invalid value 'Other';"
        " expected `Note`"
    )
    assert str(wrong) == (
        f"the message at byte {len(parts[0]) + len(parts[1])}:"
        " Note: Expected `int`, got `str` - at `number`"
    )


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize(
    ("tail", "text"),
    [
        (b"\x92\xa4Note", "the stream ends inside the value at byte 16: 6 bytes"),
        (b"\xc1", "the bytes from 16 on are not msgpack: FormatError"),
        (b"\x91" * 5000, "the bytes from 16 on are not msgpack: StackError"),
        (b"\xc5\x20\x00" + bytes(1 << 13), "the value at byte 16 is larger than"),
        (b"\xc6\xff\xff\xff\xff" + bytes(9999), "the value at byte 16 is larger than"),
    ],
    ids=["cut", "damaged", "deep", "large", "claim"],
)
def test_stream_that_is_damaged(
    read: Reader, tail: bytes, text: str, size: int
) -> None:
    """After the whole messages the stream ends with a reason."""
    whole = [Note(1), Note(2)]
    data = b"".join(map(encode, whole)) + tail
    *found, error = read(data, [size], accepted=Note, message_size_max=6000)
    assert found == whole
    assert isinstance(error, StreamError)
    assert str(error).startswith(text)


def test_empty_stream(read: Reader) -> None:
    """A stream that ends at once has no messages."""
    assert read(b"", [1], accepted=Note) == []


def test_codec_of_the_reader(read: Reader) -> None:
    """The codec decides whether unknown fields are accepted."""
    data = msgpack.packb(["Note", 1, "x", "more"])
    (refused,) = read(data, [99], accepted=Note)
    assert isinstance(refused, MessageError)
    codec = Codec(unknown_fields="accept")
    assert read(data, [99], accepted=Note, codec=codec) == [Note(1, "x")]


def test_message_of_too_many_values(read: Reader) -> None:
    """A message with too many values is refused, and others follow."""
    data = encode(Open([None] * 70_000))
    both = data + encode(Open(1))
    refused, last = read(both, [1 << 16], accepted=Open, objects_max=1000)
    assert str(refused).startswith("the message at byte 0: Open: ")
    assert last == Open(1)
    assert read(both, [1 << 16], accepted=Open)[1] == Open(1)
    assert OBJECTS_MAX > 70_000


def told(one: object) -> object:
    """Return the comparable part of a message or an error."""
    return str(one) if isinstance(one, Exception) else CODEC.encode(one)


@settings(max_examples=50)
# As many refused messages as there are bytes.
@example([], b"\xff" * 4_000, [1], 30)
# Too large, and only after that nested too deep.
@example([], b"\xdd\x7f\xff\xff\xff" * 1_040, [1], 30)
@given(
    st.lists(MESSAGES, max_size=3),
    hostile_bytes(),
    SIZES,
    st.sampled_from([30, 1000, 1 << 26]),
)
def test_hostile_streams(
    good: list[Message], rest: bytes, sizes: list[int], size_max: int
) -> None:
    """Each whole message is returned or refused, then the stream ends, within bounds.

    The pieces make no difference, nor does the kind of source.
    """
    encoded = [CODEC.encode(one) for one in good]
    allowed = max([size_max, *map(len, encoded)])
    data = b"".join(encoded) + rest
    options: dict[str, Any] = {
        "accepted": ACCEPTED,
        "codec": CODEC,
        "message_size_max": allowed,
    }
    with traced():
        # The reader's own errors are not counted.
        deque(each_of_file(data, sizes, **options), maxlen=0)
        _, peak = tracemalloc.get_traced_memory()
    assert peak <= GROWTH * len(data) + CONSTANT
    found = from_file(data, sizes, **options)
    assert list(map(told, found[: len(good)])) == list(map(told, good))
    for one in found:
        if isinstance(one, (MessageError, StreamError)):
            check_text(one)
        else:
            assert isinstance(one, ACCEPTED)
    for again in (
        from_file(data, [1 << 16], **options),
        from_stream(data, sizes, **options),
    ):
        assert list(map(told, again)) == list(map(told, found))


@pytest.mark.parametrize("fragment", FRAGMENTS.values(), ids=FRAGMENTS)
def test_every_fragment_in_a_stream(fragment: bytes) -> None:
    """A hostile value ends no more than the stream it is in."""
    data = CODEC.encode(Bare()) + b"\x92\xa4Open" + fragment + CODEC.encode(Bare())
    options: dict[str, Any] = {"accepted": ACCEPTED, "codec": CODEC}
    first, *found = from_file(data, [7], **options)
    assert first == Bare()
    assert found
    for one in found:
        assert isinstance(one, (MessageError, StreamError, ACCEPTED))


# -- Sources ---------------------------------------------------------------------------


def test_file_on_disk(tmp_path: Path) -> None:
    """Messages written to a file one after the other are read from it."""
    path = tmp_path / "notes"
    with path.open("ab") as file:
        for number in range(1000):
            file.write(encode(Note(number)))
    with path.open("rb") as file:
        assert [note.number for note in read_messages(file, Note)] == [*range(1000)]


def test_messages_of_several_types() -> None:
    """A union of types is accepted as a decoder accepts it."""
    source: BinaryIO = io.BytesIO(encode(Note(1)) + encode(Other()))
    found: Iterator[Note | Other] = read_messages(source, Note | Other)
    assert list(found) == [Note(1), Other()]


class Interrupted(io.RawIOBase):
    """A source that raises now and then, as a socket with a timeout does."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._turn = cycle([TimeoutError("late"), None])
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Raise, or read one byte."""
        del size
        if error := next(self._turn):
            raise error
        return self._data.read(1)


def test_source_that_raises() -> None:
    """An exception of the source passes through, and no data is lost."""
    messages = read_messages(cast("BinaryIO", Interrupted(encode(Note(7, "x")))), Note)
    late = 0
    while True:
        try:
            assert next(messages) == Note(7, "x")
            break
        except TimeoutError:
            late += 1
    assert late == len(encode(Note(7, "x")))


def test_waiting_that_is_cancelled() -> None:
    """Cancelling the wait in the middle of a message loses nothing."""

    async def run() -> None:
        reader = asyncio.StreamReader()
        messages = read_messages_async(reader, Note)
        data = encode(Note(7)) + encode(Note(8))
        for at in range(len(data) // 2 - 1):
            reader.feed_data(data[at : at + 1])
            waiting = asyncio.ensure_future(anext(messages))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        reader.feed_data(data[len(data) // 2 - 1 :])
        assert await anext(messages) == Note(7)
        assert await anext(messages) == Note(8)

    asyncio.run(run())


def test_source_that_has_nothing_yet() -> None:
    """A non-blocking file without data has not ended."""

    class Empty(io.RawIOBase):
        def read(self, size: int = -1) -> None:
            del size

    for reading in (
        read_stream(cast("BinaryIO", Empty())),
        read_messages(cast("BinaryIO", Empty()), Note),
    ):
        with pytest.raises(BlockingIOError, match="expected a source that waits"):
            next(reading)


def test_sources_that_are_none(tmp_path: Path) -> None:
    """An unreadable source is refused at once, with the expectation."""
    wrong: Any
    for wrong in (b"\x01", tmp_path, None):
        text = f"expected a binary file or a socket, got {type(wrong).__name__}$"
        with pytest.raises(TypeError, match=text):
            read_stream(wrong)
        with pytest.raises(TypeError, match=text):
            read_messages(wrong, Note)
        with pytest.raises(TypeError, match=r"expected an asyncio\.StreamReader, got"):
            read_messages_async(wrong, Note)


def test_sources_of_the_other_kind() -> None:
    """A stream instead of a file, or the reverse, names the right function."""
    file: Any = io.BytesIO()

    async def run() -> None:
        stream: Any = asyncio.StreamReader()
        with pytest.raises(TypeError, match=r"StreamReader; read_messages_async"):
            read_stream(stream)
        with pytest.raises(TypeError, match=r"StreamReader; read_messages_async"):
            read_messages(stream, Note)

    asyncio.run(run())
    with pytest.raises(TypeError, match=r"BytesIO; read_messages reads files"):
        read_messages_async(file, Note)


def test_text_file() -> None:
    """A text file is refused when it is read, with the expectation."""
    text: Any = io.StringIO("abc")
    with pytest.raises(TypeError, match="expected bytes, got text"):
        next(read_messages(text, Note))
    with pytest.raises(TypeError, match="expected bytes, got text"):
        next(read_stream(text))
