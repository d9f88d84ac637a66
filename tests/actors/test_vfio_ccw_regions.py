"""VfioCcwRegions as a client of the regions sees it, one request at a time."""

import errno
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.actors import ChannelPath, Device, VfioCcwRegions
from ccw_actors.actors.protocol import (
    Area,
    CloseDevice,
    ConfigurePath,
    CountPins,
    DetachDevice,
    DeviceRequested,
    ExecuteCommand,
    HaltSignal,
    IoRead,
    PathConfigured,
    PinCount,
    ReadIo,
    ReadReport,
    ReadSchib,
    ReadStorage,
    Report,
    ReportRead,
    ReportSignalled,
    ResetDevice,
    SchibRead,
    Signalled,
    StorageData,
    Stored,
    StoreSubchannel,
    UnmapDma,
    WriteAsync,
    WriteIo,
    Written,
)
from ccw_actors.channel import (
    Actl,
    Ccw,
    Crw,
    Cstat,
    Dstat,
    Erc,
    Fctl,
    Irb,
    Orb,
    Rsc,
    Scsw,
    Stctl,
)
from ccw_actors.machine import Layers
from ccw_actors.runtime import Actor, System, VirtualDispatcher, receive
from ccw_actors.scenarios import (
    BUFFER,
    PATHS,
    PROGRAM,
    HostMachine,
    read_orb,
    track,
)

RECORD = b"what the channel reads.."
PAGE = 0x1000
START = WriteIo(read_orb(7), Fctl.START)
SUPPRESS, CHAIN = Ccw.suppress_length.mask, Ccw.chain_command.mask
SUSPENDS = Ccw(0x02, SUPPRESS | CHAIN, 24, BUFFER).to_bytes(1) + Ccw(
    0x02, SUPPRESS | Ccw.suspend.mask, 24, BUFFER
).to_bytes(1)
START_SUSPENDED = WriteIo(Orb.command(PROGRAM, suspend=True), Fctl.START)
PATH_OFF = Crw(Rsc.CHANNEL_PATH, Erc.NOT_INITIALIZED, 0)
PATH_ON = Crw(Rsc.CHANNEL_PATH, Erc.INITIALIZED, 0)


class Told(Struct):
    """The messages to a client, by name."""

    names: tuple[str, ...] = ()


class Client(Actor):
    """Notes its messages."""

    state: Told

    def __init__(self) -> None:
        self.state = Told()

    @receive
    def told(self, message: Signalled | ReportSignalled | DeviceRequested) -> None:
        """Note a message."""
        self.state.names = (*self.state.names, type(message).__name__)


class Stalls(Device):
    """A device that never ends a command, but can be reset."""

    @receive
    def execute(self, message: ExecuteCommand) -> None:
        """Say nothing."""

    @receive
    def halt(self, message: HaltSignal) -> None:
        """Say nothing."""


class FailsOnReport(VfioCcwRegions):
    """A VfioCcwRegions that crashes on a report."""

    @receive
    def report(self, message: Report) -> None:
        """Crash."""
        raise RuntimeError(f"no {message}")


