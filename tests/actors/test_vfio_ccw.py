"""VfioCcw alone, between a guest's subchannel, storage and a Cio: its whole table."""

import errno
from collections.abc import Callable
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from ccw_actors.actors import VfioCcw
from ccw_actors.actors.protocol import (
    Accepted,
    Area,
    Cancel,
    CancelRequest,
    CioToVfioCcw,
    Clear,
    ClearRequest,
    Completed,
    Detach,
    Found,
    Gone,
    GuestSubchannelToVfioCcw,
    Halt,
    HaltRequest,
    Interrupt,
    IoEvent,
    IoRequest,
    Look,
    LookRequest,
    Pin,
    Pinned,
    ReadStorage,
    Refused,
    Resume,
    ResumeRequest,
    SenseConcurrently,
    Start,
    StorageData,
    Unpin,
    UnpinAll,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
)
from ccw_actors.channel import Actl, Ccw, Fctl, Irb, Orb, Pmcw, Schib, Scsw, Stctl
from ccw_actors.runtime import Message, Restart, receive
from ccw_actors.testkit import ProbeFactory, VirtualSystem

BASE = 1 << 32
BUFFER = 0x2000
ORB = Orb.command(0x1000)
WRITE = Ccw(0x01, 0, 8, BUFFER).to_bytes(1)
FINAL = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING

Expected: TypeAlias = tuple[str, Message]


class Failing(VfioCcw):
    """A VfioCcw that fails on SenseConcurrently."""

    @receive
    def sense_concurrently(self, message: SenseConcurrently) -> None:
        """Fail."""
        raise RuntimeError(message)


class Rig:
    """A VfioCcw, and probes for the three actors that it sends to.

    `start` is the number of the START that `started` and the others begin with.
    """

    def __init__(
        self,
        system: VirtualSystem,
        probe: ProbeFactory,
        kind: type[VfioCcw] = VfioCcw,
    ) -> None:
        self._clock = system.clock
        self.cio = probe(VfioCcwToCio)
        self.storage = probe(VfioCcwToStorage)
        self.guest = probe(VfioCcwToGuestSubchannel | Accepted)
        self.vfio_ccw = system.spawn(
            kind(self.cio.ref, self.storage.ref, self.guest.ref, base=BASE),
            "vfio-ccw",
            supervision=Restart(),
        )
        self.begun = Start(0, ORB)

    def tell(self, *messages: GuestSubchannelToVfioCcw | CioToVfioCcw) -> None:
        """Let it handle messages, and all that follow."""
        for message in messages:
            self.vfio_ccw.tell(message)
            self._clock.run()

    def read(self, number: int = 1) -> None:
        """Answer the read of a program: one WRITE, then zeros."""
        wanted = self.storage.expect_now(ReadStorage)
        assert wanted.number == number
        parts = tuple(WRITE.ljust(area.length, b"\0") for area in wanted.areas)
        self.storage.reply(StorageData(number, parts))
        self._clock.run()

    def pinned(self, number: int = 1) -> None:
        """Answer that the data of the program are pinned."""
        self.storage.expect_now(Pin(number, (Area(BUFFER, 8),)))
        self.storage.reply(Pinned(number))
        self._clock.run()

    def nothing_more(self) -> None:
        """Expect no other messages."""
        for one in (self.cio, self.storage, self.guest):
            one.expect_nothing_now()

    def suspended(self) -> None:
        """Tell it that the host has suspended the program at its first CCW."""
        cpa = self.begun.orb.cpa + 8
        scsw = Scsw(fctl=Fctl.START, actl=Actl.SUSPENDED, cpa=cpa)
        self.tell(Found(9, Schib(Pmcw(), scsw)))
        self.guest.expect_now(Found)


@pytest.fixture
def rig(virtual_system: VirtualSystem, probe: ProbeFactory) -> Rig:
    """A VfioCcw without requests."""
    return Rig(virtual_system, probe)


