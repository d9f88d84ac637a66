"""Messages to and from a ChannelSubsystem, and between it and its channel paths."""

from typing import TypeAlias

from ccw_actors.actors.protocol._subchannel import (
    ConditionCode,
    Interruption,
    SubchannelToSink,
)
from ccw_actors.channel import Crw
from ccw_actors.runtime import Message, Request

__all__ = [
    "AwaitInterruption",
    "CallChannelSubsystem",
    "CancelAwait",
    "ChannelPathMessage",
    "ChannelSubsystemCalled",
    "ChannelSubsystemMessage",
    "ConfigurePath",
    "CrwStored",
    "Done",
    "GuestToSubsystem",
    "NoInterruption",
    "PathConfigured",
    "PathReset",
    "PathStatus",
    "Report",
    "ResetChannelPath",
    "ResetPath",
    "SetAddressLimit",
    "SetChannelMonitor",
    "StoreChannelPathStatus",
    "StoreChannelReportWord",
    "SubsystemInstruction",
    "TestPendingInterruption",
]


class NoInterruption(Message, frozen=True):
    """No interruption is pending for TPI, or a wait was cancelled before one came."""


class AwaitInterruption(Request[Interruption | NoInterruption], frozen=True):
    """Take the next interruption whose ISC is on in `mask` (bit 0 leftmost of 8)."""

    mask: int = 0xFF


class CancelAwait(Message, frozen=True):
    """Answer the sender's `AwaitInterruption` now, unless it has been answered."""


class TestPendingInterruption(Request[Interruption | NoInterruption], frozen=True):
    """TPI: take an interruption whose ISC is on in `mask`, if there is one."""

    __test__ = False  # pytest would take the name for that of a test

    mask: int = 0xFF


class Report(Message, frozen=True):
    """A channel-report word for the program to find."""

    crw: Crw


class CrwStored(Message, frozen=True):
    """Condition code of STORE CHANNEL REPORT WORD; with 1 there is no report."""

    cc: int
    crw: Crw | None = None


class StoreChannelReportWord(Request[CrwStored], frozen=True):
    """STCRW."""


class ResetChannelPath(Request[ConditionCode], frozen=True):
    """RCHP: begin to reset a channel path; a report announces the end of the reset."""

    chpid: int


class Done(Message, frozen=True):
    """An instruction that sets no condition code has been executed."""


class SetChannelMonitor(Request[Done], frozen=True):
    """SCHM: update measurement blocks from `origin` on, or (None) none at all."""

    origin: int | None


class SetAddressLimit(Request[Done], frozen=True):
    """SAL."""

    limit: int


class PathStatus(Message, frozen=True):
    """32 bytes: a one for each channel path that is active."""

    data: bytes


class StoreChannelPathStatus(Request[PathStatus], frozen=True):
    """STCPS."""


class ChannelSubsystemCalled(Message, frozen=True):
    """What CHSC stores behind the request."""

    data: bytes


class CallChannelSubsystem(Request[ChannelSubsystemCalled], frozen=True):
    """CHSC with the valid request that `block` begins with."""

    block: bytes


class PathConfigured(Message, frozen=True):
    """All subchannels know whether the channel path is available; it is reported."""

    chpid: int


class ConfigurePath(Request[PathConfigured], frozen=True):
    """Configure a channel path on, so that it is available, or off."""

    available: bool


class PathReset(Message, frozen=True):
    """The channel path, its devices and its subchannels have been reset."""

    chpid: int


class ResetPath(Request[PathReset], frozen=True):
    """Reset a channel path."""


SubsystemInstruction: TypeAlias = (
    TestPendingInterruption
    | StoreChannelReportWord
    | ResetChannelPath
    | SetChannelMonitor
    | SetAddressLimit
    | StoreChannelPathStatus
    | CallChannelSubsystem
)
"""The I/O instructions that name no subchannel."""

GuestToSubsystem: TypeAlias = SubsystemInstruction | AwaitInterruption | CancelAwait
"""What a Guest asks of its ChannelSubsystem."""

ChannelSubsystemMessage: TypeAlias = GuestToSubsystem | SubchannelToSink | Report
"""What a ChannelSubsystem takes: from guests, subchannels and channel paths."""

ChannelPathMessage: TypeAlias = ResetPath | ConfigurePath
"""What a ChannelPath takes: from its ChannelSubsystem, and from an operator."""
