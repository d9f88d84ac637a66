"""Instructions of the guests in the scenarios, and programs in their storage."""

from typing import Final

from ccw_actors.actors.protocol import (
    AwaitStatus,
    CancelSubchannel,
    ClearSubchannel,
    HaltSubchannel,
    Instruct,
    ModifySubchannel,
    ResumeSubchannel,
    StartSubchannel,
    Store,
    StoreSubchannel,
    TestSubchannel,
)
from ccw_actors.channel import Ccw, Command, Orb, Pmcw
from ccw_actors.scenarios._machine import (
    BUFFER,
    ENABLED,
    PROGRAM,
    RECORD,
    one_read,
    read_orb,
)

__all__ = [
    "CANCEL",
    "CLEAR",
    "DISABLE",
    "FETCHES",
    "GO_ON",
    "HALT",
    "PCI",
    "READS",
    "RESUME",
    "START",
    "START_AGAIN",
    "START_SUSPENDABLE",
    "STORE",
    "SUSPENDS",
    "TEST",
    "THEN_SUSPENDS",
    "TWO",
    "WAIT",
]

_SEEK: Final = 0x07
_SLI, _CC = Ccw.suppress_length.mask, Ccw.chain_command.mask

START: Final = Instruct(0, StartSubchannel(read_orb(1)))
START_AGAIN: Final = Instruct(0, StartSubchannel(read_orb(2)))
START_SUSPENDABLE: Final = Instruct(
    0, StartSubchannel(Orb.command(PROGRAM, intparm=1, suspend=True))
)
HALT: Final = Instruct(0, HaltSubchannel())
CLEAR: Final = Instruct(0, ClearSubchannel())
CANCEL: Final = Instruct(0, CancelSubchannel())
RESUME: Final = Instruct(0, ResumeSubchannel())
STORE: Final = Instruct(0, StoreSubchannel())
TEST: Final = Instruct(0, TestSubchannel())
DISABLE: Final = Instruct(
    0, ModifySubchannel(ENABLED.with_flag(Pmcw.enabled, on=False))
)
WAIT: Final = AwaitStatus()

PCI: Final = Ccw(
    Command.READ_IPL, _SLI | Ccw.program_controlled.mask, 24, BUFFER
).to_bytes(1)
TWO: Final = Ccw(Command.NOOP, _CC | _SLI, 1).to_bytes(1) + one_read()
FETCHES: Final = (
    Ccw(_SEEK, _CC | _SLI, 6, BUFFER + len(RECORD)).to_bytes(1) + one_read()
)
"""The first command moves six zeros to the device, the second reads."""
READS: Final = Ccw(Command.READ_IPL, _SLI, 24, BUFFER).to_bytes(1)
SUSPENDS: Final = Ccw(Command.READ_IPL, _SLI | Ccw.suspend.mask, 24, BUFFER).to_bytes(1)
THEN_SUSPENDS: Final = Ccw(Command.NOOP, _CC | _SLI, 1).to_bytes(1) + SUSPENDS
GO_ON: Final = Store(PROGRAM + 8, READS)
"""Turn off the suspend flag in the second CCW of `THEN_SUSPENDS`."""
