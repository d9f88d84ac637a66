"""VfioCcwRegions: a VfioCcw behind the regions of vfio-ccw, for a real client.

The client knows no operation numbers: this actor numbers requests in their order. The
`Driver` is that of a VfioCcw; what it tells its emulator comes back to this actor in
the same turn. As two actors they would need four more messages for each I/O.

| request | is answered |
|---|---|
| WriteIo, START | 0 when the host's subchannel has accepted it, or its errno |
| WriteIo, HALT or CLEAR | EOPNOTSUPP: the async region is for them |
| WriteIo, no function | EINVAL |
| WriteAsync | 0 when the host's subchannel has accepted it, or its errno |
| ReadIo | with the oldest event, which is then taken; without one, with the last |
| ReadSchib | with what STSCH finds |
| ReadReport | with the oldest report, which removes it |
| ResetDevice, CloseDevice | when the device has no work, pins or unread events |
| UnmapDma | when nothing of the device is pinned in the range, nor read from it |

The errnos are those of `_region_requests`.

A START or HALT that a CLEAR of another thread overtakes is answered as accepted: it was
before the CLEAR, which has ended it. A program that cannot be read or pinned is also
accepted, and ends with the check that the channel shows for it.

RESET, CLOSE, and an UNMAP of what is pinned, quiesce the device, in the stages of
`_quiescing`. The client's guest does not know of an UNMAP: it finds that its START has
ended in an interface-control check.

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c, vfio_ccw_ops.c, vfio_ccw_async.c,
vfio_ccw_chp.c. There a write during another one returns EAGAIN, here both go on.
"""

