"""VfioCcwRegions: a VfioCcw behind the regions of vfio-ccw, for a real client.

The client knows no operation numbers: they are given here, in the order of the
requests. What vfio-ccw does is `Driver`'s, as in a VfioCcw; what that tells its
emulator comes back to this actor in the same turn. As two actors they would need four
more messages for each I/O.

| request | is answered |
|---|---|
| WriteIo, START | 0 when the host's subchannel has accepted it, or its errno |
| WriteIo, HALT or CLEAR | EOPNOTSUPP: the async region is for them |
| WriteIo, no function | EINVAL |
| WriteAsync | 0 when the host's subchannel has accepted it, or its errno |
| ReadIo | with the oldest event, which takes it; with the last one if there is none |
| ReadSchib | with what STSCH finds |
| ReadReport | with the oldest report, which removes it |
| ResetDevice, CloseDevice | when nothing of the device is at work, pinned or unread |
| UnmapDma | when nothing of the device is pinned in the range, nor read from it |

| errno of a request | because |
|---|---|
| EBUSY | START: a function is in progress, or its end unread |
| EBUSY | HALT: another one or a CLEAR is in progress, or its end unread |
| EACCES | START: condition code 3, and the subchannel is there |
| ENODEV | the subchannel is not there, or HALT, CLEAR: condition code 3 |
| EOPNOTSUPP | START: a transport-mode ORB |
| EINVAL | START: with `limits` "linux", a program that Linux would not take |

Linux returns for a write without a function what the writer left in `ret_code`.

A START or HALT that a CLEAR of another thread overtakes is answered as accepted: it was
before the CLEAR, which has ended it. A program that cannot be read or pinned is
accepted, too, and ends with the check that the channel shows for it.

RESET, CLOSE, and an UNMAP of what is pinned, quiesce the device. After an UNMAP, which
the client's guest knows nothing of, it finds that its START has ended in an
interface-control check.


| stage | event | next |
|---|---|---|
| none | a request that quiesces | clearing: CLEAR |
| any | RESET, CLOSE | what is unread, and what comes until it is over, is dropped |
| clearing | nothing is at work at the host | fencing: Unpin of a new number |
| clearing | the device is gone | fencing |
| fencing | its Unpinned: Storage has handled all that came before | answered; none |
| clearing, fencing | another request that quiesces | joins |
| clearing, fencing | a write | waits until it is over |

Source: Linux drivers/s390/cio/vfio_ccw_fsm.c, vfio_ccw_ops.c, vfio_ccw_async.c,
vfio_ccw_chp.c; there a write that meets another one returns EAGAIN, here both go on.
"""

import errno
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec import Struct

from ccw_actors.actors.hardware import pages_of
from ccw_actors.actors.host._driver import Driver, DriverState
from ccw_actors.actors.host._region_requests import (
    WRITES,
    Call,
    Kind,
    RegionsAnswer,
    Requests,
)
from ccw_actors.actors.host._unread_events import Cut, UnreadEvents
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
    Taken,
    UnmapDma,
    Unpin,
    Unpinned,
    VfioCcwToCio,
    VfioCcwToGuestSubchannel,
    VfioCcwToStorage,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Crw, Fctl, Irb, Scsw
from ccw_actors.channel.crw import queued
from ccw_actors.runtime import Actor, ActorRef, ReplyTo, receive

__all__ = ["VfioCcwRegions"]

_HALTS: Final = Fctl.HALT | Fctl.CLEAR


class RegionsState(Struct):
    """What a VfioCcwRegions remembers.

    `driver` is what its driver remembers. `device` is "leaving" when the host's
    subchannel is being given up. A signal of what is `unread` is on its way if
    `signalled`. While the device is quiesced, `clearing` is the number of its CLEAR,
    then `fence` that of its Unpin, both 0 otherwise; `cut` are the functions that this
    ends. `reports` have not been read, of which the client knows if `reported`.
    """

    driver: DriverState = msgspec.field(default_factory=DriverState)
    device: Literal["there", "leaving", "gone"] = "there"
    unread: UnreadEvents = msgspec.field(default_factory=UnreadEvents)
    signalled: bool = False
    clearing: int = 0
    fence: int = 0
    cut: Cut = Cut()
    reports: tuple[Crw, ...] = ()
    reported: bool = False


class _Emulated(Struct, frozen=True):
    """Stands where a guest's subchannel is for the driver of a VfioCcw."""

    answer: Callable[[VfioCcwToGuestSubchannel], None]

    def tell(self, message: VfioCcwToGuestSubchannel) -> None:
        """Hand it over in the same turn."""
        self.answer(message)


