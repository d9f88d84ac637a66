"""Count-key-data disk types, as real ones and Hercules report them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct

__all__ = ["DISKS", "Characteristics", "Disk", "DiskModel"]


class DiskModel(Struct, frozen=True):
    """One model of a disk type.

    `cylinders` are those of a volume, behind which it has `alternates`. `model` is the
    device model byte, `code` bytes 11, 40 and 41 of READ DEVICE CHARACTERISTICS. Sense
    byte 6 has the high part of the cylinder, shifted left by `shift`; None: neither
    byte 5 nor byte 6 has the place.
    """

    cylinders: int
    alternates: int
    model: int
    code: int = 0
    shift: int | None = 4


class Characteristics(Struct, frozen=True):
    """What READ DEVICE CHARACTERISTICS says of the tracks of a type.

    `home` is the length of home address and R0 with their gaps, `record_zero` that of
    the longest data area of R0, `rotation` the two factors that give a sector's number.
    """

    home: int
    record_zero: int
    rotation: int


def _no_drive(_address: int) -> int:
    return 0


def _low_bits(width: int) -> Callable[[int], int]:
    return lambda address: address & ((1 << width) - 1)


def _complemented(address: int) -> int:
    return address & 0x07 | (~address & 0x07) << 3


def _drive_bit(address: int) -> int:
    return 0x80 >> (address & 0x07)


class Disk(Struct, frozen=True):
    """A disk type.

    `models` are the smallest volume first; a larger volume is that of the last.
    `control_units` are the names of those it can be behind; the first is the default.
    It has `sectors`, 0 without rotational position sensing, and `lacks` commands that
    its control unit knows. If it `overflows`, a record may continue on the next track.

    Sense byte 2 has `features` and the model, if there are any. Byte 3 has `ready`, and
    04 at the end of a cylinder, if the disk tells. Byte 4 is the `drive` at a unit
    address.
    """

    device_type: bytes
    models: tuple[DiskModel, ...]
    control_units: tuple[str, ...]
    sectors: int = 0
    lacks: frozenset[int] = frozenset()
    overflows: bool = True
    characteristics: Characteristics | None = None
    features: int = 0
    ready: int = 0
    drive: Callable[[int], int] = _no_drive

    def model(self, cylinders: int) -> DiskModel:
        """Model of a volume of this size."""
        for model in self.models:
            if cylinders <= model.cylinders + model.alternates:
                return model
        return self.models[-1]


_ANY_SIZE = 65535
_READ_CHARACTERISTICS = 0x64
_PATH_GROUPS = frozenset({0x34, 0x5B, 0xAF})
_RECALIBRATE = 0x13

DISKS: Mapping[str, Disk] = MappingProxyType(
    {
        "2305": Disk(
            device_type=bytes.fromhex("2305"),
            models=(
                DiskModel(48, 0, 0x00, shift=None),
                DiskModel(_ANY_SIZE, 0, 0x02, shift=None),
            ),
            control_units=("2835",),
            sectors=90,
            ready=0x40,
        ),
        "2311": Disk(
            device_type=bytes.fromhex("2311"),
            models=(DiskModel(_ANY_SIZE, 0, 0x00, shift=None),),
            control_units=("2841",),
            ready=0xC8,
        ),
        "2314": Disk(
            device_type=bytes.fromhex("2314"),
            models=(DiskModel(_ANY_SIZE, 0, 0x00, shift=None),),
            control_units=("2314",),
            ready=0x40,
        ),
        "3330": Disk(
            device_type=bytes.fromhex("3330"),
            models=(
                DiskModel(404, 7, 0x01, shift=6),
                DiskModel(_ANY_SIZE, 0, 0x11, shift=5),
            ),
            control_units=("3830",),
            sectors=128,
            drive=_complemented,
        ),
        "3340": Disk(
            device_type=bytes.fromhex("3340"),
            models=(
                DiskModel(348, 1, 0x01, shift=5),
                DiskModel(_ANY_SIZE, 0, 0x02, shift=5),
            ),
            control_units=("3830",),
            sectors=64,
            features=0x80,
            drive=_drive_bit,
        ),
        "3350": Disk(
            device_type=bytes.fromhex("3350"),
            models=(DiskModel(_ANY_SIZE, 0, 0x00, shift=5),),
            control_units=("3830",),
            sectors=128,
            drive=_drive_bit,
        ),
        "3375": Disk(
            device_type=bytes.fromhex("3375"),
            models=(DiskModel(_ANY_SIZE, 0, 0x02, shift=6),),
            control_units=("3880",),
            sectors=196,
            lacks=_PATH_GROUPS | {_READ_CHARACTERISTICS},
            characteristics=Characteristics(832, 36000, 0x5007),
            drive=_low_bits(3),
        ),
        "3380": Disk(
            device_type=bytes.fromhex("3380"),
            models=(
                DiskModel(885, 1, 0x02, 0x0E),
                DiskModel(1770, 2, 0x0A, 0x0E),
                DiskModel(2655, 3, 0x1E, 0x0E),
                DiskModel(3339, 3, 0x1E, 0x0E),
                DiskModel(3993, 3, 0x1E, 0x0E),
                DiskModel(_ANY_SIZE, 0, 0x1E, 0x0E),
            ),
            control_units=("3880", "3990-2", "3990-6", "2107"),
            sectors=222,
            overflows=False,
            characteristics=Characteristics(1088, 47988, 0x5007),
            drive=_low_bits(4),
        ),
        "3390": Disk(
            device_type=bytes.fromhex("3390"),
            models=(
                DiskModel(1113, 1, 0x02, 0x26),
                DiskModel(2226, 1, 0x06, 0x27),
                DiskModel(3339, 1, 0x0A, 0x24),
                DiskModel(10017, 3, 0x0C, 0x32),
                DiskModel(32760, 3, 0x0C, 0x32),
                DiskModel(65520, 3, 0x0C, 0x32),
                DiskModel(_ANY_SIZE, 0, 0x0C, 0x32),
            ),
            control_units=("3990-2", "3990-6", "2107"),
            sectors=224,
            lacks=frozenset({_RECALIBRATE}),
            overflows=False,
            characteristics=Characteristics(1428, 57326, 0x7708),
        ),
        "9345": Disk(
            device_type=bytes.fromhex("9345"),
            models=(DiskModel(_ANY_SIZE, 0, 0x04, 0x04),),
            control_units=("9343", "9343-0"),
            sectors=213,
            characteristics=Characteristics(1184, 48174, 0x8B07),
        ),
    }
)
"""Models, sectors, control units and characteristics are as Hercules 3.13 shows them
(SENSE ID, READ DEVICE CHARACTERISTICS, SET SECTOR of volumes of dasdinit, also with
alternate cylinders). So are sense bytes 2 to 4. Where byte 6 has the cylinder is as in
SDL Hercules 4.9; 3.13 always shifts by 4, into the bits of the head. A 3375 lacks READ
DEVICE CHARACTERISTICS in both, path groups in SDL Hercules 4.9; the table of that has
its characteristics (dasdtab.c). A 3390 lacks RECALIBRATE in 3.13."""