# -- how far a START is ----------------------------------------------------------------


def none(rig: Rig) -> None:
    """There is no START."""
    del rig


def over(rig: Rig) -> None:
    """The START has ended, and the emulator has taken its end."""
    started(rig)
    rig.tell(ended(1), ResumeRequest(2, taken=1))
    rig.guest.expect_now(IoEvent)
    rig.guest.expect_now(Completed(2, 2))
    rig.storage.expect_now(Unpin(1))


def copying(rig: Rig) -> None:
    """The program is being read."""
    rig.tell(IoRequest(1, ORB))


def pinning(rig: Rig) -> None:
    """Its data are being pinned."""
    copying(rig)
    rig.read()


def started(rig: Rig) -> None:
    """Cio has the program."""
    pinning(rig)
    rig.pinned()
    rig.begun = rig.cio.expect_now(Start)


def halted(rig: Rig) -> None:
    """Cio also has a HALT; the program was suspended before."""
    suspended(rig)
    rig.tell(HaltRequest(2))
    rig.cio.expect_now(Halt(2))


def cleared(rig: Rig) -> None:
    """Cio also has a CLEAR; the program was suspended before."""
    suspended(rig)
    rig.tell(ClearRequest(2))
    rig.cio.expect_now(Clear(2))


def withdrawn(rig: Rig) -> None:
    """Cio also has a CANCEL; the program was suspended before."""
    suspended(rig)
    rig.tell(CancelRequest(2))
    rig.cio.expect_now(Cancel(2))


def suspended(rig: Rig) -> None:
    """Cio has the program, and the host has suspended it."""
    started(rig)
    rig.suspended()


def copied_again(rig: Rig) -> None:
    """The program is suspended, and is copied again for a RESUME."""
    suspended(rig)
    rig.tell(ResumeRequest(2))
    rig.storage.expect_now(ReadStorage)


State: TypeAlias = Callable[[Rig], None]


def ended(*numbers: int, fctl: int = Fctl.START) -> Interrupt:
    """Return the interrupt that ends these operations."""
    scsw = Scsw(fctl=fctl, stctl=FINAL)
    return Interrupt(numbers, numbers, max(numbers), Irb(scsw))


def own_end(*numbers: int) -> IoEvent:
    """Return the event by which VfioCcw itself ends a HALT, and maybe a START."""
    start = len(numbers) > 1
    fctl = Fctl.HALT | (Fctl.START if start else 0)
    actl = Actl.START_PENDING if start else 0
    scsw = Scsw(fctl=fctl, actl=actl, stctl=Stctl.PENDING)
    return IoEvent(numbers, numbers, numbers[-1], Irb(scsw))


def read_again(rig: Rig) -> ReadStorage:
    """Return the reads of the suspended program, from its first CCW on."""
    return replace(first_read(rig), number=7)


def first_read(rig: Rig) -> ReadStorage:
    """Return the reads of the program."""
    return next(one for one in rig.storage.received if isinstance(one, ReadStorage))


NOT_APPLICABLE = ("guest", Completed(7, 2))
BUSY = ("guest", Refused(7, errno.EBUSY))
TO_CIO: dict[type[Message], Expected] = {
    HaltRequest: ("cio", Halt(7)),
    ClearRequest: ("cio", Clear(7)),
    CancelRequest: ("cio", Cancel(7)),
}
READ_ANEW: Expected = ("storage", ReadStorage(7, ()))

