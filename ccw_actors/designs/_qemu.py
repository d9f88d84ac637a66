"""QEMU's emulator of a passed-through subchannel, on the regions of vfio-ccw.

| instruction | what it does to the SCSW first | then |
|---|---|---|
| SSCH | FC start, AC start-pending | write the I/O region |
| RSCH | AC resume-pending | write the I/O region, as for SSCH |
| HSCH | FC halt without start, AC halt-pending | write the async region |
| CSCH | FC clear, AC clear-pending; SC stays | write the async region |
| XSCH | FC start off | nothing: the host is not told |
| TSCH, MSCH, STSCH | as for any subchannel | nothing |

| errno of the write | SSCH, RSCH, HSCH | CSCH |
|---|---|---|
| 0 | cc 0 | cc 0 |
| EAGAIN | write again | write again |
| EBUSY | cc 2 | a unit exception, cc 0 |
| ENODEV, EACCES | cc 3 | cc 3 |
| other | a unit exception, cc 0 | a unit exception, cc 0 |

Each IRB that is read replaces the whole SCSW, and an interrupt is injected whatever is
pending already. All but the taking of an interrupt, which is KVM's, happens under the
big lock: one thing at a time, a write to the kernel included.

Source: QEMU hw/vfio/ccw.c, hw/s390x/css.c, hw/s390x/s390-ccw.c; for the interrupts
Linux arch/s390/kvm/priv.c (TSCH takes one out of the list).
"""

