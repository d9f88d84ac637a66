"""One subchannel with its device and storage, as the architecture describes it.

It shares no code with `actors.Subchannel`, nor the table that this executes: an actor
that is wrong is not held against itself. A channel program is format-1 CCWs in storage,
NO-OPERATION and READ, with chaining of commands, PCI and suspension. What takes time,
or comes at a time that is open, is a timer, which fires at any time:

| timer | when set | what happens |
|---|---|---|
| GoOn | SSCH, RSCH, then at each step | the channel program takes its next step |
| ShowPci | a CCW with the PCI flag is fetched | its status becomes pending |
| Signal | HSCH, CSCH | the halt signal or the clear signal goes out |
| CutShort | a halt signal to a device that works | the device ends early |

| step | at which | next |
|---|---|---|
| fetch, chain | the CCW in control is fetched, or the one behind it | accept, suspend |
| suspend | the program stands before the CCW | resume |
| accept | the device takes the command | move |
| move | data are in storage | over |
| over | the command has ended | chain, or the end of the program |

Source: PoP, "I/O Instructions", "Basic I/O Functions", as far as Hercules channel.c and
QEMU hw/s390x/css.c bear witness of it; what FC, AC and SC become is there in tables.
"""

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Attend,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    DetachDevice,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
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
    Ccw,
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

__all__ = ["Relay", "SpecifiedSubchannel"]

_SCHID: Final = SubchannelId(0, 0)
_READ: Final = 0x02
_FROM_ORB: Final = 0xF8F8
_PCI: Final = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_ENDS: Final = Stctl.ALERT | Stctl.PRIMARY | Stctl.SECONDARY
_WITHDRAWN: Final = Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED
_TESTED: Final = _WITHDRAWN | Actl.HALT_PENDING | Actl.CLEAR_PENDING


class GoOn(Message, frozen=True):
    """The channel program is to take its next step."""

    step: int


class ShowPci(Message, frozen=True):
    """The status of a PCI is to become pending."""

    run: int


class Signal(Message, frozen=True):
    """The halt or clear signal is to go out."""

    number: int


class CutShort(Message, frozen=True):
    """The device ends a command early, as it was halted."""

    step: int


class SpecifiedState(Struct):
    """What one subchannel, its device and its storage remember.

    `at` is the address of the CCW in control; `next` is the step that comes next, ""
    if there is no channel program. `ccw` is what was fetched there, `count` what it has
    left over. `step`, `run` and `signal` count what timers are set for. `pci` is the
    address of a CCW whose PCI has not been shown, 0 if none. `halted` says that the
    halt signal has gone out to a device that was at work.
    """

    pmcw: Pmcw
    storage: bytes
    scsw: Scsw = Scsw()
    irb: Irb = Irb(Scsw())
    interruption: bool = False
    at: int = 0
    next: str = ""
    ccw: Ccw = Ccw(0)
    count: int = 0
    step: int = 0
    run: int = 0
    signal: int = 0
    pci: int = 0
    halted: bool = False
    attention: bool = False


