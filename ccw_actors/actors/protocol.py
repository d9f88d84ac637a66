"""The messages between the actors, one group for each arrow of the house.

Numbers: an operation number names one START, HALT or CLEAR that a guest's subchannel
has accepted; it counts from 1 per guest subchannel and lives between GuestSubchannel
and Cio. A `run` or `number` in a message to Storage, Device or Volume is chosen by the
sender and comes back in the answer, so that an answer to something that is over can be
told from one that matters.
"""

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

from ccw_actors.channel import (
    CommandEnd,
    DeviceCommand,
    InterruptionCode,
    Irb,
    Orb,
    Pmcw,
    Schib,
)
from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.runtime import Message, Request

Address: TypeAlias = Annotated[int, Meta(ge=0)]

# -- Storage ----------------------------------------------------------------------


class Area(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A piece of storage: absolute address, and length in bytes."""

    address: Address
    length: Address


class Piece(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Bytes and the absolute address where they are, or are to be, in storage."""

    address: Address
    data: bytes


class StorageData(Message, frozen=True):
    """The bytes read, a part for each area.

    A part ends before the first byte of its area that is not accessible.
    """

    number: int
    parts: tuple[bytes, ...]


class StorageWritten(Message, frozen=True):
    """How many bytes were written, and whether that was all of them.

    The first byte that is not accessible ends the write.
    """

    number: int
    length: int
    complete: bool = True


class Pinned(Message, frozen=True):
    """The pages that exist are pinned for (the asker, number)."""

    number: int


class Unpinned(Message, frozen=True):
    """Nothing is pinned for (the asker, number) any more."""

    number: int


class PinCount(Message, frozen=True):
    """How many (owner, number) pairs hold pins, and how many pages they hold."""

    owners: int
    pages: int


class ReadStorage(Request[StorageData], frozen=True):
    """Fetch areas. With `dma` only pinned pages are accessible, as for an IOMMU."""

    number: int
    areas: tuple[Area, ...]
    dma: bool = False


class WriteStorage(Request[StorageWritten], frozen=True):
    """Store pieces. With `dma` only pinned pages are accessible."""

    number: int
    pieces: tuple[Piece, ...]
    dma: bool = False


class Pin(Request[Pinned], frozen=True):
    """Pin every page that the areas touch; addresses beyond storage are passed over."""

    number: int
    areas: tuple[Area, ...]


class Unpin(Request[Unpinned], frozen=True):
    """Give up the pins of (the asker, number)."""

    number: int


class CountPins(Request[PinCount], frozen=True):
    """Ask what is pinned."""


# -- Volume -----------------------------------------------------------------------


class VolumeDescribed(Message, frozen=True):
    """The shape of a volume: its tracks, or its blocks and what groups they are in."""

    geometry: Geometry | BlockGeometry


class TrackRead(Message, frozen=True):
    """A whole track, as it is in the image."""

    number: int
    data: bytes


class TrackWritten(Message, frozen=True):
    """The track is in the image."""

    number: int


class TrackFailed(Message, frozen=True):
    """The track could not be read or written; `reason` says why, for a person."""

    number: int
    reason: str


class DescribeVolume(Request[VolumeDescribed], frozen=True):
    """Ask what is in the image; a bad image fails the ask with an `ImageError`."""


class ReadTrack(Request[TrackRead | TrackFailed], frozen=True):
    """Fetch a track; tracks count from 0, heads within cylinders."""

    number: int
    track: int


class WriteTrack(Request[TrackWritten | TrackFailed], frozen=True):
    """Replace a track; `data` has the volume's track size."""

    number: int
    track: int
    data: bytes


# -- Device -----------------------------------------------------------------------


class CommandEnded(Message, frozen=True):
    """A command is over; `sense` has the sense bytes if the end has unit check."""

    run: int
    end: CommandEnd
    sense: bytes = b""


class ResetDone(Message, frozen=True):
    """The device has dropped what it was doing; no `CommandEnded` of it follows."""

    run: int


class ExecuteCommand(Request[CommandEnded], frozen=True):
    """Execute one command of a channel program."""

    run: int
    command: DeviceCommand


class HaltSignal(Message, frozen=True):
    """End the command of this run early, if it is still being executed."""

    run: int


class ResetSignal(Request[ResetDone], frozen=True):
    """Drop the command being executed and the state of its channel program."""

    run: int


# -- Subchannel: what answers I/O instructions --------------------------------------


class ConditionCode(Message, frozen=True):
    """The condition code of an instruction, 0 to 3."""

    cc: int


class Tested(Message, frozen=True):
    """Condition code of TEST SUBCHANNEL, and the IRB (meaningless for 3)."""

    __test__ = False  # pytest would take the name for that of a test

    cc: int
    irb: Irb


class Stored(Message, frozen=True):
    """Condition code of STORE SUBCHANNEL, and the SCHIB (meaningless for 3)."""

    cc: int
    schib: Schib


class StartSubchannel(Request[ConditionCode], frozen=True):
    """SSCH. `program` has storage contents that the channel need not fetch itself.

    It holds the channel program where the issuer has copied it: CCWs and IDAW lists
    as they would be at those addresses.
    """

    orb: Orb
    program: tuple[Piece, ...] = ()


class HaltSubchannel(Request[ConditionCode], frozen=True):
    """HSCH."""


class ClearSubchannel(Request[ConditionCode], frozen=True):
    """CSCH."""


class TestSubchannel(Request[Tested], frozen=True):
    """TSCH."""

    __test__ = False  # pytest would take the name for that of a test


class StoreSubchannel(Request[Stored], frozen=True):
    """STSCH."""


class ModifySubchannel(Request[ConditionCode], frozen=True):
    """MSCH; what it may change is in `ccw_actors.channel.schib.modified`."""

    pmcw: Pmcw


class Pending(Message, frozen=True):
    """A hint: the subchannel has an I/O interruption pending, or had."""

    subchannel: int
    isc: int


class InterruptionTaken(Message, frozen=True):
    """The interruption code; the interruption is not pending any more."""

    subchannel: int
    code: InterruptionCode


class InterruptionGone(Message, frozen=True):
    """Nothing was pending at the subchannel: TSCH or CSCH came first."""

    subchannel: int


class TakeInterruption(Request[InterruptionTaken | InterruptionGone], frozen=True):
    """Take the pending interruption of this subchannel, if there is one."""


class Proceed(Message, frozen=True):
    """A subchannel's or device's message to itself: go on, unless `step` is stale."""

    step: int


# -- ChannelSubsystem -------------------------------------------------------------


class Interruption(Message, frozen=True):
    """An I/O interruption that was taken."""

    code: InterruptionCode


class NoInterruption(Message, frozen=True):
    """The wait was cancelled before an interruption came."""


class AwaitInterruption(Request[Interruption | NoInterruption], frozen=True):
    """Take the next interruption whose ISC is on in `mask` (bit 0 leftmost of 8)."""

    mask: int = 0xFF


class CancelAwait(Message, frozen=True):
    """Answer the sender's `AwaitInterruption` now, unless it has been answered."""


# -- Cio: the operating system's layer above one subchannel ---------------------------


class Start(Message, frozen=True):
    """Start operation `number`; `program` goes to the channel with the ORB."""

    number: int
    orb: Orb
    program: tuple[Piece, ...] = ()


class Halt(Message, frozen=True):
    """Halt, as operation `number`."""

    number: int


class Clear(Message, frozen=True):
    """Clear, as operation `number`."""

    number: int


class Accepted(Message, frozen=True):
    """The subchannel answered the operation's instruction with condition code 0."""

    number: int


class Refused(Message, frozen=True):
    """The operation never ran. `errno` is positive, one of `errno.E*`.

    EBUSY means condition code 2, ENODEV condition code 3; ECANCELED that a later CLEAR
    overtook the operation.
    """

    number: int
    errno: int


class Interrupt(Message, frozen=True):
    """Status taken from a subchannel.

    `answers` are the operations it reports on (none if it is unsolicited), `ends`
    those that are over with it, `after` is the newest operation the subchannel had
    accepted when the status was taken.
    """

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


# -- VfioCcw ----------------------------------------------------------------------


class IoRequest(Message, frozen=True):
    """Run the guest's channel program, as operation `number`."""

    number: int
    orb: Orb


class HaltRequest(Message, frozen=True):
    """Halt, as operation `number`."""

    number: int


class ClearRequest(Message, frozen=True):
    """Clear, as operation `number`."""

    number: int


class IoEvent(Message, frozen=True):
    """Status for the emulator, in guest addresses; fields as in `Interrupt`."""

    answers: tuple[int, ...]
    ends: tuple[int, ...]
    after: int
    irb: Irb


class Taken(Message, frozen=True):
    """The emulator has taken the `IoEvent` that ended these operations."""

    ends: tuple[int, ...]


# -- Guest ------------------------------------------------------------------------

Instruction: TypeAlias = (
    StartSubchannel
    | HaltSubchannel
    | ClearSubchannel
    | TestSubchannel
    | StoreSubchannel
    | ModifySubchannel
)


class Instruct(Message, frozen=True):
    """Issue an I/O instruction to the guest's subchannel of that number."""

    subchannel: int
    instruction: Instruction


class AwaitStatus(Message, frozen=True):
    """Wait for an interruption, for `timeout` seconds of the System's clock at most."""

    timeout: float | None = None


class Fetch(Message, frozen=True):
    """Read `length` bytes of the guest's storage."""

    address: Address
    length: Address


class Store(Message, frozen=True):
    """Write bytes to the guest's storage."""

    address: Address
    data: bytes


class Stopped(Message, frozen=True):
    """The operation met a program exception; `code` is that of the interruption.

    05 is addressing, 15 operand; `reason` says what was wrong and what was expected.
    """

    code: int
    reason: str


class WaitOver(Message, frozen=True):
    """The timer of a wait: `wait` counts the waits of the guest."""

    wait: int


Operation: TypeAlias = Instruct | AwaitStatus | Fetch | Store
Outcome: TypeAlias = (
    ConditionCode
    | Tested
    | Stored
    | Interruption
    | NoInterruption
    | StorageData
    | StorageWritten
    | Stopped
)


class Operate(Request[Outcome], frozen=True):
    """Execute an operation of a program that runs elsewhere; answer its outcome."""

    operation: Operation


class RunProgram(Message, frozen=True):
    """Run the blocking program; its operations go to the sender."""


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


# -- Emulator ---------------------------------------------------------------------


class SubchannelReset(Message, frozen=True):
    """The guest's subchannel is as after a reset, and nothing of it runs any more."""

    subchannel: int


class ResetSubchannel(Request[SubchannelReset], frozen=True):
    """Reset the guest's subchannel."""


class GuestEnded(Message, frozen=True):
    """A guest's program is over, with its report."""

    report: GuestReport


class AwaitGuest(Request[GuestReport], frozen=True):
    """Answered when the guest's program is over and its subchannels are reset."""