class Rig:
    """A host device behind regions, and its client."""

    def __init__(
        self,
        content: bytes | None = None,
        *,
        regions: Callable[..., VfioCcwRegions] = VfioCcwRegions,
        device: type[Device] = Device,
    ) -> None:
        self.dispatcher = VirtualDispatcher()
        self.system = System(self.dispatcher)
        self.client = Client()
        self.host = HostMachine(
            self.system,
            layers=Layers(vfio_ccw=regions, device=device),
            content=content,
            storage_size=0x4000,
            image=track(RECORD),
        )
        self.system.spawn(self.client, PATHS.emulated)
        self.regions = self.system.ref("vfio-ccw")
        subchannel = self.system.ref("subchannel")
        path = ChannelPath(0, [subchannel], listeners=[self.regions])
        self.path = self.system.spawn(path, "path")
        self.run()

    def run(self) -> None:
        """Handle all messages."""
        self.dispatcher.run()

    def ask(self, request: Any) -> Any:
        """Ask, and handle all messages that follow."""
        answer = self.regions.ask(request, block=True)
        self.run()
        return answer

    def written(self, request: Any) -> int:
        """Ask; return the errno."""
        answer: Written = self.ask(request)
        return answer.errno

    def read(self) -> Irb:
        """Read the I/O region."""
        answer: IoRead = self.ask(ReadIo())
        assert answer.errno == 0
        return answer.irb

    def report(self) -> int:
        """Read the CRW region."""
        answer: ReportRead = self.ask(ReadReport())
        return answer.crw

    def configure(self, *, available: bool) -> None:
        """Configure the channel path on or off."""
        done = self.path.ask(ConfigurePath(available), block=True)
        assert done == PathConfigured(0)
        self.run()

    def host_scsw(self) -> Scsw:
        """Return the SCSW of the host's subchannel."""
        subchannel = self.system.ref("subchannel")
        stored: Stored = subchannel.ask(StoreSubchannel(), block=True)
        return stored.schib.scsw

    def pins(self) -> int:
        """Return how many pages are pinned."""
        count: PinCount = self.system.ref("storage").ask(CountPins(), block=True)
        return count.pages

    def stored(self) -> bytes:
        """Return what the channel has read."""
        storage = self.system.ref("storage")
        area = (Area(BUFFER, len(RECORD)),)
        found: StorageData = storage.ask(ReadStorage(0, area), block=True)
        return found.parts[0]

    def told(self) -> tuple[str, ...]:
        """The messages to the client so far."""
        return self.client.state.names


def number(crw: Crw) -> int:
    """Return a report as it is in the region."""
    return int.from_bytes(crw.to_bytes())


def test_start_and_read() -> None:
    """START is accepted, an event is signalled once, reading takes it."""
    rig = Rig()
    assert rig.written(START) == 0
    assert rig.told() == ("Signalled",)
    assert rig.stored() == RECORD
    assert rig.pins() == 0
    irb = rig.read()
    assert irb.scsw.fctl == Fctl.START
    assert irb.scsw.dstat == Dstat.CHANNEL_END | Dstat.DEVICE_END
    assert irb.scsw.cpa == PROGRAM + 8
    assert rig.read() == irb, "what was read last is still in the region"
    assert rig.told() == ("Signalled",)


def test_start_is_busy_until_its_end_is_read() -> None:
    """EBUSY means that a function is in progress or its end unread."""
    rig = Rig()
    assert [rig.written(START), rig.written(START)] == [0, errno.EBUSY]
    rig.read()
    assert rig.written(START) == 0


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (WriteIo(Orb(flags=0x0004), Fctl.START), errno.EOPNOTSUPP),
        (WriteIo(read_orb(1), Fctl.HALT), errno.EOPNOTSUPP),
        (WriteIo(read_orb(1), Fctl.CLEAR), errno.EOPNOTSUPP),
        (WriteIo(read_orb(1), 0), errno.EINVAL),
        (WriteIo(read_orb(1), 0, ret_code=0), errno.EINVAL),
        (WriteIo(read_orb(1), Fctl.START | Fctl.HALT), 0),
    ],
)
def test_what_the_io_region_takes(request_: WriteIo, reason: int) -> None:
    """The I/O region takes START in command mode; the async region takes the others."""
    rig = Rig()
    assert rig.written(request_) == reason
    assert rig.pins() == 0
    assert rig.told() == (("Signalled",) if reason == 0 else ())


def test_a_program_that_linux_would_not_take() -> None:
    """Such a program is refused at once with EINVAL, and nothing stays pinned."""
    nop = Ccw(0x03, CHAIN | SUPPRESS, 1).to_bytes(1)
    rig = Rig(nop * 257, regions=partial(VfioCcwRegions, limits="linux"))
    assert rig.written(START) == errno.EINVAL
    assert (rig.pins(), rig.told()) == (0, ())


def test_no_path_and_no_subchannel() -> None:
    """START has EACCES where the subchannel has no path, ENODEV where there is none."""
    rig = Rig()
    rig.configure(available=False)
    assert rig.written(START) == errno.EACCES
    assert rig.pins() == 0
    rig.system.ref("subchannel").tell(DetachDevice())
    assert rig.written(START) == errno.ENODEV


