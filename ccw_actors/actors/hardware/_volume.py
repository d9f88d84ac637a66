"""Volume: the tracks of one disk, in an image file or in memory."""

import contextlib
import itertools
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from msgspec import Struct

from ccw_actors.actors.hardware.image._file import ImageFile, open_image
from ccw_actors.actors.protocol import (
    DescribeVolume,
    ReadTrack,
    TrackFailed,
    TrackRead,
    TrackWritten,
    VolumeDescribed,
    VolumeMessage,
    WriteTrack,
)
from ccw_actors.devices import BlockGeometry, Geometry
from ccw_actors.errors import ImageError
from ccw_actors.runtime import Actor, receive

__all__ = ["FileVolume", "MemoryVolume"]

log = logging.getLogger("ccw_actors.images")


class FileVolume(Actor[VolumeMessage]):
    """An image file (see `image._file`). Only this actor accesses the file; it blocks.

    Spawn it in a thread (`System.spawn_thread`). `DescribeVolume` opens the file and
    checks it, as the first access also does. An image of blocks does not contain its
    device type: give it in `device_type`. With `sync`, a write is on the disk of the
    host before it is answered. `shadow` is the name of its shadow files, "" if it has
    none.
    """

    def __init__(
        self,
        image: Path,
        *,
        read_only: bool,
        device_type: str = "",
        sync: bool = False,
        shadow: str = "",
    ) -> None:
        self._image = image
        self._read_only = read_only
        self._device_type = device_type
        self._sync = sync
        self._shadow = shadow
        self._file: ImageFile | None = None

    @receive
    def describe(self, _message: DescribeVolume) -> VolumeDescribed:
        """Open the image and return its geometry. Raises `ImageError` if it is bad."""
        return VolumeDescribed(self._open().geometry)

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a whole track from the file, and those ahead of it."""
        try:
            data = self._open().read(message.track)
        except (OSError, ImageError) as error:
            return TrackFailed(message.number, f"{self._image}: {error}")
        return TrackRead(message.number, data, tuple(self._read_ahead(message)))

    def _read_ahead(self, message: ReadTrack) -> Iterator[bytes]:
        """Yield tracks up to the first that cannot be read.

        Why not is told when the device needs that track.
        """
        file = self._open()
        following = message.track + 1
        with contextlib.suppress(OSError, ImageError):
            for track in range(following, following + message.ahead):
                yield file.read(track)

    @receive
    def write(self, message: WriteTrack) -> TrackWritten | TrackFailed:
        """Write a whole track to the file; once answered, it outlives the process."""
        try:
            self._open().write(message.track, message.data)
        except (OSError, ImageError) as error:
            return TrackFailed(message.number, f"{self._image}: {error}")
        return TrackWritten(message.number)

    def on_stop(self) -> None:
        """Close the file."""
        self._close()

    def on_failure(self, error: BaseException) -> None:
        """Close the file; a restart opens it again."""
        del error
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> ImageFile:
        if self._file is None:
            self._file = open_image(
                self._image,
                device_type=self._device_type,
                read_only=self._read_only,
                sync=self._sync,
                shadow=self._shadow,
            )
            if self._file.notice:
                log.warning("%s: %s", self._image, self._file.notice)
        return self._file


class MemoryVolumeState(Struct):
    """The tracks, by number."""

    tracks: dict[int, bytes]


class MemoryVolume(Actor[VolumeMessage]):
    """A volume in memory, for tests and exploration; `tracks` are whole images."""

    state: MemoryVolumeState

    def __init__(
        self, volume: Geometry | BlockGeometry, tracks: dict[int, bytes]
    ) -> None:
        self._geometry = volume
        self.state = MemoryVolumeState(dict(tracks))

    @receive
    def describe(self, _message: DescribeVolume) -> VolumeDescribed:
        """Return the geometry."""
        return VolumeDescribed(self._geometry)

    @receive
    def read(self, message: ReadTrack) -> TrackRead | TrackFailed:
        """Read a track."""
        tracks, first = self.state.tracks, message.track
        data = tracks.get(first)
        if data is None:
            return TrackFailed(message.number, f"there is no track {first}")
        following = range(first + 1, first + 1 + message.ahead)
        ahead = itertools.takewhile(bool, map(tracks.get, following))
        return TrackRead(message.number, data, tuple(filter(None, ahead)))

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
