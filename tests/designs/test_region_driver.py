"""RegionDriver: what it writes, and which operations an IRB answers and ends."""

import errno
from typing import Any, TypeAlias

import pytest

from ccw_actors.actors.protocol import (
    CancelRequest,
    ClearRequest,
    CloseDevice,
    Completed,
    Detach,
    DeviceRequested,
    Found,
    Gone,
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
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import Actl, Fctl, Irb, Orb, Pmcw, Schib, Scsw, Stctl
from ccw_actors.designs import RegionDriver
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    SteppingDispatcher,
    System,
    receive,
)

Asked: TypeAlias = WriteIo | WriteAsync | ReadIo | CloseDevice
Told: TypeAlias = Refused | Completed | Found | IoEvent | Gone

ORB = Orb.command(0x1000)
START, HALT, CLEAR = IoRequest(1, ORB), HaltRequest(2), ClearRequest(3)
WRITES_START = WriteIo(ORB, Fctl.START)
WRITES_HALT, WRITES_CLEAR = WriteAsync("HSCH"), WriteAsync("CSCH")
ENDING = Stctl.PRIMARY | Stctl.SECONDARY | Stctl.PENDING
OK, AGAIN, BUSY = Written(0), Written(errno.EAGAIN), Written(errno.EBUSY)


def irb_of(fctl: int, stctl: int = ENDING) -> Irb:
    """Return an IRB with these function bits."""
    return Irb(Scsw(fctl=fctl, stctl=stctl))


class Kernel(Actor[Asked]):
    """Notes requests; the test answers them."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    @receive
    def asked(self, message: Asked) -> None:
        """Note a request."""
        self.heard.append(message)


class Emulated(Actor[Told]):
    """Notes the messages that it receives."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    @receive
    def told(self, message: Told) -> None:
        """Note a message."""
        self.heard.append(message)


class Bench:
    """A RegionDriver between a kernel and a guest's subchannel."""

    def __init__(self, *messages: Message) -> None:
        self.system = System(SteppingDispatcher("mailbox"))
        self.kernel, self.emulated = Kernel(), Emulated()
        kernel = self.system.spawn(self.kernel, "kernel")
        emulated = self.system.spawn(self.emulated, "emulated")
        self.actor = RegionDriver(kernel, emulated)
        self.driver: ActorRef[Any] = self.system.spawn(self.actor, "region-driver")
        self.tell(*messages)
        self.asked()
        self.told()

    def tell(self, *messages: Message) -> None:
        """Send messages, and let each be handled."""
        dispatcher = self.system.dispatcher
        assert isinstance(dispatcher, SteppingDispatcher)
        for message in messages:
            self.driver.tell(message)
            while choices := dispatcher.enabled():
                dispatcher.step(choices[0])

    def asked(self) -> list[Message]:
        """Return the kernel's new requests."""
        found, self.kernel.heard = self.kernel.heard, []
        return found

    def told(self) -> list[Message]:
        """Return the new messages to the guest's subchannel."""
        found, self.emulated.heard = self.emulated.heard, []
        return found


# -- requests -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "write"),
    [(START, WRITES_START), (HALT, WRITES_HALT), (CLEAR, WRITES_CLEAR)],
)
def test_a_request_is_written(request_: Message, write: Message) -> None:
    """A request is written, and written again on EAGAIN; acceptance is not reported."""
    bench = Bench()
    bench.tell(request_)
    assert bench.asked() == [write]
    bench.tell(AGAIN)
    assert bench.asked() == [write]
    bench.tell(OK)
    assert (bench.asked(), bench.told()) == ([], [])
    state = bench.actor.state
    assert max(state.start, state.halt, state.clear) == state.newest != 0


def test_one_call_is_made_at_a_time() -> None:
    """The next request is written when the first is answered."""
    bench = Bench()
    bench.tell(START, HALT)
    assert bench.asked() == [WRITES_START]
    bench.tell(OK)
    assert bench.asked() == [WRITES_HALT]


