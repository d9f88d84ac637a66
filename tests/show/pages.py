"""Pictures and traces for tests: small ones, hostile ones, large ones."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ccw_actors.channel import Ccw, Irb, Orb, Pmcw, Scsw
from ccw_actors.explore import Counterexample, Result, explore
from ccw_actors.runtime import Actor, Message, System, VirtualDispatcher, receive
from ccw_actors.show import Picture, picture_of_counterexample, picture_of_trace
from ccw_actors.trace import TraceReader, TraceWriter
from examples.explore.first import Add, Client, Counter, two_clients

__all__ = [
    "HOSTILE",
    "Everything",
    "counterexample",
    "everything",
    "handled_trace",
    "hostile_trace",
    "long_picture",
    "picture_of",
    "race",
    "refuted",
    "trace_of",
    "two_clients_trace",
    "written",
]

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<b onclick=alert(2)>\u202e\x07"
"""A name that would be markup if it were not text, and that turns its direction."""


def two_clients_trace() -> bytes:
    """Return the trace of two clients that add to a counter."""
    file = io.BytesIO()
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    system.observe(TraceWriter(file))
    system.spawn(Counter(), "counter")
    for name in ("alice", "bob"):
        system.spawn(Client(), name).tell(Add())
    dispatcher.run()
    return file.getvalue()


def refuted() -> Result:
    """Return the result of exploring the two clients: one count is lost."""
    return explore(two_clients)


def counterexample(name: str = "first.py:two_clients") -> Counterexample:
    """Return the counterexample of the two clients."""
    return Counterexample.of(name, refuted())


def race() -> Picture:
    """Return the picture of the counterexample of the two clients."""
    return picture_of_counterexample(counterexample(), two_clients, "two clients")


def picture_of(trace: bytes, name: str = "a.trace") -> Picture:
    """Return the picture of a trace."""
    return picture_of_trace(TraceReader(io.BytesIO(trace)), name)


def hostile_trace() -> bytes:
    """Return a trace with hostile names and bytes in every field."""
    nested = {HOSTILE: [HOSTILE, HOSTILE.encode(), {"__proto__": HOSTILE}]}
    records: Iterable[list[Any]] = (
        ["trace", "ccw-actors", 1],
        ["type", 1, HOSTILE, True, [[HOSTILE], ["__proto__"], ["constructor"]]],
        ["type", 2, "__proto__", True, [["toString"]]],
        [
            "handled",
            1,
            0,
            0.0,
            1.0,
            HOSTILE,
            f"{HOSTILE}/a",
            1,
            [HOSTILE, HOSTILE, nested, 1],
        ],
        [
            "handled",
            2,
            1,
            0.0,
            2.0,
            f"{HOSTILE}/a",
            "__proto__",
            2,
            ["__proto__", 2**64 - 1],
        ],
        [
            "dead letter",
            3,
            2,
            0.0,
            3.0,
            "__proto__",
            "constructor",
            2,
            ["__proto__", b"<b>"],
            HOSTILE,
        ],
        ["failure", 2, 3.0, "__proto__", HOSTILE, HOSTILE],
    )
    return b"".join(map(msgspec.msgpack.encode, records))


def handled_trace(*events: tuple[int, str, str], time: float = 1.0) -> bytes:
    """Return a trace of messages: the number of the cause, sender and recipient."""
    records: Iterable[list[Any]] = (
        ["trace", "ccw-actors", 1],
        ["type", 1, "Hi", True, []],
        *(
            ["handled", number, cause, time, time, sender, recipient, 1, ["Hi"]]
            for number, (cause, sender, recipient) in enumerate(events, 1)
        ),
    )
    return b"".join(map(msgspec.msgpack.encode, records))


class Everything(Message, frozen=True):
    """A message with a value of each kind that the page decodes."""

    orb: Orb
    program: tuple["Piece", ...]
    irb: Irb
    pmcw: Pmcw
    errno: int
    sense: bytes
    large: int


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """A piece of storage."""

    address: int
    data: bytes


class Sink(Actor[Everything]):
    """Takes everything."""

    @receive
    def take(self, _message: Everything) -> None:
        """Do nothing."""


def everything() -> Everything:
    """Return a message with a value of each kind that the page decodes."""
    tic = Ccw(0x08, address=0x3000)
    last = Ccw(0x02, flags=Ccw.suppress_length.mask, count=80, address=0x5000)
    first = Ccw(0x03, flags=Ccw.chain_command.mask)
    chain = first.to_bytes(1) + tic.to_bytes(1)
    return Everything(
        orb=Orb.command(0x2000, key=2),
        program=(Piece(0x2000, chain), Piece(0x3000, last.to_bytes(1))),
        irb=Irb.with_sense(Scsw(fctl=4, actl=0x20, stctl=7, dstat=0x0E), 0x80, b"\x80"),
        pmcw=Pmcw.of_device(0x150).with_isc(3),
        errno=16,
        sense=b"\x10\x02",
        large=2**64 - 1,
    )


def trace_of(message: Everything) -> bytes:
    """Return the trace of one message."""
    file, dispatcher = io.BytesIO(), VirtualDispatcher()
    system = System(dispatcher)
    system.observe(TraceWriter(file))
    system.spawn(Sink(), "sink").tell(message)
    dispatcher.run()
    return file.getvalue()


def long_picture(count: int) -> Picture:
    """Return a picture of many events, each with a body of its own."""
    one = picture_of(trace_of(everything()))
    (schedule,) = one.schedules
    (event,) = schedule.events
    events = tuple(
        msgspec.structs.replace(
            event,
            number=number + 1,
            cause=number - 1 if number % 7 else -1,
            time=number * 1e-5 + (number * 7919 % 1000) * 1e-6,
            body=event.body.replace(b"8192", b"%d" % (number * 7919 % 2**31), 1),
        )
        for number in range(count)
    )
    whole = msgspec.structs.replace(schedule, events=events)
    return msgspec.structs.replace(one, schedules=(whole,))


def written(page: str, folder: Path, name: str = "page.html") -> Path:
    """Write a page to a file."""
    file = folder / name
    file.write_text(page, encoding="utf-8")
    return file
