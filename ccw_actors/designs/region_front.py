"""VfioCcwRegions: this package's VfioCcw behind the regions of vfio-ccw.

So an emulator that knows only the regions can be put on it. Numbers are given here, in
the order of the requests. A request that is refused at once returns its errno; one that
fails further down comes back as status. Each event waits until it is read, and reading
it is taking it.
"""

import errno
from typing import Any, Final

from ccw_actors.actors import VfioCcw
from ccw_actors.actors.protocol import (
    ClearRequest,
    HaltRequest,
    IoEvent,
    IoRequest,
    Taken,
)
from ccw_actors.actors.vfio_ccw import VfioCcwState
from ccw_actors.channel import Cstat, Fctl, Irb, Scsw, lifecycle
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.designs.regions import (
    CloseDevice,
    DeviceRequested,
    IoRead,
    ReadIo,
    ResetDevice,
    Signalled,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.runtime import ReplyTo, receive

__all__ = ["VfioCcwRegions"]

_NO_STATUS: Final = frozenset({errno.ECANCELED, errno.ENODEV})
"""Refusals that need no status: a CLEAR has come, or the device is lost."""


class RegionsState(VfioCcwState):
    """What it remembers besides.

    `number` was given last; `cpa` is that of the last ORB; `entered` is that of the
    request being made, 0 otherwise, and `refusal` the errno that it has been refused
    with. `events` have not been read,
    `region` is the IRB read last. `reset` is the CLEAR that a RESET waits for, 0 if
    none, `resetting` are those to be answered then. `newest_clear` is the last CLEAR,
    `reading` who reads and waits for its event; a signal is on its way if `signalled`.
    """

    number: int = 0
    cpa: int = 0
    entered: int = 0
    refusal: int = 0
    events: tuple[IoEvent, ...] = ()
    region: Irb = Irb(Scsw())
    reset: int = 0
    resetting: tuple[ReplyTo, ...] = ()
    newest_clear: int = 0
    reading: ReplyTo | None = None
    signalled: bool = False


class VfioCcwRegions(VfioCcw):
    """VfioCcw, asked through regions."""

    state: RegionsState

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.state = RegionsState()  # pyright: ignore[reportIncompatibleVariableOverride]

    @receive
    def write_io(self, message: WriteIo) -> Written:
        """Begin a START, or refuse it."""
        if message.fctl != Fctl.START:
            return Written(errno.EOPNOTSUPP if message.fctl else errno.EINVAL)
        number = self._enter()
        self.state.cpa = message.orb.cpa
        self.start(IoRequest(number, message.orb))
        return self._leave()

    @receive
    def write_async(self, message: WriteAsync) -> Written:
        """Begin a HALT or a CLEAR."""
        number = self._enter()
        if message.command == "CSCH":
            self._void(number)
            self.clear(ClearRequest(number))
        else:
            self.halt(HaltRequest(number))
        return self._leave()

    @receive
    def read_io(self, _message: ReadIo) -> IoRead | None:
        """Give the oldest event, which takes it.

        A signal whose event a CLEAR has dropped waits for that of the CLEAR.
        """
        state = self.state
        state.signalled = False
        if not state.events and state.clear:
            state.reading = self.reply_to
            return None
        return self._read()

    def _read(self) -> IoRead:
        state = self.state
        if state.events:
            event, *others = state.events
            state.events = tuple(others)
            state.region = event.irb
            self.taken(Taken(event.ends))
        self._signal()
        return IoRead(state.region)

    def _signal(self) -> None:
        """Signal that there are events, unless a signal is on its way."""
        if self.state.events and not self.state.signalled:
            self.state.signalled = True
            self._emulated.tell(Signalled())

    @receive
    def close_device(self, _message: CloseDevice) -> Written:
        """Nothing is left to be done."""
        return Written(0)

    @receive
    def reset_device(self, _message: ResetDevice) -> None:
        """Clear the host's subchannel; answered when nothing of it is at work."""
        state = self.state
        number = self._enter()
        state.entered = 0
        self._void(number)
        state.reset, state.resetting = number, (*state.resetting, self.reply_to)
        self.clear(ClearRequest(number))

    def _reset_done(self, reason: int) -> None:
        state = self.state
        state.reset = 0
        self._void(state.newest_clear)
        for to in state.resetting:
            self.reply(to, Written(reason))
        state.resetting = ()

    # -- what VfioCcw tells an emulator -----------------------------------------------

    def _enter(self) -> int:
        state = self.state
        state.number += 1
        state.entered, state.refusal = state.number, 0
        return state.number

    def _leave(self) -> Written:
        self.state.entered = 0
        return Written(self.state.refusal)

    def _void(self, clear: int) -> None:
        """Take the events that were not read, as a CLEAR drops them; its number."""
        self.state.newest_clear = clear
        for event in self.state.events:
            self.taken(Taken(event.ends))
        self.state.events = ()

    def _event(self, event: IoEvent) -> None:
        state = self.state
        if max(event.answers, default=event.after) < state.newest_clear:
            return
        if event.ends:
            state.untaken += 1
        state.events = (*state.events, event)
        if state.reset and state.reset in event.ends:
            self._reset_done(0)
        elif state.reading is not None:
            to, state.reading = state.reading, None
            self.reply(to, self._read())
        else:
            self._signal()

    def _lose(self) -> None:
        to, self.state.reading = self.state.reading, None
        if to is not None:
            self.reply(to, IoRead(self.state.region))
        self._reset_done(errno.ENODEV)
        self._emulated.tell(DeviceRequested())

    def _refuse(self, number: int, reason: int) -> None:
        state = self.state
        if number == state.entered:
            state.refusal = reason
        elif reason not in _NO_STATUS:
            check = Cstat.INTERFACE_CONTROL_CHECK
            started = Scsw(fctl=Fctl.START)
            cpa = state.cpa + CCW_LENGTH
            scsw = lifecycle.ended(started, dstat=0, cstat=check, count=0, cpa=cpa)
            self._event(IoEvent((number,), (number,), number, Irb(scsw)))
