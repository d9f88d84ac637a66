"""A real Hercules that executes scripts: its program, its storage, its disks."""

import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from ccw_actors.conformance import Entry, Instruction, Observation, Script

__all__ = [
    "HerculesFailedError",
    "Ran",
    "build",
    "needs_live_hercules",
    "run_on_hercules",
]

COMPILER = "s390x-linux-gnu-gcc"
OBJCOPY = "s390x-linux-gnu-objcopy"
HERCULES = "hercules"
BARE = Path(__file__).with_name("bare")
WATCHED = range(0x40000, 0x80000)
BLOCK = 256
IRB_SIZE = 96
TIMEOUT = 9
OPERATIONS = {"MSCH": 1, "SSCH": 2, "TSCHPOLL": 3, "DELAY": 4}
CONFIGURATION = """\
ARCHMODE z/Arch
MAINSIZE 32
NUMCPU 2
DIAG8CMD ENABLE
OSTAILOR QUIET
"""
OUTCOMES = {
    1: "a program interruption",
    2: "more output than there is room for",
    3: "a channel program that does not end",
}
CRASHED = "Check-Stop due to host error"
PATIENCE = 240
"""Half seconds that a batch may take."""
# A program that reads track 0. Hercules 3.13 ends with a segmentation fault when the
# first program that ever reads a 3380 does not seek.
WARM_ORB = 0x3F000
WARM_STORAGE = {
    WARM_ORB: f"000000000080ff00{WARM_ORB + 0x80:08x}",
    WARM_ORB + 0x80: f"07600006{WARM_ORB + 0x100:08x}16200001{WARM_ORB + 0x110:08x}",
    # On a disk of blocks the seek ends in unit check, and SENSE takes its sense data.
    WARM_ORB + 0x20: f"000000000080ff00{WARM_ORB + 0x90:08x}",
    WARM_ORB + 0x90: f"04200020{WARM_ORB + 0x110:08x}",
}
WARM = (
    Instruction("MSCH", "00010000", hex(WARM_ORB + 0x140)),
    Instruction("SSCH", "00010000", hex(WARM_ORB)),
    Instruction("TSCHPOLL", "00010000"),
    Instruction("SSCH", "00010000", hex(WARM_ORB + 0x20)),
    Instruction("TSCHPOLL", "00010000"),
)

_missing = [tool for tool in (HERCULES, COMPILER, OBJCOPY) if not shutil.which(tool)]
needs_live_hercules = pytest.mark.skipif(
    bool(_missing),
    reason="apt-get install hercules gcc-s390x-linux-gnu: there is no "
    + ", ".join(_missing),
)


class HerculesFailedError(Exception):
    """Hercules has ended, or has to be ended, before the last script."""


class Ran(Struct, frozen=True):
    """The observation of a script, and the image of its disk afterwards."""

    observation: Observation
    image: Path


def build(folder: Path) -> Path:
    """Compile the program that runs in Hercules; return the bytes of its storage."""
    elf, raw = folder / "program.elf", folder / "program.bin"
    words = [COMPILER, "-O2", "-march=z900", "-ffreestanding", "-fno-builtin"]
    words += ["-fno-pic", "-no-pie", "-fno-asynchronous-unwind-tables", "-nostdlib"]
    words += ["-static", "-Wall", "-Wextra", "-Werror", "-fexec-charset=IBM1047"]
    words += ["-Wl,--build-id=none,-z,noexecstack,--no-warn-rwx-segments"]
    words += ["-T", "program.lds", "start.S", "program.c", "-o", str(elf)]
    subprocess.run(words, cwd=BARE, check=True, timeout=60)
    subprocess.run([OBJCOPY, "-O", "binary", elf, raw], check=True, timeout=60)
    return raw


