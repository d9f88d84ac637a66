"""How QEMU 7.2 departs from the architecture in running channel programs.

Source: the golden vectors of QEMU 7.2 (TCG) and QEMU hw/s390x/css.c; for the
architecture, the PoP, chapter "Basic I/O Functions".
"""

from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import Dstat, Orb, Scsw
from ccw_actors.channel.ccw import CCW_LENGTH, Ccw
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import Placed, Rule, chain, schid_of

__all__ = [
    "ELSEWHERE",
    "ChainLimit",
    "IgnoredOrbBits",
    "LengthIsProgramCheck",
    "LostAddress",
    "NoProgramControlledInterruption",
    "TransferToNowhere",
    "UnitCheckAlone",
    "failing",
]

_LENGTHS: Final = {0xE4: 256, 0x04: 32}
"""The counts that QEMU expects of SENSE ID and SENSE."""
_NOWHERE: Final = 0x7FFF_FFF8
ELSEWHERE: Final = 0x10_0000
_COUNTED_MAX: Final = 255
_CD: Final = Ccw.chain_data.mask
_SLI: Final = Ccw.suppress_length.mask
_IDA: Final = Ccw.indirect.mask
_PCI: Final = Ccw.program_controlled.mask


def failing(ccw: Ccw) -> Ccw:
    """Return a CCW that ends in program check, to replace that one."""
    return replace(ccw, address=_NOWHERE, flags=ccw.flags & ~(_IDA | _CD))


class LengthIsProgramCheck(Rule):
    """A count that differs from the device's length."""

    demands = (
        "a wrong count without SLI ends the program with incorrect length after"
        " transferring what fits; data chaining continues with the next CCW"
    )
    does = (
        "QEMU checks each CCW on its own, and ends in program check before any transfer"
    )

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Cause a program check at the CCW."""
        for placed in chain(player, orb):
            ccw = placed.ccw
            length = _LENGTHS.get(ccw.code)
            checked = not ccw.flags & _SLI or ccw.flags & _CD
            if length is not None and checked and ccw.count != length:
                self.patch_ccw(player, placed, failing(ccw))
        return orb


class NoProgramControlledInterruption(Rule):
    """The PCI flag."""

    demands = "a CCW with the PCI flag makes intermediate status pending"
    does = "QEMU ignores the flag"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Turn the flag off."""
        for placed in chain(player, orb):
            if not placed.is_tic:
                other = replace(placed.ccw, flags=placed.ccw.flags & ~_PCI)
                self.patch_ccw(player, placed, other)
        return orb


class TransferToNowhere(Rule):
    """A transfer in channel to an address where no CCW can be."""

    demands = "the SCSW has the address of the transfer in channel plus 8"
    does = "QEMU shows the address it leads to plus 8"

    def __init__(self) -> None:
        super().__init__()
        self._targets: dict[int, tuple[int, int]] = {}

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note the transfer and its target."""
        self._targets.pop(schid, None)
        last = next(reversed(list(chain(player, orb, endless=True))), None)
        if last is not None and last.is_tic:
            self._targets[schid] = (last.address + CCW_LENGTH, last.ccw.address)
        return orb

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the address of the target plus 8."""
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
        """Run a copy of the program that ends at the 256th such CCW."""
        self._copied.pop(schid, None)
        followed = self._followed(player, orb)
        if followed is None:
            return orb
        followed[-1] = replace(followed[-1], ccw=replace(followed[-1].ccw, code=0))
        code = b"".join(placed.ccw.to_bytes(orb.fmt) for placed in followed)
        player.store(ELSEWHERE, code)
        self._copied[schid] = [placed.address for placed in followed]
        return replace(orb, cpa=ELSEWHERE)

    @staticmethod
    def _followed(player: Player, orb: Orb) -> list[Placed] | None:
        """Return the CCWs up to the 256th such one, None if there are fewer."""
        followed: list[Placed] = []
        counted = 0
        for placed in chain(player, orb, endless=True):
            if not placed.is_tic:
                followed.append(placed)
                counted += not placed.ccw.address
                if counted > _COUNTED_MAX:
                    return followed
        return None

    def shown(self, _player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the addresses of the original program."""
        copied = self._copied.get(schid_of(one))
        if copied is None:
            return entry

        def change(scsw: Scsw) -> Scsw:
            number = (scsw.cpa - ELSEWHERE) // CCW_LENGTH - 1
            if not 0 <= number < len(copied):
                return scsw
            return replace(scsw, cpa=copied[number] + CCW_LENGTH)

        return self.edit(entry, change)


class IgnoredOrbBits(Rule):
    """The ORB's access key, X and I."""

    demands = (
        "the channel accesses storage with the ORB's key, X needs the ORB"
        " extension facility, and with I the initial status is shown"
    )
    does = "QEMU ignores all three"
    always = True

    def start(self, _player: Player, _schid: int, orb: Orb) -> Orb:
        """Set them to zero."""
        return replace(
            orb,
            flags=orb.flags & 0x0FFF & ~Orb.initial_status.mask,
            flags1=orb.flags1 & ~Orb.extended.mask,
        )


class UnitCheckAlone(Rule):
    """The status of a command that the device rejects."""

    demands = "a command that the device rejects ends with channel end and device end"
    does = "QEMU shows unit check alone"

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Show unit check alone."""

        def change(scsw: Scsw) -> Scsw:
            if not scsw.dstat & Dstat.UNIT_CHECK:
                return scsw
            return replace(scsw, dstat=scsw.dstat & ~Dstat.CHANNEL_AND_DEVICE_END)

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
        number, devices = schid & 0xFFFF, player.machine.devices
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
