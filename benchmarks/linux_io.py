"""Measures I/O of a real Linux guest on our DASDs and on QEMU's own disks.

python benchmarks/linux_io.py                  all of it, three rounds
python benchmarks/linux_io.py --quick          check that it works; ignore the numbers
python benchmarks/linux_io.py --write FILE     also write the tables to a file

Each round boots one guest with four 3390s, which this package passes through to it, and
four of QEMU's virtio-blk-ccw disks. A program in the guest reads and writes them in
turn, with direct I/O. The images of both kinds of disks are files in one folder of the
host. The guest's software is downloaded as in examples/linux.
"""

import asyncio
import cProfile
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Final, NamedTuple

import typer
from rich.console import Console
from rich.progress import track as progress

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


from benchmarks.machine import describe
from benchmarks.tables import Row, shares, table
from ccw_actors.actors.hardware.image import create_tracks
from ccw_actors.devices.ckd_types import ckd_type, ckd_volume
from ccw_actors.kernel.boot import Executable
from ccw_actors.machine import (
    ConsoleTarget,
    DeviceNumber,
    HostDevice,
    Machine,
    PassedThrough,
    QemuGuest,
    RunResult,
    StorageSize,
    run_machine,
)
from examples.linux.console import findings
from examples.linux.software import Software, SoftwareError, default_cache, prepare

DEVICES: Final = 4
CYLINDERS: Final = 40
BLOCKS: Final = CYLINDERS * 15 * 12
SECONDS_MAX: Final = 300
"""A guest that runs longer than this hangs; one waited for virtio-blk without end."""
COMPILER: Final = "s390x-linux-gnu-gcc"
APPEND: Final = "console=ttysclp0 panic=-1 quiet"
FORMAT: Final = """
online 0190
try dasdfmt dasdfmt -y -b 4096 -d cdl -l BENCH1 -M full /dev/$disk
offline 0190
"""


class Work(NamedTuple):
    """The work of the guest: how, and how many bytes in each I/O."""

    name: str
    how: str
    size: int


WORKS: Final = (
    Work("4 KiB reads", "read random", 4096),
    Work("48 KiB sequential reads", "read sequential", 49152),
    Work("4 KiB random writes", "write random", 4096),
)


GOALS: Final = ((WORKS[0], "I/Os/s", 1500.0), (WORKS[1], "MB/s", 50.0))
"""With one disk, at least."""


class Case(NamedTuple):
    """A row of the table."""

    work: Work
    devices: int
    disks: str

    @property
    def word(self) -> str:
        """The name of the row on the guest's console."""
        how = self.work.how.replace(" ", "-")
        return f"{how}-{self.work.size}-{self.devices}-{self.disks}"


def cases() -> list[Case]:
    """Return all rows."""
    return [
        Case(work, devices, disks)
        for work in WORKS
        for devices in (1, DEVICES)
        for disks in ("dasd", "virtio")
    ]


def script(seconds: int) -> str:
    """Return the script that the guest runs."""
    numbers = [f"{0x190 + index:04x}" for index in range(DEVICES)]
    lines = ["disks=''"]
    for number in numbers:
        lines += [f"online {number}", 'disks="$disks /dev/$disk"']
    lines += ["set -- $disks"]
    for case in cases():
        if case.disks == "dasd":
            disks = " ".join(f"${n + 1}" for n in range(case.devices))
        else:
            disks = " ".join(f"/dev/vd{'abcd'[n]}" for n in range(case.devices))
        done = f"$(/bin/io {case.work.how} {case.work.size} {seconds} {disks})"
        lines.append(f'tell "{case.word}" "{done}"')
    return "\n".join(lines) + "\n"


