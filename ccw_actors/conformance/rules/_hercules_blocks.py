"""How the fixed-block disks of Hercules 3.13 depart from those of the manuals.

Source: generated chains put to a Hercules 3.13 (tests/oracle/live); for the arguments,
Linux drivers/s390/block/dasd_fba.h.
"""

from itertools import takewhile
from typing import Final

from ccw_actors.channel import Orb
from ccw_actors.channel.ccw import Ccw, Command
from ccw_actors.conformance._player import Player
from ccw_actors.conformance.rules._base import (
    INDIRECT,
    Placed,
    Rule,
    chain,
    device_type,
)
from ccw_actors.machine import DEFINE_EXTENT

__all__ = ["FormatInSpiteOfMask", "ModelOf3370", "UncheckedBlockSize"]

_BLOCK_DISKS: Final = ("0671", "3370")
_LOCATE: Final = 0x43
_WRITE_BLOCKS: Final = 0x41
_FORMAT: Final = 0x04
_OPERATION: Final = 0x0F
_INHIBITED: Final = 0x40
_PERMITTED: Final = 0xC0
_MODEL_AT: Final = 6


def _arguments(player: Player, schid: int, orb: Orb, code: int) -> list[Placed]:
    """Return the CCWs with a command whose argument is at their address."""
    if device_type(player, schid) not in _BLOCK_DISKS:
        return []
    return [
        placed
        for placed in chain(player, orb)
        if placed.ccw.code == code and not placed.ccw.flags & INDIRECT
    ]


class UncheckedBlockSize(Rule):
    """The block size in the argument of DEFINE EXTENT."""

    demands = "DEFINE EXTENT rejects a block size that the disk does not have"
    does = "Hercules ignores the block size"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Put in no block size."""
        for placed in _arguments(player, schid, orb, DEFINE_EXTENT):
            address = placed.ccw.address + 2
            if placed.ccw.count >= 4 and any(player.fetch(address, 2)):
                self.applied = True
                player.patch(address, bytes(2), lasting=True)
        return orb


class FormatInSpiteOfMask(Rule):
    """LOCATE to format blocks where the file mask inhibits all writes."""

    demands = "a file mask that inhibits all writes inhibits formatting"
    does = "Hercules lets it be announced, and rejects the write that follows"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Permit all writes; the first one behind the LOCATE is rejected anyway."""
        reached = [
            placed.address
            for placed in takewhile(
                lambda one: one.ccw.code != _WRITE_BLOCKS, chain(player, orb)
            )
        ]
        formats = [
            player.fetch(placed.ccw.address, 1)[0] & _OPERATION == _FORMAT
            for placed in _arguments(player, schid, orb, _LOCATE)
            if placed.address in reached
        ]
        for placed in _arguments(player, schid, orb, DEFINE_EXTENT):
            address = placed.ccw.address
            mask = player.fetch(address, 1)[0]
            if formats and all(formats) and mask & _PERMITTED == _INHIBITED:
                self.applied = True
                player.patch(address, bytes((mask | _PERMITTED,)), lasting=True)
        return orb


class ModelOf3370(Rule):
    """SENSE ID of a 3370."""

    demands = "SENSE ID of a 3370 has the model 02"
    does = "Hercules has the model 00"

    def __init__(self) -> None:
        super().__init__()
        self._places: list[int] = []

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note where the model is stored."""
        if device_type(player, schid) == "3370":
            for placed in chain(player, orb):
                ccw = placed.ccw
                stored = not ccw.flags & (INDIRECT | Ccw.skip.mask)
                if ccw.code == Command.SENSE_ID and stored and ccw.count > _MODEL_AT:
                    self._places.append(ccw.address)
        return orb

    def finish(self, player: Player) -> None:
        """Store the other model."""
        for address in self._places:
            if player.fetch(address, _MODEL_AT + 1)[::6] == b"\xff\x02":
                self.applied = True
                player.store(address + _MODEL_AT, b"\0")
