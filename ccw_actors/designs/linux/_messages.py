"""Messages inside the kernel, and events of a device that may come at any time.

| message | from | to |
|---|---|---|
| `Section` | a thread, the work queue | the driver: do it |
| `Section` | the driver, the work queue | a thread: this one is next |
| `Returned` | the driver | the thread whose system call has ended |
| `Queued`, `Flush` | the driver | the work queue |
| `WorkDone` | the driver | the work queue: the item is done |
| `Attention`, `DeviceLost`, `PathReport` | the hardware | the driver |
| `IdawChanged` | a CPU of the guest | the driver, which has the guest's storage |
| the rest | the driver | itself, as timers: at any time after they are due |
"""

from typing import TypeAlias

from ccw_actors.actors.protocol import (
    IoRead,
    ReadIo,
    ReportRead,
    Written,
)
from ccw_actors.designs._writers import DesignRequest
from ccw_actors.runtime import Message

__all__ = [
    "Attention",
    "Call",
    "DeviceGoesOn",
    "DeviceLost",
    "Flush",
    "Happening",
    "IdawChanged",
    "IoInterruption",
    "PathReport",
    "Queued",
    "ReportAdded",
    "Result",
    "Returned",
    "Section",
    "SignalClear",
    "SignalHalt",
    "Timer",
    "WaitExpired",
    "WorkDone",
]

Call: TypeAlias = DesignRequest | ReadIo
"""A system call of an emulator."""
Result: TypeAlias = Written | IoRead | ReportRead
"""What a system call returns."""


class Section(Message, frozen=True):
    """One section of a thread; the fields are the thread's local variables.

    `errno` is the result so far, `final` and `finished` are those of the interrupt's
    worker, `program` is the program that is walked or freed, `idaw` is the first IDAW
    as it was read, `then` is the operation that needed a RESET.
    """

    step: str
    errno: int = 0
    final: bool = False
    finished: bool = False
    program: int = 0
    idaw: int = 0
    then: str = ""


class Returned(Message, frozen=True):
    """The thread's system call has ended."""

    result: Result


class Queued(Message, frozen=True):
    """A work item of the sender's is queued; `step` is its first section."""

    step: str


class Flush(Message, frozen=True):
    """A thread waits until all work queued now is done; then it goes on."""

    thread: str
    section: Section


class WorkDone(Message, frozen=True):
    """The work item is done."""


class Attention(Message, frozen=True):
    """The device has unsolicited attention."""


class DeviceLost(Message, frozen=True):
    """The device is gone, and a machine check reports it."""


class PathReport(Message, frozen=True):
    """A channel path changes, and a CRW must report that to the guest."""

    crw: int


class IdawChanged(Message, frozen=True):
    """A CPU of the guest stores another address in the first IDAW."""


class DeviceGoesOn(Message, frozen=True):
    """The device does the next step of a channel program: step `at` of `Behaviour`."""

    program: int
    at: int


class SignalHalt(Message, frozen=True):
    """The halt signal goes out."""


class SignalClear(Message, frozen=True):
    """The clear signal goes out."""


class IoInterruption(Message, frozen=True):
    """A CPU takes the I/O interruption of the subchannel."""


class ReportAdded(Message, frozen=True):
    """The report is linked into the list."""


class WaitExpired(Message, frozen=True):
    """The time is over that the thread waits for an interruption."""

    thread: str


Happening: TypeAlias = Attention | DeviceLost | PathReport | IdawChanged
"""Events that are not code of the host, and may come at any time."""
Timer: TypeAlias = (
    DeviceGoesOn | SignalHalt | SignalClear | IoInterruption | ReportAdded | WaitExpired
)
"""The next step of the driver's subchannel, or of a thread that holds no lock."""
