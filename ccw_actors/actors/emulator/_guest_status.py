"""What a guest's subchannel remembers, and what it shows of the layers below.

| FC | answered so far | event | what the guest sees |
|---|---|---|---|
| start | nothing | START's end | status pending: START's |
| start | nothing | START's intermediate status | status pending, FC stays |
| start, halt | nothing | START's end | nothing yet: HALT is unanswered |
| start, halt | START | HALT's end | status pending: START's, with both in FC |
| start, halt | nothing | the end of both | status pending |
| halt | nothing | HALT's end | status pending |
| clear | nothing | CLEAR's end | status pending |
| clear | nothing | anything older than CLEAR | nothing: the status is dropped |
| any | | unsolicited status | held until FC is zero and nothing is pending |
| any | | the host's subchannel is gone | not operational, and a channel report |
"""

import errno
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearRequest,
    ClearSubchannel,
    Detach,
    Gone,
    HaltSubchannel,
    IoEvent,
    ModifySubchannel,
    NotOperational,
    Pending,
    Refused,
    ResumeSubchannel,
    Settings,
    StartSubchannel,
    StoreSubchannel,
    SubchannelReset,
    Taken,
    TestSubchannel,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Fctl,
    Irb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["GuestStatus", "GuestSubchannelState", "Instruction", "Issued"]

_PCI = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_CCW = 8
_SIGNALS = Actl.HALT_PENDING | Actl.CLEAR_PENDING
_ACTIVE = Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE
_OF_START = Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED | _ACTIVE
_NOT_APPLICABLE = 2

Instruction: TypeAlias = (
    StartSubchannel
    | HaltSubchannel
    | ClearSubchannel
    | ResumeSubchannel
    | CancelSubchannel
    | TestSubchannel
    | StoreSubchannel
    | ModifySubchannel
)


class Issued(Struct, frozen=True):
    """An instruction, and who wants its answer."""

    instruction: Instruction
    to: ReplyTo


class GuestSubchannelState(Struct):
    """What a guest's subchannel remembers.

    `number` is the newest operation number; `start`, `halt` and `clear` are those of
    the functions in FC, 0 if not there. `answered` has the FC bits that have been
    reported on, `answer` the status to show for them. `newest_clear` is the number of
    the newest CLEAR or RESET. `unsolicited` is held back. `resetting` waits for CLEAR.
    `below` is the instruction that has gone down, as operation `asked`; `waiting` are
    those that have come since. `settings` are those of the guest's channel subsystem.
    """

    schib: Schib
    irb: Irb = Irb(Scsw())
    interruption: bool = False
    number: int = 0
    start: int = 0
    halt: int = 0
    clear: int = 0
    answered: int = 0
    answer: Irb | None = None
    newest_clear: int = 0
    unsolicited: Irb | None = None
    resetting: tuple[ReplyTo, ...] = ()
    below: Issued | None = None
    asked: int = 0
    waiting: tuple[Issued, ...] = ()
    settings: Settings = Settings()


