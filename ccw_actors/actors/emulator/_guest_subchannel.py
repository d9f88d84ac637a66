"""GuestSubchannel: the one subchannel that a guest sees in place of three layers.

It answers SSCH, HSCH, CSCH, TSCH and MSCH at once, from its own state: no layer below
can change a condition code afterwards. Failures below become status. The rules of
condition codes and of FC are `channel.lifecycle`, the same as for a host's subchannel.

RSCH, XSCH and STSCH go down while a START is in progress and no status is pending, as
only the host's subchannel knows how far the START has come. Until they come back, later
instructions wait here in the order they came. A LookRequest goes down first. Status
that the host's subchannel had to show comes up before the answer; with such status RSCH
and XSCH end with condition code 1. A program that is suspended by then stays so until
it is resumed.

| going down | what comes up | next |
|---|---|---|
| STSCH | Found | answered |
| RSCH, XSCH | Found, status pending here | cc 1 |
| RSCH | Found, suspended | ResumeRequest |
| RSCH | Found, not suspended | cc 2 |
| XSCH | Found, to be resumed | cc 2 |
| XSCH | Found | CancelRequest |
| RSCH, XSCH | Completed | its cc, or cc 1 if status is pending here |
| any | Found or Completed: the device is gone | answered at Gone |

`_guest_status` has the state, and what it shows of the layers below; only this module
sends messages.
"""

import errno

from ccw_actors.actors.emulator._guest_status import (
    GuestSubchannelState,
    Issued,
    SentDown,
)
from ccw_actors.actors.protocol import (
    CancelRequest,
    CancelSubchannel,
    ClearRequest,
    ClearSubchannel,
    Completed,
    ConditionCode,
    Detach,
    DetachDevice,
    Found,
    Gone,
    GuestSubchannelMessage,
    GuestSubchannelToVfioCcw,
    HaltRequest,
    HaltSubchannel,
    Instruction,
    InstructionAnswer,
    InterruptionGone,
    IoEvent,
    IoRequest,
    LookRequest,
    ModifySubchannel,
    NoteSettings,
    NotOperational,
    Pending,
    Piece,
    Refused,
    ResetSubchannel,
    ResumeRequest,
    ResumeSubchannel,
    SenseConcurrently,
    SettingsNoted,
    StartSubchannel,
    Stored,
    StoreSubchannel,
    SubchannelReset,
    SubchannelToSink,
    TakeInterruption,
    Tested,
    TestSubchannel,
)
from ccw_actors.channel import (
    Actl,
    Cc,
    Fctl,
    Irb,
    Orb,
    Pmcw,
    Schib,
    Scsw,
    Stctl,
    SubchannelId,
    lifecycle,
)
from ccw_actors.channel.execution import address_limits
from ccw_actors.runtime import Actor, ActorRef, Failure, receive

__all__ = ["GuestSubchannel"]