class SpecifiedSubchannel(Actor):
    """One subchannel that answers instructions, and storage as well.

    `storage` is its content from address 0 on, `record` what a READ brings. It starts
    with `pmcw`; interruptions are announced to `css`.
    """

    state: SpecifiedState

    def __init__(
        self, pmcw: Pmcw, storage: bytes, record: bytes, css: ActorRef[Any]
    ) -> None:
        self._record = record
        self._css = css
        self.state = SpecifiedState(pmcw, storage)

    # -- instructions --

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: status pending goes before a function in progress."""
        state, orb = self.state, message.orb
        if not self._is_operational:
            return ConditionCode(3)
        if self._is_pending:
            return ConditionCode(1)
        if state.scsw.fctl:
            return ConditionCode(2)
        state.pmcw = replace(state.pmcw, intparm=orb.intparm, lpum=PATH_0)
        state.scsw = Scsw(
            flags=orb.flags & _FROM_ORB,
            fctl=Fctl.START,
            actl=Actl.START_PENDING,
            cpa=orb.cpa,
        )
        state.run += 1
        state.at, state.pci, state.halted = orb.cpa, 0, False
        self._then("fetch")
        return ConditionCode(0)

    @receive
    def halt(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: intermediate status is withdrawn, unless the program is suspended."""
        state, scsw = self.state, self.state.scsw
        if not self._is_operational:
            return ConditionCode(3)
        if scsw.stctl == Stctl.PENDING or (self._is_pending and scsw.stctl & _ENDS):
            return ConditionCode(1)
        if scsw.fctl & (Fctl.HALT | Fctl.CLEAR):
            return ConditionCode(2)
        kept = scsw.stctl if scsw.actl & Actl.SUSPENDED else 0
        fctl, actl = scsw.fctl | Fctl.HALT, scsw.actl | Actl.HALT_PENDING
        state.scsw = replace(scsw, fctl=fctl, actl=actl, stctl=kept)
        if not scsw.fctl:
            state.scsw = Scsw(fctl=fctl, actl=actl)
        state.interruption = False
        self._set_signal()
        return ConditionCode(0)

    @receive
    def clear(self, _message: ClearSubchannel) -> ConditionCode:
        """CSCH: whatever was in progress or pending is no more."""
        state = self.state
        if not self._is_operational:
            return ConditionCode(3)
        scsw, cleared = state.scsw, Actl.CLEAR_PENDING
        state.scsw = replace(scsw, fctl=Fctl.CLEAR, actl=cleared, stctl=0)
        state.interruption = state.attention = False
        state.pci = 0
        if state.next != "move":
            # Data that are on their way may arrive until the clear signal goes out.
            self._end_program()
        self._set_signal()
        return ConditionCode(0)

    @receive
    def resume(self, _message: ResumeSubchannel) -> ConditionCode:
        """RSCH: for a program that is suspended, and nothing else."""
        state, scsw = self.state, self.state.scsw
        if not self._is_operational:
            return ConditionCode(3)
        if self._is_pending:
            return ConditionCode(1)
        if scsw.fctl != Fctl.START or scsw.actl != Actl.SUSPENDED:
            return ConditionCode(2)
        state.scsw = replace(scsw, actl=scsw.actl | Actl.RESUME_PENDING)
        self._then("resume")
        return ConditionCode(0)

    @receive
    def withdraw(self, _message: CancelSubchannel) -> ConditionCode:
        """XSCH: for a START that is not active."""
        state, scsw = self.state, self.state.scsw
        if not self._is_operational:
            return ConditionCode(3)
        if self._is_pending:
            return ConditionCode(1)
        is_active = scsw.actl & Actl.SUBCHANNEL_ACTIVE
        if scsw.fctl != Fctl.START or is_active or not scsw.actl & _WITHDRAWN:
            return ConditionCode(2)
        state.scsw = replace(scsw, fctl=0, actl=scsw.actl & ~_WITHDRAWN)
        self._end_program()
        self._offer()
        return ConditionCode(0)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: what is pending is handed over, and functions that are over end."""
        state, scsw = self.state, self.state.scsw
        if not self._is_operational:
            return Tested(3, Irb(Scsw()))
        irb = replace(state.irb, scsw=scsw)
        if not self._is_pending:
            return Tested(1, irb)
        state.interruption = False
        suspended = bool(scsw.actl & Actl.SUSPENDED)
        if scsw.stctl == Stctl.INTERMEDIATE_STATUS and not suspended:
            state.scsw = replace(scsw, stctl=0)
        elif scsw.stctl == Stctl.INTERMEDIATE_STATUS and scsw.fctl == Fctl.START:
            actl = scsw.actl & ~Actl.RESUME_PENDING
            state.scsw = replace(scsw, actl=actl, stctl=0)
        else:
            state.scsw = replace(scsw, fctl=0, actl=scsw.actl & ~_TESTED, stctl=0)
            self._end_program()
        self._offer()
        return Tested(0, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: as it is."""
        return Stored(0, Schib(self.state.pmcw, self.state.scsw))

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: only while the subchannel is idle."""
        state = self.state
        if self._is_pending:
            return ConditionCode(1)
        if state.scsw.fctl:
            return ConditionCode(2)
        if state.pmcw.valid:
            enabled = message.pmcw.enabled
            state.pmcw = state.pmcw.with_flag(Pmcw.enabled, on=enabled)
        return ConditionCode(0)

    @receive
    def take(self, _message: TakeInterruption) -> InterruptionTaken | InterruptionGone:
        """Give the interruption if it has not been withdrawn."""
        state = self.state
        if not state.interruption:
            return InterruptionGone(0)
        state.interruption = False
        code = InterruptionCode.of(_SCHID, state.pmcw.intparm, state.pmcw.isc)
        return InterruptionTaken(0, code)

    # -- what happens --

    @receive
    def attend(self, _message: Attend) -> None:
        """The device wants attention."""
        self.state.attention = True
        self._offer()

    @receive
    def detach(self, _message: DetachDevice) -> None:
        """The device is gone."""
        state = self.state
        self._end_program()
        state.pmcw = Pmcw(devno=state.pmcw.devno)
        state.scsw, state.irb = Scsw(), Irb(Scsw())
        state.interruption = state.attention = False
        state.signal += 1
        self._css.tell(NotOperational(0))

    @receive
    def go_on(self, message: GoOn) -> None:
        """Take the next step of the channel program."""
        state = self.state
        if message.step != state.step:
            return
        match state.next:
            case "resume":
                actl = state.scsw.actl & ~(Actl.SUSPENDED | Actl.RESUME_PENDING)
                state.scsw = replace(state.scsw, actl=actl | Actl.ACTIVE)
                self._fetch()
            case "fetch":
                self._fetch()
            case "chain":
                state.at += CCW_LENGTH
                self._fetch()
            case "suspend":
                self._suspend()
            case "accept":
                self._accept()
            case "move":
                self._move()
            case "over":
                self._over()
            case _:
                raise AssertionError("there is no channel program")

    @receive
    def show_pci(self, message: ShowPci) -> None:
        """Show a PCI, unless it has been shown with another status."""
        state = self.state
        if message.run == state.run and state.pci:
            self._join_pci()
            self._present(Irb.with_path(state.scsw, PATH_0))

    @receive
    def signal(self, message: Signal) -> None:
        """The signal goes out."""
        state = self.state
        if message.number != state.signal:
            return
        scsw = state.scsw
        if scsw.actl & Actl.CLEAR_PENDING:
            self._end_program()
            state.pmcw = replace(state.pmcw, pnom=0, pom=0xFF, lpum=0)
            state.scsw = Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)
            self._present(Irb(state.scsw))
        elif scsw.actl & Actl.HALT_PENDING:
            actl = scsw.actl & ~Actl.HALT_PENDING
            state.scsw = replace(scsw, actl=actl)
            if not actl & Actl.DEVICE_ACTIVE:
                self._end_program()
                pending = scsw.stctl | Stctl.PENDING
                state.scsw = replace(state.scsw, stctl=pending)
                self._present(Irb(state.scsw))
            else:
                state.halted = True
                if state.next == "move":
                    self.after(0.0, CutShort(state.step))
                else:
                    self._end()

    @receive
    def cut_short(self, message: CutShort) -> None:
        """The device ends its command with nothing moved."""
        if message.step == self.state.step:
            self.state.count = self.state.ccw.count
            self._end()

    # -- storage --

    @receive
    def read_storage(self, message: ReadStorage) -> StorageData:
        """Fetch."""
        parts = (self._bytes(a.address, a.length) for a in message.areas)
        return StorageData(message.number, tuple(parts))

    @receive
    def write_storage(self, message: WriteStorage) -> StorageWritten:
        """Store."""
        for piece in message.pieces:
            self._write(piece.address, piece.data)
        return StorageWritten(message.number, sum(len(p.data) for p in message.pieces))

    # -- inside --

    @property
    def _is_operational(self) -> bool:
        return self.state.pmcw.valid and self.state.pmcw.enabled

    @property
    def _is_pending(self) -> bool:
        return bool(self.state.scsw.stctl & Stctl.PENDING)

    def _bytes(self, address: int, length: int) -> bytes:
        return self.state.storage[address : address + length]

    def _write(self, address: int, data: bytes) -> None:
        old = self.state.storage
        self.state.storage = old[:address] + data + old[address + len(data) :]

    def _then(self, step: str) -> None:
        state = self.state
        state.next, state.step = step, state.step + 1
        self.after(0.0, GoOn(state.step))

    def _set_signal(self) -> None:
        self.state.signal += 1
        self.after(0.0, Signal(self.state.signal))

    def _end_program(self) -> None:
        """Nothing of the channel program happens any more."""
        state = self.state
        state.next, state.step = "", state.step + 1
        state.pci, state.halted = 0, False

    def _fetch(self) -> None:
        state = self.state
        if state.at % CCW_LENGTH:
            state.count = 0
            self._end(0, Cstat.PROGRAM_CHECK)
            return
        state.ccw = Ccw.from_bytes(self._bytes(state.at, CCW_LENGTH), 1)
        state.count = state.ccw.count
        if state.ccw.suspend:
            self._then("suspend")
            return
        if state.ccw.program_controlled:
            state.pci = state.at
            self.after(0.0, ShowPci(state.run))
        self._then("accept")

    def _suspend(self) -> None:
        state = self.state
        if state.pci:
            self._join_pci()
        scsw = state.scsw
        shown = 0 if scsw.suppress_suspended else Stctl.INTERMEDIATE_STATUS
        state.scsw = replace(
            scsw,
            actl=scsw.actl & ~(Actl.START_PENDING | Actl.ACTIVE) | Actl.SUSPENDED,
            stctl=scsw.stctl | shown,
            cpa=state.at + CCW_LENGTH,
            dstat=0,
            count=state.ccw.count,
        )
        state.next = ""
        if self._is_pending:
            self._present(Irb.with_path(state.scsw, PATH_0))

    def _accept(self) -> None:
        state, scsw = self.state, self.state.scsw
        if scsw.actl & Actl.START_PENDING:
            actl = scsw.actl & ~Actl.START_PENDING | Actl.ACTIVE
            state.scsw = replace(scsw, actl=actl)
            if scsw.initial_status:
                flags = scsw.flags | Scsw.zero_condition.mask
                stctl = scsw.stctl | Stctl.INTERMEDIATE_STATUS
                state.scsw = replace(state.scsw, flags=flags, stctl=stctl)
                self._present(Irb.with_path(state.scsw, PATH_0))
        self._then("move")

    def _move(self) -> None:
        state = self.state
        if state.ccw.code == _READ:
            data = self._record[: state.ccw.count]
            self._write(state.ccw.address, data)
            state.count = state.ccw.count - len(data)
        if state.scsw.fctl & Fctl.CLEAR:
            self._end_program()
        else:
            self._then("over")

    def _over(self) -> None:
        state = self.state
        if state.ccw.chain_command:
            self._then("chain")
        else:
            self._end()

    def _join_pci(self) -> None:
        """Put a PCI that has not been shown into the status."""
        state, scsw = self.state, self.state.scsw
        state.scsw = replace(
            scsw,
            actl=scsw.actl & ~Actl.START_PENDING | Actl.ACTIVE,
            stctl=scsw.stctl | Stctl.INTERMEDIATE_STATUS,
            cpa=state.pci + CCW_LENGTH,
            cstat=scsw.cstat | _PCI,
        )
        state.pci = 0

    def _end(self, dstat: int = Dstat.CHANNEL_AND_DEVICE_END, cstat: int = 0) -> None:
        """The start function is over; so is a halt function that is in progress."""
        state = self.state
        if state.pci:
            self._join_pci()
        scsw = state.scsw
        ended = Actl.START_PENDING | Actl.HALT_PENDING | Actl.ACTIVE
        untested = scsw.cstat & _PCI if scsw.stctl & Stctl.INTERMEDIATE else 0
        state.scsw = replace(
            scsw,
            actl=scsw.actl & ~ended,
            stctl=scsw.stctl | Stctl.FINAL_STATUS | (Stctl.ALERT if cstat else 0),
            cpa=state.at + CCW_LENGTH,
            dstat=dstat,
            cstat=cstat | untested,
            count=state.count,
        )
        self._end_program()
        self._present(Irb.with_path(state.scsw, PATH_0))

    def _offer(self) -> None:
        """Show attention if nothing else is to be shown, and nothing is in progress."""
        state = self.state
        if not state.attention or state.scsw.fctl or self._is_pending:
            return
        state.attention = False
        if state.pmcw.enabled:
            stctl = Stctl.UNSOLICITED_STATUS
            state.scsw = Scsw(stctl=stctl, dstat=Dstat.ATTENTION)
            self._present(Irb.with_path(state.scsw, PATH_0))

    def _present(self, irb: Irb) -> None:
        state = self.state
        state.irb, state.interruption = irb, True
        self._css.tell(Pending(0, state.pmcw.isc))


class Relay(Actor):
    """Stands at a path of its own for what happens to `subchannel`."""

    def __init__(self, subchannel: ActorRef[Any]) -> None:
        self._subchannel = subchannel

    @receive
    def attend(self, message: Attend) -> None:
        """Pass it on."""
        self._subchannel.tell(message)
