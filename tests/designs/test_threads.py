"""Threads, the work queue and the driver's actor, by their messages."""

from typing import Any, TypeAlias

import pytest

from ccw_actors.actors.protocol import (
    IoRead,
    ReadIo,
    Signalled,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Fctl, Irb, Orb, Scsw
from ccw_actors.designs import DESIGNS, Section, SystemCall, VfioCcwPrivate, WorkQueue
from ccw_actors.designs.linux._messages import Flush, Queued, Returned, WorkDone
from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    Message,
    SteppingDispatcher,
    System,
    receive,
)

START = WriteIo(Orb.command(0x1000), Fctl.START)


Heard: TypeAlias = Section | Returned | Queued | Flush | Signalled | Written | IoRead


class Kick(Message, frozen=True):
    """Have a relay send a message to `path`."""

    path: str
    section: Section | None = None
    call: WriteIo | WriteAsync | ReadIo | None = None
    item: Queued | Flush | WorkDone | Returned | None = None


class Relay(Actor[Kick | Heard]):
    """Takes the place of an emulator, a thread or a device: notes its messages.

    A `Kick` makes it send one.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    @receive
    def hear(self, message: Heard) -> None:
        """Note a message."""
        self.heard.append(message)

    @receive
    def kick(self, message: Kick) -> None:
        """Send the message."""
        for one in (message.section, message.call, message.item):
            if one is not None:
                self.system.ref(message.path).tell(one)


class Bench:
    """Actors of a kernel, and relays in place of the others."""

    def __init__(self, *relays: str) -> None:
        self.system = System(SteppingDispatcher("mailbox"))
        self.relays = {path: Relay() for path in relays}
        for path, relay in self.relays.items():
            self.system.spawn(relay, path)

    def settle(self, *, timers: bool = False) -> None:
        """Handle all messages, and the timers only if asked to."""
        dispatcher = self.system.dispatcher
        assert isinstance(dispatcher, SteppingDispatcher)
        while choices := [c for c in dispatcher.enabled() if timers or not c.timer]:
            dispatcher.step(choices[0])

    def send(self, sender: str, path: str, message: Any) -> None:
        """Have a relay send a message, and handle all messages."""
        field = "call"
        if isinstance(message, Section):
            field = "section"
        elif isinstance(message, Queued | Flush | WorkDone):
            field = "item"
        kicked: dict[str, Any] = {field: message}
        self.system.ref(sender).tell(Kick(path, **kicked))
        self.settle()

    def heard(self, path: str) -> list[Heard]:
        """Return the messages of a relay, and forget them."""
        relay = self.relays[path]
        found, relay.heard = relay.heard, []
        return found


# -- a thread -------------------------------------------------------------------------


def test_a_thread_returns_once() -> None:
    """A `Returned` without a call fails an assertion."""
    bench = Bench("host", "writer")
    bench.system.spawn(SystemCall(bench.system.ref("host")), "thread0")
    bench.system.ref("host").tell(Kick("thread0", item=Returned(Written(0))))
    with pytest.raises(ActorFailedError, match="a call returns once"):
        bench.settle()


def test_a_call_is_returned_to_who_has_made_it() -> None:
    """The caller receives the result when the call has ended."""
    bench = Bench("writer")
    driver = VfioCcwPrivate(
        DESIGNS["2026"].choices, bench.system.ref("writer"), bench.system.ref("writer")
    )
    host = bench.system.spawn(driver, "host")
    bench.system.spawn(SystemCall(host), "thread0")
    bench.send("writer", "thread0", WriteAsync("CSCH"))
    assert bench.heard("writer") == [Written(0)]
    assert driver.state.kept == Fctl.CLEAR
    assert driver.state.mutex == ""


# -- the work queue -------------------------------------------------------------------


def test_items_are_done_one_after_the_other() -> None:
    """The second item begins when the first is done, whatever their devices."""
    bench = Bench("host", "other")
    bench.system.spawn(WorkQueue(), "work-queue")
    bench.send("host", "work-queue", Queued("io_todo"))
    bench.send("other", "work-queue", Queued("crw_todo"))
    assert bench.heard("host") == [Section("io_todo")]
    assert bench.heard("other") == []
    bench.send("host", "work-queue", Section("read_final"))
    assert bench.heard("host") == [Section("read_final")]
    bench.send("host", "work-queue", WorkDone())
    assert bench.heard("other") == [Section("crw_todo")]


def test_who_flushes_waits_for_what_is_queued() -> None:
    """A flush waits for items queued before it, and for none after it."""
    bench = Bench("host", "thread0")
    bench.system.spawn(WorkQueue(), "work-queue")
    again = Section("disable")
    bench.send("host", "work-queue", Flush("thread0", again))
    assert bench.heard("thread0") == [again]
    bench.send("host", "work-queue", Queued("io_todo"))
    bench.send("host", "work-queue", Flush("thread0", again))
    bench.send("host", "work-queue", Queued("crw_todo"))
    assert bench.heard("thread0") == []
    bench.send("host", "work-queue", WorkDone())
    assert bench.heard("thread0") == [again]
    assert bench.heard("host") == [Section("io_todo"), Section("crw_todo")]


# -- the driver's actor ---------------------------------------------------------------


def private(design: str) -> tuple[Bench, VfioCcwPrivate]:
    """Return a driver between threads, a work queue and an emulator."""
    bench = Bench("thread0", "thread1", "work-queue", "emulator")
    ref = bench.system.ref
    driver = VfioCcwPrivate(DESIGNS[design].choices, ref("work-queue"), ref("emulator"))
    bench.system.spawn(driver, "host")
    return bench, driver


def test_a_start_goes_from_section_to_section() -> None:
    """Each answer names the next section; the last one is the call's result."""
    bench, driver = private("2026")
    bench.send("thread0", "host", START)
    steps: list[str] = []
    while heard := bench.heard("thread0"):
        (section,) = heard
        if not isinstance(section, Section):
            assert section == Returned(Written(0))
            break
        steps.append(section.step)
        bench.send("thread0", "host", section)
    assert steps == [
        "io_request",
        "cp_init",
        "cp_prefetch",
        "copy_idal",
        "io_helper",
        "leave_io",
    ]
    assert (driver.state.fsm, driver.state.owned) == ("CP_PENDING", 1)


