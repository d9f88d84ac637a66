"""QEMU's emulator of a passed-through subchannel, on the regions of vfio-ccw.

| instruction | what it does to the SCSW first | then |
|---|---|---|
| SSCH | FC start, AC start-pending | write the I/O region |
| RSCH | AC resume-pending | write the I/O region, as for SSCH |
| HSCH | FC halt without start, AC halt-pending | write the async region |
| CSCH | FC clear, AC clear-pending; SC stays | write the async region |
| XSCH | FC start off | nothing: the host does not learn of it |
| TSCH, MSCH, STSCH | as for any subchannel | nothing |

| errno of the write | SSCH, RSCH, HSCH | CSCH |
|---|---|---|
| 0 | cc 0 | cc 0 |
| EAGAIN | write again | write again |
| EBUSY | cc 2 | a unit exception, cc 0 |
| ENODEV, EACCES | cc 3 | cc 3 |
| other | a unit exception, cc 0 | a unit exception, cc 0 |

Each IRB that is read replaces the whole SCSW, and QEMU injects an interrupt whatever is
pending already. Everything but taking an interrupt, which KVM does, happens under the
big lock, one operation at a time, including writes to the kernel.

Source: QEMU hw/vfio/ccw.c, hw/s390x/css.c, hw/s390x/s390-ccw.c; for the interrupts
Linux arch/s390/kvm/priv.c (TSCH takes one out of the list).
"""

import errno
from typing import Final, TypeAlias

from ccw_actors.actors.protocol import (
    CloseDevice,
    ConditionCode,
    DeviceRequested,
    GuestToSubchannel,
    Instruction,
    InstructionAnswer,
    Interruption,
    InterruptionGone,
    IoRead,
    NoteSettings,
    NotOperational,
    Pending,
    ReadIo,
    ResetDevice,
    ResetSubchannel,
    SettingsNoted,
    Signalled,
    SubchannelReset,
    SubchannelToSink,
    TakeInterruption,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Cc, InterruptionCode, Pmcw, Schib, SubchannelId
from ccw_actors.designs._qemu_state import QemuState, Turn
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["QemuSubchannel"]

ToKernel: TypeAlias = WriteIo | WriteAsync | ReadIo | ResetDevice | CloseDevice

_NO_DEVICE: Final = frozenset({errno.ENODEV, errno.EACCES})


class QemuSubchannel(Actor[GuestToSubchannel | Signalled | DeviceRequested]):
    """Subchannel `schid` of a guest, on a `kernel` that answers vfio-ccw's requests.

    `pmcw` is what it starts with. It announces interruptions to `sink`.
    """

    state: QemuState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        kernel: ActorRef[ToKernel],
        sink: ActorRef[SubchannelToSink],
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
        assert turn.instruction is not None, "the turn is an instruction's"
        answer = self.state.execute(turn.instruction)
        if isinstance(answer, WriteIo | WriteAsync):
            self.state.request = answer
            self._kernel.tell(answer)
        else:
            self._answer(answer)

    def _answer(self, answer: InstructionAnswer) -> None:
        state = self.state
        assert state.turn is not None, "the turn is this instruction's"
        assert state.turn.to is not None, "an instruction has a sender"
        self.reply(state.turn.to, answer)
        state.turn = None

    # -- the kernel's answers ---------------------------------------------------------

    @receive
    def written(self, message: Written) -> None:
        """Turn an errno into a condition code, or into a unit exception."""
        state, reason = self.state, message.errno
        assert state.turn is not None, "a write belongs to a turn"
        if state.turn.kind != "instruction":
            self._over(state.turn)
            return
        assert state.request is not None, "a request was written"
        if reason == errno.EAGAIN:
            self._kernel.tell(state.request)
            return
        cc = _condition_code(state.request, reason)
        if cc:
            state.scsw = state.before
        self._answer(ConditionCode(cc))
        if reason and not cc:
            state.note_unit_exception()
            self._inject()
        state.request = None
        self._go_on()

    def _over(self, turn: Turn) -> None:
        """End the turn of a reset or an unplug."""
        if turn.to is not None:
            self.reply(turn.to, SubchannelReset(self._schid.index))
        self.state.turn = None
        self._go_on()

    @receive
    def read(self, message: IoRead) -> None:
        """Replace the SCSW by that of the IRB, and inject an interrupt."""
        self.state.irb = message.irb
        self.state.scsw = message.irb.scsw
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

    # -- the guest's channel subsystem -------------------------------------------------

    @receive
    def note_settings(self, _message: NoteSettings) -> SettingsNoted:
        """Keep nothing: QEMU checks no address limit, and this model measures nothing.

        Source: QEMU target/s390x/ioinst.c (ioinst_handle_sal).
        """
        return SettingsNoted(self._schid.index)

    # -- interrupts -------------------------------------------------------------------

    def _inject(self) -> None:
        self.state.interrupts += 1
        self._sink.tell(Pending(self._schid.index, self.state.schib.pmcw.isc))

    @receive
    def take(self, message: TakeInterruption) -> InterruptionGone | None:
        """Hand an interrupt of the list over."""
        number, pmcw = self._schid.index, self.state.schib.pmcw
        if not (self.state.interrupts and message.mask & 0x80 >> pmcw.isc):
            return InterruptionGone(number, message.to)
        self.state.interrupts -= 1
        if self.state.interrupts:
            self._sink.tell(Pending(number, pmcw.isc))
        code = InterruptionCode.of(self._schid, pmcw.intparm, pmcw.isc)
        self.reply(message.to or self.reply_to, Interruption(code))
        return None


def _condition_code(request: WriteIo | WriteAsync, reason: int) -> int:
    if reason in _NO_DEVICE:
        return Cc.NOT_OPERATIONAL
    busy = reason == errno.EBUSY and request != WriteAsync("CSCH")
    return Cc.NOT_APPLICABLE if busy else Cc.DONE
