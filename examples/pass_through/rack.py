"""A host with disks in memory, and guests that have them: what these examples share.

| path | actor |
|---|---|
| disk0, disk0/volume, disk0/subchannel, disk0/cio | a disk of the host |
| path | the channel path that all disks are on |
| alice, alice/storage, alice/css, alice/emulator | a guest's CPU, and what it needs |
| alice/disk0, alice/disk0/vfio-ccw | its subchannel 0, and what is behind that |
"""

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from ccw_actors.actors import (
    ChannelPath,
    ChannelSubsystem,
    Cio,
    Cpu,
    Device,
    Emulator,
    Guest,
    GuestSubchannel,
    MemoryVolume,
    Region,
    Storage,
    Subchannel,
    VfioCcw,
)
from ccw_actors.actors.protocol import AwaitGuest, CountPins, GuestReport
from ccw_actors.channel import Ccw, Orb, Pmcw, SubchannelId
from ccw_actors.devices import (
    DeviceConfiguration,
    Geometry,
    Record,
    Track,
    device_model,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Restart,
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
    """Make a system whose time is virtual: it runs as fast as it can."""
    return System(VirtualDispatcher())


def valid_pmcw(number: int) -> Pmcw:
    """Return what a subchannel with a device and one path starts with."""
    return Pmcw(
        flags=Pmcw.valid.mask, devno=number, lpm=0x80, pim=0x80, pom=0xFF, pam=0x80
    )


def track(text: str) -> bytes:
    """Return a track whose first record is a text."""
    records = (Record(0, 0, 0, b"", bytes(8)), Record(0, 0, 1, b"", text.encode()))
    image = Track(0, 0, 0, records, b"").to_bytes()
    return image.ljust(GEOMETRY.track_size, b"\0")


class Turn(Message, frozen=True):
    """One more turn is over."""


class OperatorState(Struct):
    """Turns that are left until the operator acts."""

    turns: int


class Operator(Actor[Turn]):
    """Sends `message` to an actor when everybody has had so many turns."""

    state: OperatorState

    def __init__(self, turns: int, ref: ActorRef[Any], message: Message) -> None:
        self.state = OperatorState(turns)
        self._ref = ref
        self._message = message

    def on_start(self) -> None:
        """Begin to count."""
        self.ref.tell(Turn())

    @receive
    def turn(self, _message: Turn) -> None:
        """Count one, and act after the last."""
        self.state.turns -= 1
        if self.state.turns:
            self.ref.tell(Turn())
        else:
            self._ref.tell(self._message)


class Rack:
    """A host with `disks`, each with its name on the first track, on one path."""

    def __init__(self, system: System, disks: int) -> None:
        self.system = system
        self._regions: list[Region] = []
        self._disks = [f"disk{number}" for number in range(disks)]
        for name in self._disks:
            volume = MemoryVolume(GEOMETRY, {0: track(f"this is {name}")})
            system.spawn(volume, f"{name}/volume")
            model = device_model(DeviceConfiguration("3390", GEOMETRY))
            device = Device(
                model,
                system.ref(f"{name}/volume"),
                subchannel=system.ref(f"{name}/subchannel"),
            )
            system.spawn(device, name, supervision=Restart())
        subchannels = [system.ref(f"{name}/subchannel") for name in self._disks]
        system.spawn(ChannelPath(0, subchannels), "path")

    def guest(self, name: str, program: Program, *disks: int) -> ActorRef[Any]:
        """Start a guest that has these disks as its subchannels 0, 1, ..."""
        base = (1 + len(self._regions)) << 32
        storage = self.system.spawn(Storage(STORAGE_SIZE), f"{name}/storage")
        region = Region(base, STORAGE_SIZE, storage, dma=True)
        self._regions.append(region)
        subchannels = {
            index: self._pass_through(name, index, disk, region)
            for index, disk in enumerate(disks)
        }
        css = self.system.spawn(ChannelSubsystem(subchannels), f"{name}/css")
        emulator = self.system.spawn(
            Emulator(1, tuple(subchannels.values())), f"{name}/emulator"
        )
        return self.system.spawn(
            Guest(program, subchannels, css, storage, emulator), name
        )

    def _pass_through(
        self, guest: str, index: int, disk: int, region: Region
    ) -> ActorRef[Any]:
        ref, spawn, host = self.system.ref, self.system.spawn, self._disks[disk]
        path = f"{guest}/{host}"
        spawn(
            Subchannel(
                SubchannelId(0, disk),
                valid_pmcw(0x150 + disk),
                ref(host),
                (region,),
                ref(f"{host}/cio"),
            ),
            f"{host}/subchannel",
            supervision=Restart(),
        )
        spawn(
            VfioCcw(ref(f"{host}/cio"), region.storage, ref(path), base=region.base),
            f"{path}/vfio-ccw",
            supervision=Restart(),
        )
        spawn(
            Cio(ref(f"{host}/subchannel"), ref(f"{path}/vfio-ccw")),
            f"{host}/cio",
            supervision=Restart(),
        )
        return spawn(
            GuestSubchannel(
                SubchannelId(0, index),
                valid_pmcw(0x190 + index),
                ref(f"{path}/vfio-ccw"),
                ref(f"{guest}/css"),
            ),
            path,
            supervision=Restart(),
        )

    def operator(self, turns: int, path: str, message: Message) -> None:
        """Have something happen to an actor of the host after so many turns."""
        operator = Operator(turns, self.system.ref(path), message)
        self.system.spawn(operator, f"operator after {turns}")

    def report(self, guest: str) -> GuestReport:
        """Run until a guest is over, and has been reset; return what it reports."""
        return self.system.ref(f"{guest}/emulator").ask(AwaitGuest(), block=True)

    def pins(self, guest: str) -> int:
        """Count the pages of a guest that are pinned."""
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