import errno
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from ccw_actors.actors.host._driver import Driver
from ccw_actors.actors.host._quiescing import Cut
from ccw_actors.actors.host._region_requests import (
    WRITES,
    Call,
    Kind,
    RegionsAnswer,
    Requests,
    errno_of_refusal,
)
from ccw_actors.actors.host._regions_state import RegionsState
from ccw_actors.actors.host._unread_reports import UnreadReports
from ccw_actors.actors.protocol import (
    Accepted,
    Area,
    CioToVfioCcw,
    ClearRequest,
    CloseDevice,
    DeviceRequested,
    Found,
    Gone,
    HaltRequest,
    IoEvent,
    IoRead,
    IoRequest,
    LookRequest,
    Pinned,
    ReadIo,
    ReadReport,
    ReadSchib,
    ReadStorage,
    Refused,
    RegionsMessage,
    RegionsToClient,
    Report,
    ReportRead,
    ReportSignalled,
    ResetDevice,
    SchibRead,
    Signalled,
    StorageData,
    UnmapDma,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Fctl, Irb, Scsw
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["VfioCcwRegions"]

_HALTS: Final = Fctl.HALT | Fctl.CLEAR


class _Emulated(Struct, frozen=True):
    """Takes the place that a guest's subchannel has for the driver of a VfioCcw."""

    answer: Callable[[VfioCcwToGuestSubchannel], None]

    def tell(self, message: VfioCcwToGuestSubchannel) -> None:
        """Pass an answer to the actor in the same turn."""
        self.answer(message)


class VfioCcwRegions(Actor[RegionsMessage]):
    """Passes a host subchannel, driven by `cio`, to a `client` of regions.

    The client receives `Signalled`, `ReportSignalled` and `DeviceRequested`. At most
    `reports_max` reports wait to be read; more are lost, and the last one says so. For
    the other arguments see `VfioCcw`.
    """

    state: RegionsState
    persistent: Requests

    def __init__(
        self,
        cio: ActorRef[VfioCcwToCio],
        storage: ActorRef[VfioCcwToStorage],
        client: ActorRef[RegionsToClient],
        *,
        base: int,
        bytes_max: int = 1 << 20,
        ccws_at_once: int = 16,
        limits: Literal["none", "linux"] = "none",
        reports_max: int = 64,
        driver: type[Driver] = Driver,
    ) -> None:
        self._storage = storage
        self._driver = driver(
            cio,
            storage,
            _Emulated(self._answer),
            base=base,
            bytes_max=bytes_max,
            ccws_at_once=ccws_at_once,
            limits=limits,
            acknowledge=self._answer,
        )
        self._client = client
        self._reports_max = reports_max
        self.state = RegionsState()
        self.persistent = Requests()

    def on_restart(self) -> None:
        """Give up the host's subchannel; refuse requests that need not wait for that.

        An unanswered ask has failed already.
        """
        self._driver.restart()
        self.state.device = "leaving"
        requests = self.persistent
        self.state.unread.newest_clear = requests.next_number()
        requests.drop_asks()
        for one in requests.release():
            self.reply(one.to, Written(errno.ENODEV))
        self._fail()
        self._return(Written(errno.ENODEV), "reset")
        for call in requests.of("pass"):
            requests.become(call.number, "unmap")
        if requests.has("close", "unmap", "evict"):
            self._quiesce(drops=False)

    # -- what the client asks for -----------------------------------------------------

    @receive
    def write_io(self, message: WriteIo) -> Written | None:
        """Begin a START, or refuse it."""
        if not message.fctl & Fctl.START:
            return Written(errno.EOPNOTSUPP if message.fctl else errno.EINVAL)
        return self._write(message, self.reply_to)

    @receive
    def write_async(self, message: WriteAsync) -> Written | None:
        """Begin a HALT or a CLEAR."""
        return self._write(message, self.reply_to)

    @receive
    def read_io(self, _message: ReadIo) -> IoRead | None:
        """Give the oldest event, which is then taken.

        After a signal for an event that a CLEAR has dropped, the read waits for the
        CLEAR's event.
        """
        state = self.state
        owed = state.unread.forget_signal()
        if state.unread.events or not state.driver.clear or not owed:
            answer = self._read()
            self._signal()
            return answer
        self.persistent.enter("read", self.reply_to)
        return None

    @receive
    def read_schib(self, _message: ReadSchib) -> SchibRead | None:
        """Ask for the SCHIB of the host's subchannel."""
        if self.state.device != "there":
            return SchibRead(errno.ENODEV)
        number = self.persistent.enter("schib", self.reply_to)
        self._driver.look(self.state.driver, LookRequest(number))
        return None

    @receive
    def read_report(self, _message: ReadReport) -> ReportRead:
        """Give the oldest report, and signal those behind it."""
        crw = self.state.reports.read()
        self._signal_report()
        return ReportRead(0 if crw is None else int.from_bytes(crw.to_bytes()))

    @receive
    def reset_device(self, _message: ResetDevice) -> Written | None:
        """Quiesce the device."""
        if self.state.device != "there":
            return Written(errno.ENODEV)
        self.persistent.enter("reset", self.reply_to)
        self._quiesce(drops=True)
        return None

    @receive
    def close_device(self, _message: CloseDevice) -> None:
        """Quiesce the device, if it is there."""
        self.persistent.enter("close", self.reply_to)
        self._quiesce(drops=True)

    @receive
    def unmap_dma(self, message: UnmapDma) -> None:
        """Wait until nothing uses the range; quiesce the device if it is pinned."""
        area = Area(message.address, message.length)
        self.persistent.enter("unmap", self.reply_to, area)
        self._settle()

    # -- what others send -------------------------------------------------------------

    @receive
    def report(self, message: Report) -> None:
        """Keep a report until it is read."""
        self.state.reports.add(message.crw, self._reports_max)
        self._signal_report()

    @receive
    def handle(self, message: CioToVfioCcw | Pinned) -> None:
        """Let the driver handle it; its answers come to `_answer`."""
        self._driver.handle(self.state.driver, message)

    @receive
    def storage_data(self, message: StorageData) -> None:
        """Let the driver go on, or end a wait: Storage has done all asked before."""
        number = message.number
        if number == self.state.quiescing.fence:
            self._quiesced()
        else:
            self._return(Written(0), "pass", number=number)
            self._driver.handle(self.state.driver, message)
        self._settle()

    def _answer(self, message: VfioCcwToGuestSubchannel | Accepted) -> None:
        """Take what the driver tells its emulator."""
        match message:
            case Accepted(number=number):
                self._return(Written(0), *WRITES, number=number)
            case Refused(number=number, errno=reason):
                self._refused(number, reason)
            case IoEvent():
                self._note(message)
            case Found(number=number, schib=schib):
                there = schib.pmcw.valid
                answer = SchibRead(0, schib) if there else SchibRead(errno.ENODEV)
                self._return(answer, "schib", number=number)
            case Gone():
                self._depart()
            case _:
                raise AssertionError(f"{message} answers no request of a client")
        self._settle()

    def _return(self, answer: RegionsAnswer, *kinds: Kind, number: int = 0) -> None:
        """Answer the requests of these kinds, only that of a number if one is given."""
        for to in self.persistent.take(*kinds, number=number):
            self.reply(to, answer)

    # -- writes -----------------------------------------------------------------------

    def _write(
        self, request: WriteIo | WriteAsync, to: ReplyTo[RegionsAnswer]
    ) -> Written | None:
        """Begin or hold a START, HALT or CLEAR, or refuse it at once."""
        state = self.state
        if state.device != "there":
            return Written(errno.ENODEV)
        if state.quiescing.in_progress:
            self.persistent.hold(request, to)
            return None
        if request == WriteAsync("HSCH") and state.unread.has_end_of(_HALTS):
            return Written(errno.EBUSY)
        self._begin(request, to)
        self._settle()
        return None

    def _begin(self, request: WriteIo | WriteAsync, to: ReplyTo[RegionsAnswer]) -> None:
        """Number a START, HALT or CLEAR, and give it to the driver."""
        driver, requests = self.state.driver, self.persistent
        match request:
            case WriteIo(orb=orb):
                number = requests.enter("start", to)
                self._driver.io_request(driver, IoRequest(number, orb))
            case WriteAsync(command="HSCH"):
                number = requests.enter("halt", to)
                self._driver.halt(driver, HaltRequest(number))
            case WriteAsync():
                number = requests.enter("clear", to)
                self._drop_events(number)
                self._clear(number)

    def _clear(self, number: int) -> None:
        """Clear; this ends a START that is not at the host yet."""
        program = self.state.driver.program
        if program is not None and program.phase != "started":
            self._return(Written(0), "start", number=program.number)
        self._driver.clear(self.state.driver, ClearRequest(number))

    def _drop_events(self, clear: int) -> None:
        for event in self.state.unread.clear(clear):
            self._driver.taken(self.state.driver, event)

    def _refused(self, number: int, reason: int) -> None:
        if reason == errno.ENODEV and self.state.device == "there":
            self.state.device = "leaving"
        for kind in WRITES:
            answer = Written(errno_of_refusal(kind, reason))
            self._return(answer, kind, number=number)

    # -- events -----------------------------------------------------------------------

    def _note(self, event: IoEvent) -> None:
        """Keep an event until it is read, unless it is dropped."""
        state = self.state
        for number in event.answers:
            self._return(Written(0), *WRITES, number=number)
        state.quiescing.note_ends(event.ends)
        own = state.quiescing.clearing in event.ends
        drops = own or self.persistent.has("reset", "close")
        if drops or not state.unread.add(event):
            self._driver.taken(self.state.driver, event)

    def _read(self) -> IoRead:
        state = self.state
        event = state.unread.read()
        if event is not None:
            self._driver.taken(self.state.driver, event)
        elif state.device == "gone":
            return IoRead(state.unread.region, errno.ENODEV)
        return IoRead(state.unread.region)

    def _signal(self) -> None:
        """Signal the client if there are events and no signal is on its way."""
        if self.state.unread.signal():
            self._client.tell(Signalled())

    def _signal_report(self) -> None:
        if self.state.reports.signal():
            self._client.tell(ReportSignalled())

    # -- quiescing --------------------------------------------------------------------

    def _quiesce(self, *, drops: bool) -> None:
        """Begin to clear the host's subchannel, unless that is in progress.

        With `drops` also drop what is unread.
        """
        state, quiescing = self.state, self.state.quiescing
        if not quiescing.in_progress:
            quiescing.begin(self.persistent.next_number(), state.driver)
            if state.device == "there":
                self._clear(quiescing.clearing)
        if drops:
            self._drop_events(quiescing.clearing)
            state.unread.region = Irb(Scsw())
            quiescing.cut = Cut()
        self._settle()

    def _quiesced(self) -> None:
        """Answer the requests for quiescing, and begin the writes that were held."""
        state = self.state
        cut = state.quiescing.end()
        if self.persistent.has("close"):
            state.reports = UnreadReports()
            state.unread.forget_signal()
        reason = 0 if state.device == "there" else errno.ENODEV
        self._return(Written(reason), "reset")
        self._return(Written(0), "close", "evict")
        if cut is not None and state.device == "there":
            self._driver.event(state.driver, cut)
        for one in self.persistent.release():
            answer = self._write(one.request, one.to)
            if answer is not None:
                self.reply(one.to, answer)

    def _depart(self) -> None:
        """Fail the requests in progress: the host's subchannel is gone."""
        self.state.device = "gone"
        self._fail()
        self._client.tell(DeviceRequested())

    def _fail(self) -> None:
        self._return(Written(errno.ENODEV), *WRITES)
        self._return(SchibRead(errno.ENODEV), "schib")

    # -- after each change of the state -----------------------------------------------

    def _settle(self) -> None:
        """Do everything that was waiting for the present state."""
        state = self.state
        if state.quiescing.clearing and state.is_quiet:
            fence = self.persistent.next_number()
            state.quiescing.fence_off(fence)
            self._storage.tell(ReadStorage(fence, ()))
        for call in self.persistent.of("unmap"):
            self._unmap(call)
        if state.unread.events or not state.driver.clear:
            for to in self.persistent.take("read"):
                self.reply(to, self._read())
        self._signal()

    def _unmap(self, call: Call) -> None:
        """Decide what an UNMAP needs, once no START is on its way to the host."""
        state, requests = self.state, self.persistent
        if state.quiescing.in_progress:
            requests.become(call.number, "evict")
        elif requests.has("start") or state.device == "leaving":
            pass
        elif self._is_pinned(call.area):
            requests.become(call.number, "evict")
            self._quiesce(drops=False)
        else:
            requests.become(call.number, "pass")
            self._storage.tell(ReadStorage(call.number, ()))

    def _is_pinned(self, area: Area) -> bool:
        """Whether the program at the host has pinned a page of the area."""
        program = self.state.driver.program
        return program is not None and program.copy.touches(area)
