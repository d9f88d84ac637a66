"""ChannelSubsystem: hints of pending interruptions, and who waits for one.

The truth about an interruption is the subchannel's. To take one, the ChannelSubsystem
asks the hinted subchannel, which hands over the interruption code and withdraws the
interruption in one message, or says that it is gone.

| state | event | next |
|---|---|---|
| idle | Pending | idle: the hint is kept; taking if somebody waits for its ISC |
| idle | AwaitInterruption | taking if there is a hint of an enabled ISC, else idle |
| taking | InterruptionTaken | idle: the first who waits for that ISC gets it |
| taking | InterruptionGone | the next hint is tried |
| taking | CancelAwait | taking: who gave up waiting may still get what is taken |
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    AwaitInterruption,
    CancelAwait,
    Interruption,
    InterruptionGone,
    InterruptionTaken,
    NoInterruption,
    Pending,
    TakeInterruption,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["ChannelSubsystem"]


class Waiter(Struct, frozen=True, array_like=True):
    """Whom to give an interruption whose ISC is on in `mask`."""

    to: ReplyTo
    mask: int
    cancelled: bool = False


class ChannelSubsystemState(Struct):
    """What a channel subsystem remembers.

    `hints` are pairs (ISC, subchannel), sorted. `taking` is the subchannel that was
    asked, -1 if none.
    """

    hints: tuple[tuple[int, int], ...] = ()
    waiters: tuple[Waiter, ...] = ()
    taking: int = -1


class ChannelSubsystem(Actor):
    """Gives the interruptions of `subchannels` (by number) to whoever waits."""

    state: ChannelSubsystemState

    def __init__(self, subchannels: Mapping[int, ActorRef[Any]]) -> None:
        self._subchannels = dict(subchannels)
        self.state = ChannelSubsystemState()

    @receive
    def pending(self, message: Pending) -> None:
        """Keep the hint."""
        hint = (message.isc, message.subchannel)
        self.state.hints = tuple(sorted({*self.state.hints, hint}))
        self._go_on()

    @receive
    def wait(self, message: AwaitInterruption) -> None:
        """Have the sender wait; it is served in the order of asking."""
        waiter = Waiter(self.reply_to, message.mask)
        self.state.waiters = (*self.state.waiters, waiter)
        self._go_on()

    @receive
    def cancel_wait(self, _message: CancelAwait) -> None:
        """Answer the sender's wait, unless it gets what is being taken."""
        sender = self.sender
        self.state.waiters = tuple(
            replace(waiter, cancelled=waiter.cancelled or waiter.to.ref == sender)
            for waiter in self.state.waiters
        )
        self._go_on()

    @receive
    def interruption_taken(self, message: InterruptionTaken) -> None:
        """Give the interruption to the first who waits for its ISC."""
        self.state.taking = -1
        bit = _bit(message.code.isc)
        waiter = next(waiter for waiter in self.state.waiters if waiter.mask & bit)
        self._serve(waiter, Interruption(message.code))
        self._go_on()

    @receive
    def interruption_gone(self, _message: InterruptionGone) -> None:
        """Try the next hint."""
        self.state.taking = -1
        self._go_on()

    def _go_on(self) -> None:
        """Take the interruption of the lowest ISC that somebody waits for."""
        state = self.state
        if state.taking >= 0:
            return
        for waiter in state.waiters:
            if waiter.cancelled:
                self._serve(waiter, NoInterruption())
        for hint in state.hints:
            isc, subchannel = hint
            if any(waiter.mask & _bit(isc) for waiter in state.waiters):
                state.hints = tuple(other for other in state.hints if other != hint)
                state.taking = subchannel
                self._subchannels[subchannel].tell(TakeInterruption())
                return

    def _serve(self, waiter: Waiter, answer: Interruption | NoInterruption) -> None:
        self.state.waiters = tuple(w for w in self.state.waiters if w is not waiter)
        self.reply(waiter.to, answer)


def _bit(isc: int) -> int:
    return 0x80 >> isc
