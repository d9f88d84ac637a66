"""Messages to and from a subchannel: whatever answers I/O instructions."""

from ccw_actors.actors.protocol.storage import Piece
from ccw_actors.channel import InterruptionCode, Irb, Orb, Pmcw, Schib
from ccw_actors.runtime import Message, Request

__all__ = [
    "ClearSubchannel",
    "ConditionCode",
    "HaltSubchannel",
    "InterruptionGone",
    "InterruptionTaken",
    "ModifySubchannel",
    "Pending",
    "Proceed",
    "StartSubchannel",
    "StoreSubchannel",
    "Stored",
    "TakeInterruption",
    "TestSubchannel",
    "Tested",
]


class ConditionCode(Message, frozen=True):
    """The condition code of an instruction, 0 to 3."""

    cc: int


class Tested(Message, frozen=True):
    """Condition code of TEST SUBCHANNEL, and the IRB (meaningless for 3)."""

    __test__ = False  # pytest would take the name for that of a test

    cc: int
    irb: Irb


class Stored(Message, frozen=True):
    """Condition code of STORE SUBCHANNEL, and the SCHIB (meaningless for 3)."""

    cc: int
    schib: Schib


class StartSubchannel(Request[ConditionCode], frozen=True):
    """SSCH. `program` has storage contents that the channel need not fetch itself.

    It holds the channel program where the issuer has copied it: CCWs and IDAW lists
    as they would be at those addresses.
    """

    orb: Orb
    program: tuple[Piece, ...] = ()


class HaltSubchannel(Request[ConditionCode], frozen=True):
    """HSCH."""


class ClearSubchannel(Request[ConditionCode], frozen=True):
    """CSCH."""


class TestSubchannel(Request[Tested], frozen=True):
    """TSCH."""

    __test__ = False  # pytest would take the name for that of a test


class StoreSubchannel(Request[Stored], frozen=True):
    """STSCH."""


class ModifySubchannel(Request[ConditionCode], frozen=True):
    """MSCH; what it may change is in `ccw_actors.channel.schib.modified`."""

    pmcw: Pmcw


class Pending(Message, frozen=True):
    """A hint: the subchannel has an I/O interruption pending, or had."""

    subchannel: int
    isc: int


class InterruptionTaken(Message, frozen=True):
    """The interruption code; the interruption is not pending any more."""

    subchannel: int
    code: InterruptionCode


class InterruptionGone(Message, frozen=True):
    """Nothing was pending at the subchannel: TSCH or CSCH came first."""

    subchannel: int


class TakeInterruption(Request[InterruptionTaken | InterruptionGone], frozen=True):
    """Take the pending interruption of this subchannel, if there is one."""


class Proceed(Message, frozen=True):
    """A subchannel's or device's message to itself: go on, unless `step` is stale."""

    step: int
