"""Deliberate breakages of the actors that pass a subchannel through, one rule each."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from msgspec.structs import replace

from ccw_actors.actors import Cio, GuestSubchannel, Subchannel, VfioCcw, VfioCcwRegions
from ccw_actors.actors.hardware import PROMPT, Pace, SubchannelState
from ccw_actors.actors.hardware._subchannel_functions import FunctionsAtWork
from ccw_actors.actors.host import Driver, DriverState
from ccw_actors.actors.host._quiescing import Cut
from ccw_actors.actors.protocol import (
    Area,
    CancelRequest,
    CancelSubchannel,
    ClearRequest,
    ClearSubchannel,
    Completed,
    ConditionCode,
    Found,
    HaltRequest,
    Interrupt,
    InterruptionGone,
    IoEvent,
    IoRequest,
    NotOperational,
    Piece,
    ResetDone,
    StartSubchannel,
    TakeInterruption,
    Tested,
    UnpinAll,
)
from ccw_actors.channel import Actl, Dstat, Fctl, Irb, Orb, Scsw, Stctl
from ccw_actors.channel.actions import End
from ccw_actors.channel.actions import Interrupt as ProgramInterrupt
from ccw_actors.channel.execution import Execution
from ccw_actors.machine import Layers
from ccw_actors.runtime import Failure, receive

__all__ = ["BREAKAGES", "Breakage", "StaysHalted"]


class _Broken(Subchannel):
    """A subchannel with other functions."""

    functions: type[FunctionsAtWork]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._functions = self.functions(self._links, self._model, self._pace)


class ReleasesAtClear(Driver):
    """Releases the program as soon as a CLEAR comes."""

    def clear(self, state: DriverState, message: ClearRequest) -> None:
        """Clear, and release the program."""
        super().clear(state, message)
        for number in state.pinned:
            self._release(state, number)


class ReleasesAtHalt(Driver):
    """Releases the program as soon as a HALT comes."""

    def halt(self, state: DriverState, message: HaltRequest) -> None:
        """Halt, and release the program."""
        super().halt(state, message)
        for number in state.pinned:
            self._release(state, number)


class UnpinsAtRestart(Driver):
    """Forgets all pinned pages when it restarts."""

    def restart(self) -> None:
        """Restart with nothing pinned."""
        self._storage.tell(UnpinAll())
        super().restart()


class LosesAtRestart(GuestSubchannel):
    """Reports that its device is lost before the host has given it up."""

    def on_restart(self) -> None:
        """Tell the sink at once."""
        super().on_restart()
        self._sink.tell(NotOperational(0))


class StaysAtRestart(Cio):
    """Restarts as if nothing had been in progress."""

    def on_restart(self) -> None:
        """Restart from the first state."""
        self.on_start()


class SilentAtRestart(GuestSubchannel):
    """Restarts as if nothing had been in progress."""

    def on_restart(self) -> None:
        """Do not give up the subchannel."""


class ForgetsEnds(Driver):
    """Forgets to release the program that an interrupt ends."""

    def interrupt(self, state: DriverState, message: Interrupt) -> None:
        """Pass the status on, and keep the program."""
        pinned = state.pinned
        state.pinned = ()
        super().interrupt(state, message)
        state.pinned = pinned


class StartsTheDead(Driver):
    """Starts a program that was dropped while its pages were being pinned."""

    def _drop(self, state: DriverState, program: Any) -> None:
        if program.phase == "copying":
            super()._drop(state, program)


class KeepsProgram(Driver):
    """Keeps the program when the CLEAR that ended it has completed."""

    def interrupt(self, state: DriverState, message: Interrupt) -> None:
        """Pass the status on, and keep the program."""
        program = state.program
        super().interrupt(state, message)
        if state.program is None and program is not None:
            state.program = program if not message.irb.scsw.fctl & 4 else None


class AcceptsWhilePending(GuestSubchannel):
    """Accepts a START while status is pending."""

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """Drop the pending status, and accept."""
        scsw = self.state.schib.scsw
        if scsw.pending:
            self.state.schib = replace(self.state.schib, scsw=Scsw())
        return super()._start(orb, program)


class AcceptsWhileBusy(GuestSubchannel):
    """Accepts a START while a function is in progress."""

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """Forget the function in progress, and accept."""
        scsw = self.state.schib.scsw
        if scsw.fctl and not scsw.pending:
            self.state.schib = replace(self.state.schib, scsw=Scsw())
        return super()._start(orb, program)


class WithoutNumbers(GuestSubchannel):
    """Uses the functions that an IRB names, and not the numbers of operations."""

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Take the event for one of the newest operations."""
        state, fctl = self.state, message.irb.scsw.fctl
        functions = (
            (Fctl.START, state.start),
            (Fctl.HALT, state.halt),
            (Fctl.CLEAR, state.clear),
        )
        numbers = tuple(number for bit, number in functions if fctl & bit and number)
        ends = numbers if message.ends else ()
        newest = state.number
        super().io_event(replace(message, answers=numbers, ends=ends, after=newest))