class Bench:
    """Runs guests that measure; `folder` has their files."""

    def __init__(self, software: Software, folder: Path) -> None:
        self._software = software
        self._folder = folder
        self._program = folder / "io"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(  # noqa: S603 - a compiler of Debian's
            [COMPILER, "-O2", "-static", "-o", str(self._program), str(source)],
            check=True,
        )
        self._disks = [folder / f"dasd{index}.img" for index in range(DEVICES)]
        self._raws = [folder / f"virtio{index}.raw" for index in range(DEVICES)]

    def format(self) -> None:
        """Let a guest format one DASD; the others are copies of it."""
        volume = ckd_volume(ckd_type("3390")[0], CYLINDERS)
        create_tracks(self._disks[0], volume, "BENCH1")
        self._run(FORMAT, self._disks[:1])
        for image in self._disks[1:]:
            shutil.copyfile(self._disks[0], image)
        for raw in self._raws:
            raw.write_bytes(os.urandom(4096) * BLOCKS)

    def measure(self, seconds: int) -> dict[Case, tuple[int, float]]:
        """Return for each row the number of I/Os, and the seconds they took."""
        console, _ = self._run(script(seconds), self._disks, self._raws)
        told = {one.name: one.text for one in findings(console)}
        found: dict[Case, tuple[int, float]] = {}
        for case in cases():
            ios, _, spent = told.get(case.word, "").partition(" ")
            if not spent:
                raise SoftwareError(f"the guest did not do {case.word}:\n{console}")
            found[case] = int(ios), int(spent) / 1e6
        return found

    def profile(self, seconds: int) -> tuple[list[Row], float]:
        """Return the shares of 4 KiB reads, and the CPU use of this process."""
        text = f'online 0190\ntry reads /bin/io read random 4096 {seconds} "/dev/$disk"'
        profiler = cProfile.Profile()
        before = resource.getrusage(resource.RUSAGE_SELF)
        _, result = profiler.runcall(self._run, text, self._disks[:1])
        after = resource.getrusage(resource.RUSAGE_SELF)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return shares(profiler, 10), used / result.system.seconds

    def _run(
        self, text: str, disks: list[Path], raws: list[Path] | None = None
    ) -> tuple[str, RunResult]:
        """Run a guest; return its console and its result."""
        initrd, console = self._folder / "initrd", self._folder / "console"
        console.unlink(missing_ok=True)
        program = {"/bin/io": Executable(self._program.read_bytes())}
        modules = ["virtio_blk"] if raws else []
        initrd.write_bytes(
            self._software.initramfs(text.encode(), program, modules=modules)
        )
        numbers = [DeviceNumber(0x190 + index) for index in range(len(disks))]
        virtio: list[str] = []
        for index, raw in enumerate(raws or ()):
            virtio += ["-drive", f"file={raw},if=none,id=raw{index},format=raw"]
            virtio += ["-device", f"virtio-blk-ccw,drive=raw{index}"]
        guest = QemuGuest(
            "linux",
            StorageSize(512 << 20),
            kernel=self._software.kernel,
            initrd=initrd,
            append=APPEND,
            arguments=("-no-reboot", *virtio),
            console=ConsoleTarget(console),
            devices=tuple(PassedThrough(number, number) for number in numbers),
        )
        devices = tuple(
            HostDevice(number, "3390", image)
            for number, image in zip(numbers, disks, strict=True)
        )
        try:
            result = asyncio.run(
                asyncio.wait_for(run_machine(Machine(devices, (guest,))), SECONDS_MAX)
            )
        except TimeoutError:
            said = console.read_text(errors="replace")
            raise SoftwareError(
                f"the guest did not end within {SECONDS_MAX} s:\n{said}"
            ) from None
        error = result.guests["linux"].error
        if error:
            raise SoftwareError(error)
        return console.read_text(errors="replace"), result


def rates_of(samples: list[dict[Case, tuple[int, float]]]) -> dict[Case, float]:
    """Return the median I/Os per second of each row."""
    return {
        case: median(sample[case][0] / sample[case][1] for sample in samples)
        for case in cases()
    }


def goals(rates: dict[Case, float]) -> list[Row]:
    """Return which goals are met."""
    found: list[Row] = []
    for work, unit, least in GOALS:
        rate = rates[Case(work, 1, "dasd")]
        value = rate if unit == "I/Os/s" else rate * work.size / 1e6
        met = "met" if value >= least else "missed"
        found.append((f"{work.name}: {least:,.0f} {unit}", f"{value:,.0f}", met))
    return found


def rows(rates: dict[Case, float]) -> list[Row]:
    """Return the table: rates of both kinds of disks, and their ratio."""
    found: list[Row] = []
    for case, ours in rates.items():
        if case.disks == "dasd":
            virtio = rates[case._replace(disks="virtio")]
            found.append(
                (
                    case.work.name,
                    str(case.devices),
                    f"{ours:,.0f}",
                    f"{ours * case.work.size / 1e6:.1f}",
                    f"{virtio:,.0f}",
                    f"{virtio * case.work.size / 1e6:.1f}",
                    f"{ours / virtio:.3f}",
                )
            )
    return found


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds to run.")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round, to check that it works.")
    ] = False,
    cache: Annotated[
        Path | None, typer.Option(help="The folder for the guest's software.")
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the tables to this file."),
    ] = None,
) -> None:
    """Measure I/Os per second of a Linux guest, on our DASDs and on QEMU's virtio."""
    if shutil.which(COMPILER) is None:
        raise typer.BadParameter(
            f"there is no {COMPILER}: apt install gcc-s390x-linux-gnu"
        )
    machine = describe()
    seconds = 1 if quick else 5
    try:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(prepare(cache or default_cache()), Path(folder))
            bench.format()
            turns = range(1 if quick else rounds)
            console = Console(stderr=True)
            samples = [
                bench.measure(seconds)
                for _ in progress(turns, "rounds", console=console, transient=True)
            ]
            packages, used = bench.profile(seconds)
    except SoftwareError as error:
        raise typer.BadParameter(str(error)) from error
    rates = rates_of(samples)
    text = "\n\n".join(
        (
            f"{machine}; medians of {len(samples)}",
            table(
                "I/O of a Linux guest",
                (
                    "work",
                    "disks at once",
                    "I/Os/s, our DASD",
                    "MB/s",
                    "I/Os/s, virtio-blk-ccw",
                    "MB/s",
                    "ratio",
                ),
                rows(rates),
            ),
            table("Goals", ("goal", "measured", ""), goals(rates)),
            table(
                "Where our time of 4 KiB reads goes (from a profile, so only shares)",
                ("package", "share"),
                packages,
            ),
            f"During this our process used {used:.2f} of a CPU.",
        )
    )
    print(text)
    if write:
        write.write_text(f"# How fast a real Linux guest does I/O\n\n{text}\n")


if __name__ == "__main__":
    typer.run(main)
