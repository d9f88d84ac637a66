"""Messages to and from a Volume."""

from typing import TypeAlias

from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.runtime import Message, Request

__all__ = [
    "DescribeVolume",
    "DeviceToVolume",
    "ReadTrack",
    "TrackFailed",
    "TrackRead",
    "TrackWritten",
    "VolumeDescribed",
    "VolumeMessage",
    "WriteTrack",
]


class VolumeDescribed(Message, frozen=True):
    """The shape of a volume: its tracks, or its blocks and their groups."""

    geometry: Geometry | BlockGeometry


class TrackRead(Message, frozen=True):
    """A whole track, as it is in the image, and those of the next that are `ahead`."""

    number: int
    data: bytes
    ahead: tuple[bytes, ...] = ()


class TrackWritten(Message, frozen=True):
    """The track is in the image."""

    number: int


class TrackFailed(Message, frozen=True):
    """The track could not be read or written; `reason` says why, for a person."""

    number: int
    reason: str


class DescribeVolume(Request[VolumeDescribed], frozen=True):
    """Ask what is in the image; a bad image fails the ask with an `ImageError`."""


class ReadTrack(Request[TrackRead | TrackFailed], frozen=True):
    """Fetch a track; tracks count from 0, heads within cylinders.

    At most `ahead` of the next tracks come with it: those that can be read.
    """

    number: int
    track: int
    ahead: int = 0


class WriteTrack(Request[TrackWritten | TrackFailed], frozen=True):
    """Replace a track; `data` has the volume's track size."""

    number: int
    track: int
    data: bytes


DeviceToVolume: TypeAlias = ReadTrack | WriteTrack
"""What a Device asks of its volume."""

VolumeMessage: TypeAlias = DeviceToVolume | DescribeVolume
"""What a FileVolume or MemoryVolume takes: from its device, and from the wiring."""
