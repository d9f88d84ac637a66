"""How a channel program ends, and what a command's end means for it.

Source: PoP, "Conclusion of I/O Operations" and "Incorrect Length".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.channel._area import Area
from ccw_actors.channel._orb import Orb
from ccw_actors.channel._scsw import Cstat, Dstat
from ccw_actors.channel.actions import End, StorageCheck, WriteHeld
from ccw_actors.channel.ccw import Ccw, is_input
from ccw_actors.channel.command import CommandEnd
from ccw_actors.channel.execution import Execution

__all__ = ["CHECKS", "checked", "ended", "has_wrong_length", "over"]

_CD: Final = Ccw.chain_data.mask
_SLI: Final = Ccw.suppress_length.mask

CHECKS: Final = {
    StorageCheck.ADDRESSING: Cstat.PROGRAM_CHECK,
    StorageCheck.PROTECTION: Cstat.PROTECTION_CHECK,
    StorageCheck.DATA: Cstat.CHANNEL_DATA_CHECK,
}
"""The subchannel-status bit that shows a storage check."""


def ended(execution: Execution, end: End) -> Execution:
    """End the program like this, once the device holds no data of it."""
    action = WriteHeld(end) if execution.holding else end
    return replace(execution, action=action, areas=(), end=None)


def over(
    execution: Execution, dstat: int, cstat: int, *, deferred_cc: int = 0
) -> Execution:
    """End with this status, and with the address and the count reached so far."""
    end = End(
        dstat=dstat,
        cstat=cstat,
        count=execution.count,
        cpa=execution.cpa,
        selected=execution.selected,
        deferred_cc=deferred_cc,
    )
    return ended(execution, end)


def checked(
    execution: Execution, end: CommandEnd, area: Area, residual: int
) -> Execution:
    """End with the check of a data area.

    Output is fetched before the device gets it: its check shows neither device status
    nor a count of this command, and nor does one of input with `show_end` off.
    """
    execution = replace(execution, cpa=area.cpa, selected=True)
    if is_input(execution.code) and execution.rules.show_end:
        return over(replace(execution, count=residual), end.status, area.check)
    return over(execution, 0, area.check)


def has_wrong_length(
    orb: Orb, control: Area, residual: int, end: CommandEnd, total: int
) -> bool:
    """Return whether incorrect length is shown (PoP, "Incorrect Length").

    It needs channel end. SLI suppresses it except during data chaining. Immediate
    operations never show it in a format-0 program, nor in a format-1 program whose ORB
    has L on.
    """
    if not end.status & Dstat.CHANNEL_END:
        return False
    if end.immediate and (not orb.format_1 or orb.suppress_length):
        return False
    wrong = residual > 0 or end.length > total
    return wrong and control.flags & (_SLI | _CD) != _SLI