class CopiesTheIrb(GuestSubchannel):
    """Overwrites the whole SCSW with each IRB, FC included."""

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Copy the whole SCSW of the IRB."""
        super().io_event(message)
        scsw = message.irb.scsw
        if self.state.schib.scsw.pending:
            shown = replace(scsw, stctl=scsw.stctl | Stctl.PENDING)
            self.state.schib = replace(self.state.schib, scsw=shown)


class NeverTakes(GuestSubchannel):
    """Never tells VfioCcw that it has taken an event."""

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Take the event without telling VfioCcw."""
        super().io_event(replace(message, ends=message.ends and ()))


class NamesTheNewest(Cio):
    """Says that every interrupt ends the newest operation."""

    def _attribute(self, irb: Irb) -> None:
        state = self.state
        ends = (state.newest,) if irb.scsw.stctl & ~Stctl.INTERMEDIATE else ()
        super()._attribute(irb)
        self._driver.tell(Interrupt(ends, ends, state.newest, irb))


class ForgetsTheNewest(Cio):
    """Does not note which operation was accepted last."""

    def _accept(self, operation: Any) -> None:
        super()._accept(operation)
        self.state.newest = 0


class IgnoresTheStatus(Cio):
    """Ignores the status that makes an instruction end with condition code 1."""

    @receive
    def tested(self, message: Tested) -> None:
        """Fetch the status of a START alone."""
        if message.irb.scsw.fctl & Fctl.START:
            super().tested(message)
        else:
            self.state.issued = ""
            self._go_on()


class ClearsTooEarly(Subchannel):
    """Shows the end of CLEAR before storage has answered."""

    @receive
    def reset_done(self, message: ResetDone) -> None:
        """Show the end at once."""
        state, work = self.state, self.state.work
        state.work = replace(work, awaited="nothing")
        super().reset_done(message)
        if work.awaited == "storage":
            state.work = replace(state.work, awaited="storage")


class _Halts(FunctionsAtWork):
    def _signal_halt(self, state: SubchannelState) -> None:
        execution = state.execution
        if execution is not None and state.scsw.actl & Actl.DEVICE_ACTIVE:
            self._cut_short(state, execution)
        else:
            super()._signal_halt(state)


class HaltsTooEarly(_Broken):
    """Shows the end of HALT while the device still works."""

    functions = _Halts


class GoesOn(Subchannel):
    """Continues a channel program that a CLEAR has ended."""

    @receive
    def clear(self, message: ClearSubchannel) -> ConditionCode:
        """Clear everything except the program."""
        state = self.state
        execution, program = state.execution, state.program
        answer = super().clear(message)
        state.execution, state.program = execution, program
        return answer


class StartsWhileUntaken(Driver):
    """Accepts a START before the emulator has taken the last event."""

    def io_request(self, state: DriverState, message: IoRequest) -> None:
        """Accept the START whatever is untaken."""
        untaken, state.untaken = state.untaken, 0
        super().io_request(state, message)
        state.untaken = untaken


class ForgetsWhoAsked(VfioCcwRegions):
    """Restarts as if no request were open."""

    def on_restart(self) -> None:
        """Drop the requests."""
        self.persistent.calls = ()
        super().on_restart()


class UnmapsPinned(VfioCcwRegions):
    """Treats no page as used by the channel."""

    def _is_pinned(self, area: Area) -> bool:
        return super()._is_pinned(Area(area.address, 0))