def test_halt_and_clear_while_idle() -> None:
    """Both are accepted; a HALT is refused while the end of one is unread."""
    rig = Rig()
    halt, clear = WriteAsync("HSCH"), WriteAsync("CSCH")
    assert [rig.written(halt), rig.written(halt)] == [0, errno.EBUSY]
    assert rig.read().scsw.fctl == Fctl.HALT
    assert [rig.written(halt), rig.written(clear)] == [0, 0]
    assert rig.written(halt) == errno.EBUSY
    scsw = rig.read().scsw
    assert (scsw.fctl, scsw.stctl) == (Fctl.CLEAR, Stctl.PENDING)
    assert rig.written(halt) == 0


def test_a_write_does_not_wait_for_the_device() -> None:
    """A write is answered when the subchannel has accepted it."""
    rig = Rig()
    rig.system.ref("device").stop()
    assert rig.written(START) == 0
    assert rig.written(WriteAsync("HSCH")) == 0
    assert rig.written(WriteAsync("CSCH")) == 0
    assert rig.told() == ()
    assert rig.pins() == 1


def test_the_schib_is_live() -> None:
    """The SCHIB is the host's, with a guest address."""
    rig = Rig(SUSPENDS)
    before: SchibRead = rig.ask(ReadSchib())
    found = before.schib.pmcw
    assert (before.errno, found.devno, found.pim, found.pam, found.lpum) == (
        *(0, 0x150, 0x80, 0x80),
        0,
    )
    assert rig.written(START_SUSPENDED) == 0
    schib = rig.ask(ReadSchib()).schib
    assert schib.pmcw.lpum == 0x80
    assert schib.scsw.actl == Actl.SUSPENDED
    assert schib.scsw.cpa == PROGRAM + 16
    rig.configure(available=False)
    assert rig.ask(ReadSchib()).schib.pmcw.pam == 0


def test_reports_of_a_path() -> None:
    """Off and on are reported as Linux does, and signalled until all are read."""
    rig = Rig()
    rig.configure(available=False)
    rig.configure(available=True)
    assert rig.told() == ("ReportSignalled",)
    assert rig.report() == number(PATH_OFF)
    assert rig.told() == ("ReportSignalled", "ReportSignalled")
    assert [rig.report(), rig.report()] == [number(PATH_ON), 0]
    rig.configure(available=False)
    assert rig.told().count("ReportSignalled") == 3


def test_reports_that_are_lost() -> None:
    """The last report that is kept says that others are lost."""
    rig = Rig(regions=partial(VfioCcwRegions, reports_max=2))
    for available in (False, True, False):
        rig.configure(available=available)
    lost = PATH_ON.with_flag(Crw.overflow)
    assert [rig.report() for _ in range(3)] == [number(PATH_OFF), number(lost), 0]


def test_a_path_is_lost_under_a_program() -> None:
    """The program ends in an interface-control check, and START finds no path."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    assert rig.read().scsw.actl == Actl.SUSPENDED
    rig.configure(available=False)
    scsw = rig.read().scsw
    assert (scsw.fctl, scsw.cstat) == (Fctl.START, Cstat.INTERFACE_CONTROL_CHECK)
    assert rig.pins() == 0
    assert rig.written(START) == errno.EACCES
    rig.configure(available=True)
    assert rig.written(START) == 0


def test_a_device_that_is_lost() -> None:
    """The device is requested back once; ENODEV answers all but leaving."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    rig.read()
    rig.system.ref("subchannel").tell(DetachDevice())
    rig.run()
    assert rig.told() == ("Signalled", "DeviceRequested")
    assert rig.pins() == 0
    for request in (START, WriteAsync("HSCH"), WriteAsync("CSCH"), ResetDevice()):
        assert rig.written(request) == errno.ENODEV
    assert rig.ask(ReadIo()).errno == errno.ENODEV
    assert rig.ask(ReadSchib()).errno == errno.ENODEV
    assert [rig.written(UnmapDma(0, PAGE)), rig.written(CloseDevice())] == [0, 0]


