"""Deliberate breakages of the actors that pass a subchannel through, one rule each."""

from typing import Any, NamedTuple

from msgspec.structs import replace

from ccw_actors.actors import Cio, GuestSubchannel, Subchannel, VfioCcw
from ccw_actors.actors.protocol import (
    ClearRequest,
    ClearSubchannel,
    ConditionCode,
    HaltRequest,
    Interrupt,
    IoEvent,
    Piece,
    Pinned,
    ResetDone,
    Tested,
    UnpinAll,
)
from ccw_actors.channel import Actl, Fctl, Irb, Orb, Scsw, Stctl
from ccw_actors.runtime import receive
from ccw_actors.scenarios.pass_through.house import Layers

__all__ = ["BREAKAGES", "Breakage"]


class ReleasesAtClear(VfioCcw):
    """Releases the program as soon as a CLEAR comes."""

    @receive
    def clear(self, message: ClearRequest) -> None:
        """Clear, and let go."""
        super().clear(message)
        for number in self.state.pinned:
            self._release(number)


class ReleasesAtHalt(VfioCcw):
    """Releases the program as soon as a HALT comes."""

    @receive
    def halt(self, message: HaltRequest) -> None:
        """Halt, and let go."""
        super().halt(message)
        for number in self.state.pinned:
            self._release(number)


class UnpinsAtRestart(VfioCcw):
    """Gives all pins up when it begins again."""

    def on_restart(self) -> None:
        """Begin with nothing pinned."""
        self._storage.tell(UnpinAll())
        super().on_restart()


class StaysAtRestart(Cio):
    """Begins again as if nothing had been under way."""

    def on_restart(self) -> None:
        """Begin as at first."""
        self.on_start()


class SilentAtRestart(GuestSubchannel):
    """Begins again as if nothing had been under way."""

    def on_restart(self) -> None:
        """Say nothing."""


class ForgetsEnds(VfioCcw):
    """Forgets to release what an interrupt ends."""

    @receive
    def interrupt(self, message: Interrupt) -> None:
        """Hand the status on."""
        pinned = self.state.pinned
        self.state.pinned = ()
        super().interrupt(message)
        self.state.pinned = pinned


class StartsTheDead(VfioCcw):
    """Starts a program that was given up while it was being pinned."""

    def _drop(self, program: Any) -> None:
        if program.phase == "copying":
            super()._drop(program)

    @receive
    def start_translated(self, message: Pinned) -> None:
        """Start what is there."""
        super().start_translated(message)


class KeepsProgram(VfioCcw):
    """Keeps the program when the CLEAR that ended it has completed."""

    @receive
    def interrupt(self, message: Interrupt) -> None:
        """Hand the status on."""
        program = self.state.program
        super().interrupt(message)
        if self.state.program is None and program is not None:
            self.state.program = program if not message.irb.scsw.fctl & 4 else None


class AcceptsWhilePending(GuestSubchannel):
    """Accepts a START while status is pending."""

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """Throw the status away."""
        scsw = self.state.schib.scsw
        if scsw.pending:
            self.state.schib = replace(self.state.schib, scsw=Scsw())
        return super()._start(orb, program)


class AcceptsWhileBusy(GuestSubchannel):
    """Accepts a START while a function is under way."""

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """Forget what is under way."""
        scsw = self.state.schib.scsw
        if scsw.fctl and not scsw.pending:
            self.state.schib = replace(self.state.schib, scsw=Scsw())
        return super()._start(orb, program)


class WithoutNumbers(GuestSubchannel):
    """Goes by the functions that an IRB names, whichever operations they were."""

    @receive
    def event(self, message: IoEvent) -> None:
        """Take it for one of the newest operations."""
        state, fctl = self.state, message.irb.scsw.fctl
        functions = (
            (Fctl.START, state.start),
            (Fctl.HALT, state.halt),
            (Fctl.CLEAR, state.clear),
        )
        numbers = tuple(number for bit, number in functions if fctl & bit and number)
        ends = numbers if message.ends else ()
        newest = state.number
        super().event(replace(message, answers=numbers, ends=ends, after=newest))


class CopiesTheIrb(GuestSubchannel):
    """Overwrites the whole SCSW with each IRB, FC, too."""

    @receive
    def event(self, message: IoEvent) -> None:
        """Take all that the IRB says."""
        super().event(message)
        scsw = message.irb.scsw
        if self.state.schib.scsw.pending:
            shown = replace(scsw, stctl=scsw.stctl | Stctl.PENDING)
            self.state.schib = replace(self.state.schib, scsw=shown)


class NeverTakes(GuestSubchannel):
    """Does not tell that it has taken an event."""

    @receive
    def event(self, message: IoEvent) -> None:
        """Take it silently."""
        super().event(replace(message, ends=message.ends and ()))


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
    """Does not look at the status that makes an instruction end with cc 1."""

    @receive
    def tested(self, message: Tested) -> None:
        """Look at the status of a START alone."""
        if message.irb.scsw.fctl & Fctl.START:
            super().tested(message)
        else:
            self.state.issued = ""
            self._go_on()


class ClearsTooEarly(Subchannel):
    """Shows the end of CLEAR though storage has not answered yet."""

    @receive
    def reset_done(self, message: ResetDone) -> None:
        """Show it at once."""
        storage, self.state.storage = self.state.storage, False
        super().reset_done(message)
        self.state.storage = storage


class HaltsTooEarly(Subchannel):
    """Shows the end of HALT while the device still works."""

    def _signal_halt(self) -> None:
        execution = self.state.execution
        if execution is not None and self.state.schib.scsw.actl & Actl.DEVICE_ACTIVE:
            self._cut_short(execution)
        else:
            super()._signal_halt()


class GoesOn(Subchannel):
    """Goes on with a channel program that a CLEAR has ended."""

    @receive
    def clear(self, message: ClearSubchannel) -> ConditionCode:
        """Clear, but for the program."""
        state = self.state
        execution, program = state.execution, state.program
        answer = super().clear(message)
        state.execution, state.program = execution, program
        return answer


class Breakage(NamedTuple):
    """A class that breaks a rule, the part that it takes, and where that shows.

    `scenario` is the name of the one that refutes it, `violation` what it finds.
    """

    part: str
    kind: type[Any]
    scenario: str
    violation: str

    @property
    def layers(self) -> Layers:
        """The layers with the broken part."""
        return replace(Layers(), **{self.part: self.kind})


_RELEASED = "no program is released while the subchannel may use it"
_SEEN = "a real subchannel: what is seen is seen of the reference"
_BUSY = "never cc 0 on START while FC is nonzero"
_STRAY = "cio failed on ConditionCode: AssertionError: no instruction was under way"
_UNENDED = "each accepted function has its final status"

BREAKAGES = (
    Breakage("vfio_ccw", UnpinsAtRestart, "crash-clear", _RELEASED),
    Breakage("cio", StaysAtRestart, "crash-start", _STRAY),
    Breakage("guest_subchannel", SilentAtRestart, "crash-start", "the guest is told"),
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
    Breakage("subchannel", GoesOn, "clear-twice", _RELEASED),
)
