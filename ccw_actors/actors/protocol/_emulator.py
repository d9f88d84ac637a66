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
    """A guest's program has ended; `report` says what it did."""

    report: GuestReport


class AwaitGuest(Request[GuestReport], frozen=True):
    """Wait until the guest's programs have ended and its subchannels are reset."""


EmulatorMessage: TypeAlias = GuestEnded | AwaitGuest
"""What an Emulator takes: from its guests, and from actors that wait for them."""