@pytest.mark.parametrize("request_", [ResetDevice(), CloseDevice()], ids=str)
def test_reset_and_close(request_: ResetDevice | CloseDevice) -> None:
    """When they return, the device has no work, pins or unread events."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    rig.configure(available=True)
    assert rig.pins() == 1
    answer = rig.regions.ask(request_, block=True)
    assert answer == Written(0)
    assert (rig.pins(), rig.host_scsw().fctl) == (0, 0)
    rig.run()
    assert rig.read() == Irb(Scsw())
    closed = isinstance(request_, CloseDevice)
    assert rig.report() == (0 if closed else number(PATH_ON))
    told = rig.told()
    assert rig.written(START) == 0
    assert rig.told() == (*told, "Signalled"), "the next session is signalled"


@pytest.mark.parametrize(
    ("address", "length"),
    [(0, BUFFER), (BUFFER + PAGE, PAGE), (PROGRAM, PAGE), (BUFFER, 0)],
)
def test_unmap_of_what_is_not_pinned(address: int, length: int) -> None:
    """UNMAP of a page that is not pinned lets the program go on."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    assert rig.written(UnmapDma(address, length)) == 0
    assert rig.pins() == 1
    assert rig.host_scsw().actl == Actl.SUSPENDED


@pytest.mark.parametrize(
    ("address", "length"), [(BUFFER, PAGE), (BUFFER + 24, 1), (0, 1 << 40)]
)
def test_unmap_of_what_is_pinned(address: int, length: int) -> None:
    """The device is quiesced first; its program ends in an interface-control check."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    rig.read()
    answer = rig.regions.ask(UnmapDma(address, length), block=True)
    assert answer == Written(0)
    assert (rig.pins(), rig.host_scsw().fctl) == (0, 0)
    rig.run()
    scsw = rig.read().scsw
    assert (scsw.fctl, scsw.cstat) == (Fctl.START, Cstat.INTERFACE_CONTROL_CHECK)
    assert rig.written(START) == 0


def test_unmap_amidst_other_functions() -> None:
    """A HALT ends with its START, and a CLEAR has completed."""
    halt, clear = WriteAsync("HSCH"), WriteAsync("CSCH")
    for writes, fctl in (
        ((halt,), Fctl.START | Fctl.HALT),
        ((clear,), Fctl.CLEAR),
        ((halt, clear), Fctl.CLEAR),
    ):
        rig = Rig(device=Stalls)
        assert rig.written(START) == 0
        for write in writes:
            rig.regions.tell(write)
        rig.regions.tell(UnmapDma(BUFFER, PAGE))
        rig.run()
        assert rig.pins() == 0
        assert rig.read().scsw.fctl == fctl


def test_status_that_ends_nothing_does_not_pile_up() -> None:
    """Of a program's unread PCIs the last is kept, and its end."""
    flags = SUPPRESS | Ccw.program_controlled.mask
    pci = Ccw(0x03, flags | CHAIN, 1).to_bytes(1)
    rig = Rig(pci * 20 + Ccw(0x03, flags, 1).to_bytes(1))
    assert rig.written(START) == 0
    assert rig.told() == ("Signalled",)
    read: list[Irb] = []
    while (irb := rig.read()) not in read:
        read.append(irb)
    assert len(read) <= 2
    assert read[-1].scsw.stctl & Stctl.SECONDARY


def test_a_crash() -> None:
    """The device is given up, and requested back; nothing stays pinned."""
    rig = Rig(SUSPENDS, regions=FailsOnReport)
    assert rig.written(START_SUSPENDED) == 0
    rig.regions.tell(Report(PATH_ON))
    rig.run()
    assert rig.told()[-1] == "DeviceRequested"
    assert rig.pins() == 0
    assert rig.written(START) == errno.ENODEV
    assert rig.written(CloseDevice()) == 0


def test_what_waits_for_a_fence() -> None:
    """A START that comes during quiescing begins after it."""
    rig = Rig(SUSPENDS)
    assert rig.written(START_SUSPENDED) == 0
    rig.regions.tell(ResetDevice())
    assert rig.written(START) == 0
    assert rig.read().scsw.fctl == Fctl.START
