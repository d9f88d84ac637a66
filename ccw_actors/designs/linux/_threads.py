"""The threads that execute the driver: those in system calls, and the work queue.

A thread does one section at a time: it sends a section to the driver, and receives the
next one. If it has to wait for a lock it receives nothing until it has the lock.

Source: Linux kernel/workqueue.c (process_one_work, flush_workqueue);
drivers/s390/cio/vfio_ccw_drv.c (vfio_ccw_work_q, one thread for all devices).
"""

from msgspec import Struct

from ccw_actors.designs.linux._messages import (
    Call,
    Flush,
    Queued,
    Result,
    Returned,
    Section,
    WorkDone,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["SystemCall", "WorkQueue"]


class SystemCallState(Struct):
    """Where the result of the call goes, None if there is no call."""

    caller: ReplyTo[Result] | None = None


class SystemCall(Actor[Call | Section | Returned]):
    """A thread of an emulator inside the kernel, at `driver`; one call at a time."""

    state: SystemCallState

    def __init__(self, driver: ActorRef[Call | Section]) -> None:
        self._driver = driver
        self.state = SystemCallState()

    @receive
    def call(self, message: Call) -> None:
        """Enter the kernel."""
        assert self.state.caller is None, "a thread makes one call at a time"
        self.state.caller = self.reply_to
        self._driver.tell(message)

    @receive
    def section(self, message: Section) -> None:
        """Have the driver do the next section."""
        self._driver.tell(message)

    @receive
    def returned(self, message: Returned) -> None:
        """Leave the kernel."""
        caller, self.state.caller = self.state.caller, None
        assert caller is not None, "a call returns once"
        self.reply(caller, message.result)


class Item(Struct, frozen=True, array_like=True):
    """A work item: the path of its driver, and its first section.

    With `flushed` it is the place of a thread that waits for all items before it.
    """

    path: str
    section: Section
    flushed: bool = False


class WorkQueueState(Struct):
    """The items queued; the first one is being done."""

    items: tuple[Item, ...] = ()


class WorkQueue(Actor[Queued | Flush | Section | WorkDone]):
    """The single thread that does the work items of all devices."""

    state: WorkQueueState

    def __init__(self) -> None:
        self.state = WorkQueueState()

    @receive
    def queued(self, message: Queued) -> None:
        """Queue an item, and begin it if the queue was empty."""
        assert self.sender is not None, "an item belongs to a device"
        self._queue(Item(self.sender.path, Section(message.step)))

    @receive
    def flush(self, message: Flush) -> None:
        """Let the thread go on when all work queued now is done."""
        self._queue(Item(message.thread, message.section, flushed=True))

    @receive
    def section(self, message: Section) -> None:
        """Have the driver of the first item do its next section."""
        self.system.ref(self.state.items[0].path).tell(message)

    @receive
    def work_done(self, _message: WorkDone) -> None:
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
            self.system.ref(item.path).tell(item.section)
            if not item.flushed:
                return
            self.state.items = self.state.items[1:]
