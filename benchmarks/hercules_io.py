"""The same channel programs on Hercules: a bare-metal program that times itself.

It starts the channel program, waits enabled for the interruption, tests the subchannel,
and repeats that. It stores the TOD clock before and after. Hercules loads it as a core
image, runs a script of console commands, and shows the two clocks.
"""

import os
import re
import shutil
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import Final

from benchmarks.channel_machine import DATA, GEOMETRY, Work, track
from ccw_actors.channel import Orb
from ccw_actors.devices import CkdHeader, Record, Track

__all__ = ["is_there", "seconds_per_io", "version"]

PROGRAM: Final = 0x380
CODE: Final = {
    0x000: "00080000 80000200",  # restart new PSW
    0x078: "00080000 80000240",  # I/O new PSW
    0x200: "58100300"  # L     1,schid
    "B7660308"  # LCTL  6,6,classes
    "B2340400"  # STSCH schib
    "96800405"  # OI    schib+5,enabled
    "B2320400"  # MSCH  schib
    "58200304"  # L     2,count
    "B2050340"  # STCK  before
    "47F00230",  # B     start
    0x230: "B2330360"  # SSCH  orb
    "82000318",  # LPSW  enabled wait
    0x240: "B2350440"  # TSCH  irb
    "46200230"  # BCT   2,start
    "B2050348"  # STCK  after
    "82000310",  # LPSW  disabled wait
    0x300: "00010000",
    0x308: "FF000000",
    0x310: "000A0000 0000BEEF",
    0x318: "020A0000 80000000",
}
SCRIPT: Final = "loadcore {core} 0\nrestart\npause {pause}\nr 340.10\nr 440.10\n"
CONFIGURATION: Final = """ARCHMODE ESA/390
MAINSIZE 32
NUMCPU 1
CNSLPORT {port}
0120 3390 {disk} {option}
"""
_CLOCKS = re.compile(r"R:00000340:K:\w\w=(\w{8}) (\w{8}) (\w{8}) (\w{8})")
_IRB = re.compile(r"R:00000440:K:\w\w=\w{8} \w{8} (\w{4})")


def is_there() -> bool:
    """Whether Hercules is installed."""
    return bool(_hercules())


def version() -> str:
    """Return the version text of Hercules."""
    done = subprocess.run(  # noqa: S603 - a program of Debian's
        [_hercules(), "--version"], capture_output=True, text=True, check=False
    )
    return done.stdout.partition("\n")[0].strip()


def seconds_per_io(work: Work, folder: Path, *, ios: int, nosyncio: bool) -> float:
    """Run `ios` I/Os of one CPU on one disk; return the seconds for each.

    Raises:
        RuntimeError: They did not end in the given time, or the last one did not end
            with only channel end and device end.
    """
    core, disk, rc, configuration = (
        folder / name for name in ("core", "disk.img", "commands", "hercules.cnf")
    )
    core.write_bytes(_core(work, ios))
    disk.write_bytes(_image())
    pause = 1 + ios // 8_000
    rc.write_text(SCRIPT.format(core=core, pause=pause))
    option = "nosyncio" if nosyncio else ""
    configuration.write_text(
        CONFIGURATION.format(port=_free_port(), disk=disk, option=option)
    )
    said = _until_shown(configuration, rc, timeout=pause + 30)
    found = _CLOCKS.search(said)
    if found is None:
        raise RuntimeError(f"Hercules: no clocks in {said[-1000:]}")
    before, after = int(found[1] + found[2], 16), int(found[3] + found[4], 16)
    if not after:
        raise RuntimeError(f"Hercules: {ios} I/Os took more than {pause} s")
    status = _IRB.search(said)
    if status is None or status[1] != "0C00":
        raise RuntimeError(f"Hercules: not as expected: {said[-1000:]}")
    return ((after - before) >> 12) / 1e6 / ios


def _until_shown(configuration: Path, rc: Path, *, timeout: float) -> str:
    """Run a script, and return the output of Hercules up to the last value.

    The script does not end with `quit`, because Hercules would not always print its
    last lines.
    """
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a program of Debian's
        [_hercules(), "-d", "-f", str(configuration)],
        env={**os.environ, "HERCULES_RC": str(rc)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        late = threading.Timer(timeout, process.kill)
        late.start()
        assert process.stdout is not None, "stdout is a pipe"
        for line in process.stdout:
            said.append(line)
            if _IRB.search(line):
                break
        late.cancel()
        process.kill()
    return "".join(said)


def _hercules() -> str:
    return shutil.which("hercules") or ""


def _core(work: Work, ios: int) -> bytes:
    core = bytearray(DATA)
    for address, text in CODE.items():
        _put(core, address, bytes.fromhex(text))
    _put(core, 0x304, struct.pack(">I", ios))
    _put(core, 0x360, Orb.command(PROGRAM).to_bytes())
    _put(core, PROGRAM, b"".join(ccw.to_bytes(1) for ccw in work.ccws))
    for address, content in work.storage:
        _put(core, address, content)
    return bytes(core)


def _put(core: bytearray, address: int, content: bytes) -> None:
    core[address : address + len(content)] = content


def _image() -> bytes:
    header = CkdHeader("3390", GEOMETRY.heads, GEOMETRY.track_size).to_bytes()
    tracks = [track()]
    for head in range(1, GEOMETRY.heads):
        empty = Track(0, 0, head, (Record(0, head, 0, b"", bytes(8)),), b"")
        tracks.append(empty.to_bytes().ljust(GEOMETRY.track_size, b"\0"))
    return header + b"".join(tracks)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
