"""Device models without I/O, and image formats: bytes to tracks."""

from ccw_actors.devices.ckd_image import (
    HEADER_SIZE,
    CkdHeader,
    geometry,
    track_offset,
)
from ccw_actors.devices.model import (
    DeviceConfiguration,
    DeviceModel,
    Failure,
    NeedTrack,
    Outcome,
)
from ccw_actors.devices.registry import (
    DEVICE_MODELS,
    ModelFactory,
    device_model,
)
from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import Geometry

__all__ = [
    "DEVICE_MODELS",
    "HEADER_SIZE",
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
    "geometry",
    "track_offset",
]
