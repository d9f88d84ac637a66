"""A client under the filter, and devices of a host behind the regions it sees."""

import asyncio
import json
import math
import os
import socket
import struct
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from ccw_actors.actors import (
    MemoryVolume,
    Region,
    VfioCcwRegions,
)
from ccw_actors.actors.protocol import (
    AwaitGuest,
    CountPins,
    GuestReport,
    PinCount,
    ReadTrack,
    StoreSubchannel,
    TrackRead,
    VfioCcwToStorage,
)
from ccw_actors.channel import Irb, Orb, Pmcw, Schib, SubchannelId
from ccw_actors.devices import DeviceConfiguration, Geometry, device_model
from ccw_actors.machine import (
    DevicePaths,
    Layers,
    add_device,
    add_driver,
    add_subchannel,
)
from ccw_actors.runtime import ActorRef, Request, System, receive
from ccw_actors.vfio import (
    AddDevice,
    ClientProcess,
    ProcessEnded,
    ProcessStorage,
    ShownFiles,
    SystemCalls,
    spawn_client,
)
from ccw_actors.vfio import _uapi as uapi
from ccw_actors.vfio._region_layouts import Region as RegionIndex
from ccw_actors.vfio._region_layouts import offset_of
from ccw_actors.vfio._shown_files import uuid_of
from ccw_actors.vfio._uapi import Ioctl

GEOMETRY: Final = Geometry("3390", cylinders=1, heads=15, track_size=56832)
PAGE: Final = 4096
IO, ASYNC, SCHIB, CRW = RegionIndex
HSCH, CSCH = (struct.pack("=II", command, 0).hex() for command in (1, 2))
_BASE: Final = 1 << 44
_PUPPET: Final = Path(__file__).with_name("puppet.py")


class Held(Request[TrackRead], frozen=True):
    """Answer the reads that wait."""


class SlowVolume(MemoryVolume):
    """A volume whose reads wait until `Held`."""

    def __init__(self, geometry: Geometry) -> None:
        super().__init__(geometry, {})
        self.waiting: list[tuple[Any, ReadTrack]] = []

    @receive
    def read(self, message: ReadTrack) -> None:  # type: ignore[override]
        """Keep the read."""
        self.waiting.append((self.reply_to, message))

    @receive
    def go_on(self, _message: Held) -> TrackRead:
        """Answer all waiting reads, and the sender."""
        for to, message in self.waiting:
            size = GEOMETRY.track_size
            self.reply(to, TrackRead(message.number, bytes(size)))
        self.waiting.clear()
        return TrackRead(0, b"")