def test_effects_go_to_whom_they_are_for() -> None:
    """Effects reach the work queue, the emulator, and a thread that waited."""
    bench, driver = private("2026")
    bench.send("thread0", "host", START)
    bench.send("thread1", "host", Section("read_region"))
    assert bench.heard("thread1") == []
    bench.send("thread0", "host", Section("leave_io"))
    assert bench.heard("thread1") == [Section("read_region")]
    bench.send("thread1", "host", Section("read_region"))
    bench.send("thread1", "host", Section("leave_read"))
    assert bench.heard("thread1") == [
        Section("leave_read"),
        Returned(IoRead(Irb(Scsw()))),
    ]
    bench.send("thread1", "host", WriteAsync("CSCH"))
    bench.send("thread1", "host", Section("clear"))
    bench.settle(timers=True)
    assert bench.heard("work-queue") == [Queued("io_todo")]
    bench.send("work-queue", "host", Section("signal"))
    assert bench.heard("emulator") == [Signalled()]
    assert bench.heard("work-queue") == []
    assert driver.state.events == 1


@pytest.mark.parametrize("design", DESIGNS)
def test_idle_while_the_channel_owns_a_program(design: str) -> None:
    """IDLE is wrong then in designs that have CP_PENDING."""
    wrong = design not in ("rfc-v3", "counted-programs")
    bench, driver = private(design)
    driver.state.owned = 1
    bench.send("thread0", "host", Section("unmap"))
    what = "I2: the state is IDLE while the channel owns a program"
    assert driver.state.wrong == ((what,) if wrong else ())
