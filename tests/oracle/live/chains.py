"""Channel programs as values, and the scripts that run them."""

from typing import Any, Final

from msgspec import Struct

from ccw_actors.channel.ccw import Ccw
from ccw_actors.conformance import Instruction, Script

__all__ = ["CD", "SKIP", "SLI", "TIC", "Chain", "Step", "parsed", "script_of", "shown"]

CD: Final = Ccw.chain_data.mask
CC: Final = Ccw.chain_command.mask
SLI: Final = Ccw.suppress_length.mask
SKIP: Final = Ccw.skip.mask
TIC: Final = 0x08

PROGRAM: Final = 0x40000
ORB: Final = 0x40F00
OUTPUT: Final = 0x41000
OUTPUT_STRIDE: Final = 0x400
INPUT: Final = 0x50000
INPUT_STRIDE: Final = 0x1000
SENSE: Final = 0x7D000
SCHIB: Final = "cafe000100800000800000000000ff00".ljust(104, "0")
SCHID: Final = "00010000"
FIRST_DEVNO: Final = 0x0200
LONG: Final = 16


class Step(Struct, frozen=True, omit_defaults=True):
    """One CCW: `flags` apart from CC, and for output the bytes at its address.

    A TRANSFER IN CHANNEL goes back to the step before it.
    """

    code: int
    count: int = 1
    flags: int = 0
    data: bytes = b""


class Chain(Struct, frozen=True):
    """A channel program for a new disk of some type."""

    device_type: str
    steps: tuple[Step, ...]


def script_of(chain: Chain, slot: int = 0) -> Script:
    """Return the script that runs a chain, and SENSE afterwards.

    `slot` is the place of the disk among those of a Hercules.
    """
    storage: dict[str, str] = {
        "0x7f000": SCHIB,
        hex(SENSE): _orb(SENSE + 0x80),
        hex(SENSE + 0x80): Ccw(0x04, 0x20, 32, SENSE + 0x100).to_bytes(1).hex(),
        hex(PROGRAM): b"".join(_ccws(chain)).hex(),
        hex(ORB): _orb(PROGRAM),
    }
    for number, step in enumerate(chain.steps):
        if step.data:
            storage[hex(OUTPUT + number * OUTPUT_STRIDE)] = step.data.hex()
    device = {
        "subchannel": SCHID,
        "devno": f"{FIRST_DEVNO + slot:04X}",
        "type": chain.device_type,
        "image": f"{chain.device_type}.img",
    }
    setup: dict[str, Any] = {"devices": [device]}
    return Script(setup, storage, _instructions())


def _instructions() -> tuple[Instruction, ...]:
    found = [Instruction("MSCH", SCHID, "0x7f000")]
    for orb in (ORB, SENSE):
        found += [
            Instruction("SSCH", SCHID, hex(orb)),
            Instruction("DELAY"),
            Instruction("TSCHPOLL", SCHID, timeout_us=1_000_000),
        ]
    return tuple(found)


def _orb(program: int) -> str:
    return f"123456780080ff00{program:08x}".ljust(64, "0")


def _ccws(chain: Chain) -> list[bytes]:
    last = len(chain.steps) - 1
    return [
        _ccw(number, step, last=number == last)
        for number, step in enumerate(chain.steps)
    ]


def _ccw(number: int, step: Step, *, last: bool) -> bytes:
    if step.code == TIC:
        return Ccw(TIC, 0, 0, PROGRAM + 8 * (number - 1)).to_bytes(1)
    flags = step.flags | (0 if last or step.flags & CD else CC)
    address = (
        OUTPUT + number * OUTPUT_STRIDE if step.data else INPUT + number * INPUT_STRIDE
    )
    return Ccw(step.code, flags, step.count, address).to_bytes(1)


def shown(chain: Chain) -> str:
    """Return a chain as text: device type, then code:flags:count:data of each CCW."""
    words = [
        f"{step.code:02X}:{step.flags:02X}:{step.count}:{_text(step.data)}"
        for step in chain.steps
    ]
    return " ".join([chain.device_type, *words])


def _text(data: bytes) -> str:
    """Return hexadecimal digits, and for repeated bytes one of them and a number."""
    if len(data) > LONG and len(set(data)) == 1:
        return f"{data[:1].hex()}*{len(data)}"
    return data.hex()


def parsed(text: str) -> Chain:
    """Read a chain that `shown` has written."""
    device_type, *words = text.split()
    return Chain(device_type, tuple(_step(*word.split(":")) for word in words))


def _step(code: str, flags: str, count: str, data: str) -> Step:
    digits, _, times = data.partition("*")
    content = bytes.fromhex(digits) * int(times or 1)
    return Step(int(code, 16), int(count), int(flags, 16), content)
