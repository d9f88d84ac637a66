"""The events of a device that a client of regions has not read.

A queue without messages. Its bound comes from the protocol: the ends of a START and of
a HALT, or that of a CLEAR, a status before the end of each, an unsolicited one.
"""

from msgspec import Struct

from ccw_actors.actors.protocol import IoEvent
from ccw_actors.channel import Irb, Scsw

__all__ = ["UnreadEvents"]


class UnreadEvents(Struct):
    """Events in the order they came, `region` being the IRB that was read last.

    `newest_clear` is the number of the last CLEAR: what is older is not kept. A signal
    that there are events is on its way if `signalled`.
    """

    events: tuple[IoEvent, ...] = ()
    region: Irb = Irb(Scsw())
    newest_clear: int = 0
    signalled: bool = False

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

    def signal(self) -> bool:
        """Whether to signal now that there are events: a signal on its way does."""
        signals = bool(self.events) and not self.signalled
        self.signalled = self.signalled or signals
        return signals

    def forget_signal(self) -> bool:
        """Have no signal be on its way any more; whether one was."""
        owed, self.signalled = self.signalled, False
        return owed

    def has_end_of(self, fctl: int) -> bool:
        """Whether the end of one of these functions has not been read."""
        return any(one.ends and one.irb.scsw.fctl & fctl for one in self.events)


def _alike(one: IoEvent, other: IoEvent) -> bool:
    """Whether both say of the same functions that nothing ends, or of none."""
    return one.answers == other.answers and not other.ends