TABLE: dict[State, tuple[list[Expected], ...]] = {
    none: (
        [("guest", own_end(7))],
        [TO_CIO[ClearRequest]],
        [NOT_APPLICABLE],
        [NOT_APPLICABLE],
    ),
    over: (
        [("guest", own_end(7))],
        [TO_CIO[ClearRequest]],
        [NOT_APPLICABLE],
        [NOT_APPLICABLE],
    ),
    copying: (
        [("guest", own_end(1, 7))],
        [TO_CIO[ClearRequest]],
        [("guest", Completed(7, 0))],
        [NOT_APPLICABLE],
    ),
    pinning: (
        [("storage", Unpin(1)), ("guest", own_end(1, 7))],
        [("storage", Unpin(1)), TO_CIO[ClearRequest]],
        [("storage", Unpin(1)), ("guest", Completed(7, 0))],
        [NOT_APPLICABLE],
    ),
    started: (
        [TO_CIO[HaltRequest]],
        [TO_CIO[ClearRequest]],
        [TO_CIO[CancelRequest]],
        [NOT_APPLICABLE],
    ),
    suspended: (
        [TO_CIO[HaltRequest]],
        [TO_CIO[ClearRequest]],
        [TO_CIO[CancelRequest]],
        [READ_ANEW],
    ),
    halted: ([BUSY], [TO_CIO[ClearRequest]], [NOT_APPLICABLE], [READ_ANEW]),
    cleared: ([BUSY], [TO_CIO[ClearRequest]], [NOT_APPLICABLE], [READ_ANEW]),
    withdrawn: (
        [TO_CIO[HaltRequest]],
        [TO_CIO[ClearRequest]],
        [NOT_APPLICABLE],
        [READ_ANEW],
    ),
    copied_again: (
        [TO_CIO[HaltRequest]],
        [TO_CIO[ClearRequest]],
        [TO_CIO[CancelRequest]],
        [NOT_APPLICABLE],
    ),
}
"""The results of HALT, CLEAR, CANCEL and RESUME, number 7, by state of the START."""

REQUESTS = (HaltRequest, ClearRequest, CancelRequest, ResumeRequest)

CELLS = [
    pytest.param(state, request, expected, id=f"{state.__name__}-{request.__name__}")
    for state, row in TABLE.items()
    for request, expected in zip(REQUESTS, row, strict=True)
]


@pytest.mark.parametrize(("state", "request_type", "expected"), CELLS)
def test_table(
    rig: Rig,
    state: State,
    request_type: type[HaltRequest | ClearRequest | CancelRequest | ResumeRequest],
    expected: list[Expected],
) -> None:
    """Each request does what the table says, and nothing else."""
    state(rig)
    for one in (rig.cio, rig.storage, rig.guest):
        if one.queued:
            assert state in (copying, pinning)
            one.expect_now(ReadStorage if state is copying else Pin)
    rig.tell(request_type(7))
    for whom, message in expected:
        wanted = read_again(rig) if (whom, message) == READ_ANEW else message
        {"cio": rig.cio, "storage": rig.storage, "guest": rig.guest}[whom].expect_now(
            wanted
        )
    rig.nothing_more()


# -- START -----------------------------------------------------------------------------


def test_start(rig: Rig) -> None:
    """A program is read, pinned, and given to Cio in host addresses."""
    started(rig)
    assert rig.begun.number == 1
    assert rig.begun.orb.cpa >= BASE % (1 << 31)
    assert rig.begun.program
    rig.nothing_more()


def test_transport_mode(rig: Rig) -> None:
    """An ORB of transport mode is refused with EOPNOTSUPP."""
    rig.tell(IoRequest(1, replace(ORB, flags=ORB.flags | Orb.transport.mask)))
    rig.guest.expect_now(Refused(1, errno.EOPNOTSUPP))
    rig.nothing_more()


@pytest.mark.parametrize(
    "state", [copying, pinning, started, halted, cleared, withdrawn, copied_again]
)
def test_busy(rig: Rig, state: State) -> None:
    """A START is refused with EBUSY until the one before has ended."""
    state(rig)
    rig.tell(IoRequest(7, ORB))
    rig.guest.expect_now(Refused(7, errno.EBUSY))


