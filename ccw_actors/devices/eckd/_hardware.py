"""Data of disk types and control units, as real ones and Hercules report them."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from ccw_actors.devices.volume_geometry import Geometry

__all__ = ["DISKS", "ControlUnit", "Disk", "Hardware", "hardware_of"]

_CYLINDERS_16_BIT = 0xFFFE
"""The 16-bit number of cylinders of a volume that has as many or more."""

_LOCATE_RECORD_EXTENDED, _WRITE_FULL_TRACK, _PREFIX = 0x4B, 0x95, 0xE7


class ControlUnit(Struct, frozen=True):
    """A control unit.

    `identity` is its type and model, `ciws` are the command information words of SENSE
    ID. `facilities` are bytes 6-9 of READ DEVICE CHARACTERISTICS (40 in the first: READ
    TRACK in a domain; 02: PREFIX), `kind` is byte 42. `commands` are the codes it knows
    beyond those of a 3990 model 2. `suborders` are those of PERFORM SUBSYSTEM FUNCTION
    that prepare data, and `features` the feature codes (suborder 41), by byte. An
    `enhanced` control unit says so in its status, knows unit addresses, and also
    reports the number of cylinders with 32 bits.
    """

    identity: bytes
    ciws: bytes = b""
    sense_size: int = 32
    facilities: bytes = bytes(4)
    kind: int = 0
    commands: frozenset[int] = frozenset()
    suborders: frozenset[int] = frozenset()
    features: Mapping[int, int] = MappingProxyType({})
    enhanced: bool = False


class Disk(Struct, frozen=True):
    """A disk type.

    `models` maps the largest number of cylinders to the device model byte, smallest
    volume first; a larger volume has the last one. `classes` are bytes 10-11 of READ
    DEVICE CHARACTERISTICS and `details` bytes 16-63: sectors, track capacity, formulas,
    alternate tracks, error-recording identifiers. `control_units` are the names of
    those it can be behind; the first is the default.
    """

    device_type: bytes
    models: tuple[tuple[int, int], ...]
    classes: bytes
    details: bytes
    control_units: tuple[str, ...]

    def model(self, geometry: Geometry) -> int:
        """Device model byte of a volume of this size."""
        for cylinders, model in self.models:
            if geometry.cylinders <= cylinders:
                return model
        return self.models[-1][1]


class Hardware(Struct, frozen=True):
    """A disk behind its control unit."""

    disk: Disk
    unit: ControlUnit

    @property
    def sense_size(self) -> int:
        """Number of bytes that SENSE transfers."""
        return self.unit.sense_size

    @property
    def sectors(self) -> int:
        """Number of sectors of equal angle of a track."""
        return self.disk.details[0]

    def sense_id(self, geometry: Geometry) -> bytes:
        """Data of SENSE ID: FF, control unit, device type and model, zero, CIWs."""
        model = bytes([self.disk.model(geometry)])
        identity = self.unit.identity + self.disk.device_type + model
        return b"\xff" + identity + (b"\0" + self.unit.ciws if self.unit.ciws else b"")

    def characteristics(self, geometry: Geometry) -> bytes:
        """Return the 64 bytes of READ DEVICE CHARACTERISTICS."""
        data = bytearray(
            b"".join(
                (
                    self.unit.identity,
                    self.disk.device_type,
                    bytes([self.disk.model(geometry)]),
                    self.unit.facilities,
                    self.disk.classes,
                    min(geometry.cylinders, _CYLINDERS_16_BIT).to_bytes(2),
                    geometry.heads.to_bytes(2),
                    self.disk.details,
                )
            )
        )
        data[42] = self.unit.kind
        if self.unit.enhanced:
            data[60:64] = geometry.cylinders.to_bytes(4)
        return bytes(data)


_3990_SUBORDERS = frozenset({0x00, 0x01, 0x03, 0x0E, 0x41})

CONTROL_UNITS: Mapping[str, ControlUnit] = MappingProxyType(
    {
        "3880": ControlUnit(
            identity=bytes.fromhex("3880 05"),
            sense_size=24,
            facilities=bytes.fromhex("80000000"),
            kind=0x09,
            suborders=_3990_SUBORDERS,
        ),
        "3990-2": ControlUnit(
            identity=bytes.fromhex("3990 c2"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("d0000000"),
            kind=0x10,
            suborders=_3990_SUBORDERS,
        ),
        "3990-6": ControlUnit(
            identity=bytes.fromhex("3990 e9"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("50000000"),
            kind=0x15,
            commands=frozenset({_LOCATE_RECORD_EXTENDED, _WRITE_FULL_TRACK}),
            suborders=_3990_SUBORDERS,
            enhanced=True,
        ),
        "2107": ControlUnit(
            identity=bytes.fromhex("2107 e8"),
            ciws=bytes.fromhex("40fa0100"),
            facilities=bytes.fromhex("52000000"),
            kind=0x1F,
            commands=frozenset({_LOCATE_RECORD_EXTENDED, _WRITE_FULL_TRACK, _PREFIX}),
            suborders=_3990_SUBORDERS | {0x1C, 0x52, 0x53},
            features=MappingProxyType({8: 0x01, 14: 0x80}),
            enhanced=True,
        ),
    }
)
"""The first two are as in Hercules 3.13; identities and kinds of the others as in SDL
Hercules 4. Their facilities are those of this model: no cache, no fast write, no
copies, no multiple-burst error correction. Features of a 2107: PREFIX (8) and query
host access (14), as Linux drivers/s390/block/dasd_eckd.c tests them."""


DISKS: Mapping[str, Disk] = MappingProxyType(
    {
        "3380": Disk(
            device_type=bytes.fromhex("3380"),
            models=((885, 0x02), (1770, 0x0A), (2655, 0x1E)),
            classes=bytes.fromhex("200e"),
            details=bytes.fromhex(
                "de00bb60 04400120 01ec00ec 00000000 00000000 00000000"
                "0e0e0902 bb740001 00500700 00000000 00ff0000 00000000"
            ),
            control_units=("3880",),
        ),
        "3390": Disk(
            device_type=bytes.fromhex("3390"),
            models=((1113, 0x02), (2226, 0x06), (3339, 0x0A), (10017, 0x0C)),
            classes=bytes.fromhex("2026"),
            details=bytes.fromhex(
                "e000e5a2 05940222 13090674 00000000 00000000 00000000"
                "26261002 dfee0001 06770800 00000000 00ff0000 00000000"
            ),
            control_units=("3990-2", "3990-6", "2107"),
        ),
    }
)


def hardware_of(device_type: str, control_unit: str = "") -> Hardware | None:
    """Return a disk behind a control unit; None if it cannot be behind that one."""
    disk = DISKS[device_type]
    name = control_unit or disk.control_units[0]
    if name not in disk.control_units:
        return None
    return Hardware(disk, CONTROL_UNITS[name])
