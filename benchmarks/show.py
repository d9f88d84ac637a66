"""Measures a page of 100,000 events in a browser: how soon it opens, how it scrolls.

python benchmarks/show.py                  a machine of eight guests, 100,000 events
python benchmarks/show.py --events 20000   fewer events
python benchmarks/show.py --page FILE      keep the page

It needs Debian's package chromium, and the Python package playwright. It prints seconds
until the first events are there, the time of frames while the page scrolls from its
beginning to its end, and the size of the file.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated, Final

import typer
from playwright.sync_api import Browser, Page, sync_playwright

# Run as a script, it has its own folder on the path, but not the parent folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.machine import describe
from ccw_actors.show import page_of, picture_of_trace
from ccw_actors.trace import TraceReader

CHROMIUM: Final = "/usr/bin/chromium"
GUESTS: Final = 8
ROUNDS: Final = 5
FRAMES: Final = 300
IMAGE: Final = (
    Path(__file__).resolve().parents[1] / "ccw_actors/machine/shipped/ORCLNX.img.gz"
)
DEVICE: Final = """
[[device]]
number = "0.0.{number:04x}"
type = "3390"
image = "{image}"
read_only = true

[[guest]]
name = "guest{guest}"
storage = "128 KiB"
program = "ccw_actors.machine.programs:read_volume"
arguments = {{ device = "0.0.0190" }}

[[guest.device]]
number = "0.0.0190"
host = "0.0.{number:04x}"
"""
SCROLL: Final = """frames => new Promise(done => {
  const scroller = document.querySelector(".scroller");
  const step = (scroller.scrollHeight - scroller.clientHeight) / frames;
  const times = [];
  let last = performance.now();
  const next = now => {
    times.push(now - last);
    last = now;
    if (times.length > frames) return done(times.slice(1));
    scroller.scrollTop += step;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
})"""
READ: Final = SCROLL.replace(
    "(scroller.scrollHeight - scroller.clientHeight) / frames", "40"
)
"""The same, as one reads: 40 pixels in each frame."""


def main(
    events: Annotated[int, typer.Option(min=1)] = 100_000,
    page: Annotated[Path | None, typer.Option(dir_okay=False)] = None,
) -> None:
    """Make the page, open it several times, and print what was measured."""
    typer.echo(describe())
    with tempfile.TemporaryDirectory() as folder:
        file = page or Path(folder) / "page.html"
        _write_page(_trace(Path(folder)), file, events)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox"]
            )
            try:
                _measure(browser, file)
            finally:
                browser.close()


def _trace(folder: Path) -> Path:
    """Run a machine of several guests, and return its trace."""
    machine, trace = folder / "machine.toml", folder / "machine.trace"
    machine.write_text(
        "".join(
            DEVICE.format(number=0x150 + guest, image=IMAGE, guest=guest)
            for guest in range(GUESTS)
        )
    )
    command = [sys.executable, "-m", "ccw_actors", "run", str(machine)]
    command += ["--no-control", "--trace", str(trace), "--trace-size", "all"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own
    return trace


def _write_page(trace: Path, file: Path, events: int) -> None:
    began = perf_counter()
    with trace.open("rb") as source:
        picture = picture_of_trace(TraceReader(source), trace.name, events_max=events)
    file.write_text(page_of(picture))
    took = perf_counter() - began
    count = len(picture.schedules[0].events)
    typer.echo(f"events: {count:,} of {len(picture.lanes)} actors")
    typer.echo(f"written in: {took:.1f} s")
    typer.echo(f"size: {file.stat().st_size / 1e6:.2f} MB")


def _measure(browser: Browser, file: Path) -> None:
    opened: list[float] = []
    for number in range(ROUNDS):
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        began = perf_counter()
        tab.goto(file.resolve().as_uri())
        tab.wait_for_selector("html[data-ready]")
        tab.wait_for_selector(".event")
        opened.append(perf_counter() - began)
        if number == ROUNDS - 1:
            _scroll(tab)
        tab.close()
    typer.echo(f"opens in: {median(opened):.2f} s (slowest {max(opened):.2f})")


def _scroll(tab: Page) -> None:
    for what, script in (("reading", READ), ("end to end", SCROLL)):
        times: list[float] = tab.evaluate(script, FRAMES)
        typer.echo(f"frames, {what}: {_frames(times)}")


def _frames(times: Sequence[float]) -> str:
    ordered = sorted(times)
    late = ordered[int(len(ordered) * 0.99)]
    return (
        f"median {median(times):.1f} ms, 99th {late:.1f} ms, worst {ordered[-1]:.1f} ms"
    )


if __name__ == "__main__":
    typer.run(main)
