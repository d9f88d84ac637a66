"""How Hercules 3.13 departs from the architecture in I/O instructions and status.

Source: the golden vectors of Hercules 3.13; for the architecture, the PoP,
chapters "I/O Instructions" and "I/O Interruptions".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.guest import instructions as execute
from ccw_actors.channel import Actl, Dstat, Fctl, Orb, Scsw, Stctl
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import Rule, schid_of

__all__ = [
    "HiddenAttention",
    "NoCancelOfSuspended",
    "ReportsAtFirst",
    "ReservedPmcwBits",
    "StartWhileSuspended",
    "SuspendedInSpiteOfU",
    "UnfinishedHalt",
]

_WORD_6: Final = 24
_RESERVED: Final = 0xFF1F_FFF8


class ReservedPmcwBits(Rule):
    """Reserved bits of the PMCW's word 6."""

    demands = "MODIFY SUBCHANNEL ends with an operand exception if reserved bits are on"
    does = "Hercules accepts those of word 6, and shows them again"

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[int, int] = {}
        self._kept: dict[int, int] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Turn the bits off."""
        if one.op == "MSCH":
            word = int.from_bytes(player.fetch(address + _WORD_6, 4))
            self._given[schid_of(one)] = word & _RESERVED
            if word & _RESERVED:
                self.applied = True
                player.patch(address + _WORD_6, (word & ~_RESERVED).to_bytes(4))

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the bits again."""
        schid = schid_of(one)
        if one.op == "MSCH" and entry.cc == 0:
            self._kept[schid] = self._given[schid]
        if entry.schib is None or entry.cc or schid not in self._kept:
            return entry
        raw = bytearray.fromhex(entry.schib)
        word = int.from_bytes(raw[_WORD_6 : _WORD_6 + 4]) | self._kept[schid]
        raw[_WORD_6 : _WORD_6 + 4] = word.to_bytes(4)
        return replace(entry, schib=raw.hex())


class StartWhileSuspended(Rule):
    """START SUBCHANNEL for a suspended program whose status has been taken."""

    demands = "a suspended start function is in progress: condition code 2"
    does = "Hercules drops the suspended program and starts the new one"

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Drop the suspended program."""
        if one.op == "SSCH" and _is_suspended(player, one):
            self.applied = True
            player.run(execute.cancel_subchannel, schid_of(one))
        super().before(player, one, address)


class NoCancelOfSuspended(Rule):
    """CANCEL SUBCHANNEL for a suspended program."""

    demands = "a suspended program can be cancelled: condition code 0"
    does = "Hercules answers with condition code 2"

    def instead(self, player: Player, one: Instruction, _address: int) -> Entry | None:
        """Answer with condition code 2."""
        if one.op == "XSCH" and _is_suspended(player, one):
            self.applied = True
            return Entry(one.op, 2)
        return None


class UnfinishedHalt(Rule):
    """HALT SUBCHANNEL while a program runs or is suspended."""

    demands = (
        "after the halt function has ended, the subchannel is not active; channel end"
        " and device end come with primary and secondary status"
    )
    does = (
        "Hercules leaves the activity bits on, and shows channel end and device end"
        " with status pending alone and an old extended status"
    )

    def __init__(self) -> None:
        super().__init__()
        self._halted: dict[int, bool] = {}
        self._esw: dict[int, str] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note whether the program that is halted is suspended."""
        schid = schid_of(one)
        if one.op == "HSCH":
            scsw = player.schib(schid).scsw
            if scsw.fctl == Fctl.START and not scsw.stctl & Stctl.PRIMARY:
                self._halted[schid] = bool(scsw.actl & Actl.SUSPENDED)
        elif one.op == "CSCH" and schid in self._halted:
            self._halted[schid] = False
        elif one.op == "SSCH":
            self._halted.pop(schid, None)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show activity, and an old extended status."""
        schid = schid_of(one)
        if self._halted.get(schid):

            def change(scsw: Scsw) -> Scsw:
                actl = scsw.actl & ~Actl.SUSPENDED | Actl.ACTIVE
                return replace(scsw, actl=actl, dstat=Dstat.CHANNEL_AND_DEVICE_END)

            entry = self.edit(entry, change)
        if entry.irb is not None and schid in self._halted:
            esw = self._esw.get(schid, "0" * 40)
            irb = entry.irb[:24] + esw + entry.irb[64:]
            self.applied |= irb != entry.irb
            entry = replace(entry, irb=irb)
        elif entry.irb is not None:
            self._esw[schid] = entry.irb[24:64]
        return entry


class SuspendedInSpiteOfU(Rule):
    """The ORB's U bit."""

    demands = "with U on, a program that suspends makes no status pending"
    does = "Hercules makes intermediate status pending, but no interruption"

    def __init__(self) -> None:
        super().__init__()
        self._subchannels: set[int] = set()

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Run the program without U."""
        self._subchannels.discard(schid)
        if not (orb.suppress_suspended and orb.suspend):
            return orb
        self._subchannels.add(schid)
        return replace(orb, flags=orb.flags & ~Orb.suppress_suspended.mask)

    def instead(self, player: Player, one: Instruction, _address: int) -> Entry | None:
        """Show no interruption."""
        if one.op not in ("TPI", "WAITIO") or not self._subchannels:
            return None
        for schid in self._subchannels:
            if not player.schib(schid).scsw.is_intermediate:
                return None
        if one.op == "WAITIO":
            return Entry(one.op, interrupted=False)
        return Entry(one.op, 0, lowcore_184_195=player.fetch(184, 12).hex())

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show U."""
        if one.op == "CSCH" and entry.cc == 0:
            self._subchannels.discard(schid_of(one))
        if schid_of(one) not in self._subchannels:
            return entry
        mask = Scsw.suppress_suspended.mask
        return self.edit(entry, lambda scsw: replace(scsw, flags=scsw.flags | mask))


class ReportsAtFirst(Rule):
    """Channel reports before any event."""

    demands = "nothing is reported before an event"
    does = "Hercules reports each subchannel that it was configured with"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._is_reset = False

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Report the next subchannel."""
        if one.op == "RCHP" and schid_of(one) in player.machine.paths:
            self._is_reset = True
        if (
            one.op != "STCRW"
            or self._is_reset
            or self._count == len(player.machine.devices)
        ):
            return None
        self.applied = True
        player.store(address, (0x0384_0000 | self._count).to_bytes(4))
        self._count += 1
        return Entry(one.op, 0, data=player.fetch(address, 16).hex())


class HiddenAttention(Rule):
    """Attention, as STORE SUBCHANNEL shows it."""

    demands = "STORE SUBCHANNEL shows the status that TEST SUBCHANNEL shows next"
    does = "Hercules does not show attention in the SCHIB"

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Hide attention."""
        if one.op != "STSCH":
            return entry

        def change(scsw: Scsw) -> Scsw:
            alone = scsw.stctl == Stctl.UNSOLICITED_STATUS and not scsw.fctl
            if alone and scsw.dstat == Dstat.ATTENTION:
                return replace(scsw, stctl=0, dstat=0)
            return scsw

        return self.edit(entry, change)


def _is_suspended(player: Player, one: Instruction) -> bool:
    scsw = player.schib(schid_of(one)).scsw
    return bool(scsw.actl & Actl.SUSPENDED) and not scsw.pending