@pytest.mark.parametrize("request_", [START, HALT])
def test_a_busy_request_waits_for_the_next_signal(request_: Message) -> None:
    """After the signal the IRB is read first, then the request is written again."""
    bench = Bench(request_)
    bench.tell(BUSY)
    assert bench.asked() == []
    bench.tell(Signalled())
    assert bench.asked() == [ReadIo()]
    bench.tell(IoRead(irb_of(0)))
    assert bench.asked() in ([WRITES_START], [WRITES_HALT])


def test_a_clear_that_is_busy_is_refused() -> None:
    """EBUSY refuses a CLEAR as any other error does; no design answers CSCH so."""
    bench = Bench(CLEAR)
    bench.tell(BUSY)
    assert bench.told() == [Refused(3, errno.EBUSY)]


def test_other_errors_refuse_the_request() -> None:
    """After a refusal the next request is written."""
    bench = Bench(START, HALT)
    bench.tell(Written(errno.EIO))
    assert bench.told() == [Refused(1, errno.EIO)]
    assert bench.asked() == [WRITES_HALT]


def test_a_clear_overtakes_what_is_not_accepted() -> None:
    """Waiting requests are refused at once, one being written if it is busy."""
    bench = Bench(START, HALT)
    bench.tell(CLEAR)
    assert bench.told() == [Refused(2, errno.ECANCELED)]
    bench.tell(BUSY)
    assert bench.told() == [Refused(1, errno.ECANCELED)]
    assert bench.asked() == [WRITES_CLEAR]
    bench = Bench(START, BUSY)
    bench.tell(CLEAR)
    assert bench.told() == [Refused(1, errno.ECANCELED)]
    assert bench.asked() == [WRITES_CLEAR]


def test_a_clear_is_written_before_an_irb_is_read() -> None:
    """Other requests wait for the read of the IRB."""
    bench = Bench(START)
    bench.tell(Signalled(), CLEAR, OK)
    assert bench.asked() == [WRITES_CLEAR]
    bench.tell(OK)
    assert bench.asked() == [ReadIo()]
    bench = Bench(START)
    bench.tell(Signalled(), HALT, OK)
    assert bench.asked() == [ReadIo()]


def test_what_no_region_takes() -> None:
    """RESUME and CANCEL complete with 2; the other messages are not passed on."""
    bench = Bench()
    bench.tell(ResumeRequest(5), CancelRequest(6))
    assert bench.told() == [Completed(5, 2), Completed(6, 2)]
    bench.tell(SenseConcurrently(wanted=True))
    assert (bench.asked(), bench.told()) == ([], [])


def test_detach_closes_the_device() -> None:
    """Gone follows when the kernel has closed it; a later Detach finds it closed."""
    bench = Bench()
    bench.tell(Detach())
    assert (bench.asked(), bench.told()) == ([CloseDevice()], [])
    bench.tell(OK)
    assert bench.told() == [Gone()]
    bench.tell(Detach())
    assert (bench.asked(), bench.told()) == ([], [Gone()])


def test_detach_waits_for_a_call() -> None:
    """A write that is in progress ends first; what waits behind it is refused."""
    bench = Bench(START)
    bench.tell(HALT, Detach())
    assert CloseDevice() not in bench.asked()
    bench.tell(OK)
    assert bench.asked() == [CloseDevice()]
    assert Gone() not in bench.told()
    bench.tell(OK)
    assert bench.told() == [Gone()]


def test_a_look_finds_a_start_that_is_accepted() -> None:
    """An accepted START is shown as start-pending: no region tells more."""
    bench = Bench()
    bench.tell(LookRequest(5))
    assert bench.told() == [Found(5, Schib(Pmcw(), Scsw()))]
    bench = Bench(START, OK)
    bench.tell(LookRequest(5))
    pending = Scsw(fctl=Fctl.START, actl=Actl.START_PENDING)
    assert bench.told() == [Found(5, Schib(Pmcw(), pending))]


