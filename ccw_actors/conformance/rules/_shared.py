"""Where Hercules and QEMU depart from the architecture in the same way."""

from msgspec.structs import replace

from ccw_actors.channel import Orb
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import Rule, chain

__all__ = ["LeadingTransfer", "NoMeasurement"]


class LeadingTransfer(Rule):
    """TRANSFER IN CHANNEL as the first CCW."""

    demands = "the first CCW may not be a transfer in channel: program check"
    does = "the real system follows it"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Begin at its target."""
        first = next(chain(player, orb), None)
        if first is None or not first.is_tic:
            return orb
        return replace(orb, cpa=first.ccw.address)


class NoMeasurement(Rule):
    """SET CHANNEL MONITOR and STORE CHANNEL PATH STATUS."""

    demands = (
        "SET CHANNEL MONITOR and STORE CHANNEL PATH STATUS leave the condition code as"
        " it was, or end with an operation exception"
    )
    does = "the real system sets condition code 3"

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show condition code 3."""
        if one.op not in ("SCHM", "STCPS") or entry.cc is None:
            return entry
        self.applied |= entry.cc != 3
        return replace(entry, cc=3)