class VfioCcwRegions(Actor[RegionsMessage]):
    """Passes a host subchannel, driven by `cio`, to a `client` of regions.

    The client is told `Signalled`, `ReportSignalled` and `DeviceRequested`. At most
    `reports_max` reports wait to be read; the rest is lost, and the last one says so.
    For the other arguments see `VfioCcw`.
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
        """Give the host's subchannel up, and refuse all but what has to wait for that.

        An ask that was not answered has failed already.
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
        """Give the oldest event, which takes it.

        Who was signalled an event that a CLEAR has dropped waits for that of the CLEAR.
        """
        state = self.state
        owed, state.signalled = state.signalled, False
        if state.unread.events or not state.driver.clear or not owed:
            answer = self._read()
            self._signal()
            return answer
        self.persistent.enter("read", self.reply_to)
        return None

    @receive
    def read_schib(self, _message: ReadSchib) -> SchibRead | None:
        """Look at the host's subchannel."""
        if self.state.device != "there":
            return SchibRead(errno.ENODEV)
        number = self.persistent.enter("schib", self.reply_to)
        self._driver.look(self.state.driver, LookRequest(number))
        return None

    @receive
    def read_report(self, _message: ReadReport) -> ReportRead:
        """Give the oldest report, and signal those behind it."""
        state = self.state
        crw, state.reports = state.reports[:1], state.reports[1:]
        state.reported = False
        self._signal_report()
        return ReportRead(int.from_bytes(crw[0].to_bytes()) if crw else 0)

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
        """See to it that the range is not used."""
        area = Area(message.address, message.length)
        self.persistent.enter("unmap", self.reply_to, area)
        self._settle()

    # -- what others have to say ------------------------------------------------------

    @receive
    def report(self, message: Report) -> None:
        """Keep a report until it is read."""
        state = self.state
        state.reports = queued(state.reports, message.crw, self._reports_max)
        self._signal_report()

    @receive
    def handle(self, message: CioToVfioCcw | StorageData | Pinned) -> None:
        """Let the driver handle it; what follows from it comes to `_answer`."""
        self._driver.handle(self.state.driver, message)

    @receive
    def unpinned(self, message: Unpinned) -> None:
        """Go on when Storage has handled all that came before."""
        if self.state.fence and message.number == self.state.fence:
            self._quiesced()
        else:
            self._return(Written(0), "pass", number=message.number)
        self._settle()

    def _answer(self, message: VfioCcwToGuestSubchannel | Accepted) -> None:
        """Take what VfioCcw tells its emulator."""
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
                raise AssertionError(f"{message} answers nothing that is asked here")
        self._settle()

    def _return(self, answer: RegionsAnswer, *kinds: Kind, number: int = 0) -> None:
        """Answer the requests of these kinds, only that of a number if one is given."""
        for to in self.persistent.take(*kinds, number=number):
            self.reply(to, answer)

    # -- writes -----------------------------------------------------------------------

    def _write(
        self, request: WriteIo | WriteAsync, to: ReplyTo[Written]
    ) -> Written | None:
        """Begin a START, HALT or CLEAR, or hold it; or say at once why not."""
        state, requests = self.state, self.persistent
        if state.device != "there":
            return Written(errno.ENODEV)
        if state.clearing or state.fence:
            requests.hold(request, to)
            return None
        match request:
            case WriteIo(orb=orb):
                number = requests.enter("start", to)
                self._driver.io_request(state.driver, IoRequest(number, orb))
            case WriteAsync(command="HSCH") if state.unread.has_end_of(_HALTS):
                return Written(errno.EBUSY)
            case WriteAsync(command="HSCH"):
                number = requests.enter("halt", to)
                self._driver.halt(state.driver, HaltRequest(number))
            case WriteAsync():
                number = requests.enter("clear", to)
                self._drop_events(number)
                self._clear(number)
        self._settle()
        return None

    def _clear(self, number: int) -> None:
        """Clear, which ends a START that is not at the host yet."""
        program = self.state.driver.program
        if program is not None and program.phase != "started":
            self._return(Written(0), "start", number=program.number)
        self._driver.clear(self.state.driver, ClearRequest(number))

    def _drop_events(self, clear: int) -> None:
        for event in self.state.unread.clear(clear):
            self._driver.taken(self.state.driver, Taken(event.ends))

    def _refused(self, number: int, reason: int) -> None:
        if reason == errno.ENODEV and self.state.device == "there":
            self.state.device = "leaving"
        if reason == errno.ECANCELED:
            reason = 0
        self._return(Written(reason), "start", number=number)
        reason = errno.ENODEV if reason == errno.EACCES else reason
        self._return(Written(reason), "halt", "clear", number=number)

    # -- events -----------------------------------------------------------------------

    def _note(self, event: IoEvent) -> None:
        """Keep an event until it is read, unless it is dropped."""
        state = self.state
        for number in event.answers:
            self._return(Written(0), *WRITES, number=number)
        state.cut = state.cut.without(event.ends)
        own = state.clearing in event.ends
        drops = own or self.persistent.has("reset", "close")
        if drops or not state.unread.add(event):
            self._driver.taken(self.state.driver, Taken(event.ends))

    def _read(self) -> IoRead:
        state = self.state
        event = state.unread.read()
        if event is not None:
            self._driver.taken(self.state.driver, Taken(event.ends))
        elif state.device == "gone":
            return IoRead(state.unread.region, errno.ENODEV)
        return IoRead(state.unread.region)

    def _signal(self) -> None:
        """Signal that there are events, unless a signal is on its way."""
        if self.state.unread.events and not self.state.signalled:
            self.state.signalled = True
            self._client.tell(Signalled())

    def _signal_report(self) -> None:
        if self.state.reports and not self.state.reported:
            self.state.reported = True
            self._client.tell(ReportSignalled())

    # -- quiescing --------------------------------------------------------------------

    def _quiesce(self, *, drops: bool) -> None:
        """Begin to clear the host's subchannel, unless that is under way.

        With `drops` nothing is left to be read.
        """
        state, driver = self.state, self.state.driver
        program = driver.program
        if not state.clearing and not state.fence:
            state.clearing = self.persistent.next_number()
            start = program.number if program is not None else 0
            cpa = program.copy.orb.cpa if program is not None else 0
            state.cut = Cut(start, driver.halt, driver.clear, cpa)
            if state.device == "there":
                self._clear(state.clearing)
        if drops:
            self._drop_events(state.clearing)
            state.unread.region = Irb(Scsw())
            state.cut = Cut()
        self._settle()

    def _quiesced(self) -> None:
        """Answer who has wanted it, and begin what has waited for it."""
        state = self.state
        state.fence = 0
        if self.persistent.has("close"):
            state.reports = ()
            state.signalled = state.reported = False
        reason = 0 if state.device == "there" else errno.ENODEV
        self._return(Written(reason), "reset")
        self._return(Written(0), "close", "evict")
        cut, state.cut = state.cut.event(), Cut()
        if cut is not None and state.device == "there":
            self._driver.event(state.driver, cut)
        for one in self.persistent.release():
            answer = self._write(one.request, one.to)
            if answer is not None:
                self.reply(one.to, answer)

    def _depart(self) -> None:
        """Fail what is under way: there is no host subchannel any more."""
        self.state.device = "gone"
        self._fail()
        self._client.tell(DeviceRequested())

    def _fail(self) -> None:
        self._return(Written(errno.ENODEV), *WRITES)
        self._return(SchibRead(errno.ENODEV), "schib")

    # -- what follows from what has changed -------------------------------------------

    def _settle(self) -> None:
        """Do what has waited for what the state is now."""
        state = self.state
        if state.clearing and self._is_quiet():
            state.clearing, state.fence = 0, self.persistent.next_number()
            self._storage.tell(Unpin(state.fence))
        for call in self.persistent.of("unmap"):
            self._unmap(call)
        if state.unread.events or not state.driver.clear:
            for to in self.persistent.take("read"):
                self.reply(to, self._read())
        self._signal()

    def _is_quiet(self) -> bool:
        """Whether nothing of the device is at work at the host."""
        driver = self.state.driver
        if self.state.device == "leaving":
            return False
        return driver.program is None and not driver.halt and not driver.clear

    def _unmap(self, call: Call) -> None:
        """Decide what an UNMAP needs, once no START is between copying and the host."""
        state, requests = self.state, self.persistent
        if state.clearing or state.fence:
            requests.become(call.number, "evict")
        elif requests.has("start") or state.device == "leaving":
            pass
        elif self._is_pinned(call.area):
            requests.become(call.number, "evict")
            self._quiesce(drops=False)
        else:
            requests.become(call.number, "pass")
            self._storage.tell(Unpin(call.number))

    def _is_pinned(self, area: Area) -> bool:
        """Whether the program that is at the host has pinned a page of the area."""
        program = self.state.driver.program
        if program is None:
            return False
        pages = pages_of(area.address, area.length)
        pinned = (
            pages_of(one.address, one.length) for one in program.copy.data_areas()
        )
        return any(one.start < pages.stop and pages.start < one.stop for one in pinned)
