"""A channel program somewhere in its run, as a value; `channel.program` runs it."""

from typing import Final

from msgspec import Struct

from ccw_actors.channel._area import Area
from ccw_actors.channel._orb import Orb
from ccw_actors.channel._schib import Pmcw
from ccw_actors.channel.actions import Action
from ccw_actors.channel.ccw import Ccw
from ccw_actors.channel.command import CommandEnd
from ccw_actors.channel.fields import U8, U16, U32, U64

__all__ = ["NO_LIMIT", "Execution", "Rules", "address_limits"]

NO_LIMIT: Final = (1 << 63) - 1
_BELOW, _ABOVE = 2, 1


class Rules(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a channel program is held to besides its ORB.

    Data addresses have to be at least `low` and less than `high`: that is what an
    address limit leaves. At most `chain_max` CCWs make one data area. `show_end` is
    `ModelDependent.check_shows_end`.
    """

    low: U64 = 0
    high: U64 = NO_LIMIT
    chain_max: int = 256
    show_end: bool = True


def address_limits(orb: Orb, pmcw: Pmcw, limit: int) -> tuple[int, int]:
    """Return the lowest data address, and the first one beyond, of a program.

    Args:
        orb: its A bit asks for address-limit checking.
        pmcw: its LM field says on which side of the limit data may be.
        limit: what SET ADDRESS LIMIT has set.

    Source: PoP, "Address-Limit Checking".
    """
    if orb.address_limit and pmcw.limit_mode == _ABOVE:
        return limit, NO_LIMIT
    if orb.address_limit and pmcw.limit_mode == _BELOW:
        return 0, limit
    return 0, NO_LIMIT


class Execution(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A channel program somewhere in its run, and the one action it wants next.

    `address` is that of the CCW to fetch or of the one just fetched, `cpa` what the
    SCSW shows, `count` the residual count of the last command. `tic` says that the CCW
    before was a transfer in channel, `selected` that the device has had a command.
    `ccw` is the current CCW, `areas` are those of the current command `code`, more
    than one with data chaining. `end` is the device's, while its input is stored, or
    while the data area is fetched that it wants to see. `last_cpa` is what the SCSW
    shows of the last command that has ended: the address of the next CCW to fetch, but
    where status modifier has skipped one.
    """

    orb: Orb
    action: Action
    address: U32
    cpa: U32
    count: U16 = 0
    tic: bool = False
    selected: bool = False
    code: U8 = 0
    ccw: Ccw = Ccw(0)
    areas: tuple[Area, ...] = ()
    end: CommandEnd | None = None
    rules: Rules = Rules()
    last_cpa: U32 = 0
