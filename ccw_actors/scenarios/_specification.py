"""One subchannel with its device and storage, as the architecture describes it.

It shares no code with `actors.Subchannel`, nor the table that this executes, so a wrong
actor is not compared with itself. A channel program is format-1 CCWs in storage:
NO-OPERATION and READ, with command chaining, PCI and suspension. An event whose time
the architecture leaves open is a timer, which fires at any time:

| timer | when set | what happens |
|---|---|---|
| GoOn | SSCH, RSCH, then at each step | the channel program takes its next step |
| ShowPci | a CCW with the PCI flag is fetched | its status becomes pending |
| Signal | HSCH, CSCH | the halt signal or the clear signal goes out |
| CutShort | a halt signal to a device that works | the device ends early |

| step | at which | next |
|---|---|---|
| fetch, chain | the CCW in control, or the one after it, is fetched | accept, suspend |
| suspend | the program stops before the CCW | resume |
| accept | the device takes the command | move |
| move | data are in storage | over |
| over | the command has ended | chain, or the end of the program |

`_specified_state` has the changes of the SCSW and of the program.

Source: PoP, "I/O Instructions" and "Basic I/O Functions", as confirmed by Hercules
channel.c and QEMU hw/s390x/css.c. PoP has tables of how FC, AC and SC change.
"""

from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Attend,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    DetachDevice,
    HaltSubchannel,
    Interruption,
    InterruptionGone,
    ModifySubchannel,
    NotOperational,
    Pending,
    ReadStorage,
    ResumeSubchannel,
    StartSubchannel,
    StorageData,
    StorageWritten,
    Stored,
    StoreSubchannel,
    TakeInterruption,
    Tested,
    TestSubchannel,
    WriteStorage,
)
from ccw_actors.channel import (
    PATH_0,
    Actl,
    Cstat,
    Dstat,
    Fctl,
    InterruptionCode,
    Irb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
)
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.runtime import Actor, ActorRef, Message, receive
from ccw_actors.scenarios._specified_state import WITHDRAWN, SpecifiedState

__all__ = ["SpecifiedSubchannel"]

_SCHID: Final = SubchannelId(0, 0)
_ENDS: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY


class GoOn(Message, frozen=True):
    """Have the channel program take its next step."""

    step: int


class ShowPci(Message, frozen=True):
    """Make the status of a PCI pending."""

    run: int


class Signal(Message, frozen=True):
    """Send the halt or clear signal."""

    number: int


class CutShort(Message, frozen=True):
    """Have a halted device end its command early."""

    step: int


