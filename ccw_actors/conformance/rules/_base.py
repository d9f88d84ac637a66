"""Rule: one respect in which a real system departs from the architecture.

A rule reads the ORB, the CCWs, the device and the state of the subchannel, never the
name of a case or the values observed. Where it applies, it makes the host of the case
do what the real system does. A deviation is explained if the host then gives every
value observed; the rules say what the architecture demands instead.
"""

from collections.abc import Callable, Iterator
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel import Orb, Scsw
from ccw_actors.channel.ccw import CCW_LENGTH, Ccw, is_tic
from ccw_actors.conformance._player import Player
from ccw_actors.conformance._vectors import Entry, Instruction, address_of

__all__ = [
    "INDIRECT",
    "NO_OPERATION",
    "Placed",
    "ProgramRule",
    "Rule",
    "chain",
    "device_type",
    "schid_of",
]

_ORB_LENGTH: Final = 12
_SCSW_IN: Final = {"irb": slice(0, 12), "schib": slice(28, 40)}
_NOT_STORED: Final = b"\xee" * 12
NO_OPERATION: Final = 0x03
INDIRECT: Final = Ccw.indirect.mask | Ccw.chain_data.mask
"""Flags of a CCW whose address is not that of all its data."""
_CHAINED: Final = Ccw.chain_data.mask | Ccw.chain_command.mask


class Rule:
    """One rule, for one run of a script: `applied` is set once it has had an effect.

    `demands` says what the architecture demands, `does` what the real system does.
    `options` are those that the devices of the host get.
    `start` is called for each START SUBCHANNEL with an idle subchannel, and with
    `always` for any other as well.
    """

    demands: ClassVar[str]
    does: ClassVar[str]
    always: ClassVar[bool] = False
    options: ClassVar[tuple[tuple[str, str], ...]] = ()

    def __init__(self) -> None:
        self.applied = False

    def before(self, player: Player, one: Instruction, address: int) -> None:
        """Change the state before the instruction: for SSCH, its ORB."""
        if one.op != "SSCH" or not _is_there(player, address):
            return
        scsw = player.schib(schid_of(one)).scsw
        if self.always or not (scsw.fctl or scsw.pending):
            given = Orb.from_bytes(player.fetch(address, _ORB_LENGTH))
            orb = self.start(player, schid_of(one), given)
            if orb != given:
                self.applied = True
                player.patch(address, orb.to_bytes())

    def start(self, _player: Player, _schid: int, orb: Orb) -> Orb:
        """Return the ORB that the real system uses; may also patch CCWs."""
        return orb

    def instead(
        self, _player: Player, _one: Instruction, _address: int
    ) -> Entry | None:
        """Return what is observed if the real system does something else; else None."""
        return None

    def shown(self, _player: Player, _one: Instruction, entry: Entry) -> Entry:
        """Return the values that the real system shows for the instruction."""
        return entry

    def finish(self, _player: Player) -> None:
        """Change storage at the end."""

    def patch_ccw(self, player: Player, placed: "Placed", ccw: Ccw) -> None:
        """Replace a CCW by the one that the real system's channel uses."""
        if ccw != placed.ccw:
            self.applied = True
            raw = ccw.to_bytes(placed.fmt)
            player.patch(placed.address, raw, lasting=True)

    def edit(self, entry: Entry, change: Callable[[Scsw], Scsw]) -> Entry:
        """Change the observed SCSW, if there is one."""
        for name, where in _SCSW_IN.items():
            text = getattr(entry, name)
            raw = bytes.fromhex(text or "")[where]
            if text is None or raw == _NOT_STORED:
                continue
            new = change(Scsw.from_bytes(raw)).to_bytes()
            if new != raw:
                self.applied = True
                start, stop = 2 * where.start, 2 * where.stop
                entry = replace(entry, **{name: text[:start] + new.hex() + text[stop:]})
        return entry


class ProgramRule(Rule):
    """A rule that reads the programs in progress: `programs` has them by subchannel."""

    def __init__(self) -> None:
        super().__init__()
        self.programs: dict[int, Orb] = {}

    def start(self, _player: Player, schid: int, orb: Orb) -> Orb:
        """Note the program."""
        self.programs[schid] = orb
        return orb


class Placed(Struct, frozen=True):
    """A CCW of format `fmt`, and its address in storage."""

    address: int
    ccw: Ccw
    fmt: int

    @property
    def is_tic(self) -> bool:
        """Whether it is a transfer in channel."""
        return is_tic(self.ccw.code, self.fmt)


def _is_there(player: Player, address: int) -> bool:
    last = player.machine.personality.storage - _ORB_LENGTH
    return address % 4 == 0 and address <= last


def device_type(player: Player, schid: int) -> str:
    """Return the type of a subchannel's device, "" if it has none."""
    number = schid & 0xFFFF
    devices = player.machine.devices
    return devices[number].device_type if number < len(devices) else ""


def schid_of(one: Instruction) -> int:
    """Return the subchannel that an instruction names in general register 1."""
    return address_of(one.gr1)


def chain(
    player: Player, orb: Orb, *, most: int = 1024, endless: bool = False
) -> Iterator[Placed]:
    """Yield the CCWs of a program in the order in which they run without errors.

    A search ends the loop of a transfer that leads back to it: such a transfer is
    followed once, unless the program is `endless`. Yields at most `most` CCWs, and
    stops where there is no storage.
    """
    address, size = orb.cpa, player.machine.personality.storage
    followed: set[int] = set()
    for _ in range(most):
        if address % CCW_LENGTH or address + CCW_LENGTH > size:
            return
        ccw = Ccw.from_bytes(player.fetch(address, CCW_LENGTH), orb.fmt)
        placed = Placed(address, ccw, orb.fmt)
        yield placed
        if placed.is_tic and (endless or address not in followed):
            followed.add(address)
            address = ccw.address
        elif placed.is_tic or ccw.flags & _CHAINED:
            address += CCW_LENGTH
        else:
            return
