"""The access mechanism during one command: its track, and its place on the track."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from msgspec.structs import replace

from ccw_actors.channel.command import DeviceCommand
from ccw_actors.devices.eckd._hardware import Hardware
from ccw_actors.devices.eckd._sense import (
    END_OF_CYLINDER,
    FILE_PROTECTED,
    INVALID_TRACK_FORMAT,
    NO_RECORD_FOUND,
    Message,
    UnitCheckError,
    rejected,
)
from ccw_actors.devices.eckd._state import Chain, EckdState, Follows, Orientation
from ccw_actors.devices.track import COUNT_SIZE, HOME_ADDRESS_SIZE, Slot, slots
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "INDEX_POINTS_MAX",
    "OVERFLOW",
    "SEEK_CONTROL",
    "WRITE_CONTROL",
    "Access",
    "MissingDataError",
    "MissingTrackError",
    "WriteControl",
]

INDEX_POINTS_MAX = 2
"""A disk stops looking for a record when the index passes for the second time."""

OVERFLOW = 0x80
"""In the first byte of a count area: the record continues on the next track."""

_BEFORE_KEY = frozenset({Orientation.COUNT})
_BEFORE_DATA = frozenset({Orientation.COUNT, Orientation.KEY})
_DATA, _KEY_AND_DATA = frozenset({0x05, 0x06}), frozenset({0x0D, 0x0E})
_KEPT: Mapping[Follows, frozenset[int]] = MappingProxyType(
    {Follows.IDENTIFIER: _DATA | _KEY_AND_DATA, Follows.KEY: _DATA}
)
"""Commands between a search and the write that it allows, without multitrack bit."""

SEEK_CONTROL = 0x18
_IDENTIFIER_SEARCHES = frozenset({0xB1, 0xD1, 0xF1})
_KEY_SEARCHES = frozenset({0xA9, 0xC9, 0xE9})
"""File mask: 00 all seeks, 08 no SEEK, 10 SEEK HEAD only, 18 no head change."""


class WriteControl(Enum):
    """The writes that a file mask permits."""

    NOT_HOME_ADDRESS = "all but home address and R0"
    NOTHING = "nothing"
    UPDATES = "key and data of a record that is there"
    ALL = "all"


WRITE_CONTROL: Mapping[int, WriteControl] = MappingProxyType(
    {
        0x00: WriteControl.NOT_HOME_ADDRESS,
        0x40: WriteControl.NOTHING,
        0x80: WriteControl.UPDATES,
        0xC0: WriteControl.ALL,
    }
)
"""Write control by bits 0 and 1 of the file mask."""


class MissingTrackError(Exception):
    """The command needs a track that the caller has not given."""

    def __init__(self, number: int) -> None:
        super().__init__(f"track {number} is needed")
        self.number = number


class MissingDataError(Exception):
    """The channel has given less data than the count promised, and less than needed.

    The channel could not fetch the rest and will end the program with its own check.
    So the disk does nothing: no sense data, no record half written.
    """

    def __init__(self, taken: int, wanted: int) -> None:
        super().__init__(f"{taken} bytes of data where {wanted} are needed")
        self.taken = taken
        self.wanted = wanted


class Access:
    """One command in execution by a disk; each command gets a new one.

    `chain`, `cylinder`, `head`, `sense`, `path_group` and `reserved` become the next
    state. `taken` is the number of argument bytes that the disk has accepted, and
    `wanted` the number that it would have accepted; the channel gets both when the
    command ends with unit check. `follows` is the result of a command before, and
    `previous` the code of the last one.
    """

    def __init__(
        self,
        geometry: Geometry,
        hardware: Hardware,
        state: EckdState,
        command: DeviceCommand,
        tracks: Mapping[int, bytes],
        *,
        devno: int = 0,
    ) -> None:
        self.devno = devno
        self.geometry = geometry
        self.hardware = hardware
        self.command = command
        self.cylinder = state.cylinder
        self.head = state.head
        self.sense = state.sense
        chain = state.chain if command.chained else Chain()
        self.follows = chain.follows
        self.previous = chain.previous
        self.path_group = state.path_group
        self.reserved = state.reserved
        kept = _KEPT.get(chain.follows, frozenset())
        follows = chain.follows if command.code & 0x7F in kept else Follows.NOTHING
        self.chain = replace(
            chain, follows=follows, previous=command.code, number=chain.number + 1
        )
        self.taken = 0
        self.wanted = 0
        self.writes: tuple[tuple[int, bytes], ...] = ()
        self._tracks = dict(tracks)
        self._slots: dict[int, tuple[Slot, ...]] = {}

    @property
    def multitrack(self) -> bool:
        """Whether the command continues on the next track at the end of this one."""
        return bool(self.command.code & 0x80)

    @property
    def write_control(self) -> WriteControl:
        """The writes that the file mask permits."""
        return WRITE_CONTROL[self.chain.file_mask & 0xC0]

    @property
    def writes_inhibited(self) -> bool:
        """Whether the file mask forbids all writes."""
        return self.write_control is WriteControl.NOTHING

    @property
    def number(self) -> int:
        """Number of the track under the head."""
        return self.geometry.track_number(self.cylinder, self.head)

    @property
    def home_address(self) -> bytes:
        """Cylinder and head in the home address of the track under the head."""
        return self.image[1:HOME_ADDRESS_SIZE]

    @property
    def image(self) -> bytes:
        """Image of the track under the head."""
        try:
            return self._tracks[self.number]
        except KeyError:
            raise MissingTrackError(self.number) from None

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Records of the track under the head; a corrupt track causes unit check."""
        found = self._slots.get(self.number)
        if found is None:
            try:
                found = slots(self.image)
            except ImageError:
                raise UnitCheckError(INVALID_TRACK_FORMAT) from None
            self._slots[self.number] = found
        return found

    def count_area(self, slot: Slot) -> bytes:
        """Return the count area of a record, as a program sees it."""
        raw = self.image[slot.offset : slot.offset + COUNT_SIZE]
        return bytes((raw[0] & ~OVERFLOW,)) + raw[1:] if self.overflows(slot) else raw

    def overflows(self, slot: Slot) -> bool:
        """Return whether a record continues with the first one of the next track.

        Volumes so large that a cylinder number needs the bit have no such records.
        """
        small = self.geometry.cylinders <= OVERFLOW << 8
        return small and bool(self.image[slot.offset] & OVERFLOW)

    def read_on(self, start: int, slot: Slot) -> bytes:
        """Return the bytes from an offset to the end of a record, across tracks.

        A record on more tracks than a cylinder has is an invalid track format.
        """
        data = self.image[start : slot.end]
        for _ in range(self.geometry.heads):
            if not self.overflows(slot):
                return data
            self.next_track()
            slot = self.next_count(from_r1=True)
            self.orient(Orientation.DATA, self.chain.slot)
            data += self.image[slot.data_offset : slot.end]
        raise UnitCheckError(INVALID_TRACK_FORMAT)

    def output(self, size: int) -> bytes:
        """Take up to `size` bytes from the channel, as many as the count allows."""
        data = self.command.data[:size]
        self.taken = len(data)
        self.wanted = min(size, self.command.count)
        if self.taken < self.wanted:
            raise MissingDataError(self.taken, self.wanted)
        return data

    def argument(self, size: int) -> bytes:
        """Take the argument of a control command; reject one that is too short."""
        argument = self.output(size)
        if len(argument) < size:
            raise rejected(Message.COUNT_TOO_SMALL)
        return argument

    def check_place(self) -> None:
        """Check that the chain has selected a track, on control units that do so."""
        if self.hardware.unit.checks_place and not self.chain.positioned:
            raise rejected(Message.INVALID_SEQUENCE)

    def check_address(self, cylinder: int, head: int) -> None:
        """Check that the volume has a track and that the extent permits it."""
        if not self.geometry.contains(cylinder, head):
            raise rejected(Message.INVALID_ARGUMENT)
        extent = self.chain.extent
        if extent is not None and not extent.contains(cylinder, head):
            raise UnitCheckError(FILE_PROTECTED)

    def move(self, cylinder: int, head: int) -> None:
        """Move to the index of a track; call `check_address` first."""
        self.cylinder = cylinder
        self.head = head
        self.chain = replace(
            self.chain,
            positioned=True,
            index_points=0,
            orientation=Orientation.INDEX,
        )

    def orient(self, orientation: Orientation, slot: int) -> None:
        """Note that this area of this record has passed under the head."""
        self.chain = replace(self.chain, orientation=orientation, slot=slot)

    def next_count(self, *, from_r1: bool) -> Slot:
        """Move to the next count area and return its record.

        `from_r1` skips R0. Outside of a domain, a multitrack command may pass all
        tracks of a cylinder.
        """
        for _ in range(max(self.geometry.heads, INDEX_POINTS_MAX) + 1):
            at_index = self.chain.orientation is Orientation.INDEX
            following = int(from_r1) if at_index else self.chain.slot + 1
            if following < len(self.slots):
                self.orient(Orientation.COUNT, following)
                return self.slots[following]
            self.pass_index()
        raise UnitCheckError(NO_RECORD_FOUND)

    def record(self, *, with_key: bool = False) -> Slot:
        """Return the record whose data area comes next, and skip its data.

        With `with_key`, it is the one whose key area comes next.
        """
        before = _BEFORE_KEY if with_key else _BEFORE_DATA
        if self.chain.orientation not in before:
            self.next_count(from_r1=True)
        self.orient(Orientation.DATA, self.chain.slot)
        return self.slots[self.chain.slot]

    def pass_index(self) -> None:
        """Pass the index: the same track again, or the next one if multitrack.

        In a domain, a multitrack command that finds no record on the next track either
        finds none (SA22-1025, as quoted in issue 608 of SDL Hercules). Outside of one a
        read that passes the index counts, a search does not; a search for an identifier
        finds nothing once an index has counted, as on Hercules 3.13.
        """
        if self.multitrack and self.chain.domain is None:
            code = self.command.code
            if code in _IDENTIFIER_SEARCHES and self.chain.index_points:
                raise UnitCheckError(NO_RECORD_FOUND)
            self.next_track()
            if code not in _IDENTIFIER_SEARCHES | _KEY_SEARCHES:
                self.chain = replace(self.chain, index_points=1)
            return
        index_points = self.chain.index_points + 1
        if index_points >= INDEX_POINTS_MAX:
            raise UnitCheckError(NO_RECORD_FOUND)
        if self.multitrack:
            self.next_track()
        self.chain = replace(
            self.chain, orientation=Orientation.INDEX, index_points=index_points
        )

    def return_to_index(self) -> None:
        """Go to the index for home address or R0: that of the next track if multitrack.

        In a domain it is that of this track.
        """
        if self.multitrack and self.chain.domain is None:
            self.next_track()
        self.chain = replace(self.chain, orientation=Orientation.INDEX)

    def overwrite(self, offset: int, data: bytes) -> None:
        """Replace bytes of the track under the head; the bytes after them stay."""
        image = self.image
        self._write(image[:offset] + data + image[offset + len(data) :])

    def rewrite(self, offset: int, data: bytes) -> None:
        """Replace everything from an offset on; `data` ends with the end mark."""
        image = self.image
        self._write((image[:offset] + data).ljust(len(image), b"\0"))

    def _write(self, image: bytes) -> None:
        self._tracks[self.number] = image
        self._slots.pop(self.number, None)
        self.writes = ((self.number, image),)

    def next_track(self) -> None:
        """Move to the index of the next track, if file mask and extent permit it."""
        chain = self.chain
        if chain.domain is None:
            if chain.file_mask & SEEK_CONTROL == SEEK_CONTROL:
                raise UnitCheckError(FILE_PROTECTED)
            if self.head + 1 >= self.geometry.heads:
                raise UnitCheckError(END_OF_CYLINDER)
        cylinder, head = divmod(self.number + 1, self.geometry.heads)
        if chain.extent is not None and not chain.extent.contains(cylinder, head):
            raise UnitCheckError(FILE_PROTECTED)
        self.cylinder = cylinder
        self.head = head
        self.chain = replace(self.chain, orientation=Orientation.INDEX)