import errno
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearSubchannel,
    CloseDevice,
    ConditionCode,
    DeviceRequested,
    HaltSubchannel,
    Instruction,
    InterruptionGone,
    InterruptionTaken,
    IoRead,
    ModifySubchannel,
    NotOperational,
    Pending,
    ReadIo,
    ResetDevice,
    ResetSubchannel,
    ResumeSubchannel,
    Signalled,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    TakeInterruption,
    Tested,
    TestSubchannel,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import (
    Actl,
    Dstat,
    Fctl,
    InterruptionCode,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["QemuSubchannel"]

Answer: TypeAlias = ConditionCode | Tested | Stored
ToKernel: TypeAlias = WriteIo | WriteAsync | ReadIo | ResetDevice | CloseDevice
FromKernel: TypeAlias = Signalled | DeviceRequested

_NO_DEVICE: Final = frozenset({errno.ENODEV, errno.EACCES})
_ENDED: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
_STATUS: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY


class Turn(Struct, frozen=True):
    """Something that wants the big lock; `to` is who wants its answer, if anyone."""

    kind: Literal["instruction", "signal", "reset", "unplug"]
    instruction: Instruction | None = None
    to: ReplyTo[Answer | SubchannelReset] | None = None


class QemuState(Struct):
    """The subchannel as QEMU has it, and who has the big lock.

    `before` is the SCSW to go back to if the kernel refuses. `interrupts` are in KVM's
    list. `turn` has the lock, `waiting` want it; `request` is written again on EAGAIN.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    before: Scsw = Scsw()
    orb: Orb = Orb.command(0)
    interrupts: int = 0
    turn: Turn | None = None
    waiting: tuple[Turn, ...] = ()
    request: WriteIo | WriteAsync | None = None


class QemuSubchannel(
    Actor[Instruction | ResetSubchannel | TakeInterruption | FromKernel]
):
    """Subchannel `schid` of a guest, on a `kernel` that answers vfio-ccw's requests.

    `pmcw` is what it starts with. Interruptions are announced to `sink`.
    """

    state: QemuState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        kernel: ActorRef[ToKernel],
        sink: ActorRef[Pending | NotOperational],
    ) -> None:
        self._schid = schid
        self._kernel = kernel
        self._sink = sink
        self.state = QemuState(Schib(pmcw))

    # -- the big lock -----------------------------------------------------------------

    @receive
    def instruct(self, message: Instruction) -> None:
        """Execute an instruction when the big lock is free."""
        self._wait(Turn("instruction", message, self.reply_to))

    @receive
    def signalled(self, _message: Signalled) -> None:
        """Have the main loop read the I/O region when the big lock is free."""
        self._wait(Turn("signal"))

    @receive
    def reset(self, _message: ResetSubchannel) -> None:
        """Reset the device; the subchannel stays what it is."""
        self._wait(Turn("reset", to=self.reply_to))

    def _wait(self, turn: Turn) -> None:
        self.state.waiting = (*self.state.waiting, turn)
        self._go_on()

    def _go_on(self) -> None:
        state = self.state
        while state.waiting and state.turn is None:
            turn, *others = state.waiting
            state.waiting = tuple(others)
            state.turn = turn
            if turn.kind == "signal":
                self._kernel.tell(ReadIo())
            elif turn.kind == "reset":
                self._kernel.tell(ResetDevice())
            elif turn.kind == "unplug":
                self._unplug()
            else:
                self._execute(turn)

    def _execute(self, turn: Turn) -> None:
        assert turn.instruction is not None, "it was an instruction's turn"
        answer = self._done(turn.instruction)
        if answer is not None:
            self._answer(answer)

    def _done(self, instruction: Instruction) -> Answer | None:
        """Execute an instruction; None if the kernel has to be asked first."""
        match instruction:
            case StartSubchannel(orb=orb):
                answer: Answer | None = self._start(orb)
            case ResumeSubchannel():
                answer = self._resume()
            case HaltSubchannel():
                answer = self._halt()
            case ClearSubchannel():
                answer = self._clear()
            case CancelSubchannel():
                answer = self._cancel()
            case TestSubchannel():
                answer = self._test()
            case StoreSubchannel():
                answer = Stored(0, self.state.schib)
            case ModifySubchannel(pmcw=pmcw, mba=mba):
                new = Schib(pmcw, mba=mba)
                cc, self.state.schib = lifecycle.modify(self.state.schib, new)
                answer = ConditionCode(cc)
        return answer

    def _answer(self, answer: Answer) -> None:
        state = self.state
        assert state.turn is not None, "it was this instruction's turn"
        assert state.turn.to is not None, "an instruction was issued by somebody"
        self.reply(state.turn.to, answer)
        state.turn = None

    # -- instructions -----------------------------------------------------------------

    def _start(self, orb: Orb) -> ConditionCode | None:
        state = self.state
        cc, scsw = lifecycle.start(self._scsw, state.schib.pmcw, orb)
        if cc:
            return ConditionCode(cc)
        pmcw = lifecycle.started(state.schib.pmcw, orb)
        state.schib = replace(state.schib, pmcw=pmcw)
        state.orb = orb
        self._request(scsw, WriteIo(orb, Fctl.START))
        return None

    def _resume(self) -> ConditionCode | None:
        cc, scsw = lifecycle.resume(self._scsw, self.state.schib.pmcw)
        if cc:
            return ConditionCode(cc)
        self._request(scsw, WriteIo(self.state.orb, Fctl.START))
        return None

    def _halt(self) -> ConditionCode | None:
        scsw, pmcw = self._scsw, self.state.schib.pmcw
        if not (pmcw.valid and pmcw.enabled):
            return ConditionCode(3)
        if scsw.stctl == Stctl.PENDING or scsw.stctl & _STATUS:
            return ConditionCode(1)
        if scsw.fctl & (Fctl.HALT | Fctl.CLEAR):
            return ConditionCode(2)
        actl = scsw.actl | Actl.HALT_PENDING
        self._request(replace(scsw, fctl=Fctl.HALT, actl=actl), WriteAsync("HSCH"))
        return None

    def _clear(self) -> ConditionCode | None:
        pmcw = self.state.schib.pmcw
        if not (pmcw.valid and pmcw.enabled):
            return ConditionCode(3)
        scsw = replace(self._scsw, fctl=Fctl.CLEAR, actl=Actl.CLEAR_PENDING)
        self._request(scsw, WriteAsync("CSCH"))
        return None

    def _cancel(self) -> ConditionCode:
        cc, self._scsw = lifecycle.cancel(self._scsw, self.state.schib.pmcw)
        return ConditionCode(cc)

    def _test(self) -> Tested:
        state = self.state
        irb = replace(state.irb, scsw=self._scsw)
        cc, self._scsw = lifecycle.test(self._scsw, state.schib.pmcw)
        state.interrupts = max(0, state.interrupts - 1)
        return Tested(cc, irb)

    # -- the kernel's answers ---------------------------------------------------------

    def _request(self, scsw: Scsw, request: WriteIo | WriteAsync) -> None:
        self.state.before, self._scsw = self._scsw, scsw
        self.state.request = request
        self._kernel.tell(request)

    @receive
    def written(self, message: Written) -> None:
        """Turn an errno into a condition code, or into a unit exception."""
        state, reason = self.state, message.errno
        assert state.turn is not None, "a write is somebody's turn"
        if state.turn.kind != "instruction":
            if state.turn.to is not None:
                self.reply(state.turn.to, SubchannelReset(self._schid.index))
            state.turn = None
            self._go_on()
            return
        assert state.request is not None, "a request was written"
        if reason == errno.EAGAIN:
            self._kernel.tell(state.request)
            return
        is_clear = state.request == WriteAsync("CSCH")
        if reason == 0:
            self._answer(ConditionCode(0))
        elif reason in _NO_DEVICE:
            self._scsw = state.before
            self._answer(ConditionCode(3))
        elif reason == errno.EBUSY and not is_clear:
            self._scsw = state.before
            self._answer(ConditionCode(2))
        else:
            self._answer(ConditionCode(0))
            self._unit_exception()
        state.request = None
        self._go_on()

    def _unit_exception(self) -> None:
        scsw = self._scsw
        self._scsw = replace(
            scsw,
            actl=scsw.actl & ~Actl.START_PENDING,
            stctl=_ENDED,
            cpa=self.state.orb.cpa + CCW_LENGTH,
            dstat=Dstat.UNIT_EXCEPTION,
        )
        self._inject()

    @receive
    def read(self, message: IoRead) -> None:
        """Replace the SCSW by that of the IRB, and inject an interrupt."""
        self.state.irb = message.irb
        self._scsw = message.irb.scsw
        self._inject()
        self.state.turn = None
        self._go_on()

    @receive
    def device_requested(self, _message: DeviceRequested) -> None:
        """Unplug the device when the big lock is free."""
        self._wait(Turn("unplug"))

    def _unplug(self) -> None:
        state = self.state
        state.schib = Schib(Pmcw(devno=state.schib.pmcw.devno))
        state.interrupts = 0
        self._sink.tell(NotOperational(self._schid.index))
        self._kernel.tell(CloseDevice())

    # -- interrupts -------------------------------------------------------------------

    def _inject(self) -> None:
        self.state.interrupts += 1
        self._sink.tell(Pending(self._schid.index, self.state.schib.pmcw.isc))

    @receive
    def take(self, _message: TakeInterruption) -> InterruptionTaken | InterruptionGone:
        """Hand an interrupt of the list over."""
        number, pmcw = self._schid.index, self.state.schib.pmcw
        if not self.state.interrupts:
            return InterruptionGone(number)
        self.state.interrupts -= 1
        if self.state.interrupts:
            self._sink.tell(Pending(number, pmcw.isc))
        code = InterruptionCode.of(self._schid, pmcw.intparm, pmcw.isc)
        return InterruptionTaken(number, code)

    @property
    def _scsw(self) -> Scsw:
        return self.state.schib.scsw

    @_scsw.setter
    def _scsw(self, scsw: Scsw) -> None:
        self.state.schib = replace(self.state.schib, scsw=scsw)
