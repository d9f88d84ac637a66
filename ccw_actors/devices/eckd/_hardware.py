"""A disk behind its control unit, and what it says of itself."""

import struct
from collections.abc import Mapping

from msgspec import Struct

from ccw_actors.devices.ckd_types import type_of
from ccw_actors.devices.eckd._control_units import CONTROL_UNITS, ControlUnit
from ccw_actors.devices.eckd._disks import DISKS, Disk, DiskModel
from ccw_actors.devices.track import COUNT_SIZE
from ccw_actors.devices.track_capacity import (
    CellCapacity,
    SegmentCapacity,
    TrackCapacity,
)
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import UnknownControlUnitError

__all__ = ["Hardware", "hardware_of"]

_CYLINDERS_16_BIT = 0xFFFE
"""The 16-bit number of cylinders of a volume that has as many or more."""

_CHARACTERISTICS = struct.Struct(">6s4sBBHHBxHH6sHH8xBBBBHxBBH6xB2xI")
"""Fields as in Linux drivers/s390/block/dasd_eckd.h, dasd_eckd_characteristics."""
_DIRECT_ACCESS = 0x20
_PARAMETERS, _TRACK_SET, _REAL_DEVICE = 2, 1, 0xFF
"""Length of the parameters, track set and real device type, as on Hercules 3.13."""


class Hardware(Struct, frozen=True):
    """A disk behind its control unit, with its volume.

    `address` is the unit address, `capacity` that of a track. With `room_of_image` a
    record only has to fit in the image of its track.
    """

    disk: Disk
    unit: ControlUnit
    geometry: Geometry
    capacity: TrackCapacity
    address: int = 0
    room_of_image: bool = False

    @property
    def model(self) -> DiskModel:
        """Model of the disk, by the size of its volume."""
        return self.disk.model(self.geometry.cylinders)

    @property
    def sense_size(self) -> int:
        """Number of bytes that SENSE transfers."""
        return self.unit.sense_size

    @property
    def sectors(self) -> int:
        """Number of sectors of equal angle of a track."""
        return self.disk.sectors

    @property
    def block_size_max(self) -> int:
        """The largest block size of an extent, in bytes: a whole R0."""
        known = self.disk.characteristics
        return COUNT_SIZE + known.record_zero if known else 0

    def knows(self, code: int, *, special: bool) -> bool:
        """Return whether the device knows a command (see `ControlUnit`)."""
        return self.unit.knows(code, special=special) and code not in self.disk.lacks

    def sense_id(self) -> bytes:
        """Data of SENSE ID: FF, control unit, device type and model, zero, CIWs."""
        identity = self._identity()
        return b"\xff" + identity + (b"\0" + self.unit.ciws if self.unit.ciws else b"")

    def characteristics(self) -> bytes:
        """Return the 64 bytes of READ DEVICE CHARACTERISTICS; none if it has none.

        A volume with more cylinders than its model has them as alternates.
        """
        known, capacity, model = self.disk.characteristics, self.capacity, self.model
        if known is None or not isinstance(capacity, CellCapacity | SegmentCapacity):
            return b""
        cylinders = min(self.geometry.cylinders, model.cylinders)
        alternates = self.geometry.cylinders - cylinders
        return _CHARACTERISTICS.pack(
            self._identity(),
            self.unit.facilities,
            _DIRECT_ACCESS,
            model.code,
            min(cylinders, _CYLINDERS_16_BIT),
            self.geometry.heads,
            self.sectors,
            capacity.track,
            known.home,
            capacity.factors(),
            cylinders if alternates else 0,
            alternates * self.geometry.heads,
            model.code,
            model.code,
            self.unit.kind,
            _PARAMETERS,
            known.record_zero,
            _TRACK_SET,
            capacity.factor6,
            known.rotation,
            _REAL_DEVICE,
            cylinders if self.unit.enhanced else 0,
        )

    def _identity(self) -> bytes:
        device = self.disk.device_type + bytes([self.model.model])
        return self.unit.identity + device


def hardware_of(
    geometry: Geometry, options: Mapping[str, str], address: int = 0
) -> Hardware:
    """Return the disk of a volume, with the options of its configuration.

    Raises:
        ImageError: No disk type has tracks of this size.
        UnknownControlUnitError: The disk cannot be behind that control unit.
    """
    disk = DISKS[geometry.device_type]
    control_unit = options.get("control_unit", "")
    name = control_unit or disk.control_units[0]
    if name not in disk.control_units:
        raise UnknownControlUnitError(
            geometry.device_type, control_unit, disk.control_units
        )
    capacity = type_of(geometry).capacity
    return Hardware(
        disk,
        CONTROL_UNITS[name],
        geometry,
        capacity,
        address,
        room_of_image=options.get("track_room") == "image",
    )
