"""The stages of quiescing a device behind regions, and the functions it cuts short.

A ledger without messages: its owner sends what the stages ask for.

| stage | event | next |
|---|---|---|
| none | a request that quiesces | clearing: CLEAR |
| any | RESET, CLOSE | unread events, and events during quiescing, are dropped |
| clearing | no work is in progress at the host | fencing: ReadStorage of nothing |
| clearing | the device is gone | fencing |
| fencing | its answer: Storage has done everything asked before | answered; none |
| clearing, fencing | another request that quiesces | joins |
| clearing, fencing | a write | waits until quiescing has ended |
"""

from msgspec import Struct

from ccw_actors.actors.host._driver_state import DriverState
from ccw_actors.actors.protocol import IoEvent
from ccw_actors.channel import Cstat, Fctl, Irb, Scsw, Stctl, lifecycle
from ccw_actors.channel.ccw import CCW_LENGTH

__all__ = ["Cut", "Quiescing"]


class Cut(Struct, frozen=True, array_like=True):
    """The functions in progress when quiescing began, by number; 0 for none.

    `cpa` is the address of the first CCW of the START's program.
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
        """Return the event that ends them, None if there are none.

        A START ends in an interface-control check, a HALT or CLEAR as if it had
        completed.
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
    """The stage: `clearing` is the number of the CLEAR, `fence` that of a ReadStorage.

    Both are 0 while the device is not quiesced. `cut` are the functions that this ends.
    """

    clearing: int = 0
    fence: int = 0
    cut: Cut = Cut()

    @property
    def in_progress(self) -> bool:
        """Whether the device is being quiesced."""
        return bool(self.clearing or self.fence)

    def begin(self, clear: int, driver: DriverState) -> None:
        """Begin with the CLEAR of this number; it cuts the driver's functions short."""
        program = driver.program
        start = program.number if program is not None else 0
        cpa = program.copy.orb.cpa if program is not None else 0
        self.clearing = clear
        self.cut = Cut(start, driver.halt, driver.clear, cpa)

    def note_ends(self, ends: tuple[int, ...]) -> None:
        """Remove these from `cut`: they have ended on their own."""
        self.cut = self.cut.without(ends)

    def fence_off(self, read: int) -> None:
        """Wait for the answer to the ReadStorage of this number."""
        self.clearing, self.fence = 0, read

    def end(self) -> IoEvent | None:
        """End quiescing; return the event that ends `cut`, None without one."""
        event = self.cut.event()
        self.fence, self.cut = 0, Cut()
        return event
