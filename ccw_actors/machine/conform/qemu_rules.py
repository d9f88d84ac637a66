"""Where QEMU 7.2 departs from the architecture.

Source: what the golden vectors of QEMU 7.2 (TCG) show, and QEMU hw/s390x/css.c; the
architecture is the PoP, chapters "I/O Instructions" and "Basic I/O Functions".
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Actl, Dstat, Fctl, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import CCW_LENGTH, Ccw, is_input
from ccw_actors.machine.conform.player import Player
from ccw_actors.machine.conform.rules import Placed, Rule, chain, schid_of
from ccw_actors.machine.conform.shared_rules import LeadingTransfer, NoMeasurement
from ccw_actors.machine.conform.vectors import Entry, Instruction

__all__ = ["QEMU_RULES"]

_LENGTHS: Final = {0xE4: 256, 0x04: 32}
"""What SENSE ID and SENSE have to be given by their counts."""
_NOWHERE: Final = 0x7FFF_FFF8
_ELSEWHERE: Final = 0x10_0000
_ROOM: Final = 0x1_0000
_COUNTED_MAX: Final = 255
_CE_DE: Final = Dstat.CHANNEL_END | Dstat.DEVICE_END
_PATH_ESW: Final = "0080".ljust(40, "0")
_CD: Final = Ccw.chain_data.mask
_SLI: Final = Ccw.suppress_length.mask
_IDA: Final = Ccw.indirect.mask
_PCI: Final = Ccw.program_controlled.mask


def _failing(ccw: Ccw) -> Ccw:
    """Return a CCW that ends in program check instead of that one."""
    return replace(ccw, address=_NOWHERE, flags=ccw.flags & ~(_IDA | _CD))


class LengthIsProgramCheck(Rule):
    """A count that is not the device's."""

    demands = (
        "a wrong count without SLI ends the program with incorrect length, and what"
        " fits is transferred; data chaining goes on with the next CCW"
    )
    does = (
        "QEMU looks at each CCW by itself, and ends in program check before anything is"
        " transferred"
    )

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have a program check at the CCW."""
        for placed in chain(player, orb):
            ccw = placed.ccw
            length = _LENGTHS.get(ccw.code)
            checked = not ccw.flags & _SLI or ccw.flags & _CD
            if length is not None and checked and ccw.count != length:
                self.patch_ccw(player, placed, _failing(ccw))
        return orb


class NoProgramControlledInterruption(Rule):
    """The PCI flag."""

    demands = "a CCW with the PCI flag makes intermediate status pending"
    does = "QEMU does not look at the flag"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have it off."""
        for placed in chain(player, orb):
            if not placed.is_tic:
                other = replace(placed.ccw, flags=placed.ccw.flags & ~_PCI)
                self.patch_ccw(player, placed, other)
        return orb


class TransferToNowhere(Rule):
    """A transfer in channel to where no CCW can be."""

    demands = "the SCSW has the address of the transfer in channel plus 8"
    does = "QEMU shows the address it leads to plus 8"

    def __init__(self) -> None:
        super().__init__()
        self._targets: dict[int, tuple[int, int]] = {}

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note the transfer."""
        self._targets.pop(schid, None)
        last = next(reversed(list(chain(player, orb))), None)
        if last is not None and last.is_tic:
            self._targets[schid] = (last.address + CCW_LENGTH, last.ccw.address)
        return orb

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show where it leads."""
        cpa, target = self._targets.get(schid_of(one), (0, 0))

        def change(scsw: Scsw) -> Scsw:
            if cpa and scsw.cpa == cpa:
                return replace(scsw, cpa=target + CCW_LENGTH)
            return scsw

        return self.edit(entry, change)


class ChainLimit(Rule):
    """A long channel program."""

    demands = "a channel program may have any number of CCWs"
    does = "QEMU ends in program check at the 256th CCW whose data address is zero"

    def __init__(self) -> None:
        super().__init__()
        self._copied: dict[int, list[int]] = {}

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Run a straight copy of the program that ends there."""
        self._copied.pop(schid, None)
        followed: list[Placed] = []
        counted = 0
        for placed in chain(player, orb):
            if not placed.is_tic:
                followed.append(placed)
                counted += not placed.ccw.address
                if counted > _COUNTED_MAX:
                    break
        else:
            return orb
        followed[-1] = replace(followed[-1], ccw=replace(followed[-1].ccw, code=0))
        code = b"".join(placed.ccw.to_bytes(orb.fmt) for placed in followed)
        player.store(_ELSEWHERE, code)
        self._copied[schid] = [placed.address for placed in followed]
        return replace(orb, cpa=_ELSEWHERE)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the addresses of the program itself."""
        copied = self._copied.get(schid_of(one))
        if copied is None:
            return entry

        def change(scsw: Scsw) -> Scsw:
            number = (scsw.cpa - _ELSEWHERE) // CCW_LENGTH - 1
            if not 0 <= number < len(copied):
                return scsw
            return replace(scsw, cpa=copied[number] + CCW_LENGTH)

        return self.edit(entry, change)


