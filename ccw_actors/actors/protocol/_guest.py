"""What a guest program wants done, and the messages to and from a Guest."""

from typing import Any, TypeAlias

from ccw_actors.actors.protocol._storage import (
    Address,
    StorageData,
    StorageKey,
    StorageWritten,
)
from ccw_actors.actors.protocol._subchannel import (
    ConditionCode,
    Instruction,
    Interruption,
    Stored,
    Tested,
)
from ccw_actors.actors.protocol._subsystem import (
    ChannelSubsystemCalled,
    CrwStored,
    Done,
    NoInterruption,
    PathStatus,
    SubsystemInstruction,
)
from ccw_actors.runtime import Message, Request

__all__ = [
    "AwaitStatus",
    "Fetch",
    "GuestMessage",
    "GuestReport",
    "InsertKey",
    "Instruct",
    "InstructSubsystem",
    "Operate",
    "Operation",
    "Outcome",
    "ProgramEnded",
    "ReportProgress",
    "RunProgram",
    "SetKey",
    "Stopped",
    "Store",
    "ThreadToGuest",
    "WaitOver",
]


class Instruct(Message, frozen=True):
    """Issue an I/O instruction to the guest's subchannel of that index.

    The index is the subchannel's number in subchannel set 0 of the default channel
    subsystem. For other sets see `ccw_actors.channel.SubchannelId.index`.
    """

    subchannel: int
    instruction: Instruction


class InstructSubsystem(Message, frozen=True):
    """Issue an I/O instruction that names no subchannel."""

    instruction: SubsystemInstruction


class AwaitStatus(Message, frozen=True):
    """Wait for an interruption, for `timeout` seconds of the System's clock at most.

    Subclasses are enabled by `mask`, bit 0 leftmost of 8.
    """

    timeout: float | None = None
    mask: int = 0xFF


class Fetch(Message, frozen=True):
    """Read `length` bytes of the guest's storage."""

    address: Address
    length: Address


class Store(Message, frozen=True):
    """Write bytes to the guest's storage."""

    address: Address
    data: bytes


class SetKey(Message, frozen=True):
    """Set the storage key of the page of an address."""

    address: Address
    key: int


class InsertKey(Message, frozen=True):
    """Ask for the storage key of the page of an address."""

    address: Address


class Stopped(Message, frozen=True):
    """The operation met a program exception; `code` is that of the interruption.

    05 is addressing, 15 operand; `reason` says what was wrong and what was expected.
    """

    code: int
    reason: str


class WaitOver(Message, frozen=True):
    """The timer of a wait: `wait` counts the waits of the guest."""

    wait: int


Operation: TypeAlias = (
    Instruct | InstructSubsystem | AwaitStatus | Fetch | Store | SetKey | InsertKey
)
Outcome: TypeAlias = (
    ConditionCode
    | Tested
    | Stored
    | Interruption
    | NoInterruption
    | StorageData
    | StorageWritten
    | StorageKey
    | CrwStored
    | Done
    | PathStatus
    | ChannelSubsystemCalled
    | Stopped
)


class Operate(Request[Outcome], frozen=True):
    """Execute an operation of a program that runs elsewhere; answer its outcome."""

    operation: Operation


class RunProgram(Message, frozen=True):
    """Run the blocking program; its operations go to the Guest of its thread."""


class ProgramEnded(Message, frozen=True):
    """A guest's program returned `result`, or ended with `error` (one line)."""

    result: Any = None
    error: str | None = None


class GuestReport(Message, frozen=True):
    """What a guest did: START instructions accepted, interruptions taken, cc's seen.

    `cc` maps condition codes ("0" to "3") to how many I/O instructions ended with them.
    """

    ios: int
    interrupts: int
    cc: dict[str, int]
    result: Any = None
    error: str | None = None


class ReportProgress(Request[GuestReport], frozen=True):
    """Ask for the report as it is now."""


ThreadToGuest: TypeAlias = Operate | ProgramEnded
"""What a program in its own thread sends to its Guest."""

GuestMessage: TypeAlias = ThreadToGuest | ReportProgress
"""What a Guest takes: from its program's thread, and from observers."""