class Rig:
    """One client with `devices` devices, and the operations of a test.

    Its actors are below `name`, those of its devices' hosts below `name`-host.
    """

    def __init__(self, system: System, folder: Path, name: str = "guest") -> None:
        self.system = system
        self.name = name
        self._folder = folder
        self.pid = 0
        self._devices = 0
        self._link: socket.socket
        self._lines = b""

    async def start(self, devices: int = 1) -> None:
        """Start everything."""
        system, emulator = self.system, self.emulator
        self._devices = devices
        storage = system.spawn(ProcessStorage(emulator), f"{self.name}/storage")
        region = Region(_BASE, _BASE, storage, dma=True)
        shown = [
            self._device(index, region, storage, emulator) for index in range(devices)
        ]
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003 - the library's
        argv = [sys.executable, "-I", str(_PUPPET), str(theirs.fileno())]
        with theirs:
            client = await spawn_client(argv, pass_fds=[theirs.fileno()])
        self.pid, self._link = client.process.pid, ours
        self.calls = calls = SystemCalls(client.listener)
        files = ShownFiles(self._folder, calls)
        system.spawn(
            ClientProcess(self.pid, calls, storage, files, tuple(shown)), emulator.path
        )
        loop = asyncio.get_running_loop()
        pidfd = os.pidfd_open(self.pid)

        def ended() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            emulator.tell(ProcessEnded(client.process.wait()))

        loop.add_reader(pidfd, ended)

    def _device(
        self,
        index: int,
        region: Region,
        storage: ActorRef[VfioCcwToStorage],
        client: ActorRef[Any],
    ) -> AddDevice:
        system, host = self.system, f"{self.name}-host/{index}"
        paths = replace(
            DevicePaths.below(host, f"{self.name}/{index}"), emulated=client.path
        )
        volume = system.spawn(SlowVolume(GEOMETRY), f"{host}/volume")
        model = device_model(DeviceConfiguration("3390", GEOMETRY))
        add_device(system, paths, model, volume)
        pmcw = Pmcw.of_device(0x190 + index, chpid=0x40)
        add_subchannel(system, paths, SubchannelId(0, index), pmcw, (region,))
        layers = Layers(vfio_ccw=VfioCcwRegions)
        add_driver(system, paths, storage, base=_BASE, layers=layers)
        regions = system.ref(paths.vfio_ccw)
        return AddDevice(f"{index}", index, regions, 0x40)

    # -- the client's calls ------------------------------------------------------------

    async def every(self, operations: Sequence[Any]) -> list[Any]:
        """Let the client do operations; return their results."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._link, json.dumps(operations).encode() + b"\n")
        return await self.answer()

    async def answer(self) -> list[Any]:
        """Wait for the results of operations in progress."""
        loop = asyncio.get_running_loop()
        while b"\n" not in self._lines:
            part = await loop.sock_recv(self._link, 1 << 16)
            assert part, "the client has ended"
            self._lines += part
        line, _, self._lines = self._lines.partition(b"\n")
        results: list[Any] = json.loads(line)
        return results

    async def send(self, *operations: Any) -> None:
        """Let the client begin operations, without waiting."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self._link, json.dumps(operations).encode() + b"\n")

    async def do(self, *operation: Any) -> Any:
        """Let the client do one operation."""
        return (await self.every([operation]))[0]

    async def ioctl(
        self, descriptor: int, ioctl: Ioctl, argument: int | bytes = 0
    ) -> Any:
        """Return the value, and the argument after the call if it is memory."""
        raw = argument.hex() if isinstance(argument, bytes) else argument
        result = await self.do("ioctl", descriptor, uapi.request_of(ioctl), raw)
        if isinstance(result, list):
            value, text = result  # pyright: ignore[reportUnknownVariableType]
            return value, bytes.fromhex(text)  # pyright: ignore[reportUnknownArgumentType]
        return result

    # -- opening -----------------------------------------------------------------------

    async def open_container(self, device: int = 0) -> tuple[int, int]:
        """Open a container with an IOMMU for a device's group; return both."""
        container = await self.do("open", "/dev/vfio/vfio")
        group = await self.do("open", f"/dev/vfio/{device}")
        joined = await self.ioctl(
            group, Ioctl.GROUP_SET_CONTAINER, struct.pack("=i", container)
        )
        assert joined[0] == 0
        assert await self.ioctl(container, Ioctl.SET_IOMMU, 3) == 0
        return container, group

    async def open_device(self, group: int, device: int = 0) -> int:
        """Open the device of a group that has a container."""
        name = uuid_of(device).encode() + b"\0"
        value, _ = await self.ioctl(group, Ioctl.GROUP_GET_DEVICE_FD, name)
        assert value > 0, value
        return int(value)

    async def map(
        self, container: int, iova: int, vaddr: int, size: int, flags: int = 3
    ) -> int:
        """MAP_DMA."""
        raw = struct.pack("=IIQQQ", 32, flags, vaddr, iova, size)
        value, _ = await self.ioctl(container, Ioctl.IOMMU_MAP_DMA, raw)
        return int(value)

    async def unmap(self, container: int, iova: int, size: int, flags: int = 0) -> Any:
        """UNMAP_DMA; return the value, and the number of bytes unmapped."""
        raw = struct.pack("=IIQQ", 24, flags, iova, size)
        value, after = await self.ioctl(container, Ioctl.IOMMU_UNMAP_DMA, raw)
        return value, struct.unpack("=IIQQ", after)[3]

    async def event(self, device: int, source: int) -> int:
        """Give a device an eventfd for one of its event sources."""
        event = await self.do("eventfd")
        raw = struct.pack("=IIIIIi", 24, 0x24, source, 0, 1, event)
        value, _ = await self.ioctl(device, Ioctl.DEVICE_SET_IRQS, raw)
        assert value == 0
        return int(event)

    # -- regions -----------------------------------------------------------------------

    async def write_io(
        self, device: int, orb: Orb, index: int = 0, fctl: int = 4
    ) -> int:
        """Write an ORB and an SCSW as a QEMU does on a little-endian computer."""
        value = await self.do(
            "pwrite", device, io_region(orb, fctl), offset_of(index, IO)
        )
        return int(value)

    async def read_irb(self, device: int, index: int = 0) -> Irb:
        """Read the I/O region."""
        raw = bytes.fromhex(await self.do("pread", device, 124, offset_of(index, IO)))
        return Irb.from_bytes(raw[24:120])

    async def read_schib(self, device: int, index: int = 0) -> Schib:
        """Read the SCHIB region."""
        raw = await self.do("pread", device, 52, offset_of(index, SCHIB))
        return Schib.from_bytes(bytes.fromhex(raw))

    # -- our side ----------------------------------------------------------------------

    @property
    def emulator(self) -> ActorRef[Any]:
        """The client, as an actor."""
        return self.system.ref(f"{self.name}/emulator")

    @property
    def storage(self) -> ActorRef[Any]:
        """Its storage."""
        return self.system.ref(f"{self.name}/storage")

    def regions(self, index: int = 0) -> ActorRef[Any]:
        """The actor behind the regions of a device."""
        return self.system.ref(f"{self.name}/{index}/vfio-ccw")

    def host(self, index: int, part: str) -> ActorRef[Any]:
        """A part of the host's device: subchannel, cio, device or volume."""
        return self.system.ref(f"{self.name}-host/{index}/{part}")

    async def pins(self) -> PinCount:
        """Return the number of pinned pages."""
        count: PinCount = await self.storage.ask(CountPins())
        return count

    async def host_schib(self, index: int = 0) -> Schib:
        """Return the SCHIB of the host's subchannel."""
        stored = await self.host(index, "subchannel").ask(StoreSubchannel())
        schib: Schib = stored.schib
        return schib

    async def let_go(self, index: int = 0) -> None:
        """Answer the waiting reads of a volume."""
        await self.host(index, "volume").ask(Held())

    async def ended(self) -> GuestReport:
        """Wait for the end of the client."""
        report: GuestReport = await self.emulator.ask(AwaitGuest(), timeout=math.inf)
        return report

    def hang_up(self) -> None:
        """Let the client end."""
        self._link.close()

    async def close(self) -> None:
        """Let the client end, if it has not; check that all of it is released."""
        self.hang_up()
        await self.ended()
        count = await self.pins()
        assert (count.owners, count.pages) == (0, 0)
        for index in range(self._devices):
            scsw = (await self.host_schib(index)).scsw
            assert (scsw.fctl, scsw.actl, scsw.stctl) == (0, 0, 0), index


def io_region(orb: Orb, fctl: int = 4) -> str:
    """Return an I/O region with an ORB and functions, in hexadecimal."""
    head = struct.pack("<IHBBI", orb.intparm, orb.flags, orb.lpm, orb.flags1, orb.cpa)
    scsw = struct.pack("<HHIBBH", 0, fctl << 12, 0, 0, 0, 0)
    return (head + scsw).ljust(124, b"\0").hex()


def descriptors() -> int:
    """Count the descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@asynccontextmanager
async def rig(folder: Path, devices: int = 1) -> AsyncGenerator[Rig]:
    """Start a client; check at the end that nothing of it is left."""
    async with rigs(folder, "guest", devices=devices) as (made,):
        yield made


@asynccontextmanager
async def rigs(
    folder: Path, *names: str, devices: int = 1
) -> AsyncGenerator[tuple[Rig, ...]]:
    """Start several clients in one System; check at the end that nothing is left."""
    async with System() as system:
        before = descriptors()
        every = tuple(Rig(system, folder / name, name) for name in names)
        for made in every:
            await made.start(devices)
        try:
            yield every
        finally:
            for made in every:
                await made.close()
        assert not system.failures
    assert descriptors() <= before
