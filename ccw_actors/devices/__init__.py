"""Device models without I/O, and image formats, which turn bytes into tracks."""

from ccw_actors.devices._model import (
    DeviceConfiguration,
    DeviceModel,
    Failure,
    NeedTrack,
    Outcome,
)
from ccw_actors.devices._registry import (
    DEVICE_MODELS,
    ENTRY_POINTS,
    ModelFactory,
    device_model,
    device_models,
)
from ccw_actors.devices.ckd_image import (
    HEADER_SIZE,
    CkdHeader,
    geometry,
    track_offset,
)
from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry, Geometry

__all__ = [
    "BLOCK_SIZE",
    "DEVICE_MODELS",
    "ENTRY_POINTS",
    "HEADER_SIZE",
    "BlockGeometry",
    "CkdHeader",
    "DeviceConfiguration",
    "DeviceModel",
    "Failure",
    "Geometry",
    "ModelFactory",
    "NeedTrack",
    "Outcome",
    "Record",
    "Track",
    "device_model",
    "device_models",
    "geometry",
    "track_offset",
]
