"""Messages to and from a Device."""

from typing import TypeAlias

from ccw_actors.channel import CommandEnd, DeviceCommand
from ccw_actors.runtime import Message, Request

__all__ = [
    "Attend",
    "CommandEnded",
    "DeviceMessage",
    "ExecuteCommand",
    "HaltSignal",
    "ResetDone",
    "ResetSignal",
    "SubchannelToDevice",
    "WriteHeldTracks",
]


class CommandEnded(Message, frozen=True):
    """A command has ended; `sense` has the sense bytes if the end has unit check."""

    run: int
    end: CommandEnd
    sense: bytes = b""


class ResetDone(Message, frozen=True):
    """The device has dropped what it was doing; no `CommandEnded` of it follows."""

    run: int
    system: bool = False


class ExecuteCommand(Request[CommandEnded], frozen=True):
    """Execute one command of a channel program."""

    run: int
    command: DeviceCommand


class WriteHeldTracks(Request[CommandEnded], frozen=True):
    """Write the tracks that are held: the chain of this run has ended early."""

    run: int


class HaltSignal(Message, frozen=True):
    """End the command of this run early, if it is still being executed."""

    run: int


class Attend(Message, frozen=True):
    """Have the device show attention: an operator has pressed its key."""


class ResetSignal(Request[ResetDone], frozen=True):
    """Drop the command being executed and the state of its channel program.

    With `system` it is the reset signal, not the clear signal, and also ends
    reservations and path groups (Principles of Operation, I/O-system reset and
    channel-path reset).
    """

    run: int
    system: bool = False


SubchannelToDevice: TypeAlias = (
    ExecuteCommand | WriteHeldTracks | HaltSignal | ResetSignal
)
"""What a Subchannel sends to its device."""

DeviceMessage: TypeAlias = SubchannelToDevice | Attend
"""What a Device takes: from its subchannel, and from an operator."""
