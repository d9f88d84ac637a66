"""The count-key-data disk types: their volumes, tracks, and constants for a VTOC.

Capacities are those of Hercules' table of devices, so each program reads the other's
images. An image spends the same number of bytes on every track: home address (5), R0
(16), one record of the greatest length (8 and `record_max`) and an end mark (8),
rounded up to a multiple of 512.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ccw_actors.devices.track_capacity import (
    CellCapacity,
    GapCapacity,
    SegmentCapacity,
    ToleranceCapacity,
    TrackCapacity,
)
from ccw_actors.devices.volume_geometry import Geometry
from ccw_actors.errors import ImageError

__all__ = [
    "CKD_TYPES",
    "CYLINDERS_MAX",
    "CkdType",
    "VtocConstants",
    "ckd_type",
    "ckd_volume",
    "type_of",
]

_OVERHEAD: Final = 5 + 16 + 8 + 8
_SECTOR: Final = 512
CYLINDERS_MAX: Final = 65535
"""The most cylinders that a volume may have: a track's address has two bytes."""


class VtocConstants(Struct, frozen=True):
    """The device constants of a type in the format-4 DSCB.

    `overheads` are three bytes: the overhead of a keyed
    block, that of the last keyed block, and the bytes that a block without a key saves.
    `flags` and `tolerance` say how to use them. `dscbs` and `directory_blocks` are the
    DSCBs and directory blocks that a track holds.
    """

    overheads: bytes
    flags: int
    tolerance: int
    dscbs: int
    directory_blocks: int


class CkdType(Struct, frozen=True):
    """A disk type; `models` has the cylinders of each model, the default one first.

    `code` is the low byte of the type in an image's header. `record_max` is the length
    of the longest record without a key, in bytes, as `capacity` allows it.
    """

    name: str
    code: int
    heads: int
    record_max: int
    models: Mapping[str, int]
    capacity: TrackCapacity
    vtoc: VtocConstants

    @property
    def track_size(self) -> int:
        """Bytes of a track in an image."""
        return -(-(self.record_max + _OVERHEAD) // _SECTOR) * _SECTOR

    @property
    def cylinders(self) -> int:
        """Cylinders of the default model."""
        return next(iter(self.models.values()))


_GAPS = 0x01
_MODULO = 0x30

CKD_TYPES: Final = (
    CkdType(
        "2305",
        0x05,
        heads=8,
        record_max=14136,
        models={"1": 48},
        capacity=GapCapacity(14568, key=202, record=432),
        vtoc=VtocConstants(bytes.fromhex("7a7aca"), _GAPS, 512, 18, 16),
    ),
    CkdType(
        "2305",
        0x05,
        heads=8,
        record_max=14660,
        models={"2": 96},
        capacity=GapCapacity(14858, key=91, record=198),
        vtoc=VtocConstants(bytes.fromhex("21215b"), _GAPS, 512, 34, 26),
    ),
    CkdType(
        "2311",
        0x11,
        heads=10,
        record_max=3625,
        models={"1": 200},
        capacity=ToleranceCapacity(3625, 20, 61, 537, 512),
        vtoc=VtocConstants(bytes.fromhex("511414"), _GAPS, 537, 16, 10),
    ),
    CkdType(
        "2314",
        0x14,
        heads=20,
        record_max=7294,
        models={"1": 200},
        capacity=ToleranceCapacity(7294, 45, 101, 2137, 2048),
        vtoc=VtocConstants(bytes.fromhex("922d2d"), _GAPS, 534, 25, 17),
    ),
    CkdType(
        "3330",
        0x30,
        heads=19,
        record_max=13030,
        models={"1": 404, "2": 808, "11": 808},
        capacity=GapCapacity(13165, key=56, record=135),
        vtoc=VtocConstants(bytes.fromhex("bfbf38"), _GAPS, 512, 39, 28),
    ),
    CkdType(
        "3340",
        0x40,
        heads=12,
        record_max=8368,
        models={"1": 348, "35": 348, "2": 696, "70": 696},
        capacity=GapCapacity(8535, key=75, record=167),
        vtoc=VtocConstants(bytes.fromhex("f2f24b"), _GAPS, 512, 22, 16),
    ),
    CkdType(
        "9345",
        0x45,
        heads=15,
        record_max=46456,
        models={"1": 1440, "2": 2156},
        capacity=SegmentCapacity(48280, 34, 18, 7, 6, 116, 6),
        vtoc=VtocConstants(bytes(3), _MODULO, 0, 45, 40),
    ),
    CkdType(
        "3350",
        0x50,
        heads=30,
        record_max=19069,
        models={"1": 555},
        capacity=GapCapacity(19254, key=82, record=185),
        vtoc=VtocConstants(bytes.fromhex("0b0b52"), _GAPS, 512, 47, 36),
    ),
    CkdType(
        "3375",
        0x75,
        heads=12,
        record_max=35616,
        models={"1": 959},
        capacity=CellCapacity(36000, 32, 384, 160),
        vtoc=VtocConstants(bytes(3), _MODULO, 0, 51, 43),
    ),
    CkdType(
        "3380",
        0x80,
        heads=15,
        record_max=47476,
        models={
            "1": 885,
            "A": 885,
            "B": 885,
            "D": 885,
            "J": 885,
            "2": 1770,
            "E": 1770,
            "3": 2655,
            "K": 2655,
        },
        capacity=CellCapacity(47968, 32, 492, 236),
        vtoc=VtocConstants(bytes(3), _MODULO, 0, 53, 46),
    ),
    CkdType(
        "3390",
        0x90,
        heads=15,
        record_max=56664,
        models={
            "1": 1113,
            "2": 2226,
            "3": 3339,
            "9": 10017,
            "27": 32760,
            "J": 32760,
            "54": 65520,
            "JJ": 65520,
        },
        capacity=SegmentCapacity(58786, 34, 19, 9, 6, 116, 6),
        vtoc=VtocConstants(bytes(3), _MODULO, 0, 50, 45),
    ),
)


def ckd_type(name: str) -> tuple[CkdType, int]:
    """Find a disk type and its cylinders: "3390-3", or "3390" for the default model.

    Raises:
        ImageError: There is no such type or model.
    """
    family, dash, model = name.upper().partition("-")
    for kind in CKD_TYPES:
        if kind.name != family:
            continue
        if not dash:
            return kind, kind.cylinders
        if model in kind.models:
            return kind, kind.models[model]
    known = ", ".join(
        f"{kind.name}-{model}" for kind in CKD_TYPES for model in kind.models
    )
    raise ImageError(f"unknown disk type {name!r}, expected one of {known}")


def ckd_volume(kind: CkdType, cylinders: int) -> Geometry:
    """Shape of a volume of this type with this number of cylinders.

    Raises:
        ImageError: The number is less than 1 or more than `CYLINDERS_MAX`.
    """
    if not 1 <= cylinders <= CYLINDERS_MAX:
        raise ImageError(
            f"a {kind.name} of {cylinders} cylinders, expected 1 to {CYLINDERS_MAX}"
        )
    return Geometry(kind.name, cylinders, heads=kind.heads, track_size=kind.track_size)


def type_of(volume: Geometry) -> CkdType:
    """Find the disk type with a volume's device type and track size.

    Raises:
        ImageError: There is none.
    """
    for kind in CKD_TYPES:
        if (kind.name, kind.track_size) == (volume.device_type, volume.track_size):
            return kind
    raise ImageError(
        f"there is no {volume.device_type} with tracks of {volume.track_size} bytes"
    )
