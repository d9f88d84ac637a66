"""Measures channel I/O on a bare subchannel and the full stack, and on Hercules.

python benchmarks/channel_io.py                  all of it, three rounds
python benchmarks/channel_io.py --quick          check that it works; ignore the numbers
python benchmarks/channel_io.py --write FILE     also write the tables to a file
python benchmarks/channel_io.py --flames FOLDER  also draw flame graphs, with py-spy

Each round measures every row once, one after the other, so that all rows have the same
conditions. It prints medians. Separate runs count all messages of an I/O and list those
of a NOP.
"""

import cProfile
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.progress import track as progress

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import hercules_io
from benchmarks.channel_machine import (
    NOP,
    READ,
    WORKS,
    Kind,
    Layers,
    Spent,
    Work,
    floor_per_io,
    messages_of_one_io,
    messages_per_io,
    spent_per_io,
)
from benchmarks.flames import FlamesError, draw
from benchmarks.machine import describe
from benchmarks.tables import Row, shares, table

GUESTS = (1, 2, 8, 64)
GOAL_SHARE = 1 / 4
GOAL_COST = 1.3
SUBCHANNELS = 65_536
GOAL_MEGABYTES = 60


class Case(NamedTuple):
    """A row of the table; of Hercules if `layers` is None."""

    work: Work
    layers: Layers | None
    kind: Kind = "async"
    guests: int = 1
    nosyncio: bool = False

    @property
    def name(self) -> Row:
        """The first cells of the row in the table."""
        if self.layers is None:
            option = "nosyncio" if self.nosyncio else "default"
            return self.work.name, "Hercules", option, "1"
        layers = "bare subchannel" if self.layers == "bare" else "full stack"
        return self.work.name, layers, self.kind, str(self.guests)


class Goal(NamedTuple):
    """What an I/O of coroutines may take: `messages`, and microseconds of CPU time."""

    work: Work
    layers: Layers
    guests: int
    messages: int
    microseconds: int

    @property
    def case(self) -> Case:
        """Its row of the table."""
        return Case(self.work, self.layers, guests=self.guests)


GOALS = (
    Goal(NOP, "bare", 8, 13, 55),
    Goal(NOP, "full", 1, 22, 125),
    Goal(NOP, "full", 8, 22, 105),
    Goal(READ, "full", 8, 37, 205),
)


def cases() -> list[Case]:
    """Return all rows."""
    found: list[Case] = []
    for work in WORKS.values():
        for layers in ("bare", "full"):
            found += (
                Case(work, layers, kind, guests)
                for kind in ("async", "pykka")
                for guests in GUESTS
            )
        if hercules_io.is_there():
            found += (Case(work, None, nosyncio=slow) for slow in (False, True))
    return found


def measured(case: Case, *, quick: bool) -> Spent:
    """Measure one row once. The CPU time of Hercules is not known: 0."""
    if case.layers is not None:
        ios = case.guests if quick else 1500
        return spent_per_io(
            case.layers, case.kind, case.work, guests=case.guests, ios=ios
        )
    ios = 100 if quick else 30_000
    with tempfile.TemporaryDirectory() as folder:
        seconds = hercules_io.seconds_per_io(
            case.work, Path(folder), ios=ios, nosyncio=case.nosyncio
        )
    return Spent(seconds, 0)


def rows(spent: dict[Case, Spent], messages: dict[Case, int]) -> list[Row]:
    """Return the table: rates, ratios, and the cost of a message."""
    found: list[Row] = []
    for case, one in spent.items():
        slow = spent.get(Case(case.work, None, nosyncio=True))
        count = messages.get(case._replace(guests=1), 0)
        found.append(
            (
                *case.name,
                f"{1 / one.seconds:,.0f}",
                f"{slow.seconds / one.seconds:.2f}" if slow else "-",
                str(count) if count else "-",
                f"{one.cpu * 1e6:.0f}" if count else "-",
                f"{one.cpu / count * 1e6:.1f}" if count else "-",
            )
        )
    return found


def goals(spent: dict[Case, Spent], messages: dict[Case, int]) -> list[Row]:
    """Return which goals are met."""
    found: list[Row] = []
    for goal in GOALS:
        count = messages[goal.case._replace(guests=1)]
        used = spent[goal.case].cpu * 1e6
        work, layers, _, guests = goal.case.name
        what = f"{work}, {layers}, {guests} guest{'s' if goal.guests > 1 else ''}"
        found += (
            (
                f"{what}: {goal.messages} messages",
                str(count),
                _met(count <= goal.messages),
            ),
            (
                f"{what}: {goal.microseconds} us of CPU time",
                f"{used:.0f}",
                _met(used <= goal.microseconds),
            ),
        )
    one, many = (spent[Case(NOP, "full", guests=n)].cpu for n in (1, GUESTS[-1]))
    found.append(
        (
            f"cost per I/O from 1 to {GUESTS[-1]} guests within {GOAL_COST}x",
            f"{many / one:.2f}",
            _met(many / one <= GOAL_COST),
        )
    )
    memory = _megabytes()
    found.append(
        (
            f"{SUBCHANNELS:,} subchannels in {GOAL_MEGABYTES} MB",
            f"{memory:.0f} MB",
            _met(memory <= GOAL_MEGABYTES),
        )
    )
    slow = spent.get(Case(NOP, None, nosyncio=True))
    if slow:
        share = slow.seconds / spent[Case(NOP, "full", guests=8)].seconds
        found.append(
            (
                "a quarter of Hercules with nosyncio, NOP, 8 guests",
                f"{share:.2f}",
                _met(share >= GOAL_SHARE),
            )
        )
    return found