class NoShortIdaws(Rule):
    """Format-1 IDAWs."""

    demands = "format-1 IDAWs name the data of a CCW"
    does = "QEMU ends in program check at a CCW with format-1 IDAWs"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Have a program check at the CCW."""
        for placed in chain(player, orb) if not orb.idaw_64 else ():
            if placed.ccw.flags & _IDA:
                self.patch_ccw(player, placed, _failing(placed.ccw))
        return orb


class _Copy(Struct, frozen=True):
    """Input that goes elsewhere first: `count` bytes at most, then to `pieces`."""

    at: int
    count: int
    last: bool
    pieces: tuple[tuple[int, int], ...]


class RepeatedIdaws(Rule):
    """Input through format-2 IDAWs."""

    demands = (
        "each IDAW but the first is at the beginning of its block, and the data go on"
        " from one to the next"
    )
    does = "QEMU takes any address, and gives each IDAW the data from the beginning"

    def __init__(self) -> None:
        super().__init__()
        self._copies: dict[int, tuple[int, list[_Copy]]] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Bring what has come in to the places that the IDAWs name."""
        self.finish(player)
        super().before(player, one, address)

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Have the data go elsewhere."""
        copies: list[_Copy] = []
        if not orb.idaw_64:
            return orb
        for placed in chain(player, orb, most=64):
            ccw = placed.ccw
            if not ccw.flags & _IDA or not is_input(ccw.code) or ccw.flags & _CD:
                continue
            pieces = self._pieces(player, orb, ccw)
            if pieces is not None:
                at = _ELSEWHERE + _ROOM * len(copies)
                last = not ccw.flags & Ccw.chain_command.mask
                copies.append(_Copy(at, ccw.count, last, tuple(pieces)))
                player.store(at, bytes(ccw.count))
                direct = replace(ccw, address=at, flags=ccw.flags & ~_IDA)
                self.patch_ccw(player, placed, direct)
        if copies:
            self._copies[schid] = (orb.cpa, copies)
        return orb

    def finish(self, player: Player) -> None:
        """Bring what has come in to its places."""
        for schid in list(self._copies):
            _, copies = self._copies.pop(schid)
            scsw = player.schib(schid).scsw
            if scsw.dstat & _CE_DE != _CE_DE:
                continue
            for copy in copies:
                moved = copy.count - (scsw.count if copy.last else 0)
                data = player.fetch(copy.at, moved)
                for address, length in copy.pieces:
                    part = data[:length]
                    data = data if len(part) == length else b""
                    player.store(address, part)

    @staticmethod
    def _pieces(player: Player, orb: Orb, ccw: Ccw) -> list[tuple[int, int]] | None:
        """Return where the data go as pairs (address, length), None if they cannot."""
        block = 2048 if orb.idaw_2k else 4096
        pieces: list[tuple[int, int]] = []
        left, at = ccw.count, ccw.address
        while left > 0:
            if at % 8 or at + 8 > player.host.personality.storage:
                return None
            address = int.from_bytes(player.fetch(at, 8))
            length = min(left, block - address % block)
            if address + length > player.host.personality.storage:
                return None
            pieces.append((address, length))
            left -= length
            at += 8
        return pieces


class IgnoredOrbBits(Rule):
    """The ORB's access key, X and I."""

    demands = (
        "accesses of the channel are checked with the ORB's key, X needs the ORB"
        " extension facility, and with I the initial status is shown"
    )
    does = "QEMU looks at none of the three"
    always = True

    def start(self, _player: Player, _schid: int, orb: Orb) -> Orb:
        """Have them zero."""
        return replace(
            orb,
            flags=orb.flags & 0x0FFF & ~Orb.initial_status.mask,
            flags1=orb.flags1 & ~Orb.extended.mask,
        )


