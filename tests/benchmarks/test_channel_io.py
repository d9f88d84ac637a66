"""The benchmark of channel I/O runs and counts every message."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.channel_machine import (
    NOP,
    READ,
    WORKS,
    Layers,
    Work,
    messages_of_one_io,
    messages_per_io,
)
from benchmarks.flames import FlamesError, draw

ROOT = Path(__file__).parents[2]


def test_quick_run(tmp_path: Path) -> None:
    """A quick run prints every table, and writes them."""
    written = tmp_path / "table.md"
    command = [sys.executable, "benchmarks/channel_io.py", "--quick"]
    done = subprocess.run(
        [*command, "--write", written],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert "| NOP | full stack | async | 64 |" in done.stdout
    assert "| 4 KiB read | bare subchannel | pykka | 8 |" in done.stdout
    assert "| NOP, full stack, 8 guests: 22 messages | 22 | met |" in done.stdout
    for work in WORKS:
        assert re.search(
            rf"^\| {work} \| \d+ \| \d+ \| \d+% \|$", done.stdout, re.MULTILINE
        )
    assert written.read_text().endswith(done.stdout)


def test_flame_graphs(tmp_path: Path) -> None:
    """A flame graph shows the handlers of the work that it is of."""
    try:
        file = draw(READ.name, tmp_path, ios=400)
    except FlamesError as error:
        if "ermission" in str(error):
            pytest.skip("this machine lets no process look into another one")
        raise
    root = ET.parse(file).getroot()  # noqa: S314 - py-spy's own
    titles = {one.text or "" for one in root.iter("{http://www.w3.org/2000/svg}title")}
    assert any("_subchannel_functions.py" in title for title in titles)


def test_no_message_is_left_out() -> None:
    """Every layer gets the guest's START in a message, and passes its end on in one."""
    sent = messages_of_one_io("full", "async", NOP)
    assert len(sent) == messages_per_io("full", "async", NOP)
    ways = {(one.sender, one.recipient) for one in sent}
    host = ("host/cio", "host/subchannel", "host/device")
    down = ("cpu0", "subchannel", "vfio-ccw", *host)
    for above, below in pairwise(down):
        assert (f"guest0/{above}", f"guest0/{below}") in ways
        assert (f"guest0/{below}", f"guest0/{above}") in ways


@pytest.mark.parametrize(
    ("layers", "work", "count"),
    [
        ("full", NOP, 22),
        ("full", READ, 37),
        ("bare", NOP, 13),
        ("bare", READ, 29),
    ],
)
def test_counts(layers: Layers, work: Work, count: int) -> None:
    """An I/O takes as many messages as the page about speed says."""
    assert messages_per_io(layers, "async", work) == count
