"""A trace file: it contains the events, and reading returns them."""

import io
from typing import NoReturn

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccw_actors.errors import StreamError
from ccw_actors.runtime import Handled, Observer, ReplyTo, System, VirtualDispatcher
from ccw_actors.trace import (
    DeadLetterRecord,
    EventRecord,
    FailureRecord,
    HandledRecord,
    TraceReader,
    TraceWriter,
    type_name,
)
from ccw_actors.trace._records import FORMAT, VERSION
from tests.trace.play import Done, a_write, events_of, play, recorded

TRACE = recorded()


class Watch(Observer):
    """An observer that keeps events as a trace should record them."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def handled(self, event: Handled) -> None:
        """Keep it."""
        self.told.append(("handled", (*event[:6], msgpack.unpackb(event.payload))))

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep it."""
        message = msgpack.unpackb(event.payload)
        self.told.append(("dead letter", (*event[:6], message, reason)))

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Keep it."""
        self.told.append(("failure", (actor, message, str(error))))


def as_told(event: EventRecord) -> tuple[str, object]:
    """Return an event as a `Watch` keeps it."""
    match event:
        case HandledRecord(n, cause, sent, at, sender, recipient, _, message):
            return "handled", (n, cause, sent, at, sender, recipient, message)
        case DeadLetterRecord(n, cause, sent, at, sender, recipient, _, message, why):
            return "dead letter", (n, cause, sent, at, sender, recipient, message, why)
        case FailureRecord(actor=actor, message=message, reason=reason):
            return "failure", (actor, message, reason.removeprefix("ValueError: "))


def test_everything_is_recorded() -> None:
    """Every event comes back, in order, with every field, as other observers see it."""
    watch, file = Watch(), io.BytesIO()
    play(watch, TraceWriter(file))
    events, _ = events_of(file.getvalue())
    assert [as_told(event) for event in events] == watch.told
    kinds = {type(event) for event in events}
    assert kinds == {HandledRecord, DeadLetterRecord, FailureRecord}


def handled_of(
    events: list[EventRecord], reader: TraceReader, name: str
) -> list[HandledRecord]:
    """Return the messages of a type that were handled."""
    return [
        event
        for event in events
        if isinstance(event, HandledRecord) and type_name(event, reader.types) == name
    ]


def test_failure_says_on_which_message() -> None:
    """A failure has the number of the message, and the time of its handling."""
    events, reader = events_of(TRACE)
    (failure,) = [event for event in events if isinstance(event, FailureRecord)]
    (cause,) = handled_of(events, reader, "Explode")
    assert failure.number == cause.number
    assert failure.failed_at == cause.handled_at


def test_causes() -> None:
    """Every cause is a message handled before, by the sender of its effect."""
    events, _ = events_of(TRACE)
    recipients = {0: ""}
    for event in events:
        if isinstance(event, FailureRecord):
            continue
        assert recipients[event.cause] == event.sender
        recipients[event.number] = event.recipient
    assert len(recipients) > 6


def test_timer_is_sent_when_it_is_set() -> None:
    """The message of a timer is caused by the message whose handling set it."""
    events, reader = events_of(TRACE)
    ticks = [tick for tick in handled_of(events, reader, "Tick") if tick.sender]
    assert [tick.handled_at - tick.sent_at for tick in ticks] == [1.5, 1.5]
    writes = handled_of(events, reader, "Write")
    assert [tick.cause for tick in ticks] == [write.number for write in writes]


def test_plain_msgpack_reads_it() -> None:
    """To any msgpack a trace is a stream of arrays, messages nested as sent."""
    records = list(msgpack.Unpacker(io.BytesIO(TRACE)))
    assert records[0] == ["trace", FORMAT, VERSION]
    writes = [
        record[8]
        for record in records
        if record[0] == "handled" and record[6:7] == ["host/disk"]
    ]
    expected = ["Write", [[16, b"\x01\x02"], [32, bytes(range(40))]], [1, b""]]
    assert writes[0][:3] == expected
    assert writes[0][3:] == [
        [["Skip", 2], ["Jump", 9]],
        [None, 0, "system"],
        {"deep": [b"\xff"]},
    ]


def test_types_come_once_and_in_time() -> None:
    """Each type is recorded once, before the first record that refers to it."""
    known: list[int] = []
    for record in msgpack.Unpacker(io.BytesIO(TRACE)):
        match record:
            case ["type", number, *_]:
                assert number not in known
                known.append(number)
            case ["handled" | "dead letter", *fields]:
                assert fields[6] in known
            case _:
                pass
    assert sorted(known) == list(range(1, len(known) + 1))


def test_types_name_the_fields() -> None:
    """Types have the names of their fields, those of nested values included."""
    _, reader = events_of(TRACE)
    named = {
        record.name: [
            (field.name, [reader.types[n].name for n in field.types], field.many)
            for field in record.fields
        ]
        for record in reader.types.values()
    }
    assert named["Write"] == [
        ("blocks", ["Block"], True),
        ("first", ["Block"], False),
        ("steps", ["Skip", "Jump"], True),
        ("to", ["ReplyTo"], False),
        ("options", [], False),
    ]
    assert named["Block"] == [("address", [], False), ("data", [], False)]


def test_two_types_of_one_name() -> None:
    """Types of the same name but different fields are distinguished."""
    file = io.BytesIO()
    writer = TraceWriter(file)
    twin = type("Done", (Done,), {"__annotations__": {"more": int}, "more": 0})
    for number, message_type in enumerate((Done, twin, Done), 1):
        payload = msgpack.packb(["Done", number])
        writer.handled(Handled(number, 0, 0.0, 0.0, "", "a", payload, message_type))
    events, reader = events_of(file.getvalue())
    fields = [
        len(reader.types[event.message_type].fields)
        for event in events
        if isinstance(event, HandledRecord)
    ]
    assert fields == [1, 2, 1]


def read_all(trace: bytes) -> tuple[list[EventRecord], str]:
    """Return the events of a trace, and the text of the error that ends it."""
    events: list[EventRecord] = []
    try:
        for event in TraceReader(io.BytesIO(trace)):
            events.append(event)  # noqa: PERF402 - those before an error are kept
    except StreamError as error:
        return events, str(error)
    return events, ""


@given(st.integers(0, len(TRACE) - 1))
def test_truncated(cut: int) -> None:
    """A trace cut anywhere yields the events that are whole, then StreamError."""
    whole, _ = events_of(TRACE)
    ends: list[int] = []
    unpacker = msgpack.Unpacker(io.BytesIO(TRACE))
    for _ in unpacker:
        ends.append(unpacker.tell())  # noqa: PERF401 - `tell` belongs to the iteration
    found, error = read_all(TRACE[:cut])
    assert found == whole[: len(found)]
    if cut < ends[0]:
        assert error.startswith("not a trace")
    elif cut in ends:
        assert error == ""
    else:
        assert error.startswith("the stream ends inside the value")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "not a trace: Expected `array`, got `null`"),
        (b"[project]\nname", "not a trace: Expected `array`, got `int`"),
        (b"\xc1\xc1", "not a trace: the bytes from 0 on are not msgpack"),
        (msgpack.packb(["trace", "other", 1]), "not a trace of ccw-actors: one of 'o"),
        (
            msgpack.packb(["trace", FORMAT, VERSION + 1]),
            f"the trace has version {VERSION + 1}; expected at most {VERSION}",
        ),
    ],
    ids=["empty", "text", "bytes", "other format", "newer"],
)
def test_not_a_trace(data: bytes, error: str) -> None:
    """A file that is no trace, or of a newer version, is refused at opening."""
    with pytest.raises(StreamError, match=f"^{error}"):
        TraceReader(io.BytesIO(data))


DAMAGED: list[tuple[object, str]] = [
    (["unknown"], "record 2: Invalid value 'unknown'"),
    (["failure", 1], "record 2: Expected `array` of at least length"),
    (7, "record 2: Expected `array`, got `int`"),
    (["handled", 1, 0, 0.0, 0.0, "", "a", 5, []], "record 2: no type 5 before it"),
]


@pytest.mark.parametrize(
    ("record", "error"), DAMAGED, ids=["kind", "short", "no array", "type"]
)
def test_damaged_record(record: object, error: str) -> None:
    """An invalid record ends the reading, with its place."""
    data = msgpack.packb(["trace", FORMAT, VERSION]) + msgpack.packb(record)
    with pytest.raises(StreamError, match=f"^{error}"):
        list(TraceReader(io.BytesIO(data)))


@given(st.binary(max_size=40))
def test_hostile_tail(tail: bytes) -> None:
    """For any bytes, reading yields events or raises StreamError."""
    whole, _ = events_of(TRACE)
    found, _ = read_all(TRACE + tail)
    assert found[: len(whole)] == whole


def test_disk_full(caplog: pytest.LogCaptureFixture) -> None:
    """A writer whose file fails is logged and keeps the error; the System continues."""

    class Full(io.BytesIO):
        room = 400

        def write(self, data: bytes) -> int:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Write only as much as fits."""
            if self.tell() + len(data) > self.room:
                refuse()
            return super().write(data)

    def refuse() -> NoReturn:
        raise OSError(28, "No space left on device")

    writer, other, whole = TraceWriter(Full()), io.BytesIO(), io.BytesIO()
    play(writer, TraceWriter(other))
    assert isinstance(writer.error, OSError)
    assert "no longer observes" in caplog.text
    play(TraceWriter(whole))
    assert len(events_of(other.getvalue())[0]) == len(events_of(whole.getvalue())[0])


def test_unobserved_system_numbers_nothing() -> None:
    """Without observers no message is stamped, so that tracing off costs nothing."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    system.ref("nobody").tell(Done(1))
    file = io.BytesIO()
    system.observe(TraceWriter(file))
    system.ref("nobody").tell(a_write(ReplyTo(None)))
    (event,) = events_of(file.getvalue())[0]
    assert event.number == 1
