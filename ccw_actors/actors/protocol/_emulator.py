"""Messages to and from an Emulator."""

from typing import TypeAlias

from ccw_actors.actors.protocol._guest import GuestReport
from ccw_actors.runtime import Message, Request

__all__ = [
    "AwaitGuest",
    "EmulatorMessage",
    "GuestEnded",
]


class GuestEnded(Message, frozen=True):
    """A guest's program is over, with its report."""

    report: GuestReport


class AwaitGuest(Request[GuestReport], frozen=True):
    """Answered when the guest's program is over and its subchannels are reset."""


EmulatorMessage: TypeAlias = GuestEnded | AwaitGuest
"""What an Emulator takes: from its guests, and from who waits for them."""
