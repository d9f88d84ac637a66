"""Measures messages between two processes, in one run with other libraries.

python benchmarks/links.py                  all of them, seven rounds
python benchmarks/links.py --only ours      one of them (may be repeated)
python benchmarks/links.py --quick          check that it works; ignore the numbers
python benchmarks/links.py --write FILE     also write the tables to a file

A tell is one of many that one process tells the other, until all are handled. An ask is
one of many, one after the other. The libraries take turns in each round. Those that are
not installed are left out: pip install 'ccw-actors[bench,bench-links]', and Debian's
nats-server. Without --only it also runs a machine: guests in one process, and in two
with the host's part in each placement.
"""

import asyncio
import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Annotated, NamedTuple

import typer

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.link_guests import Guests, guests_in_processes
from benchmarks.link_peer import LinkPeer
from benchmarks.machine import describe
from benchmarks.tables import Row, table
from ccw_actors.machine import Placement

ROOT = Path(__file__).resolve().parents[1]
TELLS, ASKS, WARM_UP = 50_000, 3_000, 200
PEERS = {
    "ours": "benchmarks.link_peers.ours",
    "streams": "benchmarks.link_peers.streams",
    "xoscar": "benchmarks.link_peers.oscar",
    "nats": "benchmarks.link_peers.nats_server",
    "ray": "benchmarks.link_peers.ray_actor",
}
SECONDS_MAX = 300
FASTER = 1.7
PLACEMENTS: tuple[Placement, ...] = ("with-guest", "shared-host")


class Took(NamedTuple):
    """Microseconds for each tell and for each ask."""

    tell: float
    ask: float


class Goal(NamedTuple):
    """What our time may be at most, as a share of another's."""

    text: str
    other: str
    what: str
    most: float


GOALS = (
    Goal("tell: of raw streams", "streams", "tell", 1.3),
    Goal("ask: of raw streams", "streams", "ask", 1.3),
    Goal("tell: of a Ray actor", "ray", "tell", 0.1),
    Goal("ask: of a Ray actor", "ray", "ask", 0.1),
)


def main(
    *,
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    only: Annotated[list[str] | None, typer.Option()] = None,
    quick: Annotated[bool, typer.Option("--quick")] = False,
    write: Annotated[Path | None, typer.Option()] = None,
    measure: Annotated[str | None, typer.Option(hidden=True)] = None,
    serve: Annotated[str | None, typer.Option(hidden=True)] = None,
    address: Annotated[str, typer.Option(hidden=True)] = "",
    tells: Annotated[int, typer.Option(hidden=True)] = TELLS,
    asks: Annotated[int, typer.Option(hidden=True)] = ASKS,
) -> None:
    """Measure, or be one of the two processes of a measurement."""
    if serve is not None:
        asyncio.run(_peer(serve).serve(address))
        return
    if measure is not None:
        took = asyncio.run(_measure(measure, address, tells, asks))
        typer.echo(json.dumps(took))
        return
    for name in only or ():
        if name not in PEERS:
            raise typer.BadParameter(f"{name}: expected one of {', '.join(PEERS)}")
    tells, asks, rounds = (200, 20, 1) if quick else (tells, asks, rounds)
    machine = describe()
    spent, reasons = _run(only or list(PEERS), rounds, tells, asks)
    ran = [] if only else _guests(rounds, quick=quick)
    page = _page(spent, reasons, ran, f"{machine}. Medians of {rounds} rounds.")
    typer.echo(page)
    if write is not None:
        write.write_text(page)
    if quick and (only is None or "ours" in only) and "ours" not in spent:
        raise typer.Exit(1)


def _peer(name: str) -> LinkPeer:
    made: LinkPeer = importlib.import_module(PEERS[name]).PEER()
    return made


async def _measure(name: str, address: str, tells: int, asks: int) -> Took:
    """Measure in this process; a child serves."""
    peer = _peer(name)
    tells, asks = max(1, int(tells * peer.share)), max(1, int(asks * peer.share))
    child = await _child(name, address) if peer.serves else None
    try:
        await peer.open(address)
        await peer.tell(min(WARM_UP, tells))
        began = time.perf_counter()
        await peer.tell(tells)
        told = time.perf_counter()
        for number in range(asks):
            await peer.ask(number)
        asked = time.perf_counter()
        await peer.close()
    finally:
        if child is not None and child.stdin is not None:
            child.stdin.close()
            await child.wait()
    return Took(1e6 * (told - began) / tells, 1e6 * (asked - told) / asks)


async def _child(name: str, address: str) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--serve", name, "--address", address),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    line = await child.stdout.readline()
    if line.strip() != b"ready":
        raise RuntimeError(f"{name}: its server did not start")
    return child


def _run(
    names: list[str], rounds: int, tells: int, asks: int
) -> tuple[dict[str, list[Took]], dict[str, str]]:
    """Return what each library took in each round, and why others could not run."""
    spent: dict[str, list[Took]] = {}
    reasons: dict[str, str] = {}
    for number in range(rounds):
        turn = number % len(names)
        for name in (*names[turn:], *names[:turn]):
            if name in reasons:
                continue
            try:
                spent.setdefault(name, []).append(_one(name, tells, asks))
            except RuntimeError as error:
                reasons[name] = str(error)
                spent.pop(name, None)
    return spent, reasons