class LosesWhatItCuts(VfioCcwRegions):
    """Does not show the end of a function that an UNMAP has ended."""

    def _quiesced(self) -> None:
        self.state.quiescing.cut = Cut()
        super()._quiesced()


class CancelsLate(Cio):
    """Issues XSCH even if status has come since the last Look."""

    def _go_on(self) -> None:
        self.state.looked = True
        super()._go_on()


class DropsWhatIsNewer(GuestSubchannel):
    """Drops an intermediate status that was taken when HALT was the newest."""

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Treat it as withdrawn by HSCH."""
        if message.ends or not message.answers or message.after != self.state.halt:
            super().io_event(message)


class LosesWhatACpuFailedOn(GuestSubchannel):
    """Forgets an interruption as soon as it is handed over."""

    @receive
    def failure(self, message: Failure) -> None:
        """Do nothing."""


class BareLosesWhatACpuFailedOn(Subchannel):
    """Forgets an interruption as soon as it is handed over."""

    @receive
    def failure(self, message: Failure) -> None:
        """Do nothing."""


class IgnoresTheMask(GuestSubchannel):
    """Hands an interruption to a CPU that has its ISC off."""

    @receive
    def take_interruption(self, message: TakeInterruption) -> InterruptionGone | None:
        """Take the CPU for one that has all on."""
        return super().take_interruption(replace(message, mask=0xFF))


class HandsOverTwice(GuestSubchannel):
    """Leaves an interruption pending that a CPU has taken."""

    @receive
    def take_interruption(self, message: TakeInterruption) -> InterruptionGone | None:
        """Hand it over, and keep it."""
        answer = super().take_interruption(message)
        if answer is None:
            self.state.interruption.pending = True
            self._announce()
        return answer


class NeverSaysTaken(GuestSubchannel):
    """Does not say with a START what it has taken."""

    def _start(self, orb: Orb, program: tuple[Piece, ...]) -> ConditionCode:
        taken, self.state.taken = self.state.taken, 0
        answer = super()._start(orb, program)
        self.state.taken = taken
        return answer


class KeepsInterruption(GuestSubchannel):
    """Leaves an interruption pending whose status a HALT has withdrawn."""

    def _halt(self) -> ConditionCode:
        pending = self.state.interruption.pending
        answer = super()._halt()
        self.state.interruption.pending = pending
        return answer


class ResumesWhilePending(GuestSubchannel):
    """Goes on with RSCH and XSCH even if status has come since."""

    @receive
    def found(self, message: Found) -> None:
        """Use the answer of the host."""
        state = self.state
        scsw = state.schib.scsw
        state.schib = replace(state.schib, scsw=replace(scsw, stctl=0))
        super().found(message)
        if state.schib.scsw.stctl == 0:
            state.schib = replace(state.schib, scsw=scsw)


class ShowsTheLast(GuestSubchannel):
    """Shows the last of several answers, even if it is not START's."""

    def _end(self, functions: int, irb: Irb) -> None:
        self.state.answer = None
        super()._end(functions, irb)


class StaysHalted(Subchannel):
    """Ends the next program as well with the halt signal that ended one."""

    @receive
    def start(self, message: StartSubchannel) -> ConditionCode:
        """Start as if it had been halted already."""
        answer = super().start(message)
        if answer.cc == 0 and self.state.run > 1:
            self.state.work = replace(self.state.work, owed="end of halt")
        return answer


class AnswersTooEarly(GuestSubchannel):
    """Answers an instruction at the host with cc 3 before it is not operational."""

    @receive
    def completed(self, message: Completed) -> None:
        """Answer with the host's condition code."""
        if self.state.below is not None and message.cc == 3:
            self._come_up(ConditionCode(3))
        else:
            super().completed(message)


class _Cuts(FunctionsAtWork):
    def _cut_short(self, state: SubchannelState, execution: Execution) -> None:
        before = state.scsw
        super()._cut_short(state, execution)
        if isinstance(execution.action, ProgramInterrupt):
            scsw = state.scsw
            stctl = scsw.stctl & ~Stctl.INTERMEDIATE | before.stctl
            state.scsw = replace(scsw, stctl=stctl, cstat=before.cstat)


