"""GuestSubchannel: the one subchannel that a guest sees in place of three layers.

It answers SSCH, HSCH, CSCH, TSCH and MSCH at once, from its own state: no layer below
can change a condition code afterwards. What fails below becomes status. The rules of
condition codes and of FC are `channel.lifecycle`, the same as for a host's subchannel.

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
"""

import errno
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    CancelSubchannel,
    ClearRequest,
    ClearSubchannel,
    ConditionCode,
    HaltRequest,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
    IoEvent,
    IoRequest,
    ModifySubchannel,
    Pending,
    Refused,
    ResetSubchannel,
    ResumeSubchannel,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    TakeInterruption,
    Taken,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import (
    Cstat,
    Fctl,
    InterruptionCode,
    Irb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["GuestSubchannel"]

_NO_DEVICE = frozenset({errno.ENODEV, errno.EACCES})
_PCI = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_CCW = 8
_NOT_APPLICABLE = 2


class GuestSubchannelState(Struct):
    """What a guest's subchannel remembers.

    `number` is the newest operation number; `start`, `halt` and `clear` are those of
    the functions in FC, 0 if not there. `answered` has the FC bits that have been
    reported on, `answer` the status to show for them. `newest_clear` is the number of
    the newest CLEAR or RESET. `unsolicited` is held back. `resetting` waits for CLEAR.
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


class GuestSubchannel(Actor):
    """Subchannel `schid` of a guest, with a host's subchannel behind `vfio_ccw`.

    `pmcw` is what it starts with. Interruptions are announced to `sink`.
    """

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

    # -- instructions --

    @receive
    def start_function(self, message: StartSubchannel) -> ConditionCode:
        """SSCH: accept a channel program, and have it run."""
        state, orb = self.state, message.orb
        cc, scsw = lifecycle.start(self._scsw, state.schib.pmcw, orb)
        if cc == 0:
            pmcw = replace(state.schib.pmcw, intparm=orb.intparm)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
            state.start = self._next_number()
            self._vfio_ccw.tell(IoRequest(state.start, orb))
        return ConditionCode(cc)

    @receive
    def halt_function(self, _message: HaltSubchannel) -> ConditionCode:
        """HSCH: accept a halt."""
        cc, scsw = lifecycle.halt(self._scsw, self.state.schib.pmcw)
        if cc == 0:
            if not scsw.fctl & Fctl.START:
                scsw = Scsw(fctl=scsw.fctl, actl=scsw.actl)
            self._scsw = scsw
            self.state.interruption = False
            self.state.halt = self._next_number()
            self._vfio_ccw.tell(HaltRequest(self.state.halt))
        return ConditionCode(cc)

    @receive
    def clear_function(self, _message: ClearSubchannel) -> ConditionCode:
        """CSCH: drop all status. A CLEAR that is under way already does for two."""
        cc, scsw = lifecycle.clear(self._scsw, self.state.schib.pmcw)
        if cc == 0:
            self._clear(scsw)
        return ConditionCode(cc)

    @receive
    def test(self, _message: TestSubchannel) -> Tested:
        """TSCH: hand the status over; this is where FC ends."""
        state = self.state
        irb = replace(state.irb, scsw=self._scsw)
        cc, self._scsw = lifecycle.test(self._scsw, state.schib.pmcw)
        if cc == 0:
            state.interruption = False
            if not self._scsw.fctl:
                self._forget_functions()
            self._show_unsolicited()
        return Tested(cc, irb)

    @receive
    def store(self, _message: StoreSubchannel) -> Stored:
        """STSCH: show the subchannel."""
        return Stored(0, self.state.schib)

    @receive
    def resume_function(self, _message: ResumeSubchannel) -> ConditionCode:
        """RSCH: the layers below cannot resume, so it is never applicable."""
        cc, _ = lifecycle.resume(self._scsw, self.state.schib.pmcw)
        return ConditionCode(cc or _NOT_APPLICABLE)

    @receive
    def cancel_function(self, _message: CancelSubchannel) -> ConditionCode:
        """XSCH: a START is on its way down at once, so it is never applicable."""
        cc, _ = lifecycle.cancel(self._scsw, self.state.schib.pmcw)
        return ConditionCode(cc or _NOT_APPLICABLE)

    @receive
    def modify(self, message: ModifySubchannel) -> ConditionCode:
        """MSCH: change what a program may change; not while a reset is under way."""
        if self.state.resetting:
            return ConditionCode(2)
        new = Schib(message.pmcw, mba=message.mba)
        cc, self.state.schib = lifecycle.modify(self.state.schib, new)
        return ConditionCode(cc)

    @receive
    def take(self, _message: TakeInterruption) -> InterruptionTaken | InterruptionGone:
        """Hand the interruption over, and withdraw it."""
        number, pmcw = self._schid.index, self.state.schib.pmcw
        if not self.state.interruption:
            return InterruptionGone(number)
        self.state.interruption = False
        code = InterruptionCode.of(self._schid, pmcw.intparm, pmcw.isc)
        return InterruptionTaken(number, code)

    @receive
    def reset(self, _message: ResetSubchannel) -> None:
        """Disable the subchannel and clear the host's; answered when that is done."""
        state = self.state
        if not state.resetting:
            self._clear_host()
            pmcw = state.schib.pmcw.with_flag(Pmcw.enabled, on=False)
            scsw = lifecycle.reset(self._scsw)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
        state.resetting = (*state.resetting, self.reply_to)

    # -- from below --

    @receive
    def event(self, message: IoEvent) -> None:
        """Show a status, keep it for later, or drop it.

        An intermediate status that is older than a HALT is one that HSCH has cleared.
        """
        state = self.state
        self._vfio_ccw.tell(Taken(message.ends))
        if message.after < state.newest_clear:
            return
        if state.resetting:
            if state.clear in message.ends:
                self._reset_done()
        elif not message.answers:
            state.unsolicited = message.irb
            self._show_unsolicited()
        elif message.ends:
            functions = self._functions(message.answers)
            self._answered(functions, message.irb)
        elif message.after >= state.halt:
            self._show(self._merged(message.irb))

    @receive
    def refused(self, message: Refused) -> None:
        """Make a status of what could not be done."""
        state, number = self.state, message.number
        if number < state.newest_clear:
            return
        if state.resetting:
            self._reset_done()
        elif number == state.start:
            self._answered(Fctl.START, Irb(self._failed_start(message.errno)))
        else:
            pending = Irb(Scsw(stctl=Stctl.PENDING))
            self._answered(self._functions((number,)), pending)

    # -- inside --

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
        if not self._scsw.fctl & ~state.answered:
            self._show(self._merged(state.answer))

    def _merged(self, irb: Irb) -> Irb:
        """Return the host's status with what is the guest's own.

        That is FC, the bits from the ORB, and an intermediate status not tested yet.
        """
        own, host = self._scsw, irb.scsw
        mine = own.flags & lifecycle.FROM_ORB if own.fctl & Fctl.START else 0
        untested = own.stctl & Stctl.INTERMEDIATE
        scsw = replace(
            host,
            flags=mine | host.flags & ~lifecycle.FROM_ORB,
            fctl=own.fctl,
            stctl=host.stctl | untested,
            cstat=host.cstat | (own.cstat & _PCI if untested else 0),
        )
        return replace(irb, scsw=scsw)

    def _failed_start(self, reason: int) -> Scsw:
        if reason in _NO_DEVICE:
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
