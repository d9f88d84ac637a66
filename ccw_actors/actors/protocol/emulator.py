"""Messages to and from an Emulator."""

from ccw_actors.actors.protocol.guest import GuestReport
from ccw_actors.runtime import Message, Request

__all__ = [
    "AwaitGuest",
    "GuestEnded",
    "ResetSubchannel",
    "SubchannelReset",
]


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