class GuestStatus(Actor):
    """The part of a guest's subchannel that presents status; see `GuestSubchannel`."""

    state: GuestSubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        vfio_ccw: ActorRef[Any],
        sink: ActorRef[Any],
    ) -> None:
        self._schid = schid
        self._vfio_ccw = vfio_ccw
        self._sink = sink
        self.state = GuestSubchannelState(Schib(pmcw))

    # -- from below --

    @receive
    def event(self, message: IoEvent) -> None:
        """Show a status, keep it for later, or drop it.

        An intermediate status that is older than a HALT is one that HSCH has cleared,
        unless the program is suspended.
        """
        state = self.state
        self._vfio_ccw.tell(Taken(message.ends))
        if message.after < state.newest_clear:
            return
        functions = self._functions(message.answers)
        if state.resetting:
            if state.clear in message.ends:
                self._reset_done()
        elif not message.answers:
            state.unsolicited = message.irb
            self._show_unsolicited()
        elif functions and message.ends:
            self._answered(functions, message.irb)
        elif functions and (
            message.after >= state.halt or message.irb.scsw.actl & Actl.SUSPENDED
        ):
            self._show(self._merged(message.irb, ends=False))

    @receive
    def refused(self, message: Refused) -> None:
        """Make a status of what could not be done."""
        state, number = self.state, message.number
        if number < state.newest_clear or message.errno == errno.ENODEV:
            # ENODEV: the subchannel is gone, or about to be: no status says so.
            return
        if state.resetting:
            self._reset_done()
        elif number == state.start:
            self._answered(Fctl.START, Irb(self._failed_start(message.errno)))
        else:
            pending = Irb(Scsw(stctl=Stctl.PENDING))
            self._answered(self._functions((number,)), pending)

    def on_restart(self) -> None:
        """Be not operational, and give up what is below: it has no owner any more."""
        self._be_gone()
        self._vfio_ccw.tell(Detach())

    @receive
    def gone(self, _message: Gone) -> None:
        """Be not operational: instructions get condition code 3 from now on."""
        state = self.state
        if state.schib.pmcw.valid:
            self._be_gone()
            self._reset_done()
            if state.below is not None:
                self._come_up_empty(state.below)

    # -- inside --

    def _be_gone(self) -> None:
        state = self.state
        state.schib = Schib(Pmcw(devno=state.schib.pmcw.devno))
        state.irb = Irb(Scsw())
        state.interruption = False
        state.unsolicited = None
        state.newest_clear = self._next_number()
        self._sink.tell(NotOperational(self._schid.index))

    def _come_up_empty(self, issued: Issued) -> None:
        raise NotImplementedError

    def _next_number(self) -> int:
        self.state.number += 1
        return self.state.number

    def _clear(self, scsw: Scsw) -> None:
        state = self.state
        under_way = state.clear and not state.answered & Fctl.CLEAR
        self._scsw = scsw
        state.interruption = False
        state.unsolicited = None
        if not under_way:
            self._clear_host()

    def _clear_host(self) -> None:
        state = self.state
        self._forget_functions()
        state.interruption = False
        state.unsolicited = None
        state.clear = state.newest_clear = self._next_number()
        self._vfio_ccw.tell(ClearRequest(state.clear))

    def _forget_functions(self) -> None:
        state = self.state
        state.start = state.halt = state.clear = 0
        state.answered = 0
        state.answer = None

    def _reset_done(self) -> None:
        state = self.state
        self._forget_functions()
        for to in state.resetting:
            self.reply(to, SubchannelReset(self._schid.index))
        state.resetting = ()

    def _functions(self, numbers: tuple[int, ...]) -> int:
        state = self.state
        return (
            (Fctl.START if state.start in numbers else 0)
            | (Fctl.HALT if state.halt in numbers else 0)
            | (Fctl.CLEAR if state.clear in numbers else 0)
        )

    def _answered(self, functions: int, irb: Irb) -> None:
        """Show status once every function in FC has been answered."""
        state = self.state
        if state.answer is None or functions & Fctl.START:
            state.answer = irb
        state.answered |= functions
        if functions & Fctl.CLEAR:
            pmcw = lifecycle.cleared(state.schib.pmcw)
            state.schib = replace(state.schib, pmcw=pmcw)
        if not self._scsw.fctl & ~state.answered:
            self._show(self._merged(state.answer))

    def _merged(self, irb: Irb, *, ends: bool = True) -> Irb:
        """Return the host's status with what is the guest's own.

        That is FC, the bits from the ORB, an intermediate status not tested yet, and,
        unless all of FC ends, a HALT that is pending.
        """
        own, host = self._scsw, irb.scsw
        mine = own.flags & lifecycle.FROM_ORB if own.fctl & Fctl.START else 0
        untested = own.stctl & Stctl.INTERMEDIATE
        scsw = replace(
            host,
            flags=mine | host.flags & ~lifecycle.FROM_ORB,
            fctl=own.fctl,
            actl=host.actl | (own.actl & _SIGNALS if not ends else 0),
            stctl=host.stctl | untested,
            cstat=host.cstat | (own.cstat & _PCI if untested else 0),
        )
        return replace(irb, scsw=scsw)

    def _failed_start(self, reason: int) -> Scsw:
        if reason == errno.EACCES:
            return lifecycle.no_path(self._scsw)
        check = (
            Cstat.INTERFACE_CONTROL_CHECK
            if reason == errno.EBUSY
            else Cstat.PROGRAM_CHECK
        )
        cpa = self._scsw.cpa + _CCW
        return lifecycle.ended(self._scsw, dstat=0, cstat=check, count=0, cpa=cpa)

    def _show_unsolicited(self) -> None:
        state = self.state
        irb = state.unsolicited
        if irb is None or self._scsw.fctl or self._scsw.pending:
            return
        state.unsolicited = None
        if state.schib.pmcw.enabled:
            self._show(irb)

    def _show(self, irb: Irb) -> None:
        """Make status pending, and announce the interruption."""
        self.state.irb = irb
        self._scsw = irb.scsw
        self.state.interruption = True
        self._sink.tell(Pending(self._schid.index, self.state.schib.pmcw.isc))

    @property
    def _scsw(self) -> Scsw:
        return self.state.schib.scsw

    @_scsw.setter
    def _scsw(self, scsw: Scsw) -> None:
        self.state.schib = replace(self.state.schib, scsw=scsw)