# -- IRBs -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "irb", "answers", "ends"),
    [
        ((START,), irb_of(Fctl.START), (1,), (1,)),
        ((START,), irb_of(Fctl.START, 0x09), (1,), ()),
        ((START, HALT), irb_of(Fctl.START | Fctl.HALT), (1, 2), (1, 2)),
        ((START, HALT), irb_of(Fctl.HALT), (1, 2), (1, 2)),
        ((HALT,), irb_of(Fctl.HALT), (2,), (2,)),
        ((START, CLEAR), irb_of(Fctl.CLEAR), (3,), (3,)),
        ((START,), irb_of(0, Stctl.UNSOLICITED_STATUS), (), ()),
    ],
)
def test_what_an_irb_answers_and_ends(
    accepted: tuple[Message, ...],
    irb: Irb,
    answers: tuple[int, ...],
    ends: tuple[int, ...],
) -> None:
    """An IRB answers accepted operations of its FC; intermediate status ends none."""
    bench = Bench(*(one for request in accepted for one in (request, OK)))
    newest = bench.actor.state.newest
    bench.tell(Signalled())
    assert bench.asked() == [ReadIo()]
    bench.tell(IoRead(irb))
    assert bench.told() == [IoEvent(answers, ends, newest, irb)]
    state = bench.actor.state
    left = {state.start, state.halt, state.clear} - {0}
    assert not left & set(ends)


@pytest.mark.parametrize(
    ("accepted", "fctl"),
    [((), Fctl.START), ((START, OK, CLEAR, OK), Fctl.START), ((START, OK), Fctl.CLEAR)],
)
def test_an_irb_that_answers_nothing_is_dropped(
    accepted: tuple[Message, ...], fctl: int
) -> None:
    """An IRB whose operation has ended, or was ended by a CLEAR, is dropped."""
    bench = Bench(*accepted)
    bench.tell(Signalled(), IoRead(irb_of(fctl)))
    assert bench.told() == []


def test_an_irb_without_status_is_dropped() -> None:
    """A write has replaced the IRB that the kernel signalled; START goes on."""
    bench = Bench(START, OK)
    bench.tell(Signalled(), IoRead(Irb(Scsw())))
    assert bench.told() == []
    ended = irb_of(Fctl.START)
    bench.tell(Signalled(), IoRead(ended))
    assert bench.told() == [IoEvent((1,), (1,), 1, ended)]


# -- the device is gone ---------------------------------------------------------------


def test_enodev_is_the_end() -> None:
    """ENODEV refuses the request and all that wait, and the device is closed."""
    bench = Bench(START, HALT)
    bench.tell(Written(errno.ENODEV))
    assert bench.told() == [
        Refused(1, errno.ENODEV),
        Refused(2, errno.ENODEV),
        Gone(),
    ]
    assert bench.asked() == [CloseDevice()]
    bench.tell(OK, CLEAR)
    assert bench.told() == [Refused(3, errno.ENODEV)]
    assert bench.asked() == []


def test_a_device_that_is_wanted_back_is_given_back_once() -> None:
    """The device is closed after the call in progress, whose result does not matter."""
    bench = Bench(START)
    bench.tell(DeviceRequested(), DeviceRequested())
    assert bench.told() == [Refused(1, errno.ENODEV), Gone()]
    assert bench.asked() == []
    bench.tell(OK)
    assert bench.asked() == [CloseDevice()]
    bench.tell(Signalled(), OK)
    assert (bench.asked(), bench.told()) == ([], [])


def test_an_irb_of_a_device_that_is_gone_is_dropped() -> None:
    """An IRB that was being read is dropped; then the device is closed."""
    bench = Bench(START, OK, Signalled())
    bench.tell(DeviceRequested(), IoRead(irb_of(Fctl.START)))
    assert bench.told() == [Gone()]
    assert bench.asked() == [CloseDevice()]
