"""Emulator: one per guest; it ends the guest in order after its programs have ended.

| state | event | next |
|---|---|---|
| running | GuestEnded of the last CPU | resetting: every subchannel is reset |
| resetting | the last SubchannelReset | ended: every AwaitGuest is answered |
"""

from collections.abc import Sequence

from msgspec import Struct

from ccw_actors.actors.protocol import (
    AwaitGuest,
    EmulatorMessage,
    GuestEnded,
    GuestReport,
    ResetSubchannel,
    SubchannelReset,
)
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["Emulator"]


class EmulatorState(Struct):
    """What an emulator remembers.

    `running` counts virtual CPUs, `resetting` subchannels. `report` sums up what the
    virtual CPUs reported: their counts, and the first result and error.
    """

    running: int
    resetting: int
    report: GuestReport
    ended: bool = False
    waiting: tuple[ReplyTo[GuestReport], ...] = ()


class Emulator(Actor[EmulatorMessage]):
    """Waits for `cpus` virtual CPUs, then resets `subchannels`."""

    state: EmulatorState

    def __init__(
        self, cpus: int, subchannels: Sequence[ActorRef[ResetSubchannel]]
    ) -> None:
        self._subchannels = tuple(subchannels)
        report = GuestReport(0, 0, {})
        self.state = EmulatorState(cpus, len(self._subchannels), report)

    @receive
    def guest_ended(self, message: GuestEnded) -> None:
        """Reset the guest's subchannels once the last of its CPUs has ended."""
        state = self.state
        state.report = _sum(state.report, message.report)
        state.running -= 1
        if state.running == 0:
            for subchannel in self._subchannels:
                subchannel.tell(ResetSubchannel())
            self._end_if_done()

    @receive
    def subchannel_reset(self, _message: SubchannelReset) -> None:
        """Count the subchannels that still have to be reset."""
        self.state.resetting -= 1
        self._end_if_done()

    @receive
    def await_guest(self, _message: AwaitGuest) -> GuestReport | None:
        """Answer when the guest has ended."""
        if self.state.ended:
            return self.state.report
        self.state.waiting = (*self.state.waiting, self.reply_to)
        return None

    def _end_if_done(self) -> None:
        state = self.state
        if state.resetting == 0:
            state.ended = True
            for to in state.waiting:
                self.reply(to, state.report)
            state.waiting = ()


def _sum(one: GuestReport, other: GuestReport) -> GuestReport:
    codes = sorted({*one.cc, *other.cc})
    return GuestReport(
        one.ios + other.ios,
        one.interrupts + other.interrupts,
        {cc: one.cc.get(cc, 0) + other.cc.get(cc, 0) for cc in codes},
        other.result if one.result is None else one.result,
        one.error or other.error,
    )