class GuestSubchannel(Actor[GuestSubchannelMessage]):
    """Subchannel `schid` of a guest, with a host's subchannel behind `vfio_ccw`.

    `pmcw` is what it starts with. It announces interruptions to `sink`.
    """

    state: GuestSubchannelState

    def __init__(
        self,
        schid: SubchannelId,
        pmcw: Pmcw,
        vfio_ccw: ActorRef[GuestSubchannelToVfioCcw],
        sink: ActorRef[SubchannelToSink],
    ) -> None:
        self._schid = schid
        self._vfio_ccw = vfio_ccw
        self._sink = sink
        self.state = GuestSubchannelState(Schib(pmcw))

    # -- instructions --

    @receive
    def instruction(self, message: Instruction) -> None:
        """Answer an instruction, pass it down, or let it wait for one that is down."""
        issued = Issued(message, self.reply_to)
        if self.state.below is None:
            self._execute(issued)
        else:
            self.state.waiting = (*self.state.waiting, issued)

    def _execute(self, issued: Issued) -> None:
        match issued.instruction:
            case StartSubchannel(orb=orb, program=program):
                answer: InstructionAnswer | None = self._start(orb, program)
            case TestSubchannel():
                answer = self._test()
            case HaltSubchannel():
                answer = self._halt()
            case ClearSubchannel():
                answer = self._clear()
            case ResumeSubchannel():
                answer = self._resume(issued)
            case CancelSubchannel():
                answer = self._cancel_start(issued)
            case StoreSubchannel():
                answer = self._store(issued)
            case ModifySubchannel(pmcw=pmcw, mba=mba):
                answer = self._modify(Schib(pmcw, mba=mba))
        if answer is not None:
            self.reply(issued.to, answer)

    def _start(self, orb: Orb, program: tuple[Piece, ...]) -> ConditionCode:
        """SSCH: accept a channel program, and send it down."""
        state = self.state
        cc, scsw = lifecycle.start(state.scsw, state.schib.pmcw, orb)
        if cc == Cc.DONE:
            number = state.accept_start(orb, scsw)
            limit = state.settings.address_limit
            low, high = address_limits(orb, state.schib.pmcw, limit)
            taken = state.report_taken()
            self._vfio_ccw.tell(IoRequest(number, orb, program, low, high, taken))
        return ConditionCode(cc)

    def _halt(self) -> ConditionCode:
        """HSCH: accept a halt."""
        state = self.state
        cc, scsw = lifecycle.halt(state.scsw, state.schib.pmcw)
        if cc == Cc.DONE:
            number = state.accept_halt(scsw)
            self._vfio_ccw.tell(HaltRequest(number, state.report_taken()))
        return ConditionCode(cc)

    def _clear(self) -> ConditionCode:
        """CSCH: drop all status. A CLEAR in progress below serves this one as well."""
        state = self.state
        cc, scsw = lifecycle.clear(state.scsw, state.schib.pmcw)
        if cc == Cc.DONE:
            number = state.accept_clear(scsw)
            if number is not None:
                self._vfio_ccw.tell(ClearRequest(number, state.report_taken()))
        return ConditionCode(cc)

    def _test(self) -> Tested:
        """TSCH: return the status; this is where FC ends."""
        cc, irb = self.state.test()
        if cc == 0:
            self._show_unsolicited()
        return Tested(cc, irb)

    def _modify(self, new: Schib) -> ConditionCode:
        """MSCH: change what a program may change, but not during a reset."""
        state = self.state
        if state.resetting:
            return ConditionCode(Cc.NOT_APPLICABLE)
        before = state.schib.pmcw.concurrent_sense
        cc, state.schib = lifecycle.modify(state.schib, new)
        wanted = state.schib.pmcw.concurrent_sense
        if wanted is not before:
            self._vfio_ccw.tell(SenseConcurrently(wanted))
        return ConditionCode(cc)

    # -- instructions that go down --

    def _resume(self, issued: Issued) -> ConditionCode | None:
        """RSCH: only a START can be resumed, and only if its ORB says so."""
        scsw = self.state.scsw
        cc, _ = lifecycle.resume(scsw, self.state.schib.pmcw)
        if cc in (Cc.STATUS_PENDING, Cc.NOT_OPERATIONAL):
            return ConditionCode(cc)
        if scsw.fctl != Fctl.START or not scsw.suspend_control:
            return ConditionCode(Cc.NOT_APPLICABLE)
        self._send_down(issued)
        return None

    def _cancel_start(self, issued: Issued) -> ConditionCode | None:
        """XSCH: only a START can be cancelled."""
        scsw = self.state.scsw
        cc, _ = lifecycle.cancel(scsw, self.state.schib.pmcw)
        if cc in (Cc.STATUS_PENDING, Cc.NOT_OPERATIONAL):
            return ConditionCode(cc)
        if scsw.fctl != Fctl.START:
            return ConditionCode(Cc.NOT_APPLICABLE)
        self._send_down(issued)
        return None

    def _store(self, issued: Issued) -> Stored | None:
        """STSCH: the host's subchannel knows how active it is."""
        scsw = self.state.scsw
        if scsw.fctl & Fctl.START and not scsw.pending:
            self._send_down(issued)
            return None
        return Stored(Cc.DONE, self.state.schib)

    def _send_down(self, issued: Issued) -> None:
        """Ask for the host's SCHIB first, whatever the instruction is."""
        state = self.state
        state.below = SentDown(issued, state.next_number())
        self._vfio_ccw.tell(LookRequest(state.below.number, state.report_taken()))

    @receive
    def found(self, message: Found) -> None:
        """Answer STSCH, or go on with RSCH or XSCH if they apply."""
        state, below, host = self.state, self.state.below, message.schib.scsw
        if below is None or message.number != below.number:
            return
        if not message.schib.pmcw.valid:
            return  # The device is gone: Gone will answer the instruction.
        pending = state.scsw.pending
        resuming = host.actl & Actl.RESUME_PENDING
        match below.issued.instruction:
            case StoreSubchannel():
                state.note_activity(host)
                self._come_up(Stored(Cc.DONE, state.schib))
            case _ if pending:
                self._come_up(ConditionCode(Cc.STATUS_PENDING))
            case ResumeSubchannel(program) if (
                host.actl & Actl.SUSPENDED and not resuming
            ):
                taken = state.report_taken()
                self._vfio_ccw.tell(ResumeRequest(below.number, program, taken))
            case CancelSubchannel() if not resuming:
                taken = state.report_taken()
                self._vfio_ccw.tell(CancelRequest(below.number, taken))
            case _:
                self._come_up(ConditionCode(Cc.NOT_APPLICABLE))

    @receive
    def completed(self, message: Completed) -> None:
        """Answer RSCH or XSCH, and execute the instructions that waited for it."""
        below = self.state.below
        if below is None or message.number != below.number:
            return
        # Not operational: Gone will answer the instruction.
        if message.cc != Cc.NOT_OPERATIONAL:
            cc = self._applied(below.issued.instruction, message.cc)
            self._come_up(ConditionCode(cc))

    def _applied(self, instruction: Instruction, cc: int) -> int:
        """Apply the host's answer to RSCH or XSCH; return the condition code.

        If the host refused because of status, that has come up by now.
        """
        state = self.state
        if cc != Cc.DONE:
            return Cc.STATUS_PENDING if state.scsw.pending else Cc.NOT_APPLICABLE
        if isinstance(instruction, CancelSubchannel):
            state.cancel_start()
            self._show_unsolicited()
        else:
            state.resume()
        return Cc.DONE

    def _come_up_empty(self, below: SentDown) -> None:
        """Answer an instruction that a reset or the subchannel's end has overtaken."""
        schib = self.state.schib
        if isinstance(below.issued.instruction, StoreSubchannel):
            self._come_up(Stored(Cc.DONE, schib))
        else:
            cc = Cc.NOT_APPLICABLE if schib.pmcw.valid else Cc.NOT_OPERATIONAL
            self._come_up(ConditionCode(cc))

    def _come_up(self, answer: InstructionAnswer) -> None:
        """Give the answer, and execute waiting instructions until one goes down."""
        state = self.state
        assert state.below is not None, "only an instruction that is down comes up"
        self.reply(state.below.issued.to, answer)
        state.below = None
        while state.waiting and state.below is None:
            issued, *others = state.waiting
            state.waiting = tuple(others)
            self._execute(issued)

    # -- the guest's channel subsystem --

    @receive
    def note_settings(self, message: NoteSettings) -> SettingsNoted:
        """Use new settings; a running program keeps those it began with."""
        self.state.settings = message.settings
        return SettingsNoted(self._schid.index)

    @receive
    def take_interruption(self, message: TakeInterruption) -> InterruptionGone | None:
        """Hand the interruption over, and withdraw it."""
        state = self.state
        pmcw = state.schib.pmcw
        return state.interruption.hand_over(self, message, self._schid, pmcw)

    @receive
    def failure(self, message: Failure) -> None:
        """Announce the interruption again if the CPU that took it has failed on it."""
        if self.state.interruption.put_back(message):
            self._announce()

    @receive
    def detach_device(self, _message: DetachDevice) -> None:
        """Give up the host's subchannel; the sink learns of it when `Gone` comes."""
        if self.state.is_gone:
            self._sink.tell(NotOperational(self._schid.index))
        else:
            self._vfio_ccw.tell(Detach())

    @receive
    def reset(self, _message: ResetSubchannel) -> None:
        """Disable the subchannel and clear the host's; answer when that is done."""
        state = self.state
        if state.is_gone:
            self.reply(self.reply_to, SubchannelReset(self._schid.index))
            return
        # After a restart the device is being given up: Gone answers the reset.
        if state.schib.pmcw.valid and not state.resetting:
            if state.below is not None:
                self._come_up_empty(state.below)
            number = state.reset()
            self._vfio_ccw.tell(ClearRequest(number, state.report_taken()))
        state.resetting = (*state.resetting, self.reply_to)

    # -- from below --

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Show a status, keep it for later, or drop it."""
        state = self.state
        if message.ends:
            state.taken += 1
        if message.after < state.newest_clear:
            return
        functions = state.functions(message.answers)
        if state.resetting:
            if state.clear in message.ends:
                self._reset_done()
        elif not message.answers:
            state.unsolicited = message.irb
            self._show_unsolicited()
        elif functions and message.ends:
            self._end(functions, message.irb)
        elif functions and state.present_intermediate(message.irb, message.after):
            self._announce()

    @receive
    def refused(self, message: Refused) -> None:
        """Turn a refusal into status."""
        state, number = self.state, message.number
        given_up = not state.schib.pmcw.valid
        if given_up or number < state.newest_clear or message.errno == errno.ENODEV:
            # Given up, or ENODEV: Gone follows, and no status.
            return
        if state.resetting:
            self._reset_done()
        elif number == state.start:
            self._end(Fctl.START, state.failed_start(message.errno))
        else:
            pending = Irb(Scsw(stctl=Stctl.PENDING))
            self._end(state.functions((number,)), pending)

    def on_restart(self) -> None:
        """Be not operational, and give up the host's subchannel: the state is lost."""
        self.state.lose()
        self._vfio_ccw.tell(Detach())

    @receive
    def gone(self, _message: Gone) -> None:
        """Be not operational: instructions end with condition code 3 from now on."""
        state = self.state
        if state.is_gone:
            return
        state.is_gone = True
        state.lose()
        self._sink.tell(NotOperational(self._schid.index))
        self._reset_done()
        if state.below is not None:
            self._come_up_empty(state.below)

    def _reset_done(self) -> None:
        """Answer every reset that waited for the CLEAR."""
        state = self.state
        state.forget_functions()
        for to in state.resetting:
            self.reply(to, SubchannelReset(self._schid.index))
        state.resetting = ()

    def _end(self, functions: int, irb: Irb) -> None:
        """Show status once every function in FC has been answered."""
        if self.state.end(functions, irb):
            self._announce()

    def _show_unsolicited(self) -> None:
        """Show held status, unless other status comes first."""
        if self.state.present_unsolicited():
            self._announce()

    def _announce(self) -> None:
        """Tell the sink that an interruption is pending."""
        isc = self.state.schib.pmcw.isc
        self._sink.tell(Pending(self._schid.index, isc))
