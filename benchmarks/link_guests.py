"""Guests of one machine in one process and in several, each with a disk of its own."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from ccw_actors.machine import Placement

__all__ = ["Guests", "guests_in_processes"]

ROOT = Path(__file__).resolve().parents[1]
IMAGE = ROOT / "ccw_actors/machine/shipped/ORCLNX.img.gz"
SECONDS_MAX = 600
DEVICE = """
[[device]]
number = "0.0.{number:04x}"
type = "3390"
image = "{image}"
read_only = true

[[guest]]
name = "guest{guest}"
storage = "128 KiB"
program = "benchmarks.link_guest:read"
arguments = {{ ios = {ios} }}

[[guest.device]]
number = "0.0.0190"
host = "0.0.{number:04x}"
"""


class Guests(NamedTuple):
    """I/Os a second of all guests together, and how many of them failed or differ."""

    rate: float
    lost: int


def guests_in_processes(
    guests: int, processes: int, ios: int, placement: Placement | None = None
) -> Guests:
    """Run guests that do `ios` I/Os each, as the command does it.

    The `placement` is that of several processes, None for the default one.

    The rate is the sum of those of the guests, each over the time of its own I/Os.
    Raises `RuntimeError` if the run prints no results.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "machine.toml"
        file.write_text(
            "".join(
                DEVICE.format(number=0x150 + one, guest=one, image=IMAGE, ios=ios)
                for one in range(guests)
            )
        )
        words = ["run", str(file), "--json", "--no-trace", "--no-control"]
        if processes > 1:
            words += ["--processes", f"{processes}"]
        if placement is not None:
            words += ["--placement", placement]
        done = subprocess.run(  # noqa: S603 - this package
            [sys.executable, "-m", "ccw_actors", *words],
            capture_output=True,
            check=False,
            cwd=ROOT,
            text=True,
            timeout=SECONDS_MAX,
        )
    try:
        found: dict[str, Any] = json.loads(done.stdout)["guests"]
    except ValueError:
        raise RuntimeError((done.stderr.splitlines() or ["no results"])[-1]) from None
    results = [one["result"] for one in found.values() if one.get("error") is None]
    sizes = {one["bytes"] for one in results}
    lost = guests - len(results) + max(0, len(sizes) - 1)
    rate = sum(ios / (one["ended"] - one["began"]) for one in results)
    return Guests(rate, lost)
