"""Volume: the tracks of one disk, in an image file or in memory; same messages."""

import os
from pathlib import Path
from typing import BinaryIO, cast

from msgspec import Struct

from ccw_actors.actors.protocol import (
    DescribeVolume,
    ReadTrack,
    TrackFailed,
    TrackRead,
    TrackWritten,
    VolumeDescribed,
    WriteTrack,
)
from ccw_actors.devices import HEADER_SIZE, CkdHeader, Geometry, geometry, track_offset
from ccw_actors.errors import ImageError
from ccw_actors.runtime import Actor, receive

__all__ = ["FileVolume", "MemoryVolume"]


def _described(volume: Geometry) -> VolumeDescribed:
    return VolumeDescribed(
        volume.device_type, volume.cylinders, volume.heads, volume.track_size
    )


class FileVolume(Actor):
    """An uncompressed CKD image file. The only one that touches the file; it blocks.

    Live in a thread (`System.spawn_thread`). `DescribeVolume` opens the file and
    checks it; until then no track can be read.
    """

    def __init__(self, image: Path, *, read_only: bool) -> None:
        self._image = image
        self._read_only = read_only
        self._file: BinaryIO | None = None
        self._geometry: Geometry | None = None

    @receive
    def describe(self, _message: DescribeVolume) -> VolumeDescribed | None:
        """Open the image and say what is in it. Raises `ImageError` if it is bad."""
        return _described(self._open()[1])

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a whole track from the file."""
        try:
            file, volume = self._open()
            file.seek(track_offset(volume, message.track))
            data = file.read(volume.track_size)
        except (OSError, ImageError) as error:
            return TrackFailed(message.number, f"{self._image}: {error}")
        if len(data) < volume.track_size:
            reason = (
                f"{self._image}: track {message.track} has {len(data)} bytes left,"
                f" expected {volume.track_size}: the image was cut short"
            )
            return TrackFailed(message.number, reason)
        return TrackRead(message.number, data)

    @receive
    def write(self, message: WriteTrack) -> TrackWritten | TrackFailed:
        """Write a whole track to the file and flush it to the operating system."""
        try:
            file, volume = self._open()
            file.seek(track_offset(volume, message.track))
            file.write(message.data)
            file.flush()
        except (OSError, ImageError) as error:
            return TrackFailed(message.number, f"{self._image}: {error}")
        return TrackWritten(message.number)

    def on_stop(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> tuple[BinaryIO, Geometry]:
        if self._file is None or self._geometry is None:
            try:
                file = self._image.open("rb" if self._read_only else "r+b")
            except OSError as error:
                raise ImageError(f"{self._image}: {error.strerror}") from error
            try:
                header = CkdHeader.from_bytes(file.read(HEADER_SIZE))
                volume = geometry(header, file.seek(0, os.SEEK_END))
            except ImageError as error:
                file.close()
                raise ImageError(f"{self._image}: {error}") from error
            self._file, self._geometry = file, volume
        return self._file, self._geometry


class MemoryVolumeState(Struct):
    """The tracks, by number."""

    tracks: dict[int, bytes]


class MemoryVolume(Actor):
    """A volume in memory, for tests and exploration; `tracks` are whole images."""

    state: MemoryVolumeState

    def __init__(self, volume: Geometry, tracks: dict[int, bytes]) -> None:
        self._geometry = volume
        self.state = MemoryVolumeState(dict(tracks))

    @receive
    def describe(self, _message: DescribeVolume) -> VolumeDescribed:
        """Say what the volume is."""
        return _described(self._geometry)

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a track."""
        data = self.state.tracks.get(message.track)
        if data is None:
            return TrackFailed(message.number, f"there is no track {message.track}")
        return TrackRead(message.number, data)

    @receive
    def write(self, message: WriteTrack) -> TrackWritten | TrackFailed:
        """Replace a track."""
        if message.track not in self.state.tracks:
            return TrackFailed(message.number, f"there is no track {message.track}")
        self.state.tracks[message.track] = message.data
        return TrackWritten(message.number)

    def snapshot(self) -> object:
        """Return the tracks; they are shared, not copied."""
        return tuple(sorted(self.state.tracks.items()))

    def restore(self, snapshot: object) -> None:
        """Set the tracks to what they were."""
        frozen = cast("tuple[tuple[int, bytes], ...]", snapshot)
        self.state = MemoryVolumeState(dict(frozen))
