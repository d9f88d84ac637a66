"""How Hercules 3.13 departs from the architecture in I/O instructions and status.

Source: the golden vectors of Hercules 3.13; for the architecture, the PoP,
chapters "I/O Instructions" and "I/O Interruptions".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors.guest import instructions as execute
from ccw_actors.channel import Actl, Cstat, Dstat, Fctl, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import CCW_LENGTH, Ccw
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import ProgramRule, Rule, chain, schid_of

__all__ = [
    "HiddenAttention",
    "NoCancelOfSuspended",
    "ReportsAtFirst",
    "ReservedPmcwBits",
    "SeparatePci",
    "StartWhileSuspended",
    "SuspendedInSpiteOfU",
    "UnfinishedHalt",
    "UnknownCalls",
]

_SUSPENDED: Final = Actl.SUSPENDED
_WORD_6: Final = 24
_TAKEN: Final = 0xFF1F_0080
_KEPT: Final = 0xFF07_0080
"""Bits of word 6 that are accepted, and those of them that are shown again."""
_WORD_1, _FIRST, _ALTERNATE = 4, 0x8000, 0x0100
_MUST_BE_ZERO: Final = 0x4600
"""Bits of word 1: accepted, accepted and kept, and operand exception."""
_OPERAND_EXCEPTION: Final = "0015"
_BLOCK, _DESCRIBE_SUBCHANNELS = 4096, 0x0004


class ReservedPmcwBits(Rule):
    """Reserved bits of the PMCW's words 1 and 6."""

    demands = (
        "MODIFY SUBCHANNEL ends with an operand exception if bits 0, 1, 6 or 7 of word"
        " 1 or reserved bits of word 6 are on, and ignores bit 5 of word 1"
    )
    does = (
        "Hercules rejects bits 1, 5 and 6 of word 1, and accepts bits 0 and 7, and in"
        " word 6 bits 0-7, 11-15 and 24; it shows most of these again"
    )

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[int, tuple[int, int]] = {}
        self._kept: dict[int, tuple[int, int]] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Turn the bits off that are accepted."""
        if one.op != "MSCH":
            return
        flags = int.from_bytes(player.fetch(address + _WORD_1, 2))
        chars = int.from_bytes(player.fetch(address + _WORD_6, 4))
        self._given[schid_of(one)] = flags & _ALTERNATE, chars & _KEPT
        taken = _FIRST | _ALTERNATE
        if flags & taken or chars & _TAKEN:
            self.applied = True
            player.patch(address + _WORD_1, (flags & ~taken).to_bytes(2))
            player.patch(address + _WORD_6, (chars & ~_TAKEN).to_bytes(4))

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Reject bits 1, 5 and 6 of word 1."""
        if one.op == "MSCH" and not address % 4:
            flags = int.from_bytes(player.fetch(address + _WORD_1, 2))
            if flags & _MUST_BE_ZERO:
                self.applied = True
                return Entry(one.op, program_interruption=_OPERAND_EXCEPTION)
        return None

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the bits again."""
        schid = schid_of(one)
        if one.op == "MSCH" and entry.cc == 0:
            self._kept[schid] = self._given[schid]
        if entry.schib is None or entry.cc or schid not in self._kept:
            return entry
        raw = bytearray.fromhex(entry.schib)
        for at, size, kept in zip(
            (_WORD_1, _WORD_6), (2, 4), self._kept[schid], strict=True
        ):
            word = int.from_bytes(raw[at : at + size]) | kept
            raw[at : at + size] = word.to_bytes(size)
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
        self._functions: dict[int, int] = {}
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
            self._functions.pop(schid, None)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show activity, and an old extended status."""
        schid = schid_of(one)
        if self._halted.get(schid):
            kept = self._functions.get(schid, 0)

            def change(scsw: Scsw) -> Scsw:
                if one.op != "STSCH" and entry.cc == 0 and scsw.is_intermediate:
                    # The status of the suspension is taken, and both functions stay.
                    self._functions[schid] = scsw.fctl
                return replace(
                    scsw,
                    fctl=scsw.fctl | kept,
                    actl=scsw.actl & ~Actl.SUSPENDED | Actl.ACTIVE,
                    dstat=Dstat.CHANNEL_AND_DEVICE_END,
                )

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


class UnknownCalls(Rule):
    """CHANNEL SUBSYSTEM CALL with a command other than 0004."""

    demands = (
        "CHANNEL SUBSYSTEM CALL answers the commands that its characteristics name, and"
        " others with response code 0004"
    )
    does = (
        "Hercules knows command 0004 alone, and answers others with response code 0002"
    )

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Answer that the request is invalid."""
        if one.op != "CHSC" or address % _BLOCK:
            return None
        length, command = (
            int.from_bytes(player.fetch(address + at, 2)) for at in (0, 2)
        )
        if command == _DESCRIBE_SUBCHANNELS or not 16 <= length <= _BLOCK - 8:
            return None
        self.applied = True
        player.store(address + length, bytes.fromhex("0008000200000000"))
        return Entry(one.op, 0)


class SeparatePci(ProgramRule):
    """A program-controlled interruption before a suspension."""

    demands = "a subchannel has one status, in which a PCI joins what comes after it"
    does = "Hercules keeps the status of a PCI, and shows what comes after it next"

    def __init__(self) -> None:
        super().__init__()
        self._next: dict[int, Scsw] = {}
        self._shown: set[int] = set()

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note the program, which forgets the status of the one before."""
        self._next.pop(schid, None)
        self._shown.discard(schid)
        return super().start(player, schid, orb)

    def shown(self, player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the PCI alone first, then the suspension without it."""
        schid = schid_of(one)
        if one.op in ("TSCH", "TSCHPOLL") and entry.irb is not None:
            return self._tested(player, schid, entry)
        if schid in self._shown:
            return self.edit(entry, _without_pci)
        return entry

    def _tested(self, player: Player, schid: int, entry: Entry) -> Entry:
        irb = bytes.fromhex(entry.irb or "")
        later = self._next.pop(schid, None)
        if later is not None and entry.cc == 1:
            self.applied = True
            self._shown.add(schid)
            other = _without_pci(later).to_bytes() + bytes(20) + irb[32:]
            return replace(entry, cc=0, irb=other.hex())
        scsw = Scsw.from_bytes(irb[:12])
        cpa = self._last_pci(player, schid)
        if entry.cc or not (cpa and scsw.is_intermediate and scsw.actl & _SUSPENDED):
            return entry
        self._next[schid] = scsw

        def change(scsw: Scsw) -> Scsw:
            flags = scsw.flags & ~Scsw.suspend_control.mask
            return replace(scsw, flags=flags, actl=Actl.ACTIVE, cpa=cpa, count=0)

        return self.edit(entry, change)

    def _last_pci(self, player: Player, schid: int) -> int:
        """Return the address behind the last CCW with PCI before a suspension."""
        orb, cpa = self.programs.get(schid), 0
        for placed in chain(player, orb) if orb is not None and orb.suspend else ():
            if placed.ccw.flags & Ccw.suspend.mask:
                return cpa
            if placed.ccw.flags & Ccw.program_controlled.mask:
                cpa = placed.address + CCW_LENGTH
        return 0


def _without_pci(scsw: Scsw) -> Scsw:
    return replace(scsw, cstat=scsw.cstat & ~Cstat.PROGRAM_CONTROLLED_INTERRUPTION)


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
