"""GuestSubchannel: the one subchannel that a guest sees in place of three layers.

It answers SSCH, HSCH, CSCH, TSCH and MSCH at once, from its own state: no layer below
can change a condition code afterwards. What fails below becomes status. The rules of
condition codes and of FC are `channel.lifecycle`, the same as for a host's subchannel.

RSCH, XSCH and STSCH go down while a START is in progress and no status is pending, as
only the host's subchannel knows how far it has come. Until they come back, later
instructions wait here in the order they came. First the host's subchannel is looked at:
all status that it had to show has come up then, and answers RSCH and XSCH with
condition code 1. A program that is suspended by then stays so until it is resumed.

| going down | what comes up | next |
|---|---|---|
| STSCH | Found | answered |
| RSCH, XSCH | Found, status pending here | cc 1 |
| RSCH | Found, suspended | ResumeRequest |
| RSCH | Found, not suspended | cc 2 |
| XSCH | Found, to be resumed | cc 2 |
| XSCH | Found | CancelRequest |
| RSCH, XSCH | Completed | its cc, or cc 1 if status is pending here |
| any | Found or Completed that says that the device is gone | answered at Gone |

What is shown of the layers below is in `guest_status`.
"""

import errno
from typing import TypeAlias

from msgspec.structs import replace