class SpecifiedSubchannel(Actor):
    """A subchannel and its storage.

    `storage` is the content from address 0 on, `record` the data of a READ. The
    subchannel starts with `pmcw`, and announces interruptions to `css`.
    """

    state: SpecifiedState

    def __init__(
        self, pmcw: Pmcw, storage: bytes, record: bytes, css: ActorRef[Any]
    ) -> None:
        self._record = record
        self._css = css
        self._steps: dict[str, Callable[[], None]] = {
            "resume": self._resume_program,
            "fetch": self._fetch,
            "chain": self._chain,
            "suspend": self._suspend,
            "accept": self._accept,
            "move": self._move,
            "over": self._over,
        }
        self.state = SpecifiedState(pmcw, storage)

    # -- instructions --

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: condition code 1 takes precedence over 2."""
        state = self.state
        if not state.is_operational:
            return ConditionCode(3)
        if state.is_pending:
            return ConditionCode(1)
        if state.scsw.fctl:
            return ConditionCode(2)
        state.start(message.orb)
        self._then("fetch")
        return ConditionCode(0)

    @receive
    def halt(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: intermediate status is withdrawn, unless the program is suspended."""
        state, scsw = self.state, self.state.scsw
        if not state.is_operational:
            return ConditionCode(3)
        if scsw.stctl == Stctl.PENDING or (state.is_pending and scsw.stctl & _ENDS):
            return ConditionCode(1)
        if scsw.fctl & (Fctl.HALT | Fctl.CLEAR):
            return ConditionCode(2)
        state.halt()
        self._set_signal()
        return ConditionCode(0)

    @receive
    def clear(self, _message: ClearSubchannel) -> ConditionCode:
        """CSCH: end all functions, and drop pending status."""
        if not self.state.is_operational:
            return ConditionCode(3)
        self.state.clear()
        self._set_signal()
        return ConditionCode(0)

    @receive
    def resume(self, _message: ResumeSubchannel) -> ConditionCode:
        """RSCH: applies to a suspended program only."""
        state, scsw = self.state, self.state.scsw
        if not state.is_operational:
            return ConditionCode(3)
        if state.is_pending:
            return ConditionCode(1)
        if scsw.fctl != Fctl.START or scsw.actl != Actl.SUSPENDED:
            return ConditionCode(2)
        state.scsw = replace(scsw, actl=scsw.actl | Actl.RESUME_PENDING)
        self._then("resume")
        return ConditionCode(0)

    @receive
    def withdraw(self, _message: CancelSubchannel) -> ConditionCode:
        """XSCH: applies to a START that is not active only."""
        state, scsw = self.state, self.state.scsw
        if not state.is_operational:
            return ConditionCode(3)
        if state.is_pending:
            return ConditionCode(1)
        is_active = scsw.actl & Actl.SUBCHANNEL_ACTIVE
        if scsw.fctl != Fctl.START or is_active or not scsw.actl & WITHDRAWN:
            return ConditionCode(2)
        state.withdraw()
        self._offer()
        return ConditionCode(0)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: return pending status, and end its functions."""
        state = self.state
        if not state.is_operational:
            return Tested(3, Irb(Scsw()))
        irb = replace(state.irb, scsw=state.scsw)
        if not state.is_pending:
            return Tested(1, irb)
        state.test()
        self._offer()
        return Tested(0, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: the SCHIB as it is."""
        return Stored(0, Schib(self.state.pmcw, self.state.scsw))

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: only while the subchannel is idle."""
        state = self.state
        if state.is_pending:
            return ConditionCode(1)
        if state.scsw.fctl:
            return ConditionCode(2)
        if state.pmcw.valid:
            enabled = message.pmcw.enabled
            state.pmcw = state.pmcw.with_flag(Pmcw.enabled, on=enabled)
        return ConditionCode(0)

    @receive
    def take(self, message: TakeInterruption) -> InterruptionGone | None:
        """Deliver the interruption unless it was withdrawn, or the CPU has it off."""
        state = self.state
        if not (state.interruption and message.mask & 0x80 >> state.pmcw.isc):
            return InterruptionGone(0, message.to)
        state.interruption = False
        code = InterruptionCode.of(_SCHID, state.pmcw.intparm, state.pmcw.isc)
        self.reply(message.to or self.reply_to, Interruption(code))
        return None

    # -- what happens --

    @receive
    def attend(self, _message: Attend) -> None:
        """The device has attention."""
        self.state.attention = True
        self._offer()

    @receive
    def detach(self, _message: DetachDevice) -> None:
        """The device is gone."""
        self.state.detach()
        self._css.tell(NotOperational(0))

    @receive
    def go_on(self, message: GoOn) -> None:
        """Take the next step of the channel program."""
        state = self.state
        if message.step != state.step:
            return
        assert state.next, "there is no channel program"
        self._steps[state.next]()

    @receive
    def show_pci(self, message: ShowPci) -> None:
        """Show a PCI, unless it has been shown with another status."""
        state = self.state
        if message.run == state.run and state.pci:
            state.join_pci()
            self._present()

    @receive
    def signal(self, message: Signal) -> None:
        """Send the signal, unless a later one replaces it."""
        state = self.state
        if message.number != state.signal:
            return
        if state.scsw.actl & Actl.CLEAR_PENDING:
            state.cleared()
            self._present(on_path=False)
        elif state.scsw.actl & Actl.HALT_PENDING:
            self._give_halt_signal()

    def _give_halt_signal(self) -> None:
        """Send the halt signal; a device at work then ends its command."""
        state = self.state
        if state.halted_at_device():
            if state.next == "move":
                self.after(0.0, CutShort(state.step))
            else:
                self._end()
        else:
            state.halted_alone()
            self._present(on_path=False)

    @receive
    def cut_short(self, message: CutShort) -> None:
        """End the command early: no data is moved."""
        if message.step == self.state.step:
            self.state.count = self.state.ccw.count
            self._end()

    # -- storage --

    @receive
    def read_storage(self, message: ReadStorage) -> StorageData:
        """Read storage for a CPU."""
        parts = (self.state.bytes_at(a.address, a.length) for a in message.areas)
        return StorageData(message.number, tuple(parts))

    @receive
    def write_storage(self, message: WriteStorage) -> StorageWritten:
        """Write storage for a CPU."""
        for piece in message.pieces:
            self.state.write(piece.address, piece.data)
        return StorageWritten(message.number, sum(len(p.data) for p in message.pieces))

    # -- the channel program --

    def _then(self, step: str) -> None:
        self.state.then(step)
        self.after(0.0, GoOn(self.state.step))

    def _resume_program(self) -> None:
        self.state.resumed()
        self._fetch()

    def _fetch(self) -> None:
        state = self.state
        if state.at % CCW_LENGTH:
            state.count = 0
            self._end(0, Cstat.PROGRAM_CHECK)
            return
        state.fetch()
        if state.ccw.suspend:
            self._then("suspend")
            return
        if state.ccw.program_controlled:
            state.pci = state.at
            self.after(0.0, ShowPci(state.run))
        self._then("accept")

    def _chain(self) -> None:
        self.state.at += CCW_LENGTH
        self._fetch()

    def _suspend(self) -> None:
        self.state.suspend()
        if self.state.is_pending:
            self._present()

    def _accept(self) -> None:
        if self.state.accept():
            self._present()
        self._then("move")

    def _move(self) -> None:
        state = self.state
        state.move(self._record)
        if state.scsw.fctl & Fctl.CLEAR:
            state.end_program()
        else:
            self._then("over")

    def _over(self) -> None:
        if self.state.ccw.chain_command:
            self._then("chain")
        else:
            self._end()

    def _end(self, dstat: int = Dstat.CHANNEL_AND_DEVICE_END, cstat: int = 0) -> None:
        """End the start function, and a halt function that is in progress."""
        self.state.end(dstat, cstat)
        self._present()

    # -- status --

    def _set_signal(self) -> None:
        self.state.signal += 1
        self.after(0.0, Signal(self.state.signal))

    def _offer(self) -> None:
        """Show attention if no status is pending and no function is in progress."""
        if self.state.offer():
            self._present()

    def _present(self, *, on_path: bool = True) -> None:
        """Make the status pending; status that is not the device's has no path."""
        state = self.state
        state.present(Irb.with_path(state.scsw, PATH_0) if on_path else Irb(state.scsw))
        self._css.tell(Pending(0, state.pmcw.isc))
