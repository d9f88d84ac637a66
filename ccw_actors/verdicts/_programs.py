"""What the scenarios have threads write, and channels execute."""

from typing import Final

from ccw_actors.actors.protocol import (
    Instruct,
    StartSubchannel,
    Store,
    WriteAsync,
    WriteIo,
)
from ccw_actors.channel import Ccw, Fctl, Orb
from ccw_actors.scenarios import BUFFER, PROGRAM, read_orb

__all__ = [
    "FAULTY",
    "GO_ON",
    "IDAL",
    "INDIRECT",
    "LONG",
    "PCI",
    "RAW_CLEAR",
    "RAW_START",
    "SUSPENDED",
    "SUSPENDS",
]

RAW_START: Final = WriteIo(read_orb(1), Fctl.START)
RAW_CLEAR: Final = WriteAsync("CSCH")

_NOP, _READ = 0x03, 0x02
_SLI, _CC = Ccw.suppress_length.mask, Ccw.chain_command.mask
PCI: Final = Ccw(_NOP, _SLI | Ccw.program_controlled.mask, 1).to_bytes(1)
_READS: Final = Ccw(_READ, _SLI, 24, BUFFER).to_bytes(1)
SUSPENDS: Final = Ccw(_NOP, _CC | _SLI, 1).to_bytes(1) + Ccw(
    _READ, _SLI | Ccw.suspend.mask, 24, BUFFER
).to_bytes(1)
SUSPENDED: Final = Instruct(
    0, StartSubchannel(Orb.command(PROGRAM, intparm=1, suspend=True))
)
GO_ON: Final = Store(PROGRAM + 8, _READS)


_TIC: Final = 0x08


def _long_program() -> bytes:
    """Return 17 chains: each but the last goes on in another place."""
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
    Ccw(_READ, _SLI | _IDA, 24, IDAL).to_bytes(1) + bytes(8) + BUFFER.to_bytes(8, "big")
)
LONG: Final = _long_program()