class LatePathCheck(Rule):
    """START SUBCHANNEL with no path that it may use."""

    demands = (
        "if the logical-path mask leaves no path, START ends with condition code 3"
    )
    does = "QEMU accepts it, and shows deferred condition code 3"

    def __init__(self) -> None:
        super().__init__()
        self._fails: dict[int, Orb] = {}
        self._is_shown: set[int] = set()

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note that it fails."""
        schib = player.schib(schid)
        self._fails.pop(schid, None)
        self._is_shown.discard(schid)
        idle = schib.pmcw.enabled and not (schib.scsw.fctl or schib.scsw.pending)
        if idle and not orb.lpm & schib.pmcw.pam:
            self._fails[schid] = orb
        return orb

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Accept it, and show the status once."""
        schid = schid_of(one)
        if schid not in self._fails or one.op not in ("SSCH", "TSCH", "TSCHPOLL"):
            return None
        self.applied = True
        if one.op == "SSCH":
            return Entry(one.op, 0)
        if schid in self._is_shown:
            return None
        self._is_shown.add(schid)
        scsw = Scsw(
            flags=0x0300,
            fctl=Fctl.START,
            actl=Actl.START_PENDING,
            stctl=Stctl.ALERT | Stctl.PENDING,
        )
        irb = scsw.to_bytes() + bytes.fromhex(_PATH_ESW)
        player.store(address, irb.ljust(64, b"\0"))
        return Entry(one.op, 0, irb=player.fetch(address, 96).hex())


class UnitCheckAlone(Rule):
    """Unit check."""

    demands = "a command that the device rejects ends with channel end and device end"
    does = "QEMU shows unit check alone"

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Show it alone."""

        def change(scsw: Scsw) -> Scsw:
            if not scsw.dstat & Dstat.UNIT_CHECK:
                return scsw
            return replace(scsw, dstat=scsw.dstat & ~_CE_DE)

        return self.edit(entry, change)


class LostAddress(Rule):
    """ERASE/WRITE ALTERNATE, which the 3270 rejects."""

    demands = "the SCSW has the address of the last CCW used plus 8"
    does = "QEMU shows zero when its 3270 rejects command 0D"

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[int, int] = {}

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note the program's first command."""
        number, devices = schid & 0xFFFF, player.host.devices
        if number < len(devices) and devices[number].device_type == "3270":
            first = next(chain(player, orb), None)
            self._first[schid] = 0 if first is None else first.ccw.code
        return orb

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show zero."""
        if self._first.get(schid_of(one)) != 0x0D:
            return entry

        def change(scsw: Scsw) -> Scsw:
            return replace(scsw, cpa=0) if scsw.dstat & Dstat.UNIT_CHECK else scsw

        return self.edit(entry, change)


class NeverSuspendedPending(Rule):
    """A program that is suspended."""

    demands = (
        "suspension makes intermediate status pending unless U is on; the SCSW shows S,"
        " the CCW that suspends and its count"
    )
    does = (
        "QEMU shows no status, address or count of a suspended program, nor S, but"
        " always makes an interruption pending, which TEST SUBCHANNEL does not"
        " withdraw; HALT ends it without a start function in the SCSW"
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: set[int] = set()
        self._due: list[int] = []
        self._halted: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note what has been suspended since."""
        for schid in sorted(self._runs):
            if player.schib(schid).scsw.actl & Actl.SUSPENDED:
                self._runs.discard(schid)
                self._due.append(schid)
        schid = schid_of(one)
        if one.op == "HSCH" and player.schib(schid).scsw.actl & Actl.SUSPENDED:
            self._halted.add(schid)
        if one.op == "RSCH" and player.schib(schid).scsw.actl & Actl.SUSPENDED:
            self._runs.add(schid)
        if one.op in ("SSCH", "CSCH"):
            self._halted.discard(schid)
        super().before(player, one, address)

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Have suspension make no status pending."""
        if not orb.suspend:
            return orb
        self._runs.add(schid)
        return replace(orb, flags=orb.flags | Orb.suppress_suspended.mask)

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Hand over the interruption of a suspension."""
        if one.op in ("TPI", "TPIPOLL", "WAITIO"):
            for schid in self._due:
                code = _interruption_code(player, schid)
                if player.cr6 >> (31 - (code[8] >> 3 & 7)) & 1:
                    self._due.remove(schid)
                    self.applied = True
                    return _interrupted(player, one, address, code)
        return None

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show neither S nor what suspended."""
        halted = schid_of(one) in self._halted

        def change(scsw: Scsw) -> Scsw:
            shown = scsw.flags & ~(
                Scsw.suspend_control.mask | Scsw.suppress_suspended.mask
            )
            scsw = replace(scsw, flags=shown)
            if halted:
                return replace(scsw, fctl=scsw.fctl & ~Fctl.START, count=0)
            if scsw.actl & Actl.SUSPENDED:
                return replace(scsw, cpa=0, count=0)
            return scsw

        return self.edit(entry, change)


class CancelForgets(Rule):
    """CANCEL SUBCHANNEL of a suspended program."""

    demands = "the SCSW keeps the address and count of the suspended program"
    does = "QEMU never had them"

    def __init__(self) -> None:
        super().__init__()
        self._cancelled: set[int] = set()

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show none."""
        schid = schid_of(one)
        if one.op == "XSCH" and entry.cc == 0:
            self._cancelled.add(schid)
        elif one.op == "SSCH" and entry.cc == 0:
            self._cancelled.discard(schid)
        if schid not in self._cancelled:
            return entry
        return self.edit(entry, lambda scsw: replace(scsw, cpa=0, count=0))