def _megabytes() -> float:
    """Measure in a separate process."""
    script = Path(__file__).with_name("many_subchannels.py")
    done = subprocess.run(  # noqa: S603 - a script of this folder
        [sys.executable, script, str(SUBCHANNELS)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def one_nop() -> list[Row]:
    """Return the messages of a NOP through the full stack, in order, by layer."""
    sent = messages_of_one_io("full", "async", NOP)
    return [
        (
            str(number),
            one.sender.removeprefix("guest0/"),
            one.recipient.removeprefix("guest0/"),
            one.message_type.__name__,
        )
        for number, one in enumerate(sent, 1)
    ]


def floors(spent: dict[Case, Spent], *, quick: bool) -> list[Row]:
    """Return what the machine needs to carry the messages of an I/O, and its share."""
    found: list[Row] = []
    for work in WORKS.values():
        least = floor_per_io("full", work, times=10 if quick else 1000)
        cpu = spent[Case(work, "full", guests=8)].cpu
        found.append(
            (
                work.name,
                f"{least * 1e6:.0f}",
                f"{cpu * 1e6:.0f}",
                f"{100 * least / cpu:.0f}%",
            )
        )
    return found


def profile(ios: int) -> list[Row]:
    """Return the shares of packages in the time of a NOP through the full stack."""
    profiler = cProfile.Profile()
    profiler.runcall(spent_per_io, "full", "async", NOP, guests=8, ios=ios)
    return shares(profiler)


def _met(met: bool) -> str:  # noqa: FBT001
    return "met" if met else "missed"


def _draw_flames(folder: Path, console: Console, *, quick: bool) -> None:
    for work in WORKS.values():
        try:
            file = draw(work.name, folder, ios=100 if quick else 10_000)
        except FlamesError as error:
            raise typer.BadParameter(str(error), param_hint="--flames") from error
        console.print(f"flame graph of a {work.name}: {file}")


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds to run.")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="One short round, to check that it works.")
    ] = False,
    write: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the tables to this file."),
    ] = None,
    flames: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Also draw flame graphs (SVG) in this folder."
        ),
    ] = None,
) -> None:
    """Measure I/Os per second of guests, by layers and by kind of guest."""
    plan = [case for _ in range(1 if quick else rounds) for case in cases()]
    machine = describe()
    samples: dict[Case, list[Spent]] = {}
    console = Console(stderr=True)
    if flames:
        _draw_flames(flames, console, quick=quick)
    for case in progress(plan, "rows", console=console, transient=True):
        samples.setdefault(case, []).append(measured(case, quick=quick))
    spent = {
        case: Spent(*(median(values) for values in zip(*found, strict=True)))
        for case, found in samples.items()
    }
    messages = {
        case: messages_per_io(case.layers, case.kind, case.work)
        for case in spent
        if case.layers is not None and case.guests == 1
    }
    peer = (
        hercules_io.version() if hercules_io.is_there() else "Hercules is not installed"
    )
    text = "\n\n".join(
        (
            f"{machine}; {peer}; medians of {1 if quick else rounds}",
            table(
                "I/Os per second",
                (
                    "channel program",
                    "on",
                    "guests are",
                    "guests",
                    "I/Os/s",
                    "of Hercules nosyncio",
                    "messages/I/O",
                    "us of CPU/I/O",
                    "us/message",
                ),
                rows(spent, messages),
            ),
            table("Goals", ("goal", "measured", ""), goals(spent, messages)),
            table(
                "Where the time of a NOP goes (from a profile, so only shares)",
                ("package", "share"),
                profile(64 if quick else 1000),
            ),
            table(
                "The floor: encode, queue, decode and call for each message, in us",
                ("channel program", "floor", "8 guests", "share"),
                floors(spent, quick=quick),
            ),
            table(
                "The messages of a NOP",
                ("", "from", "to", "message"),
                one_nop(),
            ),
        )
    )
    print(text)
    if write:
        write.write_text(f"# How fast channel I/O is\n\n{text}\n")


if __name__ == "__main__":
    typer.run(main)
