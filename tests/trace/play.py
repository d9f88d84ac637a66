"""A short play with every event that a trace can contain."""

import io
from typing import Any

import msgspec

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Observer,
    ReplyTo,
    Request,
    System,
    VirtualDispatcher,
    receive,
)
from ccw_actors.trace import EventRecord, TraceReader, TraceWriter


class Block(msgspec.Struct, frozen=True, array_like=True):
    """A value in messages."""

    address: int
    data: bytes


class Skip(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One of two values in a message."""

    count: int


class Jump(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """The other."""

    target: int


class Done(Message, frozen=True):
    """An answer."""

    count: int


class Write(Request[Done], frozen=True):
    """A request with values in it."""

    blocks: tuple[Block, ...]
    first: Block | None
    steps: tuple[Skip | Jump, ...]
    to: ReplyTo
    options: dict[str, Any]


class Explode(Message, frozen=True):
    """Makes the recipient fail."""


class Tick(Message, frozen=True):
    """The message of a timer."""


class Disk(Actor):
    """Answers writes."""

    @receive
    def write(self, message: Write) -> Done:
        """Count the blocks."""
        self.after(1.5, Tick())
        self.system.ref("nobody").tell(Done(7))
        return Done(len(message.blocks))

    @receive
    def tick(self, message: Tick) -> None:
        """Do nothing."""

    @receive
    def explode(self, _message: Explode) -> None:
        """Fail."""
        raise ValueError("bang")


class Driver(Actor):
    """Writes, and receives the answer."""

    def __init__(self, disk: ActorRef[Any]) -> None:
        self._disk = disk

    @receive
    def tick(self, _message: Tick) -> None:
        """Write."""
        self._disk.tell(a_write(self.reply_to))

    @receive
    def done(self, message: Done) -> None:
        """Take the answer."""


def a_write(to: ReplyTo) -> Write:
    """Return a message with something in every field."""
    blocks = (Block(16, b"\x01\x02"), Block(32, bytes(range(40))))
    return Write(blocks, Block(1, b""), (Skip(2), Jump(9)), to, {"deep": [b"\xff"]})


def play(*observers: Observer) -> System:
    """Play under observation: two writes, one from an actor; then a failure."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    for observer in observers:
        system.observe(observer)
    disk = system.spawn(Disk(), "host/disk")
    driver = system.spawn(Driver(disk), "host/driver")
    driver.tell(Tick())
    dispatcher.run()
    disk.ask(a_write(ReplyTo(None)), block=True)
    dispatcher.run()
    disk.tell(Explode())
    dispatcher.run()
    assert [type(failure) for failure in system.failures] == [ActorFailedError]
    return system


def recorded() -> bytes:
    """Return a trace of the play."""
    file = io.BytesIO()
    play(TraceWriter(file))
    return file.getvalue()


def events_of(trace: bytes) -> tuple[list[EventRecord], TraceReader]:
    """Return the events of a trace, and their reader."""
    reader = TraceReader(io.BytesIO(trace))
    return list(reader), reader
