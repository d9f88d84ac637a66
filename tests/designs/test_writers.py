"""Threads that write and read the regions with no emulator between."""

import errno
from typing import TypeAlias

from ccw_actors.actors.protocol import (
    DeviceRequested,
    IoRead,
    ReadIo,
    ReadReport,
    ReadSchib,
    ReportRead,
    ReportSignalled,
    SchibRead,
    Signalled,
    WriteAsync,
    Written,
)
from ccw_actors.designs import RawReader, RawWriter, RegionRequest
from ccw_actors.runtime import (
    Actor,
    Message,
    SteppingDispatcher,
    System,
    receive,
)

Asked: TypeAlias = RegionRequest | ReadIo
HALT, CLEAR = WriteAsync("HSCH"), WriteAsync("CSCH")


class Thread(Actor[Asked]):
    """Notes requests; the test answers them."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    @receive
    def asked(self, message: Asked) -> None:
        """Note a request."""
        self.heard.append(message)


def settle(system: System, path: str = "", *messages: Message) -> None:
    """Send messages, and let each be handled."""
    dispatcher = system.dispatcher
    assert isinstance(dispatcher, SteppingDispatcher)
    for message in (None, *messages):
        if message is not None:
            system.ref(path).tell(message)
        while choices := dispatcher.enabled():
            dispatcher.step(choices[0])


def test_requests_are_made_one_after_the_other() -> None:
    """Each request follows the result of the one before; results are kept."""
    system = System(SteppingDispatcher("mailbox"))
    thread = Thread()
    ref = system.spawn(thread, "thread")
    requests = (HALT, ReadReport(), ReadSchib(), CLEAR)
    writer = RawWriter[RegionRequest](ref, requests)
    system.spawn(writer, "writer")
    settle(system)
    answers = (
        Written(errno.EBUSY),
        ReportRead(7),
        SchibRead(errno.EINVAL),
        Written(0),
    )
    for made, answer in enumerate(answers, 1):
        assert thread.heard == list(requests[:made])
        settle(system, "writer", answer)
    assert thread.heard == list(requests)
    assert writer.state.returned == (errno.EBUSY, 7, errno.EINVAL, 0)


def test_the_region_is_read_at_each_signal() -> None:
    """Any number of signals during a read cause one more read."""
    system = System(SteppingDispatcher("mailbox"))
    thread = Thread()
    reader = RawReader(system.spawn(thread, "thread"))
    system.spawn(reader, "reader")
    settle(system, "reader", Signalled())
    assert thread.heard == [ReadIo()]
    settle(system, "reader", Signalled(), Signalled(), IoRead())
    assert thread.heard == [ReadIo(), ReadIo()]
    settle(system, "reader", IoRead())
    assert thread.heard == [ReadIo(), ReadIo()]
    assert not reader.state.reads


def test_other_signals_are_not_for_the_reader() -> None:
    """The reader ignores signals of reports, and the request for the device."""
    system = System(SteppingDispatcher("mailbox"))
    thread = Thread()
    system.spawn(RawReader(system.spawn(thread, "thread")), "reader")
    settle(system, "reader", ReportSignalled(), DeviceRequested())
    assert thread.heard == []
