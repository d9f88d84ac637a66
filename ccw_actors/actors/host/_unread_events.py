"""The events of a device that a client of regions has not read.

A queue without messages. Its bound comes from the protocol: the ends of a START and of
a HALT, or that of a CLEAR, a status before the end of each, an unsolicited one.
"""

from msgspec import Struct

from ccw_actors.actors.protocol import IoEvent
from ccw_actors.channel import Cstat, Fctl, Irb, Scsw, Stctl, lifecycle
from ccw_actors.channel.ccw import CCW_LENGTH

__all__ = ["Cut", "UnreadEvents"]


class UnreadEvents(Struct):
    """Events in the order they came, `region` being the IRB that was read last.

    `newest_clear` is the number of the last CLEAR: what is older is not kept.
    """

    events: tuple[IoEvent, ...] = ()
    region: Irb = Irb(Scsw())
    newest_clear: int = 0

    def add(self, event: IoEvent) -> bool:
        """Keep an event, unless it is older than the last CLEAR; whether it is kept.

        Status that ends nothing replaces what has said so of the same functions before,
        as it does at a subchannel; so does unsolicited status.
        """
        if max(event.answers, default=event.after) < self.newest_clear:
            return False
        kept = [one for one in self.events if one.ends or not _alike(one, event)]
        self.events = (*kept, event)
        return True

    def clear(self, number: int) -> tuple[IoEvent, ...]:
        """Drop all, as the CLEAR of that number does; return what was dropped."""
        self.newest_clear = max(number, self.newest_clear)
        dropped, self.events = self.events, ()
        return dropped

    def read(self) -> IoEvent | None:
        """Remove the oldest event, whose IRB is in the region then."""
        if not self.events:
            return None
        event, *others = self.events
        self.events = tuple(others)
        self.region = event.irb
        return event

    def has_end_of(self, fctl: int) -> bool:
        """Whether the end of one of these functions has not been read."""
        return any(one.ends and one.irb.scsw.fctl & fctl for one in self.events)


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
        if self.clear:
            scsw = Scsw(fctl=Fctl.CLEAR, stctl=Stctl.PENDING)
        elif self.start:
            check = Cstat.INTERFACE_CONTROL_CHECK
            started = Scsw(fctl=Fctl.START | (Fctl.HALT if self.halt else 0))
            cpa = self.cpa + CCW_LENGTH
            scsw = lifecycle.ended(started, dstat=0, cstat=check, count=0, cpa=cpa)
        else:
            scsw = Scsw(fctl=Fctl.HALT, stctl=Stctl.PENDING)
        return IoEvent(numbers, numbers, max(numbers), Irb(scsw))


def _alike(one: IoEvent, other: IoEvent) -> bool:
    """Whether both say of the same functions that nothing ends, or of none."""
    return one.answers == other.answers and not other.ends
