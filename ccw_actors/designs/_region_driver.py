"""RegionDriver: puts this package's emulator on a kernel that has vfio-ccw's regions.

GuestSubchannel numbers its operations and needs to know which of them a status answers
and ends. The regions know no numbers, so this driver derives them: an IRB answers the
operations of its FC bits that the kernel has accepted and that have not ended. An IRB
with FC bits that answers none belongs to an operation that a CLEAR has ended, and is
dropped. So is one without status: a write has replaced the IRB before it was read.

| operation | errno | next |
|---|---|---|
| any | 0 | accepted |
| any | EAGAIN | written again |
| START, HALT | EBUSY | written again after the next signal |
| any | ENODEV | refused; the device is gone |
| any | other | refused |
"""

import errno
from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from ccw_actors.actors.protocol import (
    CancelRequest,
    ClearRequest,
    CloseDevice,
    Completed,
    Detach,
    DeviceRequested,
    Found,
    Gone,
    GuestSubchannelToVfioCcw,
    HaltRequest,
    IoEvent,
    IoRead,
    IoRequest,
    LookRequest,
    ReadIo,
    Refused,
    ResumeRequest,
    SenseConcurrently,
    Signalled,
    VfioCcwToGuestSubchannel,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Actl, Cc, Fctl, Irb, Pmcw, Schib, Scsw
from ccw_actors.runtime import Actor, ActorRef, receive

__all__ = ["RegionDriver"]

Request: TypeAlias = IoRequest | HaltRequest | ClearRequest
"""The requests that become a write of a region."""
ToKernel: TypeAlias = WriteIo | WriteAsync | ReadIo | CloseDevice


class RegionDriverState(Struct):
    """What a region driver remembers.

    `call` is the request or read in progress: a request's number, 0 for a read, -1 for
    none. `waiting` are requests not accepted yet; with `busy` they wait for a signal.
    `start`, `halt` and `clear` have been accepted and have not ended, 0 if none;
    `newest` was accepted last. `signalled` says that there is an IRB to read, `gone`
    that the subchannel is gone or given up, `closed` that the device was closed, and
    `detaching` that Gone follows when the kernel has closed it.
    """

    call: int = -1
    waiting: tuple[Request, ...] = ()
    busy: bool = False
    start: int = 0
    halt: int = 0
    clear: int = 0
    newest: int = 0
    signalled: bool = False
    gone: bool = False
    closed: bool = False
    detaching: bool = False


class RegionDriver(Actor[GuestSubchannelToVfioCcw | Signalled | DeviceRequested]):
    """Stands between GuestSubchannel (`emulated`) and a `kernel` of regions."""

    state: RegionDriverState

    def __init__(
        self, kernel: ActorRef[ToKernel], emulated: ActorRef[VfioCcwToGuestSubchannel]
    ) -> None:
        self._kernel = kernel
        self._emulated = emulated
        self.state = RegionDriverState()

    # -- from the emulator ------------------------------------------------------------

    @receive
    def request(self, message: Request) -> None:
        """Write it when its turn comes; a CLEAR overtakes requests not accepted."""
        state = self.state
        if isinstance(message, ClearRequest):
            in_progress = state.waiting[:1] if state.call > 0 else ()
            for one in state.waiting[len(in_progress) :]:
                self._emulated.tell(Refused(one.number, errno.ECANCELED))
            state.waiting = in_progress
            state.busy = False
        state.waiting = (*state.waiting, message)
        self._go_on()

    @receive
    def resume(self, message: ResumeRequest) -> None:
        """No region takes a RESUME."""
        self._emulated.tell(Completed(message.number, Cc.NOT_APPLICABLE))

    @receive
    def cancel_request(self, message: CancelRequest) -> None:
        """No region takes a CANCEL."""
        self._emulated.tell(Completed(message.number, Cc.NOT_APPLICABLE))

    @receive
    def look(self, message: LookRequest) -> None:
        """No region tells how active the host's subchannel is."""
        started = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
        scsw = started if self.state.start else Scsw()
        self._emulated.tell(Found(message.number, Schib(Pmcw(), scsw)))

    @receive
    def sense_concurrently(self, _message: SenseConcurrently) -> None:
        """Do nothing: no region takes it."""

    @receive
    def detach(self, _message: Detach) -> None:
        """Close the device; Gone follows when nothing of it is at work."""
        state = self.state
        state.detaching = True
        if not state.gone:
            self._give_up()
        elif state.closed and state.call < 0:
            self._detached()

    # -- from the kernel --------------------------------------------------------------

    @receive
    def signalled(self, _message: Signalled) -> None:
        """Read the IRB when no call is in progress."""
        self.state.signalled = True
        self._go_on()

    @receive
    def written(self, message: Written) -> None:
        """Note the kernel's answer to the request."""
        state, reason = self.state, message.errno
        state.call = -1
        if state.gone:
            if state.closed and state.detaching:
                self._detached()
            self._go_on()
            return
        request, *others = state.waiting
        if reason == 0:
            state.waiting = tuple(others)
            self._accepted(request)
        elif reason == errno.EBUSY and not isinstance(request, ClearRequest):
            self._busy(request, others)
        elif reason != errno.EAGAIN:
            state.waiting = tuple(others)
            self._emulated.tell(Refused(request.number, reason))
            if reason == errno.ENODEV:
                self._gone()
                return
        self._go_on()

    def _busy(self, request: Request, others: Sequence[Request]) -> None:
        """Write again after the next signal, unless a CLEAR has overtaken it."""
        if others and isinstance(others[0], ClearRequest):
            self.state.waiting = tuple(others)
            self._emulated.tell(Refused(request.number, errno.ECANCELED))
        else:
            self.state.busy = True

    @receive
    def read(self, message: IoRead) -> None:
        """Attribute an IRB by its FC bits."""
        state = self.state
        state.call = -1
        state.busy = False
        if state.gone:
            self._go_on()
            return
        self._attribute(message.irb)
        self._go_on()

    @receive
    def device_requested(self, _message: DeviceRequested) -> None:
        """Give up: the subchannel is gone."""
        if not self.state.gone:
            self._gone()

    # -- inside -----------------------------------------------------------------------

    def _go_on(self) -> None:
        state = self.state
        if state.gone:
            waiting, state.waiting = state.waiting, ()
            for request in waiting:
                self._emulated.tell(Refused(request.number, errno.ENODEV))
        if state.call >= 0:
            return
        if state.gone:
            self._close()
        elif state.waiting and isinstance(state.waiting[0], ClearRequest):
            self._write(state.waiting[0])
        elif state.signalled:
            state.signalled = False
            state.call = 0
            self._kernel.tell(ReadIo())
        elif state.waiting and not state.busy:
            self._write(state.waiting[0])

    def _close(self) -> None:
        if not self.state.closed:
            self.state.closed, self.state.call = True, 0
            self._kernel.tell(CloseDevice())

    def _write(self, request: Request) -> None:
        self.state.call = request.number
        match request:
            case IoRequest(orb=orb):
                self._kernel.tell(WriteIo(orb, Fctl.START))
            case HaltRequest():
                self._kernel.tell(WriteAsync("HSCH"))
            case ClearRequest():
                self._kernel.tell(WriteAsync("CSCH"))

    def _accepted(self, request: Request) -> None:
        state, number = self.state, request.number
        state.newest = number
        match request:
            case IoRequest():
                state.start = number
            case HaltRequest():
                state.halt = number
            case ClearRequest():
                state.start = state.halt = 0
                state.clear = number

    def _attribute(self, irb: Irb) -> None:
        state, scsw = self.state, irb.scsw
        answers = self._answered_by(scsw.fctl)
        if not scsw.pending or (scsw.fctl and not answers):
            return
        ends = () if scsw.is_intermediate else answers
        state.start = 0 if state.start in ends else state.start
        state.halt = 0 if state.halt in ends else state.halt
        state.clear = 0 if state.clear in ends else state.clear
        self._emulated.tell(IoEvent(answers, ends, state.newest, irb))

    def _answered_by(self, fctl: int) -> tuple[int, ...]:
        state = self.state
        functions = (
            (Fctl.START, state.start),
            (Fctl.HALT, state.halt),
            (Fctl.CLEAR, state.clear),
        )
        answers = tuple(n for function, n in functions if fctl & function and n)
        if fctl == Fctl.HALT and state.start:
            # HALT would also show START if that had not ended: its status is lost.
            answers = (state.start, *answers)
        return answers

    def _gone(self) -> None:
        self._give_up()
        self._emulated.tell(Gone())

    def _give_up(self) -> None:
        """Refuse what waits, and close the device when no call is in progress."""
        state = self.state
        state.gone, state.signalled = True, False
        state.start = state.halt = state.clear = 0
        self._go_on()

    def _detached(self) -> None:
        self.state.detaching = False
        self._emulated.tell(Gone())
