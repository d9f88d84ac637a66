"""Messages to and from a subchannel: an actor that answers I/O instructions."""

from typing import Literal, TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol._storage import Piece
from ccw_actors.channel import InterruptionCode, Irb, Orb, Pmcw, Schib
from ccw_actors.runtime import Message, ReplyTo, Request

__all__ = [
    "CancelSubchannel",
    "CioToSubchannel",
    "ClearSubchannel",
    "ConditionCode",
    "DetachDevice",
    "DeviceToSubchannel",
    "GuestToSubchannel",
    "HaltSubchannel",
    "Instruction",
    "InstructionAnswer",
    "Interruption",
    "InterruptionGone",
    "ModifySubchannel",
    "NotOperational",
    "NotePath",
    "NoteSettings",
    "PathNoted",
    "PathToSubchannel",
    "Pending",
    "Proceed",
    "ResetSubchannel",
    "ResumeSubchannel",
    "Settings",
    "SettingsNoted",
    "StartSubchannel",
    "StoreSubchannel",
    "StoreSubchannels",
    "Stored",
    "SubchannelMessage",
    "SubchannelReset",
    "SubchannelSetMessage",
    "SubchannelToSink",
    "SubchannelsStored",
    "SubsystemToSet",
    "SubsystemToSubchannel",
    "TakeInterruption",
    "TestSubchannel",
    "Tested",
    "UnsolicitedStatus",
]


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
    """SSCH. `program` has storage contents that the channel need not fetch.

    If the issuer has copied the channel program, they are its CCWs and IDAW lists as
    they would be at those addresses.
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


class ResumeSubchannel(Request[ConditionCode], frozen=True):
    """RSCH. `program`, if there is any, replaces what came with START."""

    program: tuple[Piece, ...] = ()


class CancelSubchannel(Request[ConditionCode], frozen=True):
    """XSCH."""


class ModifySubchannel(Request[ConditionCode], frozen=True):
    """MSCH; `ccw_actors.channel.modified` says what it may change.

    `mba` is the measurement-block address of the SCHIB.
    """

    pmcw: Pmcw
    mba: int = 0


class DetachDevice(Message, frozen=True):
    """Give up the device for good: the sink gets `NotOperational` when no work is left.

    The device is gone, or the sender has lost the state of its operations.
    """


class NotOperational(Message, frozen=True):
    """The subchannel is no longer operational, and none of its work is in progress."""

    subchannel: int


class Pending(Message, frozen=True):
    """A hint: the subchannel has an I/O interruption pending, or had.

    Only the subchannel knows whether it still has: TSCH or CSCH may have come since.
    """

    subchannel: int
    isc: int


class Interruption(Message, frozen=True):
    """An I/O interruption that was taken."""

    code: InterruptionCode


class InterruptionGone(Message, frozen=True):
    """Nothing to take at the subchannel: TSCH or CSCH came first, or `mask` is off.

    `to` is that of the request.
    """

    subchannel: int
    to: ReplyTo[Interruption] | None = None


class TakeInterruption(Request[Interruption | InterruptionGone], frozen=True):
    """Take the pending interruption, if its ISC is on in `mask` (bit 0 leftmost of 8).

    An `Interruption` goes to `to`, by default to the sender; any other answer goes to
    the sender. If the actor of `to` fails on it, the interruption is pending again.
    """

    to: ReplyTo[Interruption] | None = None
    mask: int = 0xFF


class SubchannelReset(Message, frozen=True):
    """The subchannel has been reset, and none of its work is in progress.

    None stands for all subchannels of a set that were to be reset.
    """

    subchannel: int | None


class ResetSubchannel(Request[SubchannelReset], frozen=True):
    """Reset the subchannel and its device.

    With `initialize` it returns to its initial state. Otherwise its PMCW stays, and a
    running program ends in an interface-control check. `chpid` is the channel path that
    is reset, None if it is the guest: of a set only the subchannels on that path.
    """

    initialize: bool = True
    chpid: int | None = None


class UnsolicitedStatus(Message, frozen=True):
    """A device shows status that no function asked for, such as attention."""

    dstat: int


class Settings(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Settings of a channel subsystem that its subchannels use.

    `images` and `sets` enable channel-subsystem images and subchannel sets other than
    the first. `address_limit` is that of SET ADDRESS LIMIT. `measurement_origin` is
    where measurement blocks begin, None while they are not updated.
    """

    images: bool = False
    sets: bool = False
    address_limit: int = 0
    measurement_origin: int | None = None


