"""GatedRegions: regions whose interruptions wait while a test holds them.

| message | what it does |
|---|---|
| HoldSignals | from now on, no interruption reaches the client |
| AwaitEvents | is answered when so many have come, and so many IRBs have been read |
| CountEvents | how many that are now |
| RefuseStarts | from now on, a START's write fails with this errno |
| ReleaseSignals | the client receives the interruption that was held |

The client's eventfd is counted up when an interruption reaches it. Without
`keeps_status`, the status stays with the driver until the client reads it, and a CLEAR
drops it. With `keeps_status` it goes into the region at once, where a CLEAR leaves it:
so does Linux, whose vfio_ccw has one IRB in the region, which a CLEAR does not empty.

Source: Linux drivers/s390/cio/vfio_ccw_drv.c, vfio_ccw_fsm.c.
"""

from collections import deque
from collections.abc import Callable
from typing import Any, cast

from msgspec import Struct

from ccw_actors.actors import VfioCcwRegions
from ccw_actors.actors.protocol import (
    IoRead,
    ReadIo,
    RegionsToClient,
    Signalled,
    WriteIo,
    Written,
)
from ccw_actors.runtime import ActorRef, Message, ReplyTo, Request, receive

__all__ = [
    "AwaitEvents",
    "CountEvents",
    "EventsCounted",
    "GatedRegions",
    "HoldSignals",
    "RefuseStarts",
    "ReleaseSignals",
]


class HoldSignals(Message, frozen=True):
    """Let interruptions wait; with `keeps_status` their status survives a CLEAR."""

    keeps_status: bool = False


class ReleaseSignals(Message, frozen=True):
    """Give the client the interruption that was held.

    Later ones wait only if the gate `holds_on`.
    """

    holds_on: bool = False


class RefuseStarts(Message, frozen=True):
    """Refuse every START with an errno; 0 for none."""

    errno: int


class EventsCounted(Message, frozen=True):
    """Interruptions that the driver signalled, and IRBs that the client has read.

    `is_unread` if the client has been signalled, and has not read since.
    """

    signals: int
    reads: int
    is_unread: bool = False


class CountEvents(Request[EventsCounted], frozen=True):
    """Count interruptions and reads."""


class AwaitEvents(Request[EventsCounted], frozen=True):
    """Answer when there have been this many interruptions and reads."""

    signals: int = 0
    reads: int = 0


class TakeStatus(Message, frozen=True):
    """Put the status into the region, as soon as the driver has signalled it."""


class _Client(Struct, frozen=True):
    """Takes the place that the client has for the driver of the regions."""

    take: Callable[[RegionsToClient], None]

    def tell(self, message: RegionsToClient) -> None:
        """Give it to the gate in the same turn."""
        self.take(message)


class GatedRegions(VfioCcwRegions):
    """The regions of a subchannel, as `VfioCcwRegions`."""

    def __init__(
        self,
        cio: ActorRef[Any],
        storage: ActorRef[Any],
        client: ActorRef[RegionsToClient],
        **options: Any,
    ) -> None:
        gate = cast("ActorRef[RegionsToClient]", _Client(self._take))
        super().__init__(cio, storage, gate, **options)
        self._beyond = client
        self._holds: HoldSignals | None = None
        self._refusal = 0
        self._held = 0
        self._is_unread = False
        self._kept: deque[IoRead] = deque()
        self._signals = 0
        self._reads = 0
        self._waiting: list[tuple[ReplyTo[Any], AwaitEvents]] = []

    def _take(self, message: RegionsToClient) -> None:
        """Pass on what the driver tells its client, or hold it."""
        if not isinstance(message, Signalled):
            self._beyond.tell(message)
            return
        self._signals += 1
        self._held += 1
        if self._holds is None:
            self._pass_one()
        elif self._holds.keeps_status:
            self.ref.tell(TakeStatus())
        self._notify()

    def _pass_one(self) -> None:
        """Signal the client, unless it has a signal that it has not answered."""
        if self._held and not self._is_unread:
            self._held -= 1
            self._is_unread = True
            self._beyond.tell(Signalled())

    @receive
    def hold(self, message: HoldSignals) -> None:
        """Hold the interruptions that come from now on."""
        self._holds = message

    @receive
    def release(self, message: ReleaseSignals) -> None:
        """Signal the client; if more is held, again when it has read."""
        if not message.holds_on:
            self._holds = None
        self._pass_one()

    @receive
    def refuse(self, message: RefuseStarts) -> None:
        """Refuse the STARTs that come from now on."""
        self._refusal = message.errno

    @receive
    def write_io(self, message: WriteIo) -> Written | None:
        """Begin a START, unless it is to be refused."""
        return Written(self._refusal) if self._refusal else super().write_io(message)

    @receive
    def take_status(self, _message: TakeStatus) -> None:
        """Read the status in the client's place, unless the region has one."""
        taken = None if self._kept else super().read_io(ReadIo())
        if taken is not None:
            self._kept.append(taken)

    @receive
    def read_io(self, message: ReadIo) -> IoRead | None:
        """Give the client what was kept, or else what the driver has."""
        self._reads += 1
        self._is_unread = False
        answer = self._kept.popleft() if self._kept else super().read_io(message)
        if self._holds is None:
            self._pass_one()
        self._notify()
        return answer

    @receive
    def count(self, _message: CountEvents) -> EventsCounted:
        """Return the counts."""
        return self._counts

    @receive
    def await_events(self, message: AwaitEvents) -> EventsCounted | None:
        """Answer at once if there have been as many."""
        if self._has(message):
            return self._counts
        self._waiting.append((self.reply_to, message))
        return None

    @property
    def _counts(self) -> EventsCounted:
        return EventsCounted(self._signals, self._reads, self._is_unread)

    def _has(self, wanted: AwaitEvents) -> bool:
        return self._signals >= wanted.signals and self._reads >= wanted.reads

    def _notify(self) -> None:
        waiting, self._waiting = self._waiting, []
        for to, wanted in waiting:
            if self._has(wanted):
                self.reply(to, self._counts)
            else:
                self._waiting.append((to, wanted))