class HaltedIdle(Rule):
    """HALT SUBCHANNEL with nothing to halt."""

    demands = "there is no device status when the device was not signalled"
    does = "QEMU shows device end"

    def __init__(self) -> None:
        super().__init__()
        self._halted: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note whether there is something to halt."""
        schid = schid_of(one)
        if one.op == "HSCH":
            scsw = player.schib(schid).scsw
            if not scsw.fctl and not scsw.pending:
                self._halted.add(schid)
        elif one.op == "CSCH" or (
            one.op == "SSCH" and not player.schib(schid).scsw.pending
        ):
            self._halted.discard(schid)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show device end."""
        if schid_of(one) not in self._halted:
            return entry
        return self.edit(
            entry, lambda scsw: replace(scsw, dstat=scsw.dstat | Dstat.DEVICE_END)
        )


class ClearKeepsStatus(Rule):
    """CLEAR SUBCHANNEL after a start."""

    demands = "the clear function leaves nothing of an earlier status"
    does = (
        "QEMU keeps the status control, CCW address, count and ORB bits of the last"
        " start"
    )

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[int, Scsw] = {}

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note what there is."""
        schid = schid_of(one)
        if one.op == "CSCH":
            self._kept[schid] = player.schib(schid).scsw
        elif one.op == "SSCH":
            self._kept.pop(schid, None)
        super().before(player, one, address)

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show it again."""
        kept = self._kept.get(schid_of(one))
        if kept is None or one.op == "CSCH":
            return entry
        hidden = Scsw.suspend_control.mask | Scsw.suppress_suspended.mask
        suspended = kept.actl & Actl.SUSPENDED

        def change(scsw: Scsw) -> Scsw:
            stctl = kept.stctl if scsw.pending and not suspended else 0
            return replace(
                scsw,
                flags=scsw.flags | kept.flags & ~hidden,
                stctl=scsw.stctl | stctl,
                cpa=0 if suspended else kept.cpa,
                count=0 if suspended else kept.count,
            )

        return self.edit(entry, change)


class StaleInterruption(Rule):
    """An interruption whose status is gone; the marks of the vectors speak of it."""

    demands = "TEST and CLEAR SUBCHANNEL withdraw the interruption of what they take"
    does = "QEMU delivers it all the same, later"

    def __init__(self) -> None:
        super().__init__()
        self._due: list[bytes] = []
        self._taken: set[int] = set()

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Note what TEST or CLEAR is about to withdraw."""
        schid = schid_of(one)
        if (
            one.op in ("TSCH", "CSCH")
            and schid not in self._taken
            and player.schib(schid).scsw.pending
        ):
            self._due.append(_interruption_code(player, schid))
        if one.op not in ("TSCH", "STSCH"):
            self._taken.discard(schid)
        super().before(player, one, address)

    def instead(self, player: Player, one: Instruction, address: int) -> Entry | None:
        """Deliver it."""
        if one.op in ("TPI", "WAITIO") and self._due:
            self.applied = True
            return _interrupted(player, one, address, self._due.pop())
        return None

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Note which interruption has been taken."""
        code = entry.interruption_code or (entry.cc == 1 and entry.lowcore_184_195)
        if code:
            self._taken.add(int(code[:8], 16))
        return entry


def _interruption_code(player: Player, schid: int) -> bytes:
    pmcw = player.schib(schid).pmcw
    word = schid.to_bytes(4) + pmcw.intparm.to_bytes(4)
    return word + (pmcw.isc << 27).to_bytes(4)


def _interrupted(player: Player, one: Instruction, address: int, code: bytes) -> Entry:
    """Return what is observed of an interruption; TPI stores its code."""
    if one.op == "WAITIO":
        return Entry(
            one.op,
            interrupted=True,
            interruption_code=code.hex(),
            old_psw_mask="0200100180000000",
        )
    player.store(address or 184, code[:8] if address else code)
    return Entry(one.op, 1, lowcore_184_195=player.fetch(184, 12).hex())


QEMU_RULES: Final[tuple[type[Rule], ...]] = (
    LeadingTransfer,
    LengthIsProgramCheck,
    NoProgramControlledInterruption,
    TransferToNowhere,
    ChainLimit,
    NoShortIdaws,
    RepeatedIdaws,
    IgnoredOrbBits,
    LatePathCheck,
    UnitCheckAlone,
    LostAddress,
    NeverSuspendedPending,
    CancelForgets,
    HaltedIdle,
    ClearKeepsStatus,
    StaleInterruption,
    NoMeasurement,
)
