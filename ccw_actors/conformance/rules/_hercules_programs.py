"""How Hercules 3.13 departs from the architecture in running channel programs.

Source: the golden vectors of Hercules 3.13; for the architecture, the PoP,
chapter "Basic I/O Functions".
"""

from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from ccw_actors.channel import Cstat, Dstat, Orb, Scsw, Stctl
from ccw_actors.channel.ccw import Ccw, is_input, is_invalid
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction
from ccw_actors.conformance.rules._base import (
    NO_OPERATION,
    Placed,
    ProgramRule,
    Rule,
    chain,
    device_type,
    schid_of,
)
from ccw_actors.machine import DEFINE_EXTENT, LOCATE_RECORD

__all__ = [
    "GatheredOutput",
    "ImmediateLength",
    "InitialStatusTogether",
    "SilentEndOfDataChain",
    "UncheckedSuspension",
    "UnusableOrbBits",
    "UpdateInSpiteOfMask",
    "UpdateWithoutLength",
]

_UPDATES: Final = (0x85, 0x8D)
_WRITES_OF_DATA: Final = (0x05, 0x0D, *_UPDATES)
_LONGEST: Final = {"3380": 0xBB7C, "3390": 0xDFF6}
"""The largest block size of an extent; no record has that length."""
_CC: Final = Ccw.chain_command.mask
_CD: Final = Ccw.chain_data.mask
_SLI: Final = Ccw.suppress_length.mask


class ImmediateLength(Rule):
    """The count of an immediate operation."""

    demands = (
        "an immediate operation with a count other than zero ends its chain with"
        " incorrect length, unless SLI or the ORB's L suppresses it"
    )
    does = "Hercules never shows incorrect length for one"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Turn SLI on; data chaining, which suppresses SLI, also ends the program."""
        continues = False
        for placed in chain(player, orb) if orb.format_1 else ():
            ccw, chains_data = placed.ccw, bool(placed.ccw.flags & _CD)
            if ccw.code == NO_OPERATION and ccw.count and not continues:
                flags = ccw.flags & ~(_CD | _CC) if chains_data else ccw.flags
                self.patch_ccw(player, placed, replace(ccw, flags=flags | _SLI))
            continues = chains_data
        return orb


class GatheredOutput(ProgramRule):
    """Output with data chaining that the device does not accept."""

    demands = "the SCSW has the last CCW that was used, and that CCW's residual count"
    does = (
        "Hercules gathers the data of the whole chain first: it shows the last CCW of"
        " the chain, and what is left of all counts"
    )

    def shown(self, player: Player, one: Instruction, entry: Entry) -> Entry:
        """Show the last CCW of the chain in place of the one that is shown."""
        orb = self.programs.get(schid_of(one))
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
            cstat = scsw.cstat
            if found[last].ccw.flags & _SLI:
                cstat &= ~Cstat.INCORRECT_LENGTH
            address = found[last].address
            return replace(scsw, cpa=address + 8, count=count, cstat=cstat)

        return self.edit(entry, change)


class SilentEndOfDataChain(ProgramRule):
    """A CCW that cannot continue a data chain of input."""

    demands = "the device has ended, with channel end and device end"
    does = "Hercules shows no device status"

    def shown(self, player: Player, one: Instruction, entry: Entry) -> Entry:
        """Hide the device status."""
        orb = self.programs.get(schid_of(one))
        if orb is None:
            return entry

        def change(scsw: Scsw) -> Scsw:
            if scsw.cstat != Cstat.PROGRAM_CHECK:
                return scsw
            found = list(chain(player, orb))
            chained = any(
                one.ccw.flags & _CD and other.address + 8 == scsw.cpa
                for one, other in pairwise(found)
            )
            return replace(scsw, dstat=0) if chained else scsw

        return self.edit(entry, change)


class UncheckedSuspension(Rule):
    """The suspend flag in a CCW that is invalid."""

    demands = "a CCW is checked before its suspend flag is obeyed: program check"
    does = "Hercules suspends the program"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Make it a valid command."""
        for placed in chain(player, orb) if orb.suspend else ():
            ccw = placed.ccw
            if ccw.flags & Ccw.suspend.mask and is_invalid(ccw.code, placed.fmt):
                self.patch_ccw(player, placed, replace(ccw, code=NO_OPERATION))
        return orb


class InitialStatusTogether(Rule):
    """The ORB's I bit."""

    demands = (
        "the initial-status interruption is shown when the first command is accepted,"
        " before the end of the program, unless no TEST SUBCHANNEL comes before that"
    )
    does = "Hercules shows it together with the end, never before"

    def __init__(self) -> None:
        super().__init__()
        self._subchannels: set[int] = set()

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Run the program without the I bit."""
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
    """Bits of the ORB that belong to facilities that the machine lacks."""

    demands = (
        "START SUBCHANNEL ends with an operand exception if the ORB has X on without"
        " its facility, or L on with format-0 CCWs"
    )
    does = "Hercules ignores these bits"
    always = True

    def start(self, _player: Player, _schid: int, orb: Orb) -> Orb:
        """Turn them off."""
        ignored = Orb.extended.mask
        if not orb.format_1:
            ignored |= Orb.suppress_length.mask
        return replace(orb, flags1=orb.flags1 & ~ignored)


class UpdateWithoutLength(Rule):
    """A write update without a length."""

    demands = (
        "without a transfer length and a block size, the count field of a record gives"
        " its length"
    )
    does = "Hercules answers an update with invalid track format"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Put a length into the locate record that no record has."""
        found = list(chain(player, orb))
        if any(placed.ccw.code in _WRITES_OF_DATA for placed in found) and not any(
            int.from_bytes(player.fetch(placed.ccw.address + 2, 2))
            for placed in found
            if placed.ccw.code == DEFINE_EXTENT
        ):
            length = _LONGEST.get(device_type(player, schid), 0)
            for placed in found:
                self._locate(player, placed, length)
        return orb

    def _locate(self, player: Player, placed: Placed, length: int) -> None:
        if placed.ccw.code != LOCATE_RECORD:
            return
        argument = player.fetch(placed.ccw.address, 16)
        if argument[0] & 0x3F in (0x01, 0x0B) and not argument[1] & 0x80:
            self.applied = True
            wrong = bytes((argument[0], argument[1] | 0x80)) + argument[2:14]
            player.patch(placed.ccw.address, wrong + length.to_bytes(2), lasting=True)


class UpdateInSpiteOfMask(Rule):
    """The file mask of an extent that is write-protected."""

    demands = "with file mask 01 no write command is accepted"
    does = "Hercules still performs write updates"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Put in a file mask that allows write updates."""
        found = list(chain(player, orb))
        if any(placed.ccw.code in _UPDATES for placed in found):
            for placed in found:
                address = placed.ccw.address
                if placed.ccw.code != DEFINE_EXTENT:
                    continue
                mask = player.fetch(address, 1)[0]
                if mask & 0xC0 == 0x40:
                    self.applied = True
                    player.patch(address, bytes((mask | 0xC0,)), lasting=True)
        return orb


def _command(found: list[Placed], number: int) -> int:
    """Return the command that a CCW belongs to, which data chaining may continue."""
    while number and found[number - 1].ccw.flags & _CD:
        number -= 1
    return found[number].ccw.code
