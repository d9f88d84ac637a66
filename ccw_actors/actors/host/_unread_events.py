"""The events of a device that a client of regions has not read.

A queue without messages. The protocol bounds it: the ends of a START and of a HALT, or
that of a CLEAR, a status before the end of each, and an unsolicited one.
"""

from msgspec import Struct

from ccw_actors.actors.protocol import IoEvent
from ccw_actors.channel import Irb, Scsw

__all__ = ["UnreadEvents"]


class UnreadEvents(Struct):
    """Events in the order they came; `region` is the IRB that was read last.

    `newest_clear` is the number of the last CLEAR: older events are not kept. With
    `signalled` a signal to the client is on its way.
    """

    events: tuple[IoEvent, ...] = ()
    region: Irb = Irb(Scsw())
    newest_clear: int = 0
    signalled: bool = False

    def add(self, event: IoEvent) -> bool:
        """Keep an event unless it is older than the last CLEAR; return whether it is.

        As at a subchannel, status that ends nothing replaces such status of the same
        functions, and unsolicited status replaces unsolicited status.
        """
        if max(event.answers, default=event.after) < self.newest_clear:
            return False
        kept = [one for one in self.events if one.ends or not _alike(one, event)]
        self.events = (*kept, event)
        return True

    def clear(self, number: int) -> tuple[IoEvent, ...]:
        """Drop all events, for the CLEAR of that number; return them."""
        self.newest_clear = max(number, self.newest_clear)
        dropped, self.events = self.events, ()
        return dropped

    def read(self) -> IoEvent | None:
        """Remove the oldest event, and put its IRB into the region."""
        if not self.events:
            return None
        event, *others = self.events
        self.events = tuple(others)
        self.region = event.irb
        return event

    def signal(self) -> bool:
        """Whether to signal now: not without events, nor with a signal on its way."""
        signals = bool(self.events) and not self.signalled
        self.signalled = self.signalled or signals
        return signals

    def forget_signal(self) -> bool:
        """Forget the signal on its way; return whether there was one."""
        owed, self.signalled = self.signalled, False
        return owed

    def has_end_of(self, fctl: int) -> bool:
        """Whether the end of one of these functions has not been read."""
        return any(one.ends and one.irb.scsw.fctl & fctl for one in self.events)


def _alike(one: IoEvent, other: IoEvent) -> bool:
    """Whether both end nothing, and report on the same functions or on none."""
    return one.answers == other.answers and not other.ends