def test_busy_until_taken(rig: Rig) -> None:
    """A START is refused until the emulator has taken the status of the last one."""
    started(rig)
    rig.tell(ended(1), IoRequest(2, ORB), IoRequest(3, ORB, taken=1))
    rig.guest.expect_now(IoEvent)
    rig.guest.expect_now(Refused(2, errno.EBUSY))
    rig.storage.expect_now(Unpin(1))
    rig.read(3)


@pytest.mark.parametrize("request_type", [HaltRequest, ClearRequest, CancelRequest])
def test_late_answers_of_storage(
    rig: Rig, request_type: type[HaltRequest | ClearRequest | CancelRequest]
) -> None:
    """Late answers of storage for a dropped program start nothing."""
    pinning(rig)
    rig.tell(request_type(7))
    rig.pinned()
    assert not any(isinstance(one, Start) for one in rig.cio.received)
    copied = StorageData(1, (WRITE,))
    rig.storage.reply(copied)
    rig.tell()
    assert len([one for one in rig.storage.received if isinstance(one, Pin)]) == 1


def test_late_pins_and_the_next_start(rig: Rig) -> None:
    """Late answers for a dropped program do not start the next one."""
    pinning(rig)
    rig.tell(HaltRequest(2), IoRequest(3, ORB, taken=1))
    rig.pinned(1)
    rig.storage.expect_now(Unpin(1))
    rig.read(3)
    rig.cio.expect_nothing_now()
    rig.pinned(3)
    rig.cio.expect_now(Start)


# -- RESUME ----------------------------------------------------------------------------


def test_resume(rig: Rig) -> None:
    """A suspended program is read and pinned again, and given to Cio."""
    suspended(rig)
    rig.tell(ResumeRequest(2))
    rig.read(2)
    rig.pinned(1)
    resume = rig.cio.expect_now(Resume)
    assert (resume.number, bool(resume.program)) == (2, True)
    rig.nothing_more()


def test_resume_of_what_ends(rig: Rig) -> None:
    """If the program ends before that, RESUME does not apply."""
    copied_again(rig)
    rig.tell(ended(1))
    rig.guest.expect_now(Completed(2, 2))
    rig.guest.expect_now(IoEvent)


# -- what Cio says ---------------------------------------------------------------------


def test_interrupt(rig: Rig) -> None:
    """A status goes up with its numbers, and a guest address."""
    started(rig)
    scsw = Scsw(fctl=Fctl.START, stctl=FINAL, cpa=rig.begun.orb.cpa + 8)
    rig.tell(Interrupt((1,), (1,), 1, Irb(scsw)))
    rig.guest.expect_now(IoEvent((1,), (1,), 1, Irb(replace(scsw, cpa=0x1008))))
    rig.storage.expect_now(Unpin(1))
    rig.nothing_more()


def test_interrupt_that_ends_nothing(rig: Rig) -> None:
    """A status that ends nothing releases nothing."""
    started(rig)
    rig.tell(replace(ended(1), ends=()))
    rig.guest.expect_now(IoEvent)
    rig.nothing_more()
    rig.tell(IoRequest(2, ORB))
    rig.guest.expect_now(Refused(2, errno.EBUSY))


@pytest.mark.parametrize("state", [halted, cleared])
def test_released_by_what_came_later(rig: Rig, state: State) -> None:
    """A completed HALT or CLEAR releases everything accepted before it."""
    state(rig)
    rig.tell(ended(2))
    rig.storage.expect_now(Unpin(1))
    rig.guest.expect_now(IoEvent)
    rig.tell(ended(2))
    rig.guest.expect_now(IoEvent)
    rig.nothing_more()


def test_halt_ends(rig: Rig) -> None:
    """After the end of a HALT another one is accepted."""
    halted(rig)
    rig.tell(ended(2, fctl=Fctl.HALT), HaltRequest(3))
    rig.cio.expect_now(Halt(3))


def test_clear_ends_all(rig: Rig) -> None:
    """After the end of a CLEAR there is neither START nor HALT."""
    cleared(rig)
    rig.tell(ended(2), IoRequest(3, ORB, taken=1))
    rig.guest.expect_now(IoEvent)
    rig.storage.expect_now(Unpin(1))
    rig.read(3)


