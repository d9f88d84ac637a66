"""RawWriter and RawReader: threads that access vfio-ccw's regions without an emulator.

Such a program sees the kernel's own promise: nothing keeps FC for it.
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
"""The same, and the request that only this package's regions answer."""

Q = TypeVar("Q", bound=RegionRequest)


class Begin(Message, frozen=True):
    """Make the first request."""


class RawWriterState(Struct):
    """How many requests were made, and their results (positive errnos)."""

    made: int = 0
    returned: tuple[int, ...] = ()


class RawWriter(Actor[Begin], Generic[Q]):
    """Makes `requests` of the kernel, through its own `thread`."""

    state: RawWriterState

    def __init__(self, thread: ActorRef[Q], requests: tuple[Q, ...]) -> None:
        self._thread = thread
        self._requests = requests
        self.state = RawWriterState()

    def on_start(self) -> None:
        """Send itself `Begin`: a handler makes the first request."""
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
    """Whether a read is in progress, and whether another one follows."""

    reads: bool = False
    more: bool = False


class RawReader(Actor[Signalled | ReportSignalled | DeviceRequested]):
    """Reads the I/O region at each signal, through its own `thread`."""

    state: RawReaderState

    def __init__(self, thread: ActorRef[ReadIo]) -> None:
        self._thread = thread
        self.state = RawReaderState()

    @receive
    def signalled(self, _message: Signalled) -> None:
        """Read now, or after the read in progress."""
        if self.state.reads:
            self.state.more = True
        else:
            self.state.reads = True
            self._thread.tell(ReadIo())

    @receive
    def read(self, _message: IoRead) -> None:
        """Read again if a signal came during the read."""
        self.state.reads = self.state.more
        self.state.more = False
        if self.state.reads:
            self._thread.tell(ReadIo())

    @receive
    def other(self, _message: ReportSignalled | DeviceRequested) -> None:
        """Do nothing: a RawWriter reads reports, and a lost device stays lost."""