class SettingsNoted(Message, frozen=True):
    """The subchannel, or with None each of a set, uses the new settings from now on."""

    subchannel: int | None


class NoteSettings(Request[SettingsNoted], frozen=True):
    """Tell a subchannel the settings of its channel subsystem."""

    settings: Settings


class PathNoted(Message, frozen=True):
    """The subchannel now uses the channel path, or no longer does.

    None stands for all subchannels of a set that are on the path.
    """

    subchannel: int | None


class NotePath(Request[PathNoted], frozen=True):
    """Tell a subchannel that a channel path is available, or is not.

    A program that runs on a lost path ends in an interface-control check.
    """

    chpid: int
    available: bool


class SubchannelsStored(Message, frozen=True):
    """Indexes and SCHIBs of the subchannels in a range."""

    schibs: tuple[tuple[int, Schib], ...]


class StoreSubchannels(Request[SubchannelsStored], frozen=True):
    """Store the subchannels `first` to `last` of subchannel set `ssid`, for CHSC."""

    ssid: int
    first: int
    last: int


class Proceed(Message, frozen=True):
    """A subchannel's or device's message to itself: go on, unless `step` is stale.

    `what` is not "step" for a signal or a PCI that a subchannel may delay
    (`ccw_actors.actors.hardware.Pace`): that is never stale.
    """

    step: int = 0
    what: Literal["step", "halt signal", "pci"] = "step"


Instruction: TypeAlias = (
    StartSubchannel
    | HaltSubchannel
    | ClearSubchannel
    | TestSubchannel
    | StoreSubchannel
    | ModifySubchannel
    | ResumeSubchannel
    | CancelSubchannel
)
"""The I/O instructions that name a subchannel, host's or guest's."""

InstructionAnswer: TypeAlias = ConditionCode | Tested | Stored
"""The answers to I/O instructions that name a subchannel."""

CioToSubchannel: TypeAlias = Instruction | DetachDevice
"""What the operating system that drives a subchannel sends to it."""

SubsystemToSubchannel: TypeAlias = TakeInterruption | StoreSubchannel | NoteSettings
"""What a ChannelSubsystem sends to its subchannels, host's or guest's."""

SubsystemToSet: TypeAlias = NoteSettings | StoreSubchannels
"""What a ChannelSubsystem sends to a SubchannelSet, for all subchannels in it."""

GuestToSubchannel: TypeAlias = Instruction | SubsystemToSubchannel | ResetSubchannel
"""What a guest's CPUs, ChannelSubsystem and Emulator send to its subchannels."""

PathToSubchannel: TypeAlias = ResetSubchannel | NotePath
"""What a ChannelPath sends to the subchannels that it leads to."""

DeviceToSubchannel: TypeAlias = UnsolicitedStatus | DetachDevice
"""What a Device sends to its subchannel unasked."""

SubchannelMessage: TypeAlias = (
    CioToSubchannel | SubsystemToSubchannel | PathToSubchannel | DeviceToSubchannel
)
"""What a Subchannel takes; an Emulator's `ResetSubchannel` is in `PathToSubchannel`."""

SubchannelSetMessage: TypeAlias = SubsystemToSet | PathToSubchannel
"""What a SubchannelSet takes; an Emulator's `ResetSubchannel` is in the second."""

SubchannelToSink: TypeAlias = Pending | NotOperational
"""What a subchannel, host's or guest's, sends to the sink of its interruptions.

The sink is the Cio that drives it, or the ChannelSubsystem that it belongs to.
"""
