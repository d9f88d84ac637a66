"""Messages to and from a ChannelSubsystem."""

from ccw_actors.channel import InterruptionCode
from ccw_actors.runtime import Message, Request

__all__ = [
    "AwaitInterruption",
    "CancelAwait",
    "Interruption",
    "NoInterruption",
]


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
