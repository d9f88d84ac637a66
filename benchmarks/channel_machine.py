"""Guests with one disk each: on bare subchannels, or passed through four layers."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from benchmarks.floor import floor
from ccw_actors.actors import Cpu, MemoryVolume, ProgramThread, Region, Storage
from ccw_actors.actors.protocol import AwaitGuest, StartSubchannel
from ccw_actors.channel import Ccw, Dstat, Orb, Pmcw, SubchannelId
from ccw_actors.devices import DeviceConfiguration, Geometry, Track, device_model
from ccw_actors.machine import (
    DevicePaths,
    GuestPaths,
    add_device,
    add_guest,
    add_subchannel,
    pass_through,
)
from ccw_actors.runtime import ActorRef, Handled, Observer, System

__all__ = [
    "NOP",
    "READ",
    "WORKS",
    "Work",
    "floor_per_io",
    "messages_of_one_io",
    "messages_per_io",
    "spent_per_io",
]

T = TypeVar("T")

GEOMETRY = Geometry("3390", cylinders=1, heads=15, track_size=56832)
STORAGE_SIZE = 64 << 10
PROGRAM, EXTENT, LOCATE, DATA = 0x1000, 0x1100, 0x1110, 0x2000
BLOCK = bytes(range(256)) * 16

Layers = Literal["bare", "full"]
Kind = Literal["async", "pykka"]


class Work(NamedTuple):
    """A channel program, and its data in storage, by address."""

    name: str
    ccws: tuple[Ccw, ...]
    storage: tuple[tuple[int, bytes], ...] = ()


_NORMAL = Dstat.CHANNEL_END | Dstat.DEVICE_END
_CC, _SLI = Ccw.chain_command.mask, Ccw.suppress_length.mask
NOP = Work("NOP", (Ccw(0x03, _SLI, 1),))
READ = Work(
    "4 KiB read",
    (
        Ccw(0x63, _CC, 16, EXTENT),
        Ccw(0x47, _CC, 16, LOCATE),
        Ccw(0x06, _SLI, len(BLOCK), DATA),
    ),
    (
        (EXTENT, bytes.fromhex("c0c00000 00000000 00000000 0000000e")),
        (LOCATE, bytes.fromhex("06000001 00000000 00000000 01000000")),
    ),
)

WORKS = {work.name: work for work in (NOP, READ)}


async def _work(cpu: Cpu, work: Work, ios: int) -> None:
    await cpu.modify(0, Pmcw.of_device(0).with_flag(Pmcw.enabled, on=True))
    await cpu.storage.write(PROGRAM, b"".join(ccw.to_bytes(1) for ccw in work.ccws))
    for address, content in work.storage:
        await cpu.storage.write(address, content)
    orb = Orb.command(PROGRAM)
    for _ in range(ios):
        assert await cpu.start(0, orb) == 0
        await cpu.wait()
        irb = (await cpu.test(0)).irb
        assert (irb.scsw.dstat, irb.scsw.cstat) == (_NORMAL, 0), irb.scsw


def _blocking_work(cpu: Any, work: Work, ios: int) -> None:
    cpu.modify(0, Pmcw.of_device(0).with_flag(Pmcw.enabled, on=True))
    cpu.storage[PROGRAM:] = b"".join(ccw.to_bytes(1) for ccw in work.ccws)
    for address, content in work.storage:
        cpu.storage[address:] = content
    orb = Orb.command(PROGRAM)
    for _ in range(ios):
        assert cpu.start(0, orb) == 0
        cpu.wait()
        irb = cpu.test(0).irb
        assert (irb.scsw.dstat, irb.scsw.cstat) == (_NORMAL, 0), irb.scsw


class Spent(NamedTuple):
    """What an I/O takes, in seconds: on the clock, and of the process's CPU time."""

    seconds: float
    cpu: float


