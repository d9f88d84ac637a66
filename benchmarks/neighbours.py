"""Measures how guests that flood slow the I/O of a quiet guest.

python benchmarks/neighbours.py                  all of it, three rounds
python benchmarks/neighbours.py --quick          check that it works; ignore the numbers
python benchmarks/neighbours.py --write FILE     also write the table to a file

The quiet guest reads a record repeatedly, alone and together with one and three other
guests that flood. They run from image files, as under `ccw-actors run`. "Busy" is the
CPU time of the process during an I/O, which does not depend on other work of the host.
The goals apply to it. The factor compares medians of one round; elapsed times are over
all rounds.
"""

import asyncio
import gzip
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, NamedTuple

import typer

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from ccw_actors.actors import Cpu
from ccw_actors.channel import Ccw, Command, Orb
from ccw_actors.machine import (
    SHIPPED_MACHINE,
    DeviceNumber,
    Disk,
    GuestConfiguration,
    GuestProgram,
    HostDevice,
    Machine,
    PassedThrough,
    StorageSize,
    run_machine,
)
from ccw_actors.machine.guest_os import find_devices

STORAGE = StorageSize(128 << 10)
PROGRAM = 0x2000
GOAL_FACTOR = 2.0
GOAL_P99 = 0.010
COUNTS = (1, 3)


class Took(NamedTuple):
    """The elapsed time and the CPU time of an I/O, in seconds."""

    real: float
    busy: float


Flood = Callable[[Cpu, list[float]], Awaitable[None]]


async def store(cpu: Cpu, over: list[float]) -> None:
    """Issue STORE SUBCHANNEL endlessly."""
    while not over:
        await cpu.store(0)


async def start_and_clear(cpu: Cpu, over: list[float]) -> None:
    """Issue START, and CLEAR at once, repeatedly."""
    await find_devices(cpu)
    await cpu.storage.write(PROGRAM, Ccw(0x02, 0x20, 24, 0x3000).to_bytes(1))
    orb = Orb.command(PROGRAM)
    while not over:
        await cpu.start(0, orb)
        await cpu.clear(0)
        await cpu.wait()
        await cpu.test(0)


async def pci(cpu: Cpu, over: list[float]) -> None:
    """Run an endless channel program, with an interruption for each command."""
    await find_devices(cpu)
    flags = Ccw.chain_command.mask | Ccw.suppress_length.mask
    ccws = [Ccw(0x03, flags | Ccw.program_controlled.mask, 1, 0x3000)] * 64
    ccws.append(Ccw(Command.TIC, address=PROGRAM))
    await cpu.storage.write(PROGRAM, b"".join(ccw.to_bytes(1) for ccw in ccws))
    await cpu.start(0, Orb.command(PROGRAM))
    while not over:
        await cpu.wait()
        await cpu.test(0)
    await cpu.clear(0)
    await cpu.wait()


async def read(cpu: Cpu, over: list[float]) -> None:
    """Read the same record as the quiet guest."""
    disk = await _disk(cpu)
    while not over:
        await disk.record(0, 0, 3)


FLOODS: dict[str, Flood] = {
    "STORE SUBCHANNEL": store,
    "START and CLEAR": start_and_clear,
    "PCI": pci,
    "reads": read,
}


async def quiet(cpu: Cpu, ios: int, spent: list[Took], over: list[float]) -> None:
    """Read a record repeatedly, and note how long each read takes."""
    try:
        disk = await _disk(cpu)
        for _ in range(ios):
            began, busy = time.perf_counter(), time.process_time()
            await disk.record(0, 0, 3)
            spent.append(Took(time.perf_counter() - began, time.process_time() - busy))
            await cpu.wait(0.0005)
    finally:
        over.append(1.0)


async def _disk(cpu: Cpu) -> Disk:
    (device,) = await find_devices(cpu)
    disk = await Disk.at(device)
    assert disk is not None, "the device is a disk"
    return disk


