"""Scripts of I/O instructions and channel programs, made of arbitrary bytes."""

import gzip
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ccw_actors.actors.guest.instructions import INSTRUCTIONS
from ccw_actors.conformance import Instruction, Observation, Script, play

DATA = Path(__file__).parents[1] / "data"
SETUPS: tuple[dict[str, Any], ...] = (
    {"devices": [{"devno": "0120", "type": "3390", "image": "ckd3390.img"}]},
    {"devices": [{"devno": "0140", "type": "3370", "image": "fba3370.img"}]},
    {"qemu_args": ["-device", "virtio-rng-ccw,devno=fe.0.0120"]},
    {"qemu_args": ["-device", "virtio-net-ccw,devno=fe.0.0120,mac=52:54:00:12:34:56"]},
    {"qemu_args": ["-device", "x-terminal3270,devno=fe.0.0120"]},
)
OPERATIONS = (
    *INSTRUCTIONS,
    *("TSCHPOLL", "TPIPOLL", "WAITIO", "DELAY", "SSKE", "ISKE", "CR6"),
)
SCHIB = bytes.fromhex("cafe000100800000800000000000ff00").ljust(52, b"\0")
ORB = bytes.fromhex("123456780080ff0000040000").ljust(32, b"\0")
PLACES = (0x40000, 0x40F00, 0x7F000, 0x41000, 0x48000, 0x50000, 0x1FFFFF8)
"""A channel program, an ORB, a SCHIB, three data areas, and the end of storage."""
ENABLE = Instruction("MSCH", "00010000", "0x7f000")
START = Instruction("SSCH", "00010000", "0x40f00")


def script(raw: bytes) -> Script:
    """Make a script: the first byte picks the devices, 24 bytes are instructions.

    An instruction is 3 bytes: which, where its operand is, general register 1. ORB
    and channel program are what follows, as far as it goes.
    """
    setup = SETUPS[raw[0] % len(SETUPS)] if raw else SETUPS[0]
    words, orb, program = raw[1:25], raw[25:37], raw[37:]
    instructions = [ENABLE]
    for at in range(0, len(words) - 2, 3):
        op, place, gr1 = words[at : at + 3]
        if not op & 0x80:
            instructions.append(START)
            continue
        register = 0x10000 | gr1 & 1 if gr1 < 0xF0 else gr1 << 24 | gr1
        name = OPERATIONS[op % len(OPERATIONS)]
        address = f"{PLACES[place % len(PLACES)] + (place >> 7):#x}"
        instructions.append(Instruction(name, f"{register:08x}", address, 1000))
    mixed = bytes(a ^ b for a, b in zip(ORB, orb.ljust(32, b"\0"), strict=True))
    storage = {"0x40000": program.hex(), "0x40f00": mixed.hex(), "0x7f000": SCHIB.hex()}
    return Script(setup, storage, tuple(instructions))


def run(raw: bytes) -> tuple[Script, Observation]:
    """Run the script made of arbitrary bytes."""
    made = script(raw)
    with TemporaryDirectory() as scratch:
        return made, play(made, DATA / "images", Path(scratch))


def seeds() -> list[bytes]:
    """Return the golden vectors in this form."""
    found: list[bytes] = []
    for number, name in enumerate(("hercules", "qemu")):
        raw = (DATA / f"{name}-public.json.gz").read_bytes()
        for case in json.loads(gzip.decompress(raw)):
            program = case["storage"].get("0x40000")
            if program and len(program) <= 2000:
                found.append(bytes([2 * number]) + bytes(36) + bytes.fromhex(program))
    return found
