"""Gates hold what they are told to, let it go in order, and change nothing else."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ccw_actors.actors import Region, Storage
from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.actors.protocol import (
    Attend,
    DescribeVolume,
    IoRead,
    ReadIo,
    ReadSchib,
    ReadTrack,
    Signalled,
    TrackRead,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import Dstat, Fctl, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, device_model
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.kernel.gates import (
    AwaitEvents,
    AwaitRead,
    CountEvents,
    EventsCounted,
    Gates,
    HoldReads,
    HoldSignals,
    MachineGates,
    ReadHeld,
    RefuseStarts,
    ReleaseReads,
    ReleaseSignals,
)
from ccw_actors.machine import DevicePaths, add_device, add_driver, add_subchannel
from ccw_actors.runtime import Actor, System, receive

SIZE = 1 << 20
BASE = 1 << 44
PATHS = DevicePaths()


class Client(Actor[Signalled]):
    """Counts the interruptions that reach it."""

    signals = 0

    @receive
    def signalled(self, _message: Signalled) -> None:
        """Count an interruption."""
        self.signals += 1


class Host:
    """A host with a disk, gates in its layers, and a client of its regions."""

    def __init__(self, gates: Gates, client: Client) -> None:
        self.gates = gates
        self.client = client

    async def ask(self, message: Any) -> Any:
        """Ask the gate of interruptions."""
        return await self.gates.regions.ask(message)

    async def count(self) -> EventsCounted:
        """Return the counts, when all before has been done."""
        counted: EventsCounted = await self.ask(CountEvents())
        return counted

    async def attention(self, signals: int) -> None:
        """Have the device present attention, and wait until it is so many."""
        self.gates.device.tell(Attend())
        await self.ask(AwaitEvents(signals=signals))


@asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[Host]:
    """Run a host while this lasts."""
    image = folder / "disk.img"
    create_tracks(image, ckd_volume(ckd_type("3390")[0], 1), "GATE01")
    gates, client = Gates(), Client()
    async with System() as system:
        storage = system.spawn(Storage(SIZE), "storage")
        layers = gates.layers
        volume: Any = system.spawn_thread(
            layers.volume(image, read_only=True), "volume"
        )
        found = await volume.ask(DescribeVolume())
        model = device_model(DeviceConfiguration("3390", found.geometry))
        add_device(system, PATHS, model, volume, layers=layers)
        region = Region(BASE, SIZE, storage, dma=True)
        schid, pmcw = SubchannelId(0, 0), Pmcw.of_device(0x190)
        add_subchannel(system, PATHS, schid, pmcw, (region,), layers=layers)
        assert not gates.made.is_set()
        add_driver(system, PATHS, storage, base=BASE, layers=layers)
        assert gates.made.is_set()
        system.spawn(client, PATHS.emulated)
        # Cio looks at the subchannel after it has enabled it.
        await gates.regions.ask(ReadSchib())
        yield Host(gates, client)


def test_a_read_waits(tmp_path: Path) -> None:
    """A read is answered after ReleaseReads and not before; later ones at once."""

    async def run() -> None:
        async with running(tmp_path) as host:
            volume = host.gates.volume
            volume.tell(HoldReads())
            waiting = asyncio.ensure_future(volume.ask(AwaitRead()))
            reading = asyncio.ensure_future(volume.ask(ReadTrack(1, 0)))
            assert await waiting == ReadHeld()
            assert await volume.ask(AwaitRead()) == ReadHeld()
            assert not reading.done()
            volume.tell(ReleaseReads())
            first = await reading
            assert isinstance(first, TrackRead)
            again = await volume.ask(ReadTrack(2, 0))
            assert isinstance(again, TrackRead)
            assert (again.number, again.data) == (2, first.data)

    asyncio.run(run())


def test_a_gate_that_holds_nothing(tmp_path: Path) -> None:
    """Interruptions reach the client, and are counted; so are reads."""

    async def run() -> None:
        async with running(tmp_path) as host:
            await host.attention(1)
            assert host.client.signals == 1
            assert await host.count() == EventsCounted(1, 0, is_unread=True)
            read = await host.ask(ReadIo())
            assert read.irb.scsw.dstat == Dstat.ATTENTION
            assert await host.count() == EventsCounted(1, 1, is_unread=False)

    asyncio.run(run())


def test_an_interruption_waits(tmp_path: Path) -> None:
    """The client is signalled after ReleaseSignals, once, and not before."""

    async def run() -> None:
        async with running(tmp_path) as host:
            host.gates.regions.tell(HoldSignals())
            await host.attention(1)
            assert (host.client.signals, (await host.count()).is_unread) == (0, False)
            waiting = asyncio.ensure_future(host.ask(AwaitEvents(reads=1)))
            host.gates.regions.tell(ReleaseSignals())
            assert (await host.count()).is_unread
            assert (host.client.signals, waiting.done()) == (1, False)
            await host.ask(ReadIo())
            assert await waiting == EventsCounted(1, 1)

    asyncio.run(run())


@pytest.mark.parametrize("keeps", [False, True])
def test_a_clear_drops_what_is_not_kept(tmp_path: Path, *, keeps: bool) -> None:
    """With `keeps_status` the client reads attention after a CLEAR, else the CLEAR."""

    async def run() -> list[tuple[int, int]]:
        async with running(tmp_path) as host:
            host.gates.regions.tell(HoldSignals(keeps))
            await host.attention(1)
            assert (await host.ask(WriteAsync("CSCH"))).errno == 0
            reads: list[IoRead] = []
            if keeps:
                await host.ask(AwaitEvents(signals=2))
                host.gates.regions.tell(ReleaseSignals(holds_on=True))
                reads.append(await host.ask(ReadIo()))
                assert not (await host.count()).is_unread
            host.gates.regions.tell(ReleaseSignals())
            reads.append(await host.ask(ReadIo()))
            return [(one.irb.scsw.fctl, one.irb.scsw.dstat) for one in reads]

    clear = (Fctl.CLEAR, 0)
    attention = (0, Dstat.ATTENTION)
    assert asyncio.run(run()) == ([attention, clear] if keeps else [clear])


def test_what_is_held_comes_one_by_one(tmp_path: Path) -> None:
    """A second interruption is signalled when the client has read the first."""

    async def run() -> None:
        async with running(tmp_path) as host:
            host.gates.regions.tell(HoldSignals(keeps_status=True))
            await host.attention(1)
            await host.attention(2)
            host.gates.regions.tell(ReleaseSignals())
            await host.count()
            assert host.client.signals == 1
            await host.ask(ReadIo())
            await host.count()
            assert host.client.signals == 2

    asyncio.run(run())


def test_one_signal_at_a_time(tmp_path: Path) -> None:
    """An interruption behind one that the client has not read waits for that."""

    async def run() -> None:
        async with running(tmp_path) as host:
            host.gates.regions.tell(HoldSignals(keeps_status=True))
            await host.attention(1)
            host.gates.regions.tell(ReleaseSignals())
            await host.attention(2)
            assert host.client.signals == 1
            await host.ask(ReadIo())
            await host.count()
            assert host.client.signals == 2

    asyncio.run(run())


def test_gates_of_two_devices(tmp_path: Path) -> None:
    """Each device has its own, found by where its actors are."""

    async def run() -> None:
        image = tmp_path / "disk.img"
        create_tracks(image, ckd_volume(ckd_type("3390")[0], 1), "GATE01")
        both = MachineGates(("a", "b"))
        layers = both.layers
        async with System() as system:
            storage = system.spawn(Storage(SIZE), "storage")
            for at in ("a", "b"):
                assert not both.are_made
                paths = DevicePaths.below(at, f"guest/{at}")
                volume: Any = system.spawn_thread(
                    layers.volume(image, read_only=True), f"{at}/volume"
                )
                found = await volume.ask(DescribeVolume())
                model = device_model(DeviceConfiguration("3390", found.geometry))
                add_device(system, paths, model, volume, layers=layers)
                region = Region(BASE, SIZE, storage, dma=True)
                schid, pmcw = SubchannelId(0, 0), Pmcw.of_device(0x190)
                add_subchannel(system, paths, schid, pmcw, (region,), layers=layers)
                add_driver(system, paths, storage, base=BASE, layers=layers)
                system.spawn(Client(), paths.emulated)
                await both.of(at).regions.ask(ReadSchib())
            assert both.are_made
            both.of("b").device.tell(Attend())
            await both.of("b").regions.ask(AwaitEvents(signals=1))
            counts = [await both.of(at).regions.ask(CountEvents()) for at in ("a", "b")]
            assert [one.signals for one in counts] == [0, 1]
            names = [both.of(at).volume.path for at in ("a", "b")]
            assert names == ["a/volume", "b/volume"]

    asyncio.run(run())


def test_a_refused_start(tmp_path: Path) -> None:
    """A START fails with the errno that was asked for, until that is 0."""

    async def run() -> None:
        async with running(tmp_path) as host:
            start = WriteIo(Orb.command(0x2000), Fctl.START)
            host.gates.regions.tell(RefuseStarts(22))
            assert (await host.ask(start)).errno == 22
            host.gates.regions.tell(RefuseStarts(0))
            assert (await host.ask(start)).errno == 0

    asyncio.run(run())
