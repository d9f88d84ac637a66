"""How far a device behind regions has been quiesced, and what that cuts short.

A ledger without messages: who has it sends what the stages ask for.

| stage | event | next |
|---|---|---|
| none | a request that quiesces | clearing: CLEAR |
| any | RESET, CLOSE | what is unread, and what comes until it is over, is dropped |
| clearing | nothing is at work at the host | fencing: Unpin of a new number |
| clearing | the device is gone | fencing |
| fencing | its Unpinned: Storage has handled all that came before | answered; none |
| clearing, fencing | another request that quiesces | joins |
| clearing, fencing | a write | waits until it is over |
"""

from msgspec import Struct

from ccw_actors.actors.host._driver_state import DriverState
from ccw_actors.actors.protocol import IoEvent
from ccw_actors.channel import Cstat, Fctl, Irb, Scsw, Stctl, lifecycle
from ccw_actors.channel.ccw import CCW_LENGTH

__all__ = ["Cut", "Quiescing"]


class Cut(Struct, frozen=True, array_like=True):
    """Functions that the device is quiesced amidst, by number; 0 for none.

    `cpa` is where the program of the START begins.
    """

    start: int = 0
    halt: int = 0
    clear: int = 0
    cpa: int = 0

    def without(self, ends: tuple[int, ...]) -> "Cut":
        """Return what is left when the functions of these numbers have ended."""
        start = 0 if self.start in ends else self.start
        halt = 0 if self.halt in ends else self.halt
        return Cut(start, halt, 0 if self.clear in ends else self.clear, self.cpa)

    def event(self) -> IoEvent | None:
        """Return their end, None if there are none.

        A START ends in an interface-control check, a HALT or CLEAR as if it had been
        done.
        """
        numbers = tuple(filter(None, (self.start, self.halt, self.clear)))
        if not numbers:
            return None
        return IoEvent(numbers, numbers, max(numbers), Irb(self._scsw()))

    def _scsw(self) -> Scsw:
        if self.clear:
            return Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)
        if not self.start:
            return Scsw(fctl=Fctl.HALT, stctl=Stctl.PENDING)
        check = Cstat.INTERFACE_CONTROL_CHECK
        started = Scsw(fctl=Fctl.START | (Fctl.HALT if self.halt else 0))
        cpa = self.cpa + CCW_LENGTH
        return lifecycle.ended(started, dstat=0, cstat=check, count=0, cpa=cpa)


class Quiescing(Struct):
    """The stage: `clearing` is the number of the CLEAR, then `fence` that of the Unpin.

    Both are 0 if the device is not quiesced. `cut` are the functions that this ends.
    """

    clearing: int = 0
    fence: int = 0
    cut: Cut = Cut()

    @property
    def is_under_way(self) -> bool:
        """Whether the device is being quiesced."""
        return bool(self.clearing or self.fence)

    def begin(self, clear: int, driver: DriverState) -> None:
        """Clear by the CLEAR of this number, which cuts short what the driver has."""
        program = driver.program
        start = program.number if program is not None else 0
        cpa = program.copy.orb.cpa if program is not None else 0
        self.clearing = clear
        self.cut = Cut(start, driver.halt, driver.clear, cpa)

    def note_ends(self, ends: tuple[int, ...]) -> None:
        """Cut none of these short: they have ended by themselves."""
        self.cut = self.cut.without(ends)

    def fence_off(self, unpin: int) -> None:
        """Wait for the answer to the Unpin of this number."""
        self.clearing, self.fence = 0, unpin

    def end(self) -> IoEvent | None:
        """Be over; return the end of what was cut short, None if nothing was."""
        event = self.cut.event()
        self.fence, self.cut = 0, Cut()
        return event