def _one(name: str, tells: int, asks: int) -> Took:
    """Measure a library in a process of its own. Raises `RuntimeError`."""
    with tempfile.TemporaryDirectory() as folder:
        order = ["--measure", name, "--address", f"{folder}/socket"]
        done = subprocess.run(  # noqa: S603 - this script
            [
                sys.executable,
                __file__,
                *order,
                "--tells",
                f"{tells}",
                "--asks",
                f"{asks}",
            ],
            capture_output=True,
            check=False,
            cwd=ROOT,
            text=True,
            timeout=SECONDS_MAX,
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RuntimeError(lines[-1])
    return Took(*json.loads(done.stdout.splitlines()[-1]))


class Ran(NamedTuple):
    """Guests of a machine in so many processes: I/Os a second, and guests lost.

    In one process there is no placement.
    """

    guests: int
    processes: int
    placement: Placement | None
    rate: float
    lost: int


def _guests(rounds: int, *, quick: bool) -> list[Ran]:
    """Run two guests in one process and in two, in turn, and many guests in two."""
    ios, many = (3, 4) if quick else (2_000, 64)
    few: dict[Placement | None, list[Guests]] = {one: [] for one in (None, *PLACEMENTS)}
    for _ in range(rounds):
        for placement, found in few.items():
            processes = 1 if placement is None else 2
            found.append(guests_in_processes(2, processes, ios, placement))
    return [
        *(_ran(2, placement, found) for placement, found in few.items()),
        *(
            _ran(many, one, [guests_in_processes(many, 2, max(1, ios // 20), one)])
            for one in PLACEMENTS
        ),
    ]


def _ran(guests: int, placement: Placement | None, found: list[Guests]) -> Ran:
    rate, lost = median(one.rate for one in found), sum(one.lost for one in found)
    return Ran(guests, 1 if placement is None else 2, placement, rate, lost)


def _page(
    spent: dict[str, list[Took]], reasons: dict[str, str], ran: list[Ran], how: str
) -> str:
    """Return the tables, and notes, as Markdown."""
    best = {name: _median(found) for name, found in spent.items()}
    ours = best.get("ours")
    rows = [_row(name, took, ours) for name, took in best.items()]
    rows += [(name, "-", "-", reason) for name, reason in reasons.items()]
    head = ("library", "tell, us", "ask, us", "")
    parts = [
        "# How fast links are",
        table("Between two processes of one host", head, rows),
        table("Goals", ("goal", "measured", "", ""), [*_goals(best), *_goals_of(ran)]),
        f"{how} In brackets: our time as a share of this one.",
    ]
    if ran:
        parts.insert(2, _table_of(ran))
    return "\n\n".join(parts) + "\n"


def _table_of(ran: list[Ran]) -> str:
    head = ("guests", "processes", "placement", "I/Os a second", "guests lost")
    rows = [_row_of(one, ran[0]) for one in ran]
    return table("Guests of one machine", head, rows)


def _row_of(one: Ran, in_one: Ran) -> Row:
    """Return the row of a run; the rate of as many guests in one process is 1x."""
    share = f" ({one.rate / in_one.rate:.2f}x)" if one.guests == in_one.guests else ""
    rate = f"{one.rate:,.0f}{share}"
    placement = one.placement or "-"
    return (f"{one.guests}", f"{one.processes}", placement, rate, f"{one.lost}")


def _median(found: list[Took]) -> Took:
    return Took(*(median(values) for values in zip(*found, strict=True)))


def _row(name: str, took: Took, ours: Took | None) -> Row:
    cells = [
        f"{there:,.1f}" if ours is None else f"{there:,.1f} ({here / there:.2f}x)"
        for there, here in zip(took, ours or took, strict=True)
    ]
    doc = importlib.import_module(PEERS[name]).__doc__ or ""
    return (name, *cells, doc.splitlines()[0].rstrip("."))


def _goals(best: dict[str, Took]) -> list[Row]:
    rows: list[Row] = []
    for goal in GOALS:
        measured = "-"
        verdict = "not measured"
        if "ours" in best and goal.other in best:
            here, there = (
                getattr(best[one], goal.what) for one in ("ours", goal.other)
            )
            measured = f"{here / there:.2f}x"
            verdict = "met" if here <= goal.most * there else "NOT MET"
        rows.append((goal.text, measured, f"at most {goal.most:g}x", verdict))
    return rows


def _goals_of(ran: list[Ran]) -> list[Row]:
    if not ran:
        return []
    one, two, *_, many = ran
    faster, lost = two.rate / one.rate, sum(found.lost for found in ran)
    return [
        (
            "two guests in two processes: I/Os of those in one",
            f"{faster:.2f}x",
            f"at least {FASTER:g}x",
            "met" if faster >= FASTER else "NOT MET",
        ),
        (
            f"{many.guests} guests in {many.processes} processes: lost",
            f"{lost}",
            "0",
            "NOT MET" if lost else "met",
        ),
    ]


if __name__ == "__main__":
    typer.run(main)
