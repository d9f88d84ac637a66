"""Where Hercules 3.13 departs from the architecture.

Source: what the golden vectors of Hercules 3.13 show; the architecture is the PoP,
chapters "I/O Instructions", "Basic I/O Functions" and "I/O Interruptions".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.actors import instructions as execute
from ccw_actors.channel import Actl, Dstat, Fctl, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import Ccw, is_input
from ccw_actors.machine.conform.player import Player
from ccw_actors.machine.conform.rules import Placed, Rule, chain, schid_of
from ccw_actors.machine.conform.shared_rules import LeadingTransfer, NoMeasurement
from ccw_actors.machine.conform.vectors import Entry, Instruction

__all__ = ["HERCULES_RULES"]

_CKD: Final = ("3380", "3390")
_NOP: Final = 0x03
_SENSE_ID: Final = 0xE4
_DEFINE_EXTENT: Final = 0x63
_LOCATE_RECORD: Final = 0x47
_UPDATES: Final = (0x85, 0x8D)
_REJECTED: Final = 0xFE
"""A command of the input kind that no disk has."""
_CE_DE: Final = Dstat.CHANNEL_END | Dstat.DEVICE_END
_ACTIVE: Final = Actl.SUBCHANNEL_ACTIVE | Actl.DEVICE_ACTIVE
_CD: Final = Ccw.chain_data.mask
_SLI: Final = Ccw.suppress_length.mask
_WORD_6: Final = 24
_RESERVED: Final = 0xFF1F_FFF8


class ImmediateLength(Rule):
    """A count that an immediate operation has no use for."""

    demands = (
        "an immediate operation with a count other than zero ends its chain with"
        " incorrect length, unless SLI or the ORB's L suppresses it"
    )
    does = "Hercules never shows incorrect length for one"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have SLI on."""
        for placed in chain(player, orb) if orb.format_1 else ():
            ccw = placed.ccw
            if ccw.code == _NOP and ccw.count and not ccw.flags & _CD:
                self.patch_ccw(player, placed, replace(ccw, flags=ccw.flags | _SLI))
        return orb


class ChainedSenseId(Rule):
    """SENSE ID with data chaining."""

    demands = "data chaining can be used with SENSE ID"
    does = "a disk of Hercules rejects it at once"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Have the device get a command that it rejects."""
        if _device_type(player, schid) in _CKD:
            for placed in chain(player, orb):
                if placed.ccw.code == _SENSE_ID and placed.ccw.flags & _CD:
                    other = replace(placed.ccw, code=_REJECTED)
                    self.patch_ccw(player, placed, other)
        return orb


class GatheredOutput(Rule):
    """Output with data chaining that the device does not take."""

    demands = "the SCSW has the last CCW that was used, and that CCW's residual count"
    does = (
        "Hercules gathers the data of the whole chain first: it shows its last CCW, and"
        " what is left of all counts"
    )

    def __init__(self) -> None:
        super().__init__()
        self._programs: dict[int, Orb] = {}

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Note the program."""
        self._programs[schid] = orb
        return orb

    def shown(self, player: Player, one: Instruction, entry: Entry) -> Entry:
        """Go on from the CCW that is shown to the last of its chain."""
        orb = self._programs.get(schid_of(one))
        if orb is None:
            return entry

        def change(scsw: Scsw) -> Scsw:
            if not (scsw.dstat & Dstat.UNIT_CHECK and scsw.stctl & Stctl.PRIMARY):
                return scsw
            found = list(chain(player, orb))
            at = [n for n, placed in enumerate(found) if placed.address + 8 == scsw.cpa]
            if not at or is_input(_command(found, at[0])):
                return scsw
            last, count = at[0], scsw.count
            while found[last].ccw.flags & _CD and last + 1 < len(found):
                last += 1
                count += 0 if found[last].is_tic else found[last].ccw.count
            return replace(scsw, cpa=found[last].address + 8, count=count)

        return self.edit(entry, change)