class DropsPci(_Broken):
    """Loses the PCI of a CCW that was fetched when the program was halted."""

    functions = _Cuts


class HaltsTwice(Driver):
    """Gives Cio a HALT while another is in progress, and forgets the first."""

    def halt(self, state: DriverState, message: HaltRequest) -> None:
        """Forget the first operation."""
        state.halt = 0
        super().halt(state, message)


class WithdrawsTwice(Driver):
    """Gives Cio a CANCEL while another is in progress, and forgets the first."""

    def cancel_request(self, state: DriverState, message: CancelRequest) -> None:
        """Forget the first operation."""
        state.cancel = 0
        super().cancel_request(state, message)


class _Rests(FunctionsAtWork):
    def _storage_rests(self, state: SubchannelState) -> None:
        self.answer_cancelled(state)
        self._rest_if_quiet(state)


class LosesHalt(_Broken):
    """Forgets a HALT that has waited for storage of a program that was cancelled."""

    functions = _Rests


class WithdrawsWhatItFetches(Subchannel):
    """Answers XSCH while storage still works for the withdrawn program."""

    @receive
    def cancel_start(self, message: CancelSubchannel) -> ConditionCode | None:
        """Answer without waiting for storage."""
        state, work = self.state, self.state.work
        state.work = replace(work, awaited="nothing")
        answer = super().cancel_start(message)
        state.work = work
        return answer


class _Counts(FunctionsAtWork):
    def _cut_short(self, state: SubchannelState, execution: Execution) -> None:
        count, cpa = execution.count, execution.cpa
        self._end(
            state, End(Dstat.CHANNEL_AND_DEVICE_END, 0, count, cpa, selected=True)
        )


class CountsAsBefore(_Broken):
    """Shows the residual count of the last command for one that never began."""

    functions = _Counts


class Breakage(NamedTuple):
    """A class that breaks a rule, the layer that it replaces, and the scenario.

    `scenario` is the name of the one that refutes it, `violation` what it finds. `pace`
    is that of the host's subchannel, None for what the scenario takes.
    """

    part: str
    kind: type[Any]
    scenario: str
    violation: str
    pace: Pace | None = None

    def __str__(self) -> str:
        return f"{self.kind.__name__}-{self.scenario}"

    @property
    def layers(self) -> Layers:
        """The layers with the broken part."""
        broken: Callable[..., Any] = self.kind
        if issubclass(self.kind, Driver):
            behind_regions = self.scenario.startswith("raw-regions")
            actor = VfioCcwRegions if behind_regions else VfioCcw
            broken = partial(actor, driver=self.kind)
        return replace(Layers(pace=self.pace), **{self.part: broken})


_RELEASED = "no program is released while the subchannel may use it"
_SEEN = "a real subchannel: the reference shows the same"
_BUSY = "never cc 0 on START while FC is nonzero"
_STRAY = "cio failed on ConditionCode: AssertionError: no instruction was in progress"
_BOTH = (
    "subchannel failed on ResetDone: AssertionError: clear signal answered at"
    " Work(awaited='nothing', owed='nothing', signal='none', attachment='attached'):"
    " CSCH and a reset end the program before their own end is shown"
)
_UNENDED = "each accepted function gets its final status"

