"""A host with disks in memory, and guests that use them, for these examples.

| path | actor |
|---|---|
| disk0/volume, /device, /subchannel, /cio | a disk of the host |
| path | the channel path that all disks are on |
| alice/storage, /css, /emulator, /cpu0 | a guest: storage, channel subsystem, CPU |
| alice/disk0/subchannel, /vfio-ccw | its subchannel 0, and the driver behind that |
"""

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from ccw_actors.actors import ChannelPath, Cpu, MemoryVolume, Region, Storage
from ccw_actors.actors.protocol import (
    AwaitGuest,
    CountPins,
    GuestReport,
    GuestSubchannelMessage,
    VfioCcwToStorage,
)
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, Geometry, Track, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
    pass_through,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    System,
    VirtualDispatcher,
    receive,
)

GEOMETRY = Geometry("3390", cylinders=1, heads=15, track_size=56832)
STORAGE_SIZE = 64 << 10
PROGRAM, BUFFER = 0x1000, 0x2000
READ_IPL, NO_OPERATION, TRANSFER_IN_CHANNEL = 0x02, 0x03, 0x08
SLI, CC = Ccw.suppress_length.mask, Ccw.chain_command.mask

Program = Callable[[Cpu], Coroutine[Any, Any, Any]]


def new_system() -> System:
    """Make a system with virtual time, which runs as fast as it can."""
    return System(VirtualDispatcher())


def label(text: str) -> dict[int, bytes]:
    """Return the tracks of a disk whose first record is a text."""
    return {0: Track.of_data(text.encode()).to_image(GEOMETRY.track_size)}


class Turn(Message, frozen=True):
    """A turn has passed."""


class OperatorState(Struct):
    """The number of turns until the operator acts."""

    turns: int


class Operator(Actor[Turn]):
    """Sends `message` to an actor after so many turns of all actors."""

    state: OperatorState

    def __init__(self, turns: int, ref: ActorRef[Any], message: Message) -> None:
        self.state = OperatorState(turns)
        self._ref = ref
        self._message = message

    def on_start(self) -> None:
        """Send itself the first turn."""
        self.ref.tell(Turn())

    @receive
    def turn(self, _message: Turn) -> None:
        """Count a turn, and act after the last."""
        self.state.turns -= 1
        if self.state.turns:
            self.ref.tell(Turn())
        else:
            self._ref.tell(self._message)


class Machine:
    """A host whose `disks` share one path, each with its name on the first track."""

    def __init__(self, system: System, disks: int) -> None:
        self.system = system
        self._guests = 0
        self._disks = [f"disk{number}" for number in range(disks)]
        for name in self._disks:
            tracks = label(f"this is {name}")
            volume = system.spawn(MemoryVolume(GEOMETRY, tracks), f"{name}/volume")
            model = device_model(DeviceConfiguration("3390", GEOMETRY))
            paths = DevicePaths(
                device=f"{name}/device", subchannel=f"{name}/subchannel"
            )
            add_device(system, paths, model, volume)
        subchannels = [system.ref(f"{name}/subchannel") for name in self._disks]
        system.spawn(ChannelPath(0, subchannels), "path")

    def guest(self, name: str, program: Program, *disks: int) -> None:
        """Start a guest that has these disks as its subchannels 0, 1, ..."""
        self._guests += 1
        storage = self.system.spawn(Storage(STORAGE_SIZE), f"{name}/storage")
        region = Region(self._guests << 32, STORAGE_SIZE, storage, dma=True)
        subchannels = {
            index: self._pass_through(name, index, disk, region, storage)
            for index, disk in enumerate(disks)
        }
        paths = GuestPaths.below(name)
        add_guest(self.system, paths, (program,), subchannels, storage)

    def _pass_through(
        self,
        guest: str,
        index: int,
        disk: int,
        region: Region,
        storage: ActorRef[VfioCcwToStorage],
    ) -> ActorRef[GuestSubchannelMessage]:
        host = self._disks[disk]
        paths = DevicePaths.below(host, f"{guest}/{host}")
        pmcw = Pmcw.of_device(0x150 + disk)
        add_subchannel(self.system, paths, SubchannelId(0, disk), pmcw, (region,))
        pass_through(
            self.system,
            paths,
            storage,
            base=region.base,
            number=index,
            pmcw=Pmcw.of_device(0x190 + index),
            sink=self.system.ref(f"{guest}/css"),
        )
        return self.system.ref(paths.emulated)

    def operator(self, turns: int, path: str, message: Message) -> None:
        """Send a message to an actor of the host after so many turns."""
        operator = Operator(turns, self.system.ref(path), message)
        self.system.spawn(operator, f"operator after {turns}")

    def report(self, guest: str) -> GuestReport:
        """Run until a guest has ended and been reset; return its report."""
        return self.system.ref(f"{guest}/emulator").ask(AwaitGuest(), block=True)

    def pins(self, guest: str) -> int:
        """Count the pinned pages of a guest."""
        return self.system.ref(f"{guest}/storage").ask(CountPins(), block=True).pages


async def enable(cpu: Cpu, subchannel: int = 0) -> None:
    """Enable a subchannel."""
    pmcw = (await cpu.store(subchannel)).schib.pmcw
    assert await cpu.modify(subchannel, pmcw.with_flag(Pmcw.enabled, on=True)) == 0


async def load(cpu: Cpu, *ccws: Ccw) -> Orb:
    """Put a channel program into storage; return an ORB for it."""
    await cpu.storage.write(PROGRAM, b"".join(ccw.to_bytes(1) for ccw in ccws))
    return Orb.command(PROGRAM)


async def read_label(cpu: Cpu, subchannel: int = 0) -> str:
    """Read the first record of a disk; start again until it works."""
    orb = await load(cpu, Ccw(READ_IPL, SLI, 16, BUFFER))
    while True:
        assert await cpu.start(subchannel, orb) == 0
        await cpu.wait()
        irb = (await cpu.test(subchannel)).irb
        if not irb.scsw.cstat:
            data = await cpu.storage[BUFFER : BUFFER + 16 - irb.scsw.count]
            return data.decode()
