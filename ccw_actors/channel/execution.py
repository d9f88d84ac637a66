"""The state of a running channel program, as a value; `channel.program` runs it."""

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
    """Rules for a channel program, in addition to its ORB.

    Data addresses have to be at least `low` and less than `high`, as the address limit
    demands. A data chain has at most `chain_max` CCWs. `show_end` is
    `ModelDependent.check_shows_end`.
    """

    low: U64 = 0
    high: U64 = NO_LIMIT
    chain_max: int = 256
    show_end: bool = True


def address_limits(orb: Orb, pmcw: Pmcw, limit: int) -> tuple[int, int]:
    """Return the lowest valid data address, and the first invalid one above it.

    Args:
        orb: its A bit asks for address-limit checking.
        pmcw: its LM field selects the side of the limit on which data may be.
        limit: the address that SET ADDRESS LIMIT has set.

    Source: PoP, "Address-Limit Checking".
    """
    if orb.address_limit and pmcw.limit_mode == _ABOVE:
        return limit, NO_LIMIT
    if orb.address_limit and pmcw.limit_mode == _BELOW:
        return 0, limit
    return 0, NO_LIMIT


class Execution(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The state of a running channel program, and the next `action` that it asks for.

    `address` is that of the CCW to fetch or of the one just fetched, `cpa` the address
    in the SCSW, `count` the residual count of the last command. `tic` is true if the
    previous CCW was a transfer in channel, `selected` if the device has received a
    command. `ccw` is the current CCW. `areas` are those of the current command `code`,
    more than one with data chaining. `end` is the device's end of the command, kept
    while its input is stored, or while the data area that it wants is fetched. It has
    data while CCWs are still to be fetched for them.
    `last_cpa` is the SCSW's address for the last command that has ended: the address of
    the next CCW to fetch, unless status modifier has skipped one. `holding` is whether
    the device holds data until the end of the chain. `resumed` is true from RSCH until
    the next command has ended: to the device that one begins a chain. `late` is whether
    the CCWs of the command's data chain are fetched only as the data reach them.
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
    holding: bool = False
    resumed: bool = False
    late: bool = False
