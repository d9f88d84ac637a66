"""A guest's disk: the commands of a 3390 behind a 3990, as channel programs."""

from typing import Final

from msgspec import Struct

from ccw_actors.channel import Command
from ccw_actors.channel.ccw import SENSE_ID_LENGTH
from ccw_actors.devices.eckd import ECKD
from ccw_actors.devices.volume_label import EBCDIC
from ccw_actors.errors import ProgramError
from ccw_actors.machine._channel_program import Give, Take, Tic
from ccw_actors.machine.guest_os import GuestDevice

__all__ = ["DEFINE_EXTENT", "LOCATE_RECORD", "RECORDS_MAX", "Disk", "Shape"]

READ_DATA: Final = 0x06
SEEK: Final = 0x07
SEARCH_ID_EQUAL: Final = 0x31
LOCATE_RECORD: Final = 0x47
DEFINE_EXTENT: Final = 0x63

LABEL_RECORD: Final = 3
RECORDS_MAX: Final = 255

_CONTROL_UNIT: Final = bytes.fromhex("3990")
_DISK: Final = bytes.fromhex("3390")
_CHARACTERISTICS_SIZE: Final = 64
_NO_WRITES: Final = 0x40
_ANY_SECTOR: Final = 0xFF


class Shape(Struct, frozen=True):
    """Size of a disk in cylinders, and tracks in a cylinder."""

    cylinders: int
    heads: int


class Disk:
    """A guest's view of a 3390; every method runs one or two channel programs."""

    def __init__(self, device: GuestDevice) -> None:
        self.device = device

    @classmethod
    async def at(cls, device: GuestDevice) -> "Disk | None":
        """Return the device as a disk, or None if SENSE ID reports another device."""
        data = await device.read("sense ID", Take(Command.SENSE_ID, SENSE_ID_LENGTH))
        is_disk = data[1:3] == _CONTROL_UNIT and data[4:6] == _DISK
        return cls(device) if is_disk else None

    async def shape(self) -> Shape:
        """Read the size with READ DEVICE CHARACTERISTICS."""
        take = Take(Command.READ_DEVICE_CHARACTERISTICS, _CHARACTERISTICS_SIZE)
        data = await self.device.read("read device characteristics", take)
        return Shape(int.from_bytes(data[12:14]), int.from_bytes(data[14:16]))

    async def volume_serial(self) -> str:
        """Read the volume label: record 3 of the first track, found by a search.

        Raises:
            ProgramError: There is no label.
        """
        label = await self.device.read(
            "read the volume label",
            Give(SEEK, bytes(2) + _track(0, 0)),
            Give(SEARCH_ID_EQUAL, _track(0, 0) + bytes([LABEL_RECORD])),
            Tic(1),
            Take(READ_DATA),
        )
        text = label.decode(EBCDIC)
        if not text.startswith("VOL1"):
            raise ProgramError(
                f"{self.device}: expected a volume label in record {LABEL_RECORD} of"
                f" cylinder 0, head 0, which starts with VOL1, got {text[:4]!r}"
            )
        return text[4:10].rstrip()

    async def record(self, cylinder: int, head: int, record: int) -> bytes | None:
        """Read the data of one record; None if the track does not have it.

        The data of an end-of-file record are empty.

        Raises:
            ProgramError: The disk reported an error.
        """
        track = _track(cylinder, head)
        ending = await self.device.run(
            Give(DEFINE_EXTENT, _extent(track)),
            Give(LOCATE_RECORD, _location(track, record)),
            Take(READ_DATA),
        )
        if ending.normal:
            return ending.data
        if ending.end_of_file:
            return b""
        if ending.no_record_found:
            return None
        place = f"cylinder {cylinder}, head {head}, record {record}"
        raise ProgramError(f"{self.device}: read {place}: {ending}")


def _track(cylinder: int, head: int) -> bytes:
    return cylinder.to_bytes(2) + head.to_bytes(2)


def _extent(track: bytes) -> bytes:
    """Argument of DEFINE EXTENT: one track, writes inhibited."""
    return bytes((_NO_WRITES, ECKD)) + bytes(6) + track + track


def _location(track: bytes, record: int) -> bytes:
    """Argument of LOCATE RECORD: one READ DATA, after the record's count area."""
    identifier = track + bytes([record])
    return bytes((READ_DATA, 0, 0, 1)) + track + identifier + bytes((_ANY_SECTOR, 0, 0))
