"""How single disk commands of Hercules 3.13 depart from those of the manuals.

Source: generated chains put to a Hercules 3.13 (tests/oracle/live); for the disks,
SA22-1025; for the channel, the PoP, chapter "I/O Interruptions".
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import Dstat, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import CCW_LENGTH
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import (
    INDIRECT,
    Placed,
    Rule,
    chain,
    device_type,
)
from ccw_actors.machine import SEEK

__all__ = [
    "AnyPathFunction",
    "ModifierAtTheEnd",
    "SeekInstead",
    "UndocumentedUpdate",
]

_DISKS: Final = ("3380", "3390")
_UPDATE: Final = 0x85
_UNDOCUMENTED_UPDATE: Final = 0xA5
_PERFORM_FUNCTION: Final = 0x27
_SET_PATH_GROUP: Final = 0xAF
_INVALID: Final = 0x60
_RESIGN: Final = 0x40


def _commands(player: Player, schid: int, orb: Orb) -> Iterator[Placed]:
    """Return the CCWs of a program for a disk of tracks."""
    is_disk = device_type(player, schid) in _DISKS
    return chain(player, orb) if is_disk else iter(())


class ModifierAtTheEnd(Rule):
    """A search that succeeds, and is the last command of its program."""

    demands = "the SCSW has the address of the last CCW used plus 8"
    does = "Hercules skips the next CCW in the SCSW, though it does not chain"

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Show the address of the CCW after the next."""

        def change(scsw: Scsw) -> Scsw:
            ended = scsw.stctl & Stctl.PRIMARY and scsw.dstat & Dstat.STATUS_MODIFIER
            return replace(scsw, cpa=scsw.cpa + CCW_LENGTH) if ended else scsw

        return self.edit(entry, change)


class SeekInstead(Rule):
    """Command 27 of a 3380."""

    demands = "PERFORM SUBSYSTEM FUNCTION is command 27, also behind a 3880"
    does = "Hercules takes it for a seek if the control unit is no 3990"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Give the device a seek."""
        if device_type(player, schid) == "3380":
            for placed in chain(player, orb):
                if placed.ccw.code == _PERFORM_FUNCTION:
                    self.patch_ccw(player, placed, replace(placed.ccw, code=SEEK))
        return orb


class AnyPathFunction(Rule):
    """The function of SET PATH GROUP ID."""

    demands = "SET PATH GROUP ID rejects a function that it does not have"
    does = "Hercules does as for a path that resigns"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Put in the function that resigns."""
        for placed in _commands(player, schid, orb):
            address, flags = placed.ccw.address, placed.ccw.flags
            if placed.ccw.code != _SET_PATH_GROUP or flags & INDIRECT:
                continue
            function = player.fetch(address, 1)[0]
            if function & _INVALID == _INVALID:
                self.applied = True
                other = function & ~_INVALID | _RESIGN
                player.patch(address, bytes((other,)), lasting=True)
        return orb


class UndocumentedUpdate(Rule):
    """Command A5."""

    demands = "a 3380, and a 3390 behind a 3990 model 2, have no command A5"
    does = "Hercules updates data, as for command 85"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Give the device command 85."""
        for placed in _commands(player, schid, orb):
            if placed.ccw.code == _UNDOCUMENTED_UPDATE:
                self.patch_ccw(player, placed, replace(placed.ccw, code=_UPDATE))
        return orb
