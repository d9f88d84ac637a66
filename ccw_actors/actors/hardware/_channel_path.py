"""ChannelPath: resets or configures together all subchannels that one path leads to.

| state | event | next |
|---|---|---|
| idle | ResetPath | resetting: ResetSubchannel to every subchannel |
| resetting | SubchannelReset | idle once all have answered: PathReset to the senders |
| resetting | ResetPath | resetting: answered with the reset in progress |
| idle | ConfigurePath | configuring: NotePath to every subchannel |
| configuring | PathNoted | reported and answered once all have; then the next one |
| configuring | ConfigurePath | waits |

Resetting and configuring do not wait for each other.

The report on a path configured off is "permanent error, not initialized", on one
configured on "initialized". Source: Linux drivers/s390/cio/vfio_ccw_drv.c
(vfio_ccw_chp_event).
"""

from collections.abc import Sequence

from msgspec import Struct

from ccw_actors.actors.protocol import (
    ChannelPathMessage,
    ConfigurePath,
    NotePath,
    PathConfigured,
    PathNoted,
    PathReset,
    PathToSubchannel,
    Report,
    ResetPath,
    ResetSubchannel,
    SubchannelReset,
)
from ccw_actors.channel import Crw, Erc, Rsc
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["ChannelPath"]


class Change(Struct, frozen=True, array_like=True):
    """Whether the path becomes available, and where the answer goes."""

    available: bool
    to: ReplyTo[PathConfigured]


class ChannelPathState(Struct):
    """How many subchannels have still to answer, and where the path's answers go.

    `changes` are made one at a time: `noting` subchannels have still to answer the
    first.
    """

    resetting: int = 0
    waiting: tuple[ReplyTo[PathReset], ...] = ()
    noting: int = 0
    changes: tuple[Change, ...] = ()


class ChannelPath(Actor[ChannelPathMessage]):
    """Path `chpid` to `subchannels`; a reset of it can `initialize` them.

    A set among them stands for its subchannels that are on the path.

    `listeners` receive a `Report` whenever it has been configured on or off.
    """

    state: ChannelPathState

    def __init__(
        self,
        chpid: int,
        subchannels: Sequence[ActorRef[PathToSubchannel]],
        *,
        initialize: bool = False,
        listeners: Sequence[ActorRef[Report]] = (),
    ) -> None:
        self._chpid = chpid
        self._subchannels = tuple(subchannels)
        self._initialize = initialize
        self._listeners = tuple(listeners)
        self.state = ChannelPathState()

    @receive
    def reset(self, _message: ResetPath) -> None:
        """Reset the subchannels, unless a reset is in progress."""
        state = self.state
        state.waiting = (*state.waiting, self.reply_to)
        if not state.resetting:
            state.resetting = len(self._subchannels)
            for subchannel in self._subchannels:
                subchannel.tell(ResetSubchannel(self._initialize, self._chpid))
            self._end_if_done()

    @receive
    def subchannel_reset(self, _message: SubchannelReset) -> None:
        """Count the subchannels that still have to be reset."""
        self.state.resetting -= 1
        self._end_if_done()

    def _end_if_done(self) -> None:
        state = self.state
        if state.resetting == 0:
            waiting, state.waiting = state.waiting, ()
            for to in waiting:
                self.reply(to, PathReset(self._chpid))

    @receive
    def configure(self, message: ConfigurePath) -> None:
        """Make the path available or not, when its turn comes."""
        change = Change(message.available, self.reply_to)
        self.state.changes = (*self.state.changes, change)
        if len(self.state.changes) == 1:
            self._change()

    @receive
    def path_noted(self, _message: PathNoted) -> None:
        """Count the subchannels that have noted the first change."""
        self.state.noting -= 1
        self._report_if_known()

    def _change(self) -> None:
        """Tell the subchannels the first change."""
        available = self.state.changes[0].available
        self.state.noting = len(self._subchannels)
        for subchannel in self._subchannels:
            subchannel.tell(NotePath(self._chpid, available))
        self._report_if_known()

    def _report_if_known(self) -> None:
        """Report the first change once all have noted it, and begin with the next."""
        state = self.state
        if state.noting:
            return
        change, *others = state.changes
        state.changes = tuple(others)
        erc = Erc.INITIALIZED if change.available else Erc.NOT_INITIALIZED
        report = Report(Crw(Rsc.CHANNEL_PATH, erc, self._chpid))
        for listener in self._listeners:
            listener.tell(report)
        self.reply(change.to, PathConfigured(self._chpid))
        if state.changes:
            self._change()