def measured(flood: Flood | None, others: int, ios: int, image: Path) -> list[Took]:
    """Return the times of each I/O of the quiet guest."""
    spent: list[Took] = []
    over: list[float] = []
    programs: list[Callable[..., Awaitable[None]]] = [
        partial_of(quiet, ios=ios, spent=spent, over=over)
    ]
    if flood is not None:
        programs += [partial_of(flood, over=over)] * others
    hosts = [DeviceNumber(0x150 + number) for number in range(len(programs))]
    machine = Machine(
        tuple(HostDevice(host, "3390", image, read_only=True) for host in hosts),
        tuple(
            GuestConfiguration(
                f"guest{number}",
                STORAGE,
                GuestProgram(program, f"program{number}"),
                devices=(PassedThrough(DeviceNumber(0x190), host),),
            )
            for number, (program, host) in enumerate(zip(programs, hosts, strict=True))
        ),
    )
    result = asyncio.run(run_machine(machine))
    for name, guest in result.guests.items():
        assert guest.error is None, f"{name}: {guest.error}"
    return spent


def partial_of(
    program: Callable[..., Awaitable[None]], **arguments: object
) -> Callable[..., Awaitable[None]]:
    """Return a coroutine function with these arguments bound."""

    async def given(cpu: Cpu) -> None:
        await partial(program, **arguments)(cpu)

    return given


class Row(NamedTuple):
    """A row of the table; times in seconds."""

    flood: str
    others: int
    median: float
    factor: float
    p99: float
    busy_p99: float
    worst: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the row."""
        is_met = self.factor <= 1 + (GOAL_FACTOR - 1) * self.others
        goal = "met" if is_met and self.busy_p99 <= GOAL_P99 else "missed"
        return (
            self.flood,
            str(self.others),
            *(f"{1e3 * one:.2f}" for one in (self.median, self.p99, self.worst)),
            f"{1e3 * self.busy_p99:.2f}",
            f"{self.factor:.2f}",
            goal if self.others else "-",
        )


def rows(rounds: int, ios: int, image: Path) -> list[Row]:
    """Measure every row once in each round."""
    cases: list[tuple[str, Flood | None, int]] = [("alone", None, 0)]
    cases += [(name, flood, n) for name, flood in FLOODS.items() for n in COUNTS]
    spent: dict[tuple[str, int], list[list[Took]]] = {}
    for _ in range(rounds):
        for name, flood, others in cases:
            found = measured(flood, others, ios, image)
            spent.setdefault((name, others), []).append(found)
    alone = spent["alone", 0]
    table: list[Row] = []
    for (name, others), lists in spent.items():
        factors = [_busy(a) / _busy(b) for a, b in zip(lists, alone, strict=True)]
        every = [one.real for found in lists for one in found]
        table.append(
            Row(
                name,
                others,
                median(every),
                median(factors),
                quantiles(every, n=100)[-1],
                quantiles((one.busy for found in lists for one in found), n=100)[-1],
                max(every),
            )
        )
    return table


def _busy(found: list[Took]) -> float:
    return median(one.busy for one in found)


def text(table: list[Row]) -> str:
    """Return the table as Markdown."""
    real = ("median ms", "p99 ms", "worst ms")
    head = ("flood", "flooding guests", *real, "busy p99 ms", "factor", "goals")
    lines = [head, ("---",) * len(head), *(row.cells for row in table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main(
    *,
    quick: Annotated[bool, typer.Option("--quick")] = False,
    write: Annotated[Path | None, typer.Option()] = None,
) -> None:
    """Measure, and print the table."""
    machine = describe()
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.img"
        packed = SHIPPED_MACHINE.parent / "ORC390.img.gz"
        image.write_bytes(gzip.decompress(packed.read_bytes()))
        table = rows(1 if quick else 3, 20 if quick else 300, image)
    shown = f"{machine}\n\n{text(table)}"
    print(shown)
    if write is not None:
        write.write_text(f"# How much guests delay each other\n\n{shown}")


if __name__ == "__main__":
    typer.run(main)
