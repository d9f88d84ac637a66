"""How QEMU 7.2 departs from the architecture in indirect data addressing.

Source: the golden vectors of QEMU 7.2 (TCG) and QEMU hw/s390x/css.c; for the
architecture, the PoP, chapter "Basic I/O Functions".
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Dstat, Orb
from ccw_actors.channel.ccw import Ccw, is_input
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Instruction
from ccw_actors.conformance.rules._base import Rule, chain
from ccw_actors.conformance.rules._qemu_programs import ELSEWHERE, failing

__all__ = ["NoShortIdaws", "RepeatedIdaws"]

_ROOM: Final = 0x1_0000
_CD: Final = Ccw.chain_data.mask
_IDA: Final = Ccw.indirect.mask


class NoShortIdaws(Rule):
    """Format-1 IDAWs."""

    demands = "format-1 IDAWs name the data of a CCW"
    does = "QEMU ends in program check at a CCW with format-1 IDAWs"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Cause a program check at the CCW."""
        for placed in chain(player, orb) if not orb.idaw_64 else ():
            if placed.ccw.flags & _IDA:
                self.patch_ccw(player, placed, failing(placed.ccw))
        return orb


class _Copy(Struct, frozen=True):
    """Input of up to `count` bytes at another address, copied to `pieces` later."""

    at: int
    count: int
    last: bool
    pieces: tuple[tuple[int, int], ...]


class RepeatedIdaws(Rule):
    """Input through format-2 IDAWs."""

    demands = (
        "each IDAW but the first is at the beginning of its block; the data continue"
        " from one to the next"
    )
    does = "QEMU accepts any address, and gives each IDAW the data from the beginning"

    def __init__(self) -> None:
        super().__init__()
        self._copies: dict[int, tuple[int, list[_Copy]]] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Copy the input to the places that the IDAWs name."""
        self.finish(player)
        super().before(player, one, address)

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Direct the input to another address."""
        if not orb.idaw_64:
            return orb
        copies: list[_Copy] = []
        for placed in chain(player, orb, most=64):
            ccw = placed.ccw
            pieces = self._pieces(player, orb, ccw) if _is_indirect_input(ccw) else None
            if pieces is not None:
                at = ELSEWHERE + _ROOM * len(copies)
                last = not ccw.flags & Ccw.chain_command.mask
                copies.append(_Copy(at, ccw.count, last, tuple(pieces)))
                player.store(at, bytes(ccw.count))
                direct = replace(ccw, address=at, flags=ccw.flags & ~_IDA)
                self.patch_ccw(player, placed, direct)
        if copies:
            self._copies[schid] = (orb.cpa, copies)
        return orb

    def finish(self, player: Player) -> None:
        """Copy the input of all programs to its places."""
        for schid in list(self._copies):
            _, copies = self._copies.pop(schid)
            scsw = player.schib(schid).scsw
            ends = scsw.dstat & Dstat.CHANNEL_AND_DEVICE_END
            if ends == Dstat.CHANNEL_AND_DEVICE_END:
                for copy in copies:
                    _bring(player, copy, scsw.count if copy.last else 0)

    @staticmethod
    def _pieces(player: Player, orb: Orb, ccw: Ccw) -> list[tuple[int, int]] | None:
        """Return the places as pairs (address, length), None if one is invalid."""
        block = 2048 if orb.idaw_2k else 4096
        pieces: list[tuple[int, int]] = []
        left, at = ccw.count, ccw.address
        while left > 0:
            if at % 8 or at + 8 > player.machine.personality.storage:
                return None
            address = int.from_bytes(player.fetch(at, 8))
            length = min(left, block - address % block)
            if address + length > player.machine.personality.storage:
                return None
            pieces.append((address, length))
            left -= length
            at += 8
        return pieces


def _is_indirect_input(ccw: Ccw) -> bool:
    """Whether a CCW without data chaining reads input through IDAWs."""
    return bool(ccw.flags & _IDA) and is_input(ccw.code) and not ccw.flags & _CD


def _bring(player: Player, copy: _Copy, residual: int) -> None:
    """Copy the input, without the residual count, to its places."""
    data = player.fetch(copy.at, copy.count - residual)
    for address, length in copy.pieces:
        part = data[:length]
        data = data if len(part) == length else b""
        player.store(address, part)
