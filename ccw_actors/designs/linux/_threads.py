"""What executes the driver: threads in system calls, and the work queue.

A thread does one section after the other: it has the memory do one, and is told which
is next. Where it has to wait for a lock it is told nothing until it has the lock.
"""

from typing import Any, TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    CloseDevice,
    ReadIo,
    ReadReport,
    ResetDevice,
    UnmapDma,
    WriteAsync,
    WriteIo,
)
from ccw_actors.designs.linux._memory import Done, Flush, Queued, Returned, Section
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["SystemCall", "WorkQueue"]

Call: TypeAlias = (
    WriteIo | WriteAsync | ReadIo | ReadReport | ResetDevice | CloseDevice | UnmapDma
)


class SystemCallState(Struct):
    """Whom the call is to be returned to, None if there is no call."""

    caller: ReplyTo | None = None


class SystemCall(Actor):
    """A thread of an emulator, inside the kernel; one call at a time."""

    state: SystemCallState

    def __init__(self, memory: ActorRef[Any]) -> None:
        self._memory = memory
        self.state = SystemCallState()

    @receive
    def call(self, message: Call) -> None:
        """Enter the kernel."""
        assert self.state.caller is None, "a thread makes one call at a time"
        self.state.caller = self.reply_to
        self._memory.tell(message)

    @receive
    def section(self, message: Section) -> None:
        """Go on."""
        self._memory.tell(message)

    @receive
    def returned(self, message: Returned) -> None:
        """Leave the kernel."""
        caller, self.state.caller = self.state.caller, None
        assert caller is not None, "a call is returned once"
        self.reply(caller, message.result)


class Item(Struct, frozen=True, array_like=True):
    """A work item: whose memory it is about, and its first section.

    Or, with `flushed`, the place of a thread that waits for all before it.
    """

    memory: str
    section: Section
    flushed: bool = False


class WorkQueueState(Struct):
    """The items queued; the first one is being done."""

    items: tuple[Item, ...] = ()


class WorkQueue(Actor):
    """The single thread that does the work items of all devices."""

    state: WorkQueueState

    def __init__(self) -> None:
        self.state = WorkQueueState()

    @receive
    def queued(self, message: Queued) -> None:
        """Queue an item, and begin it if nothing else is to be done."""
        assert self.sender is not None, "an item is a device's"
        self._queue(Item(self.sender.path, Section(message.step)))

    @receive
    def flush(self, message: Flush) -> None:
        """Let the thread go on when all that is queued now is done."""
        self._queue(Item(message.thread, message.section, flushed=True))

    @receive
    def section(self, message: Section) -> None:
        """Go on."""
        self.system.ref(self.state.items[0].memory).tell(message)

    @receive
    def done(self, _message: Done) -> None:
        """Begin the next item."""
        self.state.items = self.state.items[1:]
        self._begin()

    def _queue(self, item: Item) -> None:
        self.state.items = (*self.state.items, item)
        if len(self.state.items) == 1:
            self._begin()

    def _begin(self) -> None:
        while self.state.items:
            item = self.state.items[0]
            self.system.ref(item.memory).tell(item.section)
            if not item.flushed:
                return
            self.state.items = self.state.items[1:]
