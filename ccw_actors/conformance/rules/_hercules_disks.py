"""How the disks of Hercules 3.13 depart from those of the manuals.

Source: the golden vectors of Hercules 3.13; for the disks, SA22-1025.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Orb
from ccw_actors.channel.ccw import Ccw, Command, is_input
from ccw_actors.conformance._player import Player
from ccw_actors.conformance.rules._base import Placed, Rule, chain, device_type
from ccw_actors.machine import DEFINE_EXTENT, LOCATE_RECORD

__all__ = [
    "ChainedSense",
    "DomainEndsInDataChain",
    "GroupLostByRejection",
    "HiddenReservation",
    "RoomOfImage",
    "UncheckedSector",
    "UncountedIndex",
    "UndocumentedReads",
]

_SECTORS: Final[Mapping[str, int]] = MappingProxyType({"3380": 0xDE, "3390": 0xE0})
_UNNUMBERED: Final = 0xFF
_REJECTED: Final = 0xFE
"""A command of the input kind that no disk accepts."""
_CHAINABLE: Final = frozenset(
    {0x02, 0x5E}
    | {code | bit for code in (0x06, 0x0E, 0x12, 0x16, 0x1A, 0x1E) for bit in (0, 0x80)}
)
_SET_SECTOR: Final = 0x23
_COUNTS: Final = frozenset({0x01, 0x15, 0x1D, 0x95, 0x9D})
_SENSE_PATH_GROUP, _SET_PATH_GROUP, _GROUP_ARGUMENT = 0x34, 0xAF, 12
_READ_DATA, _MULTITRACK = 0x06, 0x80
_CD: Final = Ccw.chain_data.mask
_CC: Final = Ccw.chain_command.mask
_SLI: Final = Ccw.suppress_length.mask
_IDA: Final = Ccw.indirect.mask


class ChainedSense(Rule):
    """Commands that read something else than records, with data chaining."""

    demands = "data chaining can be used with any command that moves data"
    does = "a disk of Hercules rejects it at once for commands such as SENSE ID"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Give the device a command that it rejects."""
        if device_type(player, schid) in _SECTORS:
            for placed in chain(player, orb):
                ccw = placed.ccw
                chained = ccw.flags & _CD and is_input(ccw.code)
                if chained and ccw.code not in _CHAINABLE:
                    self.patch_ccw(player, placed, replace(ccw, code=_REJECTED))
        return orb


class UncheckedSector(Rule):
    """The argument of SET SECTOR."""

    demands = "SET SECTOR rejects the number of a sector that a track does not have"
    does = "Hercules ignores the number"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Put in a sector that the track has."""
        sectors = _SECTORS.get(device_type(player, schid), _UNNUMBERED)
        for placed in chain(player, orb):
            address, flags = placed.ccw.address, placed.ccw.flags
            if placed.ccw.code != _SET_SECTOR or flags & _IDA or not placed.ccw.count:
                continue
            if _UNNUMBERED != player.fetch(address, 1)[0] >= sectors:
                self.applied = True
                player.patch(address, b"\0", lasting=True)
        return orb


class RoomOfImage(Rule):
    """A record that is written behind others."""

    demands = (
        "a record that the track's capacity does not allow, by the formula of its disk"
        " type, ends with invalid track format"
    )
    does = "Hercules writes it if the bytes of the track's image have room for it"
    options = (("track_room", "image"),)

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Note that a record is written."""
        if any(placed.ccw.code in _COUNTS for placed in chain(player, orb)):
            self.applied = True
        return orb


class UndocumentedReads(Rule):
    """Commands A6 and B6."""

    demands = "a 3380, and a 3390 behind a 3990 model 2, have no commands A6 and B6"
    does = "Hercules reads data, as for command 86"

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Give the device command 86."""
        if device_type(player, schid) in _SECTORS:
            for placed in chain(player, orb):
                if placed.ccw.code in {0xA6, 0xB6}:
                    other = replace(placed.ccw, code=_READ_DATA | _MULTITRACK)
                    self.patch_ccw(player, placed, other)
        return orb


class DomainEndsInDataChain(Rule):
    """Input with data chaining in a domain that goes on."""

    demands = "the chain-command flag of the last CCW of a data chain is in force"
    does = (
        "Hercules takes the first CCW for the last one of the program, and ends there"
        " with an incomplete domain"
    )

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """End the program at the first CCW of the data chain."""
        remaining = 0
        for placed in chain(player, orb):
            ccw = placed.ccw
            if placed.is_tic:
                continue
            if ccw.code == LOCATE_RECORD and not ccw.flags & _IDA:
                remaining = player.fetch(ccw.address, 4)[3]
                continue
            ends = is_input(ccw.code) and ccw.flags & (_CD | _CC) == _CD
            if remaining > 1 and ends:
                self.patch_ccw(player, placed, replace(ccw, flags=_SLI))
                break
            remaining = max(0, remaining - 1)
        return orb


class _Read(Struct, frozen=True):
    """A command that reads, and the address of its data; `mark` is the rule's own."""

    code: int
    address: int
    count: int
    mark: bool


