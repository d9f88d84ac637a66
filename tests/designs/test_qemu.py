"""QEMU's emulator as a model: what it does with an errno, and with an IRB."""

import errno
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.actors import ChannelSubsystem
from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    CloseDevice,
    DeviceRequested,
    Done,
    HaltSubchannel,
    Instruction,
    Interruption,
    InterruptionGone,
    IoRead,
    NotOperational,
    Pending,
    ReadIo,
    SetAddressLimit,
    Signalled,
    StartSubchannel,
    TakeInterruption,
    TestSubchannel,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Actl, Dstat, Fctl, Irb, Orb, Scsw, Stctl, SubchannelId
from ccw_actors.designs import QemuSubchannel
from ccw_actors.runtime import Actor, ActorRef, SteppingDispatcher, System, receive
from ccw_actors.scenarios import ENABLED

START = StartSubchannel(Orb.command(0x1000, intparm=1))
ENDED = Scsw(fctl=Fctl.START, stctl=0x07, cpa=0x1008, dstat=0x0C)


class KernelState(Struct):
    """The results to return, how many writes came, and whether it was closed."""

    returns: tuple[int, ...]
    written: int = 0
    closed: bool = False


class Kernel(Actor):
    """Returns the given errnos in order; then 0."""

    def __init__(self, *returns: int, irb: Irb) -> None:
        self.state = KernelState(returns)
        self._irb = irb

    @receive
    def write(self, _message: WriteIo | WriteAsync) -> Written:
        """Return the next errno."""
        state = self.state
        state.written += 1
        first, *others = state.returns or (0,)
        state.returns = tuple(others)
        return Written(first)

    @receive
    def read(self, _message: ReadIo) -> IoRead:
        """Return the IRB."""
        return IoRead(self._irb)

    @receive
    def close(self, _message: CloseDevice) -> Written:
        """Note that the device was closed."""
        self.state.closed = True
        return Written(0)


class SinkState(Struct):
    """How many interrupts were announced, and whether the device is gone."""

    pending: int = 0
    gone: bool = False


class Sink(Actor):
    """Counts interrupts."""

    def __init__(self) -> None:
        self.state = SinkState()

    @receive
    def hint(self, _message: Pending) -> None:
        """Count an announced interrupt."""
        self.state.pending += 1

    @receive
    def gone(self, _message: NotOperational) -> None:
        """Note that the device is gone."""
        self.state.gone = True


class Bench:
    """A guest's subchannel of QEMU between a kernel and a channel subsystem."""

    def __init__(self, *returns: int, irb: Scsw = ENDED) -> None:
        self.system = System(SteppingDispatcher("mailbox"))
        self.kernel = Kernel(*returns, irb=Irb(irb))
        self.sink = Sink()
        self.system.spawn(self.kernel, "kernel")
        self.system.spawn(self.sink, "css")
        ref = self.system.ref
        emulated = QemuSubchannel(
            SubchannelId(0, 0), ENABLED, ref("kernel"), ref("css")
        )
        self.subchannel: ActorRef[Any] = self.system.spawn(emulated, "guest-subchannel")

    def instruct(self, instruction: Instruction) -> Any:
        """Return the answer to an instruction."""
        answer = self.subchannel.ask(instruction, block=True)
        self.settle()
        return answer

    def take(self) -> Any:
        """Take an interruption."""
        return self.subchannel.ask(TakeInterruption(), block=True)

    def tell(self, message: Any) -> None:
        """Send a message, and handle all messages."""
        self.subchannel.tell(message)
        self.settle()

    def settle(self) -> None:
        """Handle all messages."""
        dispatcher = self.system.dispatcher
        assert isinstance(dispatcher, SteppingDispatcher)
        while choices := dispatcher.enabled():
            dispatcher.step(choices[0])


@pytest.mark.parametrize("instruction", [START, HaltSubchannel(), ClearSubchannel()])
@pytest.mark.parametrize(
    ("reason", "cc"), [(0, 0), (errno.ENODEV, 3), (errno.EACCES, 3), (errno.EIO, 0)]
)
def test_errno_is_a_condition_code(
    instruction: Instruction, reason: int, cc: int
) -> None:
    """ENODEV and EACCES become cc 3, other errnos 0, for all instructions."""
    assert Bench(reason).instruct(instruction).cc == cc


