"""Requests that threads write, and channel programs, of these scenarios alone."""

from typing import Final

from ccw_actors.actors.protocol import WriteAsync, WriteIo
from ccw_actors.channel import Ccw, Command, Fctl
from ccw_actors.scenarios import BUFFER, PROGRAM, read_orb

__all__ = [
    "FAULTY",
    "IDAL",
    "INDIRECT",
    "LONG",
    "RAW_CLEAR",
    "RAW_START",
]

RAW_START: Final = WriteIo(read_orb(1), Fctl.START)
RAW_CLEAR: Final = WriteAsync("CSCH")

_NOP, _TIC = Command.NOOP, Command.TIC
_SLI, _CC = Ccw.suppress_length.mask, Ccw.chain_command.mask


def _long_program() -> bytes:
    """Return 17 chains of CCWs: each but the last ends in a TIC to the next."""
    nop = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1)
    places = [PROGRAM + 0x20 * number for number in range(1, 17)]
    chains = [
        (nop + Ccw(_TIC, 0, 0, to).to_bytes(1)).ljust(0x20, b"\0") for to in places
    ]
    return b"".join(chains) + Ccw(_NOP, _SLI, 1).to_bytes(1)


FAULTY: Final = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1) + Ccw(
    _TIC, 0, 0, 0x100000
).to_bytes(1)
_IDA: Final = Ccw.indirect.mask
IDAL: Final = PROGRAM + 0x10
INDIRECT: Final = (
    Ccw(Command.READ_IPL, _SLI | _IDA, 24, IDAL).to_bytes(1)
    + bytes(8)
    + BUFFER.to_bytes(8, "big")
)
LONG: Final = _long_program()