def spent_per_io(
    layers: Layers, kind: Kind, work: Work, *, guests: int, ios: int
) -> Spent:
    """Run `guests` guests at once on the loop, with `ios` I/Os in total."""
    each = max(1, ios // guests)
    spent = asyncio.run(_timed(layers, kind, work, guests, each))
    return Spent(*(one / (each * guests) for one in spent))


async def _timed(
    layers: Layers, kind: Kind, work: Work, guests: int, ios: int
) -> Spent:
    async with System() as system:
        began, cpu = time.perf_counter(), time.process_time()
        emulators = [
            _add_guest(system, number, layers, _program(kind, work, ios), kind)
            for number in range(guests)
        ]
        reports = await asyncio.gather(
            *(one.ask(AwaitGuest(), timeout=600) for one in emulators)
        )
        spent = Spent(time.perf_counter() - began, time.process_time() - cpu)
    for report in reports:
        assert report.error is None, report.error
    return spent


class _Recorder(Observer):
    """Records every handled message."""

    def __init__(self) -> None:
        self.sent: list[Handled] = []

    def handled(self, event: Handled) -> None:
        """Record a message."""
        self.sent.append(event)


def messages_of_one_io(layers: Layers, kind: Kind, work: Work) -> list[Handled]:
    """Return the messages from one START of a guest to its next."""
    return asyncio.run(_with_recorded(layers, kind, work, 4, _one_io))


def messages_per_io(layers: Layers, kind: Kind, work: Work) -> int:
    """Count the messages of one more I/O."""
    few, many = (
        asyncio.run(_with_recorded(layers, kind, work, ios, _count))
        for ios in (20, 120)
    )
    return round((many - few) / 100)


def floor_per_io(layers: Layers, work: Work, *, times: int) -> float:
    """Return the seconds in which this machine carries the messages of one I/O."""

    def carry(system: System, sent: list[Handled]) -> float:
        return floor(system, _one_io(system, sent), times=times)

    return asyncio.run(_with_recorded(layers, "async", work, 4, carry))


async def _with_recorded(
    layers: Layers,
    kind: Kind,
    work: Work,
    ios: int,
    use: Callable[[System, list[Handled]], T],
) -> T:
    """Return what `use` makes of the messages of a guest's I/Os."""
    async with System() as system:
        recorder = _Recorder()
        system.observe(recorder)
        emulator = _add_guest(system, 0, layers, _program(kind, work, ios), kind)
        report = await emulator.ask(AwaitGuest(), timeout=600)
        assert report.error is None, report.error
        return use(system, recorder.sent)


def _count(_system: System, sent: list[Handled]) -> int:
    return len(sent)


def _one_io(_system: System, sent: list[Handled]) -> list[Handled]:
    starts = [
        number
        for number, one in enumerate(sent)
        if one.message_type is StartSubchannel and one.sender.endswith("/cpu0")
    ]
    return sent[starts[1] : starts[2]]


def _program(kind: Kind, work: Work, ios: int) -> Callable[..., Any]:
    body: Callable[..., Any] = _work if kind == "async" else _blocking_work
    return partial(body, work=work, ios=ios)


def track() -> bytes:
    """Return the image of a track with one record of 4 KiB."""
    return Track.of_data(BLOCK).to_image(GEOMETRY.track_size)


def _add_guest(
    system: System, number: int, layers: Layers, program: Any, kind: Kind
) -> ActorRef[Any]:
    """Spawn a guest with its disk; return its emulator."""
    path = f"guest{number}"
    is_full = layers == "full"
    paths, theirs = DevicePaths.below(f"{path}/host", path), GuestPaths.below(path)
    storage = system.spawn(Storage(STORAGE_SIZE), f"{path}/storage")
    base = (number + 1) << 32 if is_full else 0
    region = Region(base, STORAGE_SIZE, storage, dma=is_full)
    volume = system.spawn(MemoryVolume(GEOMETRY, {0: track()}), f"{path}/host/volume")
    model = device_model(DeviceConfiguration("3390", GEOMETRY))
    add_device(system, paths, model, volume)
    pmcw, css = Pmcw.of_device(0), system.ref(theirs.css)
    sink = None if is_full else css
    add_subchannel(system, paths, SubchannelId(0, 0), pmcw, (region,), sink=sink)
    if is_full:
        pass_through(system, paths, storage, base=base, pmcw=pmcw, sink=css)
    if kind == "pykka":
        thread = ProgramThread(program, system.ref(f"{theirs.cpu}0"))
        program = system.spawn_thread(thread, f"{path}/program")
    subchannel = system.ref(paths.emulated if is_full else paths.subchannel)
    add_guest(system, theirs, (program,), {0: subchannel}, storage)
    return system.ref(theirs.emulator)