BREAKAGES = (
    Breakage("vfio_ccw", UnpinsAtRestart, "crash-clear", _RELEASED),
    Breakage("cio", StaysAtRestart, "crash-start", _STRAY),
    Breakage(
        "guest_subchannel",
        SilentAtRestart,
        "crash-start",
        "the guest gets its status or a channel report",
    ),
    Breakage("guest_subchannel", LosesAtRestart, "crash-nested", _RELEASED),
    Breakage("vfio_ccw", ReleasesAtClear, "seed", _RELEASED),
    Breakage("vfio_ccw", ReleasesAtHalt, "halt", _RELEASED),
    Breakage("vfio_ccw", ForgetsEnds, "halt", "nothing stays pinned"),
    Breakage("vfio_ccw", StartsTheDead, "clear-twice", _RELEASED),
    Breakage("vfio_ccw", KeepsProgram, "seed-seen", _SEEN),
    Breakage("guest_subchannel", AcceptsWhilePending, "seed", _BUSY),
    Breakage("guest_subchannel", AcceptsWhileBusy, "seed", _BUSY),
    Breakage("guest_subchannel", WithoutNumbers, "seed-seen", _SEEN),
    Breakage(
        "guest_subchannel",
        CopiesTheIrb,
        "halt",
        "never a final status of functions that were not accepted",
    ),
    Breakage("guest_subchannel", NeverTakes, "clear-twice", _UNENDED),
    Breakage("cio", NamesTheNewest, "seed-seen", _SEEN),
    Breakage("cio", ForgetsTheNewest, "clear-twice", _UNENDED),
    Breakage("cio", IgnoresTheStatus, "halt", _UNENDED),
    Breakage("subchannel", ClearsTooEarly, "clear-twice", _RELEASED),
    Breakage("subchannel", HaltsTooEarly, "halt", _RELEASED),
    Breakage("subchannel", GoesOn, "clear-twice", _BOTH),
    Breakage(
        "vfio_ccw",
        StartsWhileUntaken,
        "raw-starts",
        "never a START accepted while a request is open or an event untaken",
    ),
    Breakage(
        "vfio_ccw",
        StartsWhileUntaken,
        "raw-regions",
        "never a START accepted while FC is nonzero",
    ),
    Breakage(
        "vfio_ccw",
        ForgetsWhoAsked,
        "raw-regions-crash-unmap",
        "each request is answered",
    ),
    Breakage(
        "vfio_ccw",
        UnmapsPinned,
        "raw-regions-unmap",
        "an unmapped page is not pinned",
    ),
    Breakage(
        "vfio_ccw", LosesWhatItCuts, "raw-regions-unmap", "each function is in an IRB"
    ),
    Breakage("cio", CancelsLate, "cancel-late", _SEEN),
    Breakage(
        "guest_subchannel",
        DropsWhatIsNewer,
        "answers-pci",
        "the newer status is seen and the older is not",
    ),
    Breakage("guest_subchannel", KeepsInterruption, "pci-halt", _SEEN),
    Breakage(
        "guest_subchannel",
        LosesWhatACpuFailedOn,
        "interruption-crash",
        "the other CPU gets it",
    ),
    Breakage(
        "subchannel",
        BareLosesWhatACpuFailedOn,
        "bare-interruption-crash",
        "the other CPU gets it",
    ),
    Breakage(
        "guest_subchannel",
        IgnoresTheMask,
        "interruption-isc",
        "no CPU gets an ISC that it has off",
    ),
    Breakage(
        "guest_subchannel",
        HandsOverTwice,
        "interruption-crash",
        "the other CPU gets it",
    ),
    Breakage(
        "guest_subchannel",
        NeverSaysTaken,
        "clear-twice",
        "guest-subchannel: no START of the emulator is refused with EBUSY",
    ),
    Breakage("guest_subchannel", ResumesWhilePending, "resume-early", _SEEN),
    Breakage(
        "guest_subchannel", ShowsTheLast, "answers", "the status is that of START"
    ),
    Breakage(
        "subchannel",
        StaysHalted,
        "restart",
        "subchannel: nothing of a program that has ended is left",
    ),
    Breakage("guest_subchannel", AnswersTooEarly, "unplug-cancel", _SEEN),
    Breakage(
        "subchannel",
        DropsPci,
        "bare-data-then-pci",
        "what the architecture describes: the reference shows the same",
    ),
    Breakage(
        "vfio_ccw",
        HaltsTwice,
        "raw-halts",
        "never a START accepted while a request is open or an event untaken",
    ),
    Breakage(
        "vfio_ccw",
        WithdrawsTwice,
        "raw-cancel",
        "never a START refused with EBUSY though nothing is open or untaken",
    ),
    Breakage(
        "subchannel",
        LosesHalt,
        "bare-cancel-and-halt",
        "what the architecture describes: the reference may have ended",
        PROMPT,
    ),
    Breakage(
        "subchannel",
        WithdrawsWhatItFetches,
        "cancel-halt",
        _RELEASED,
    ),
    Breakage(
        "subchannel",
        CountsAsBefore,
        "bare-halt-anywhere",
        "what the architecture describes: the reference shows the same",
        PROMPT,
    ),
)