class InitialStatusTogether(Rule):
    """The ORB's I bit."""

    demands = (
        "the initial-status interruption is shown when the first command is accepted,"
        " before the end of the program unless nobody has looked by then"
    )
    does = "Hercules shows it together with the end, never before"

    def __init__(self) -> None:
        super().__init__()
        self._subchannels: set[int] = set()

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Run the program without it."""
        self._subchannels.discard(schid)
        if not orb.initial_status:
            return orb
        self._subchannels.add(schid)
        return replace(orb, flags=orb.flags & ~Orb.initial_status.mask)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the initial status with the end."""
        if schid_of(one) not in self._subchannels:
            return entry

        def change(scsw: Scsw) -> Scsw:
            flags = Scsw.initial_status.mask | Scsw.zero_condition.mask
            ended = Stctl.INTERMEDIATE if scsw.stctl & Stctl.PRIMARY else 0
            return replace(scsw, flags=scsw.flags | flags, stctl=scsw.stctl | ended)

        return self.edit(entry, change)


class UnusableOrbBits(Rule):
    """Bits of the ORB that belong to facilities which are not there."""

    demands = (
        "START SUBCHANNEL ends with an operand exception if the ORB has D or X on"
        " without their facilities, or L on with format-0 CCWs"
    )
    does = "Hercules ignores these bits"
    always = True

    def start(self, _player: Player, _schid: int, orb: Orb) -> Orb:
        """Have them off."""
        ignored = Orb.midaw.mask | Orb.extended.mask
        if not orb.format_1:
            ignored |= Orb.suppress_length.mask
        return replace(orb, flags1=orb.flags1 & ~ignored)


class ReservedPmcwBits(Rule):
    """Reserved bits of the PMCW's word 6."""

    demands = "MODIFY SUBCHANNEL ends with an operand exception if reserved bits are on"
    does = "Hercules takes those of word 6, and shows them again"

    def __init__(self) -> None:
        super().__init__()
        self._given: dict[int, int] = {}
        self._kept: dict[int, int] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Have them off."""
        if one.op == "MSCH":
            word = int.from_bytes(player.fetch(address + _WORD_6, 4))
            self._given[schid_of(one)] = word & _RESERVED
            if word & _RESERVED:
                self.applied = True
                player.patch(address + _WORD_6, (word & ~_RESERVED).to_bytes(4))

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show them."""
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
        """Drop it."""
        if one.op == "SSCH" and _is_suspended(player, one):
            self.applied = True
            player.run(execute.cancel_subchannel, schid_of(one))
        super().before(player, one, address)


class NoCancelOfSuspended(Rule):
    """CANCEL SUBCHANNEL for a suspended program."""

    demands = "a suspended program can be cancelled: condition code 0"
    does = "Hercules answers with condition code 2"

    def instead(self, player: Player, one: Instruction, _address: int) -> Entry | None:
        """Do nothing."""
        if one.op == "XSCH" and _is_suspended(player, one):
            self.applied = True
            return Entry(one.op, 2)
        return None


