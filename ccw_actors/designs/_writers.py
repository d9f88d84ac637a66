"""RawWriter: threads that write vfio-ccw's regions with no emulator between.

What such a program sees is the kernel's own promise: nothing keeps FC for it.
"""

from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

from ccw_actors.actors.protocol import (
    CloseDevice,
    DeviceRequested,
    IoRead,
    ReadIo,
    ReadReport,
    ReadSchib,
    ReportRead,
    ReportSignalled,
    ResetDevice,
    SchibRead,
    Signalled,
    UnmapDma,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.runtime import Actor, ActorRef, Message, receive

__all__ = ["DesignRequest", "RawReader", "RawWriter", "RegionRequest"]

DesignRequest: TypeAlias = (
    WriteIo | WriteAsync | ReadReport | ResetDevice | CloseDevice | UnmapDma
)
"""What a RawWriter may ask of every design of a kernel."""
RegionRequest: TypeAlias = DesignRequest | ReadSchib
"""The same, and what this package's regions answer besides."""

Q = TypeVar("Q", bound=RegionRequest)


class Begin(Message, frozen=True):
    """Make the first request."""


class RawWriterState(Struct):
    """How many requests were made, and what they returned (positive errnos)."""

    made: int = 0
    returned: tuple[int, ...] = ()


class RawWriter(Actor[Begin], Generic[Q]):
    """Makes `requests` of the kernel, through a `thread` of its own."""

    state: RawWriterState

    def __init__(self, thread: ActorRef[Q], requests: tuple[Q, ...]) -> None:
        self._thread = thread
        self._requests = requests
        self.state = RawWriterState()

    def on_start(self) -> None:
        """Begin."""
        self.ref.tell(Begin())

    @receive
    def begin(self, _message: Begin) -> None:
        """Make the first request."""
        self._go_on()

    @receive
    def written(self, message: Written | SchibRead) -> None:
        """Note the result, and make the next request."""
        self.state.returned = (*self.state.returned, message.errno)
        self._go_on()

    @receive
    def report_read(self, message: ReportRead) -> None:
        """Note the report, and make the next request."""
        self.state.returned = (*self.state.returned, message.crw)
        self._go_on()

    def _go_on(self) -> None:
        if self.state.made < len(self._requests):
            request = self._requests[self.state.made]
            self.state.made += 1
            self._thread.tell(request)


class RawReaderState(Struct):
    """Whether a read is under way, and whether there is more to be read."""

    reads: bool = False
    more: bool = False


class RawReader(Actor[Signalled | ReportSignalled | DeviceRequested]):
    """Reads the I/O region at each signal, through a `thread` of its own."""

    state: RawReaderState

    def __init__(self, thread: ActorRef[ReadIo]) -> None:
        self._thread = thread
        self.state = RawReaderState()

    @receive
    def signalled(self, _message: Signalled) -> None:
        """Read now, or when the read that is under way is over."""
        if self.state.reads:
            self.state.more = True
        else:
            self.state.reads = True
            self._thread.tell(ReadIo())

    @receive
    def read(self, _message: IoRead) -> None:
        """Read again if there was a signal meanwhile."""
        self.state.reads = self.state.more
        self.state.more = False
        if self.state.reads:
            self._thread.tell(ReadIo())

    @receive
    def other(self, _message: ReportSignalled | DeviceRequested) -> None:
        """Reports are read by whoever wants them; a device that is lost stays so."""
