"""ChannelPath: the subchannels that one path leads to, reset together.

| state | event | next |
|---|---|---|
| idle | ResetPath | resetting: every subchannel is told |
| resetting | SubchannelReset | idle once all have answered: who asked is answered |
| resetting | ResetPath | resetting: answered with the reset under way |
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ccw_actors.actors.protocol import (
    PathReset,
    ResetPath,
    ResetSubchannel,
    SubchannelReset,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["ChannelPath"]


class ChannelPathState(Struct):
    """How many subchannels are still being reset, and who waits for that."""

    resetting: int = 0
    waiting: tuple[ReplyTo, ...] = ()


class ChannelPath(Actor):
    """Path `chpid` to `subchannels`; a reset of it can `initialize` them."""

    state: ChannelPathState

    def __init__(
        self,
        chpid: int,
        subchannels: Sequence[ActorRef[Any]],
        *,
        initialize: bool = False,
    ) -> None:
        self._chpid = chpid
        self._subchannels = tuple(subchannels)
        self._initialize = initialize
        self.state = ChannelPathState()

    @receive
    def reset(self, _message: ResetPath) -> None:
        """Reset the subchannels, unless that is under way."""
        state = self.state
        state.waiting = (*state.waiting, self.reply_to)
        if not state.resetting:
            state.resetting = len(self._subchannels)
            for subchannel in self._subchannels:
                subchannel.tell(ResetSubchannel(self._initialize))
            self._end_if_done()

    @receive
    def subchannel_reset(self, _message: SubchannelReset) -> None:
        """Count the subchannels that are quiet."""
        self.state.resetting -= 1
        self._end_if_done()

    def _end_if_done(self) -> None:
        state = self.state
        if state.resetting == 0:
            waiting, state.waiting = state.waiting, ()
            for to in waiting:
                self.reply(to, PathReset(self._chpid))