def test_busy_is_cc_2_but_for_clear() -> None:
    """EBUSY restores the SCSW; CSCH has no condition code 2."""
    bench = Bench(errno.EBUSY)
    assert bench.instruct(START).cc == 2
    assert bench.instruct(TestSubchannel()).irb.scsw == Scsw()
    bench = Bench(errno.EBUSY)
    assert bench.instruct(ClearSubchannel()).cc == 0
    assert bench.sink.state.pending == 1


def test_what_has_no_errno_is_a_unit_exception() -> None:
    """Other errnos make up status and inject an interrupt; FC and AC stay as set."""
    bench = Bench(errno.EIO)
    assert bench.instruct(START).cc == 0
    assert bench.sink.state.pending == 1
    scsw = bench.instruct(TestSubchannel()).irb.scsw
    assert scsw.dstat == Dstat.UNIT_EXCEPTION
    assert (scsw.fctl, scsw.cpa) == (Fctl.START, 0x1008)
    assert scsw.actl == Actl.START_PENDING


def test_again_is_written_again() -> None:
    """The guest does not see EAGAIN."""
    bench = Bench(errno.EAGAIN, errno.EAGAIN, 0)
    assert bench.instruct(START).cc == 0
    assert bench.kernel.state.written == 3


def test_an_irb_replaces_all() -> None:
    """An IRB also replaces FC, whatever the guest has accepted since."""
    bench = Bench()
    assert bench.instruct(START).cc == 0
    assert bench.instruct(ClearSubchannel()).cc == 0
    bench.tell(Signalled())
    assert bench.instruct(TestSubchannel()).irb.scsw == ENDED
    assert bench.instruct(START).cc == 0


def test_clear_keeps_old_status() -> None:
    """After CSCH old status is still pending, with FC clear."""
    bench = Bench()
    assert bench.instruct(START).cc == 0
    bench.tell(Signalled())
    assert bench.instruct(ClearSubchannel()).cc == 0
    tested = bench.instruct(TestSubchannel())
    assert tested.cc == 0
    assert tested.irb.scsw.fctl == Fctl.CLEAR
    assert tested.irb.scsw.stctl & Stctl.PRIMARY


def test_halt_drops_start() -> None:
    """HSCH switches FC start off, AC halt-pending on; with status pending: cc 1."""
    bench = Bench()
    assert bench.instruct(START).cc == 0
    assert bench.instruct(HaltSubchannel()).cc == 0
    scsw = bench.instruct(TestSubchannel()).irb.scsw
    assert (scsw.fctl, scsw.actl & Actl.HALT_PENDING) == (Fctl.HALT, Actl.HALT_PENDING)
    bench.tell(Signalled())
    assert bench.instruct(HaltSubchannel()).cc == 1


def test_cancel_stays_here() -> None:
    """XSCH ends the START for the guest; the kernel does not learn of it."""
    bench = Bench()
    assert bench.instruct(START).cc == 0
    assert bench.instruct(CancelSubchannel()).cc == 0
    assert bench.kernel.state.written == 1


def test_interrupts_are_a_list() -> None:
    """Each read injects one; taking and TSCH remove one each."""
    bench = Bench()
    bench.tell(Signalled())
    bench.tell(Signalled())
    assert isinstance(bench.take(), Interruption)
    bench.instruct(TestSubchannel())
    assert isinstance(bench.take(), InterruptionGone)


def test_address_limit_is_set() -> None:
    """The guest's SAL ends: QEMU's subchannel answers the settings that it ignores."""
    bench = Bench()
    css = bench.system.spawn(ChannelSubsystem({0: bench.subchannel}), "subsystem")
    assert css.ask(SetAddressLimit(0x10000), block=True) == Done()


def test_a_device_that_is_wanted_back() -> None:
    """A requested device is closed, and every instruction has condition code 3."""
    bench = Bench()
    bench.tell(DeviceRequested())
    assert bench.kernel.state.closed
    assert bench.sink.state.gone
    assert bench.instruct(START).cc == 3