class _EditedData(Rule):
    """A rule about the data that some commands read.

    A subclass notes what a program does in `start`, and says in `edited` what the
    command reads on the real system.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reads: list[_Read] = []

    def noted(self, placed: Placed, *, mark: bool) -> None:
        """Note where a command stores its data."""
        ccw = placed.ccw
        if not ccw.flags & (_IDA | _CD):
            self._reads.append(_Read(ccw.code, ccw.address, ccw.count, mark))

    def edited(self, _read: _Read, data: bytes) -> bytes:
        """Return the data as the real system stores them."""
        return data

    def finish(self, player: Player) -> None:
        """Change the data in storage."""
        for read in self._reads:
            data = player.fetch(read.address, read.count)
            other = self.edited(read, data)
            if other != data:
                self.applied = True
                player.store(read.address, other)


class HiddenReservation(_EditedData):
    """The state of a path whose device is reserved."""

    demands = "SENSE PATH GROUP ID shows that the device is reserved to the path"
    does = "Hercules does not show it"

    def start(self, player: Player, _schid: int, orb: Orb) -> Orb:
        """Note the commands that read the state."""
        for placed in chain(player, orb):
            if placed.ccw.code == _SENSE_PATH_GROUP:
                self.noted(placed, mark=True)
        return orb

    def edited(self, _read: _Read, data: bytes) -> bytes:
        """Hide the reservation."""
        return bytes((data[0] & ~0x30,)) + data[1:] if data else data


class GroupLostByRejection(_EditedData):
    """SET PATH GROUP ID that is rejected."""

    demands = "a rejected command changes nothing, and its sense data say why"
    does = (
        "Hercules shows command reject alone; if the identifier is not that of the"
        " path's group, it forgets the state of the path until the next such command"
    )

    def __init__(self) -> None:
        super().__init__()
        self._groups: dict[int, bytes] = {}
        self._lost: set[int] = set()
        self._rejected: set[int] = set()

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note the group, whether it was lost, and the commands that show it."""
        for placed in chain(player, orb):
            code = placed.ccw.code
            if code == _SET_PATH_GROUP:
                count = min(placed.ccw.count, _GROUP_ARGUMENT)
                self._set(schid, player.fetch(placed.ccw.address, count))
            elif code == _SENSE_PATH_GROUP:
                self.noted(placed, mark=schid in self._lost)
            elif code == Command.BASIC_SENSE:
                self.noted(placed, mark=schid in self._rejected)
                self._rejected.discard(schid)
        return orb

    def _set(self, schid: int, argument: bytes) -> None:
        if len(argument) < _GROUP_ARGUMENT:
            self._rejected.add(schid)
            return
        function, identifier = argument[0] & 0x60, argument[1:]
        known = self._groups.setdefault(schid, identifier)
        if not function and known != identifier:
            self._lost.add(schid)
            self._rejected.add(schid)
        else:
            self._lost.discard(schid)

    def edited(self, read: _Read, data: bytes) -> bytes:
        """Hide the state of the path, or all but the first byte of the sense data."""
        if not read.mark:
            return data
        if read.code == _SENSE_PATH_GROUP:
            return b"\0" + data[1:]
        is_rejected = data[:2] == b"\x80\0" and data[7:8] in {b"\3", b"\4"}
        return data[:1].ljust(len(data), b"\0") if is_rejected else data


class UncountedIndex(_EditedData):
    """A multitrack read in a domain that ends on the first track of the volume."""

    demands = "a domain ends with no record found at a track without records"
    does = (
        "Hercules, which has track 0 in its cache but not the next one, does not count"
        " that it left track 0; at the end of the extent it shows file protected"
    )

    def __init__(self) -> None:
        super().__init__()
        self._left: set[int] = set()

    def start(self, player: Player, schid: int, orb: Orb) -> Orb:
        """Note a program that leaves track 0 for the last track of its extent."""
        last = b""
        for placed in chain(player, orb):
            code, address = placed.ccw.code, placed.ccw.address
            if code == DEFINE_EXTENT:
                last = player.fetch(address + 12, 4)
            elif code == LOCATE_RECORD and last == bytes((0, 0, 0, 1)):
                if player.fetch(address + 4, 4) == bytes(4):
                    self._left.add(schid)
            elif code == Command.BASIC_SENSE:
                self.noted(placed, mark=schid in self._left)
                self._left.discard(schid)
        return orb

    def edited(self, read: _Read, data: bytes) -> bytes:
        """Show file protected in place of no record found on head 1."""
        if read.mark and data[:7] == bytes((0, 8, 0, 0, 0, 0, 1)):
            return bytes((0, 4)) + data[2:]
        return data
