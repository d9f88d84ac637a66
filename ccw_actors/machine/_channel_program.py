"""Channel programs as an operating system writes them into its storage.

Layout of the storage they use, above the 8 KiB that belong to the hardware:

| address | content |
|---|---|
| 2000 | CCWs, format 1; after them the arguments of the commands, and an IDAW list |
| 3000 | sixteen pages for data from the device |
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import PAGE_SIZE
from ccw_actors.channel import Ccw, Command
from ccw_actors.channel.ccw import CCW_LENGTH

__all__ = ["BUFFER", "BUFFER_END", "COUNT_MAX", "PROGRAM", "Give", "Take", "Tic"]

PROGRAM: Final = 0x2000
BUFFER: Final = 0x3000
COUNT_MAX: Final = 0xFFFF
BUFFER_END: Final = BUFFER + COUNT_MAX + 1

_ALIGNMENT: Final = 8
_FLAGS: Final = Ccw.suppress_length.mask


class Give(Struct, frozen=True):
    """A command with an argument for the device (control or write)."""

    code: int
    argument: bytes


class Take(Struct, frozen=True):
    """A command whose data, at most `count` bytes, go into the buffer."""

    code: int
    count: int = COUNT_MAX


class Tic(Struct, frozen=True):
    """Transfer in channel, to the step with that index."""

    step: int


Step = Give | Take | Tic


def assemble(steps: Sequence[Step]) -> bytes:
    """Return the contents of storage at `PROGRAM`, one page at most.

    All commands are chained, and suppress the indication of incorrect length.
    """
    ccws: list[Ccw] = []
    operands = bytearray()
    base = PROGRAM + len(steps) * CCW_LENGTH
    for step in steps:
        ccw, operand = _encoded(step, base + len(operands))
        ccws.append(ccw)
        operands += operand
    last = ccws[-1]
    ccws[-1] = Ccw(
        last.code, last.flags & ~Ccw.chain_command.mask, last.count, last.address
    )
    page = b"".join(ccw.to_bytes(1) for ccw in ccws) + bytes(operands)
    assert len(page) <= PAGE_SIZE, "a channel program has a page"
    return page


def _encoded(step: Step, address: int) -> tuple[Ccw, bytes]:
    """Return the CCW of a step, and its argument, which goes to `address`."""
    match step:
        case Tic():
            target = PROGRAM + step.step * CCW_LENGTH
            return Ccw(Command.TIC, address=target), b""
        case Give():
            ccw = _command(step.code, len(step.argument), address)
            return ccw, _padded(step.argument)
        case Take() if step.count <= PAGE_SIZE:
            return _command(step.code, step.count, BUFFER), b""
        case Take():
            flags = _FLAGS | Ccw.indirect.mask
            ccw = _command(step.code, step.count, address, flags)
            return ccw, _indirect_list(step.count)


def _command(code: int, count: int, address: int, flags: int = _FLAGS) -> Ccw:
    return Ccw(code, flags | Ccw.chain_command.mask, count, address)


def _padded(argument: bytes) -> bytes:
    return argument + bytes(-len(argument) % _ALIGNMENT)


def _indirect_list(count: int) -> bytes:
    """Return format-2 IDAWs for `count` bytes of the buffer, a page each."""
    pages = range(BUFFER, BUFFER + count, PAGE_SIZE)
    return b"".join(page.to_bytes(8) for page in pages)
