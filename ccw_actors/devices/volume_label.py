"""The label at the start of a volume: its serial, its owner and the place of its VTOC.

A volume of tracks has it on its first track, after two records for IPL. A volume of
blocks has it in block 1. Text is EBCDIC, numbers are big-endian.

| record | key | data |
|---|---|---|
| 1 | IPL1 | 24 bytes: a PSW and two CCWs that IPL reads |
| 2 | IPL2 | 144 bytes: a channel program |
| 3 | VOL1 | 80 bytes: the label |

| offset | size | label |
|---|---|---|
| 0 | 4 | VOL1 |
| 4 | 6 | volume serial |
| 10 | 1 | security: 40 |
| 11 | 5 | cylinder, head, record of the first record of the VTOC |
| 37 | 14 | owner |
"""

import re
import struct
from typing import Final

from msgspec import Struct

from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, Geometry
from ccw_actors.errors import ImageError

__all__ = ["CCHHR", "EBCDIC", "LABEL_BLOCK", "VolumeLabel", "volume_serial"]

EBCDIC: Final = "cp037"
LABEL_BLOCK: Final = 1

_SIZE: Final = 80
_VOL1: Final = "VOL1".encode(EBCDIC)
_SPACE: Final = " ".encode(EBCDIC)
_SERIAL = re.compile(r"[A-Z0-9@#$-]{1,6}", re.ASCII)
CCHHR = struct.Struct(">HHB")
# An IPL from a new volume loads a disabled wait PSW with code 0F.
_WAIT: Final = bytes.fromhex("000600000000000f")
_NO_OPERATION: Final = bytes.fromhex("0300000000000001")


def volume_serial(text: str) -> str:
    """Check a volume serial, and return it in capitals.

    Raises:
        ImageError: The serial is not one to six letters, digits, or @ # $ -.
    """
    serial = text.upper()
    if not _SERIAL.fullmatch(serial):
        raise ImageError(
            f"volume serial {text!r}, expected one to six of A-Z, 0-9, @, #, $, -"
        )
    return serial


class VolumeLabel(Struct, frozen=True):
    """A volume label. `vtoc` is cylinder, head and record of the first DSCB."""

    serial: str
    vtoc: tuple[int, int, int] = (0, 0, 0)
    owner: str = ""

    @classmethod
    def found_on_track(cls, raw: bytes) -> "VolumeLabel | None":
        """Find the label on the first track of a volume, if there is one.

        Raises:
            ImageError: The track is damaged.
        """
        for record in Track.from_bytes(raw).records:
            if record.key in {_VOL1, b""} and record.data.startswith(_VOL1):
                return cls._from_bytes(record.data)
        return None

    @classmethod
    def on_track(cls, raw: bytes) -> "VolumeLabel":
        """Find the label on the first track of a volume.

        Raises:
            ImageError: The track is damaged, or has no label.
        """
        label = cls.found_on_track(raw)
        if label is None:
            raise ImageError(
                "no volume label: expected a record with key VOL1 at cylinder 0, head 0"
            )
        return label

    @classmethod
    def in_blocks(cls, raw: bytes) -> "VolumeLabel":
        """Find the label of a volume of blocks, given its first two blocks.

        Raises:
            ImageError: The blocks have no label.
        """
        block = raw[LABEL_BLOCK * BLOCK_SIZE : (LABEL_BLOCK + 1) * BLOCK_SIZE]
        if not block.startswith(_VOL1):
            raise ImageError("no volume label: expected VOL1 at the start of block 1")
        return cls._from_bytes(block)

    @classmethod
    def _from_bytes(cls, raw: bytes) -> "VolumeLabel":
        cylinder, head, record = CCHHR.unpack_from(raw.ljust(_SIZE, b"\0"), 11)
        return cls(
            raw[4:10].decode(EBCDIC).rstrip(" \0"),
            (cylinder, head, record),
            raw[37:51].decode(EBCDIC).strip(" \0"),
        )

    def to_track(self, volume: Geometry) -> bytes:
        """Return the first track of a volume: two records for IPL, and this label."""
        text = "VOL1" + self.serial.ljust(6) + " "
        label = text.encode(EBCDIC) + CCHHR.pack(*self.vtoc)
        label = label.ljust(37, _SPACE) + self.owner.ljust(14).encode(EBCDIC)
        data = (
            _WAIT + _NO_OPERATION + bytes(8),
            bytes(144),
            label.ljust(_SIZE, _SPACE),
        )
        records = [Record(0, 0, 0, b"", bytes(8))]
        for number, (key, content) in enumerate(
            zip(("IPL1", "IPL2", "VOL1"), data, strict=True), 1
        ):
            records.append(Record(0, 0, number, key.encode(EBCDIC), content))
        raw = Track(0, 0, 0, tuple(records), b"").to_bytes()
        return raw.ljust(volume.track_size, b"\0")

    def to_blocks(self) -> bytes:
        """Return the first two blocks of a volume of blocks, with this label."""
        label = _VOL1 + self.serial.ljust(6).encode(EBCDIC)
        return bytes(BLOCK_SIZE) + label.ljust(BLOCK_SIZE, b"\0")