from ccw_actors.actors.emulator._guest_status import GuestStatus, Instruction, Issued
from ccw_actors.actors.protocol import (
    CancelRequest,
    CancelSubchannel,
    ClearSubchannel,
    Completed,
    ConditionCode,
    Found,
    HaltRequest,
    HaltSubchannel,
    InterruptionGone,
    InterruptionTaken,
    IoRequest,
    LookRequest,
    ModifySubchannel,
    NoteSettings,
    Piece,
    ResetSubchannel,
    ResumeRequest,
    ResumeSubchannel,
    SenseConcurrently,
    SettingsNoted,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    TakeInterruption,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import (
    Actl,
    Cstat,
    Fctl,
    InterruptionCode,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    lifecycle,
)
from ccw_actors.channel.execution import address_limits
from ccw_actors.runtime import receive

__all__ = ["GuestSubchannel"]

_NO_DEVICE = frozenset({errno.ENODEV, errno.EACCES})
_PCI = Cstat.PROGRAM_CONTROLLED_INTERRUPTION
_CCW = 8
_ACTIVE = Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE
_OF_START = Actl.START_PENDING | Actl.RESUME_PENDING | Actl.SUSPENDED | _ACTIVE
_NOT_APPLICABLE, _GONE = 2, 3

Answer: TypeAlias = ConditionCode | Tested | Stored


class GuestSubchannel(GuestStatus):
    """Subchannel `schid` of a guest, with a host's subchannel behind `vfio_ccw`.

    `pmcw` is what it starts with. Interruptions are announced to `sink`.
    """

    # -- instructions --

    @receive
    def instruct(self, message: Instruction) -> None:
        """Answer an instruction, have it go down, or let it wait for one that has."""
        issued = Issued(message, self.reply_to)
        if self.state.below is None:
            self._execute(issued)
        else:
            self.state.waiting = (*self.state.waiting, issued)

    def _execute(self, issued: Issued) -> None:
        match issued.instruction:
            case StartSubchannel(orb=orb, program=program):
                answer: Answer | None = self._start(orb, program)
            case HaltSubchannel():
                answer = self._halt()
            case ClearSubchannel():
                answer = self._accept_clear()
            case ResumeSubchannel():
                answer = self._resume(issued)
            case CancelSubchannel():
                answer = self._cancel(issued)
            case TestSubchannel():
                answer = self._test()
            case StoreSubchannel():
                answer = self._store(issued)
            case ModifySubchannel(pmcw=pmcw, mba=mba):
                answer = self._modify(Schib(pmcw, mba=mba))
        if answer is not None:
            self.reply(issued.to, answer)

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """SSCH: accept a channel program, and have it run."""
        state = self.state
        cc, scsw = lifecycle.start(self._scsw, state.schib.pmcw, orb)
        if cc == 0:
            pmcw = lifecycle.started(state.schib.pmcw, orb)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
            state.start = self._next_number()
            limit = state.settings.address_limit
            low, high = address_limits(orb, pmcw, limit)
            self._vfio_ccw.tell(IoRequest(state.start, orb, program, low, high))
        return ConditionCode(cc)

    def _halt(self) -> ConditionCode:
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

    def _accept_clear(self) -> ConditionCode:
        """CSCH: drop all status. A CLEAR that is under way already does for two."""
        cc, scsw = lifecycle.clear(self._scsw, self.state.schib.pmcw)
        if cc == 0:
            self._clear(scsw)
        return ConditionCode(cc)

    def _test(self) -> Tested:
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

    def _modify(self, new: Schib) -> ConditionCode:
        """MSCH: change what a program may change; not while a reset is under way."""
        if self.state.resetting:
            return ConditionCode(2)
        before = self.state.schib.pmcw.concurrent_sense
        cc, self.state.schib = lifecycle.modify(self.state.schib, new)
        wanted = self.state.schib.pmcw.concurrent_sense
        if wanted is not before:
            self._vfio_ccw.tell(SenseConcurrently(wanted))
        return ConditionCode(cc)

    # -- instructions that go down --

    def _resume(self, issued: Issued) -> ConditionCode | None:
        """RSCH: only a START can be resumed, and only if its ORB says so."""
        cc, _ = lifecycle.resume(self._scsw, self.state.schib.pmcw)
        if cc in (1, 3):
            return ConditionCode(cc)
        if self._scsw.fctl != Fctl.START or not self._scsw.suspend_control:
            return ConditionCode(_NOT_APPLICABLE)
        self._go_down(issued)
        return None

    def _cancel(self, issued: Issued) -> ConditionCode | None:
        """XSCH: only a START can be cancelled."""
        cc, _ = lifecycle.cancel(self._scsw, self.state.schib.pmcw)
        if cc in (1, 3):
            return ConditionCode(cc)
        if self._scsw.fctl != Fctl.START:
            return ConditionCode(_NOT_APPLICABLE)
        self._go_down(issued)
        return None

    def _store(self, issued: Issued) -> Stored | None:
        """STSCH: the host's subchannel knows how active it is."""
        if self._scsw.fctl & Fctl.START and not self._scsw.pending:
            self._go_down(issued)
            return None
        return Stored(0, self.state.schib)

    def _go_down(self, issued: Issued) -> None:
        state = self.state
        state.below, state.asked = issued, self._next_number()
        self._vfio_ccw.tell(LookRequest(state.asked))

    @receive
    def found(self, message: Found) -> None:
        """Answer STSCH, or go on with RSCH or XSCH if they apply."""
        state, number, host = self.state, message.number, message.schib.scsw
        if number != state.asked or state.below is None:
            return
        if not message.schib.pmcw.valid:
            return  # The device is gone: what is down is answered when Gone comes.
        pending = self._scsw.pending
        resuming = host.actl & Actl.RESUME_PENDING
        match state.below.instruction:
            case StoreSubchannel():
                if self._scsw.fctl & Fctl.START and not pending:
                    self._scsw = replace(self._scsw, actl=self._activity(host))
                self._come_up(Stored(0, state.schib))
            case _ if pending:
                self._come_up(ConditionCode(1))
            case ResumeSubchannel(program) if (
                host.actl & Actl.SUSPENDED and not resuming
            ):
                self._vfio_ccw.tell(ResumeRequest(number, program))
            case CancelSubchannel() if not resuming:
                self._vfio_ccw.tell(CancelRequest(number))
            case _:
                self._come_up(ConditionCode(_NOT_APPLICABLE))

    @receive
    def completed(self, message: Completed) -> None:
        """Answer RSCH or XSCH, and go on with what has waited for it."""
        if message.number == self.state.asked and message.cc != _GONE:
            self._come_up(ConditionCode(self._applied(message.cc)))

    def _activity(self, host: Scsw) -> int:
        """Return the activity of a START whose status is not pending.

        The host shows no START yet before it has got it. One that is to be resumed is
        shown as resumed, as RSCH has left it here.
        """
        own = self._scsw.actl & (Actl.HALT_PENDING | Actl.CLEAR_PENDING)
        if not host.fctl & Fctl.START:
            return own | Actl.START_PENDING
        resuming = host.actl & Actl.RESUME_PENDING
        return own | (_ACTIVE if resuming else host.actl & _OF_START)

    def _applied(self, cc: int) -> int:
        """Apply what the host has made of RSCH or XSCH; return the condition code."""
        state, scsw = self.state, self._scsw
        assert state.below is not None, "it has been asked for"
        if cc != 0:
            return 1 if scsw.pending else _NOT_APPLICABLE
        if isinstance(state.below.instruction, CancelSubchannel):
            fctl = scsw.fctl & ~Fctl.START
            self._scsw = replace(scsw, fctl=fctl, actl=scsw.actl & ~_OF_START)
            self._forget_functions()
            self._show_unsolicited()
        else:
            suspended = Actl.SUSPENDED | Actl.RESUME_PENDING
            self._scsw = replace(scsw, actl=scsw.actl & ~suspended | _ACTIVE)
        return 0

    def _come_up_empty(self, issued: Issued) -> None:
        """Answer an instruction that a reset has overtaken, or the subchannel's end."""
        is_store = isinstance(issued.instruction, StoreSubchannel)
        cc = _NOT_APPLICABLE if self.state.schib.pmcw.valid else 3
        self._come_up(Stored(0, self.state.schib) if is_store else ConditionCode(cc))

    def _come_up(self, answer: Answer) -> None:
        """Give the answer, and execute what has waited until one goes down again."""
        state = self.state
        assert state.below is not None, "it has been asked for"
        self.reply(state.below.to, answer)
        state.below, state.asked = None, 0
        while state.waiting and state.below is None:
            issued, *others = state.waiting
            state.waiting = tuple(others)
            self._execute(issued)

    @receive
    def note_settings(self, message: NoteSettings) -> SettingsNoted:
        """Go by other settings; a program that runs keeps those it began with."""
        self.state.settings = message.settings
        return SettingsNoted(self._schid.index)

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
        if not state.schib.pmcw.valid:
            self.reply(self.reply_to, SubchannelReset(self._schid.index))
            return
        if not state.resetting:
            if state.below is not None:
                self._come_up_empty(state.below)
            self._clear_host()
            pmcw = state.schib.pmcw.with_flag(Pmcw.enabled, on=False)
            scsw = lifecycle.reset(self._scsw)
            state.schib = replace(state.schib, pmcw=pmcw, scsw=scsw)
        state.resetting = (*state.resetting, self.reply_to)