@pytest.mark.parametrize("state", [started, halted, cleared])
def test_refused(rig: Rig, state: State) -> None:
    """A START that never ran is released; refused operations may be requested again."""
    state(rig)
    rig.tell(Refused(1, errno.EACCES))
    rig.storage.expect_now(Unpin(1))
    rig.guest.expect_now(Refused(1, errno.EACCES))
    if state is started:
        rig.tell(IoRequest(3, ORB))
        rig.read(3)
    else:
        rig.tell(Refused(2, errno.EBUSY), HaltRequest(3))
        rig.guest.expect_now(Refused(2, errno.EBUSY))
        rig.guest.expect_now(own_end(3))


@pytest.mark.parametrize("cc", [0, 1, 2])
def test_completed(rig: Rig, cc: int) -> None:
    """A CANCEL with condition code 0 releases the program; others do not."""
    withdrawn(rig)
    rig.tell(Completed(2, cc))
    rig.guest.expect_now(Completed(2, cc))
    if cc == 0:
        rig.storage.expect_now(Unpin(1))
    rig.nothing_more()
    rig.tell(CancelRequest(3))
    if cc == 0:
        rig.guest.expect_now(Completed(3, 2))
    else:
        rig.cio.expect_now(Cancel(3))


def test_found(rig: Rig) -> None:
    """The SCHIB of a Look goes up with a guest address."""
    started(rig)
    scsw = Scsw(fctl=Fctl.START, cpa=rig.begun.orb.cpa + 8)
    rig.tell(Found(2, Schib(Pmcw(), scsw)))
    rig.guest.expect_now(Found(2, Schib(Pmcw(), replace(scsw, cpa=0x1008))))


def test_no_longer_suspended(rig: Rig) -> None:
    """A program that a later Look does not find suspended cannot be resumed."""
    suspended(rig)
    rig.tell(Found(9, Schib(Pmcw(), Scsw(fctl=Fctl.START))), ResumeRequest(7))
    rig.guest.expect_now(Found)
    rig.guest.expect_now(Completed(7, 2))


@pytest.mark.parametrize("state", [none, copying, pinning, halted, cleared, withdrawn])
def test_gone(rig: Rig, state: State) -> None:
    """When the host's subchannel is gone, all is given up, and Gone goes up."""
    state(rig)
    rig.tell(Gone(), HaltRequest(7))
    rig.storage.fish_now(UnpinAll())
    rig.guest.expect_now(Gone())
    rig.guest.expect_now(own_end(7))


def test_accepted(rig: Rig) -> None:
    """A guest's subchannel receives no Accepted: it has not asked for it."""
    started(rig)
    assert not rig.begun.acknowledge
    rig.tell(Accepted(1))
    rig.nothing_more()


# -- passed on -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "passed"),
    [
        (LookRequest(7), Look(7)),
        (SenseConcurrently(wanted=True), SenseConcurrently(wanted=True)),
        (Detach(), Detach()),
    ],
)
def test_passed_on(
    rig: Rig, message: GuestSubchannelToVfioCcw, passed: VfioCcwToCio
) -> None:
    """Requests for Cio are passed on, whatever is in progress."""
    started(rig)
    rig.tell(message)
    rig.cio.expect_now(passed)
    rig.nothing_more()


@pytest.mark.actor_failures("vfio-ccw")
def test_restart(virtual_system: VirtualSystem, probe: ProbeFactory) -> None:
    """After a crash the host's subchannel is given up, and then all pins."""
    rig = Rig(virtual_system, probe, Failing)
    started(rig)
    rig.tell(SenseConcurrently(wanted=True))
    rig.cio.expect_now(Detach())
    rig.nothing_more()
    rig.tell(Gone())
    rig.storage.expect_now(UnpinAll())
    rig.guest.expect_now(Gone())