class UnfinishedHalt(Rule):
    """HALT SUBCHANNEL while a program runs or is suspended."""

    demands = (
        "once the halt function has ended the subchannel is not active, and channel end"
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
        """Show activity, and the extended status of what was before."""
        schid = schid_of(one)
        if self._halted.get(schid):

            def change(scsw: Scsw) -> Scsw:
                actl = scsw.actl & ~Actl.SUSPENDED | _ACTIVE
                return replace(scsw, actl=actl, dstat=_CE_DE)

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

    demands = "with U on, a program that is suspended makes no status pending"
    does = "Hercules makes intermediate status pending, only without interruption"

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
        """Have no interruption for it."""
        if one.op not in ("TPI", "WAITIO") or not self._subchannels:
            return None
        for schid in self._subchannels:
            if player.schib(schid).scsw.stctl != Stctl.INTERMEDIATE | Stctl.PENDING:
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
    """Channel reports before anything has happened."""

    demands = "nothing is reported until something happens"
    does = "Hercules reports each subchannel that it was configured with"

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._is_reset = False

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Report the next subchannel."""
        if one.op == "RCHP" and schid_of(one) in player.host.paths:
            self._is_reset = True
        if (
            one.op != "STCRW"
            or self._is_reset
            or self._count == len(player.host.devices)
        ):
            return None
        self.applied = True
        player.store(address, (0x0384_0000 | self._count).to_bytes(4))
        self._count += 1
        return Entry(one.op, 0, data=player.fetch(address, 16).hex())


class UpdateWithoutLength(Rule):
    """A write update whose length nothing says."""

    demands = (
        "without a transfer length and a block size, a record is as long as its count"
        " field says"
    )
    does = "Hercules answers an update with invalid track format"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have the locate record name a length that no record has."""
        found = list(chain(player, orb))
        if any(placed.ccw.code in _UPDATES for placed in found) and not any(
            int.from_bytes(player.fetch(placed.ccw.address + 2, 2))
            for placed in found
            if placed.ccw.code == _DEFINE_EXTENT
        ):
            for placed in found:
                self._locate(player, placed)
        return orb

    def _locate(self, player: Player, placed: Placed) -> None:
        if placed.ccw.code != _LOCATE_RECORD:
            return
        argument = player.fetch(placed.ccw.address, 16)
        if argument[0] & 0x3F == 0x01 and not argument[1] & 0x80:
            self.applied = True
            wrong = bytes((argument[0], argument[1] | 0x80)) + argument[2:14]
            player.patch(placed.ccw.address, wrong + b"\xff\xff", lasting=True)


class UpdateInSpiteOfMask(Rule):
    """The file mask of an extent in which nothing may be written."""

    demands = "with file mask 01 no write command is accepted"
    does = "Hercules performs write updates all the same"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have a file mask that allows them."""
        found = list(chain(player, orb))
        if any(placed.ccw.code in _UPDATES for placed in found):
            for placed in found:
                address = placed.ccw.address
                if placed.ccw.code != _DEFINE_EXTENT:
                    continue
                mask = player.fetch(address, 1)[0]
                if mask & 0xC0 == 0x40:
                    self.applied = True
                    player.patch(address, bytes((mask | 0xC0,)), lasting=True)
        return orb


class HiddenAttention(Rule):
    """Attention, as STORE SUBCHANNEL shows it."""

    demands = "STORE SUBCHANNEL shows the status that TEST SUBCHANNEL shows next"
    does = "Hercules does not show attention in the SCHIB"

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Hide it."""
        if one.op != "STSCH":
            return entry

        def change(scsw: Scsw) -> Scsw:
            alone = scsw.stctl == Stctl.ALERT | Stctl.PENDING and not scsw.fctl
            if alone and scsw.dstat == Dstat.ATTENTION:
                return replace(scsw, stctl=0, dstat=0)
            return scsw

        return self.edit(entry, change)


def _device_type(player: Player, schid: int) -> str:
    number = schid & 0xFFFF
    devices = player.host.devices
    return devices[number].device_type if number < len(devices) else ""


def _is_suspended(player: Player, one: Instruction) -> bool:
    scsw = player.schib(schid_of(one)).scsw
    return bool(scsw.actl & Actl.SUSPENDED) and not scsw.pending


def _command(found: list[Placed], number: int) -> int:
    """Return the command that a CCW belongs to, which data chaining may continue."""
    while number and found[number - 1].ccw.flags & _CD:
        number -= 1
    return found[number].ccw.code


HERCULES_RULES: Final[tuple[type[Rule], ...]] = (
    StartWhileSuspended,
    LeadingTransfer,
    ImmediateLength,
    ChainedSenseId,
    GatheredOutput,
    InitialStatusTogether,
    UnusableOrbBits,
    ReservedPmcwBits,
    NoCancelOfSuspended,
    UnfinishedHalt,
    SuspendedInSpiteOfU,
    ReportsAtFirst,
    NoMeasurement,
    UpdateWithoutLength,
    UpdateInSpiteOfMask,
    HiddenAttention,
)
