"""What the client's storage holds: channel programs, and the writes that start them.

| address | what is there |
|---|---|
| 1000 | DATA: SEEK to the data track, then a READ of each of its records |
| 1200 | QUICK: SENSE ID of 64 bytes, which ends at once |
| 1300 | PCI: a NOP with a program-controlled interruption, then DATA |
| 1500 | SUSPENDS: SENSE ID, then a NOP at which the program is suspended |
| 1600 | BAD: a NOP, then a transfer to a chain that is not in storage |
| 1700 | INDIRECT: SENSE ID by a list of IDAWs |
| 1800 | CHAINS: 17 chains of a NOP, and a transfer to the next |
| 2000 | the data of SENSE ID |
| 2800 | the list of IDAWs |
| 3000 | the address that SEEK takes |
| 100000 | the data of the READs, a page each |
"""

from collections.abc import Iterator
from typing import Final

from ccw_actors.channel import Ccw, Command, Fctl, Orb, Scsw
from ccw_actors.kernel.boot import DATA_RECORD, DATA_RECORDS, DATA_TRACK

__all__ = [
    "BAD",
    "CONTENTS",
    "DATA",
    "FEWER_CHAINS",
    "NOTHING",
    "PCI",
    "PROGRAMS",
    "QUICK",
    "RAM",
    "SUSPENDS",
    "in_words",
]

RAM: Final = 4 << 20
"""The size of the client's storage, in bytes."""

_CC, _SLI = Ccw.chain_command.mask, Ccw.suppress_length.mask
_PCI, _S = Ccw.program_controlled.mask, Ccw.suspend.mask
_IDA: Final = Ccw.indirect.mask
_SENSE_AT, _IDAWS_AT, _SEEK_AT, _DATA_AT = 0x2000, 0x2800, 0x3000, 0x100000
_HEADS: Final = 15
_SEEK, _READ_DATA, _TIC = 0x07, 0x06, 0x08
_CHAINS, _CHAIN_STEP = 17, 0x20
_BLOCK: Final = 4096
"""How many bytes an IDAW is for."""


def _ccws(*ccws: Ccw) -> bytes:
    return b"".join(ccw.to_bytes(1) for ccw in ccws)


def _reads() -> bytes:
    """Return CCWs that read the records of the data track."""
    last = DATA_RECORDS - 1
    size = len(DATA_RECORD)
    return _ccws(
        Ccw(_SEEK, _CC, 6, _SEEK_AT),
        *(
            Ccw(
                _READ_DATA,
                _SLI | (0 if number == last else _CC),
                size,
                _DATA_AT + number * size,
            )
            for number in range(DATA_RECORDS)
        ),
    )


def _sense_id(flags: int = 0) -> Ccw:
    return Ccw(Command.SENSE_ID, _SLI | flags, 64, _SENSE_AT)


def _seek_address() -> bytes:
    cylinder, head = divmod(DATA_TRACK, _HEADS)
    return bytes(2) + cylinder.to_bytes(2, "big") + head.to_bytes(2, "big")


def _idaw(address: int) -> bytes:
    """Return a format-2 IDAW."""
    return address.to_bytes(8, "big")


def _chains(at: int) -> Iterator[tuple[int, bytes]]:
    """Yield chains of a NOP and a transfer to the next; the last one ends."""
    for number in range(_CHAINS):
        place = at + number * _CHAIN_STEP
        following = Ccw(_TIC, 0, 0, place + _CHAIN_STEP)
        if number == _CHAINS - 1:
            following = Ccw(Command.NOOP, _SLI, 1)
        yield place, _ccws(Ccw(Command.NOOP, _CC | _SLI, 1), following)


CONTENTS: Final[tuple[tuple[int, bytes], ...]] = (
    (0x1000, _reads()),
    (0x1200, _ccws(_sense_id())),
    (0x1300, _ccws(Ccw(Command.NOOP, _CC | _SLI | _PCI, 1)) + _reads()),
    (0x1500, _ccws(_sense_id(_CC), Ccw(Command.NOOP, _SLI | _S, 1))),
    (0x1600, _ccws(Ccw(Command.NOOP, _CC | _SLI, 1), Ccw(_TIC, 0, 0, 0x7FFF0000))),
    (0x1700, _ccws(Ccw(Command.SENSE_ID, _SLI | _IDA, 64, _IDAWS_AT))),
    *_chains(0x1800),
    (_IDAWS_AT, _idaw(_SENSE_AT) + _idaw(_SENSE_AT + _BLOCK)),
    (_SEEK_AT, _seek_address()),
)
"""Address and content of each part of storage."""

PROGRAMS: Final = {at: content for at, content in CONTENTS if at < _SENSE_AT}
"""Each channel program, by the address of its first CCW."""


def _io(cpa: int, *, fctl: int = Fctl.START, suspend: bool = False) -> str:
    """Return the step that writes a request to the I/O region."""
    orb = Orb.command(cpa, suspend=suspend)
    return f"io {(orb.to_bytes()[:12] + Scsw(fctl=fctl).to_bytes()).hex()}"


DATA: Final = _io(0x1000)
QUICK: Final = _io(0x1200)
PCI: Final = _io(0x1300)
SUSPENDS: Final = _io(0x1500, suspend=True)
BAD: Final = _io(0x1600)
INDIRECT: Final = _io(0x1700)
CHAINS: Final = _io(0x1800)
FEWER_CHAINS: Final = _io(0x1800 + _CHAIN_STEP)
NOTHING: Final = _io(0x1200, fctl=0)
"""Steps that start a program; NOTHING names no function."""

CHANGE_IDAW: Final = f"put {_IDAWS_AT:x} {_idaw(_SENSE_AT + _BLOCK - 32).hex()}"
"""The step that changes the first IDAW, so that the data need one more."""

_STARTS: Final = {
    DATA: "START of DATA",
    QUICK: "START of QUICK",
    PCI: "START of PCI",
    SUSPENDS: "START of SUSPENDS",
    BAD: "START of BAD",
    INDIRECT: "START of INDIRECT",
    CHAINS: "START of 17 chains",
    FEWER_CHAINS: "START of 16 chains",
    NOTHING: "a write without a function",
    "async 1": "HALT",
    "async 2": "CLEAR",
    "reset": "RESET",
    "changed": "counts pages that have changed",
    "pins": "counts pinned pages",
    "slab": "measures the kernel's memory",
    "read": "reads the IRB",
    "crw": "reads a report",
}
_BEGINS: Final = {
    "take": "takes the IRB",
    "unmap": "UNMAP",
    "renew": "UNMAP of all storage, and other memory in its place",
    "put": "changes storage",
    "sleep": "sleeps",
    "post": "signals the other thread",
    "await": "waits for the other thread",
}


def in_words(step: str) -> str:
    """Return what a step of the client does, in words."""
    return _STARTS.get(step) or _BEGINS.get(step.partition(" ")[0], step)