def run_on_hercules(
    scripts: Sequence[Script], images: Path, folder: Path, program: Path
) -> list[Ran]:
    """Execute scripts one after the other, each with a disk of its own.

    Args:
        scripts: Each has one device, subchannel 00010000, with a number of its own.
        images: The folder of the images that their setups name.
        folder: An empty folder for copies of them, and for Hercules.
        program: What `build` returned.
    """
    copies = [folder / f"{number}.img" for number in range(len(scripts))]
    devices = [script.setup["devices"][0] for script in scripts]
    for device, copy in zip(devices, copies, strict=True):
        shutil.copyfile(images / device["image"], copy)
    lines = [
        f"{device['devno']} {device['type']} {copy.name}\n"
        for device, copy in zip(devices, copies, strict=True)
    ]
    (folder / "hercules.cnf").write_text(CONFIGURATION + "".join(lines))
    (folder / "hercules.rc").write_text("ipl run.ins\n")
    (folder / "run.ins").write_text("program.bin 0x00000000\ninput.bin 0x00100000\n")
    (folder / "input.bin").write_bytes(_input(scripts))
    shutil.copyfile(program, folder / "program.bin")
    output = _run(folder)
    observed = list(_observations(scripts, output))
    return [Ran(one, copy) for one, copy in zip(observed, copies, strict=True)]


def _run(folder: Path) -> bytes:
    """Run Hercules until the program ends it; return the program's output."""
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [HERCULES, "-d", "-f", "hercules.cnf"],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HERCULES_RC": "hercules.rc"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
        )
        _wait(process, log)
    saved = folder / "output.bin"
    if not saved.exists():
        raise HerculesFailedError(log.read_text(errors="replace")[-3000:])
    output = saved.read_bytes()
    saved.unlink()
    (code,) = struct.unpack_from(">I", output)
    if code:
        raise HerculesFailedError(f"the program has ended with {OUTCOMES[code]}")
    return output


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for Hercules; kill one that does not end, or has stopped its processor."""
    for _ in range(PATIENCE):
        try:
            process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            if CRASHED in log.read_text(errors="replace"):
                break
        else:
            return
    process.kill()
    process.wait()


def _input(scripts: Sequence[Script]) -> bytes:
    cases = [_case(number, script) for number, script in enumerate(scripts)]
    return struct.pack(">4I", len(cases), 0, 0, 0) + b"".join(cases)


def _case(number: int, script: Script) -> bytes:
    schib = script.storage[script.instructions[0].addr or ""]
    warm = WARM_STORAGE | {WARM_ORB + 0x140: schib}
    storage = warm | {int(at, 16): content for at, content in script.storage.items()}
    pieces = [_piece(at, bytes.fromhex(content)) for at, content in storage.items()]
    everything = (*WARM, *script.instructions)
    instructions = [_instruction(number, one) for one in everything]
    head = struct.pack(">4I", len(pieces), len(instructions), 0, 0)
    return head + b"".join(pieces) + b"".join(instructions)


def _piece(address: int, content: bytes) -> bytes:
    padding = bytes(-len(content) % 8)
    return struct.pack(">II", address, len(content)) + content + padding


def _instruction(number: int, one: Instruction) -> bytes:
    subchannel = int(one.gr1, 16) + number
    address = int(one.addr or "0", 16)
    return struct.pack(">4I", OPERATIONS[one.op], subchannel, address, 0)


def _observations(scripts: Sequence[Script], output: bytes) -> Iterator[Observation]:
    at = 16
    for script in scripts:
        entries: list[Entry] = []
        at += len(WARM) * (4 + IRB_SIZE)
        for one in script.instructions:
            (cc,) = struct.unpack_from(">I", output, at)
            entries.append(_entry(one, cc, output[at + 4 : at + 4 + IRB_SIZE]))
            at += 4 + IRB_SIZE
        storage = bytearray(len(WATCHED))
        while address := struct.unpack_from(">I", output, at)[0]:
            start = address - WATCHED.start
            storage[start : start + BLOCK] = output[at + 4 : at + 4 + BLOCK]
            at += 4 + BLOCK
        at += 4
        yield Observation(tuple(entries), bytes(storage))


def _entry(one: Instruction, cc: int, irb: bytes) -> Entry:
    shown: dict[str, Any] = {}
    if one.op != "DELAY":
        shown["cc"] = "timeout" if cc == TIMEOUT else cc
    if one.op == "TSCHPOLL":
        shown["irb"] = irb.hex()
    return Entry(one.op, **shown)
