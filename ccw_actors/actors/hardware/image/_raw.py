"""An image with tracks at fixed places: read and written a track at a time.

A write is atomic (see `_guarded_writes`). After a failed one the track reads as before.
"""

import bisect
import itertools
from collections.abc import Iterator
from typing import Protocol

from ccw_actors.actors.hardware.image._guarded_writes import GuardedWrites
from ccw_actors.actors.hardware.image._journal_record import Intent, Place
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.devices.ckd_image import HEADER_SIZE, track_offset
from ccw_actors.devices.fba_image import group_offset
from ccw_actors.devices.volume_check import Damage
from ccw_actors.devices.volume_geometry import BLOCK_SIZE, BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["BlockPlaces", "Places", "RawImage", "TrackPlaces"]


class Places(Protocol):
    """Where the tracks of a volume are."""

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
        ...

    @property
    def length_max(self) -> int:
        """The most bytes that a track, or a group of blocks, has."""
        ...

    def place(self, number: int) -> Place:
        """Where a track is.

        Raises:
            ImageError: There is no such track.
        """
        ...

    def name(self, place: Place) -> str | None:
        """Name the track at a place; None if the place is not that of a track."""
        ...


class BlockPlaces:
    """The places of groups of blocks."""

    def __init__(self, geometry: BlockGeometry) -> None:
        self.geometry = geometry
        self.length_max = geometry.per_group * BLOCK_SIZE

    def place(self, number: int) -> Place:
        """Where a group is."""
        offset = group_offset(self.geometry, number)
        return Place(0, offset, self.geometry.size_of(number))

    def name(self, place: Place) -> str | None:
        """Name the group at a place; None if the place is not that of a group."""
        number = self._guess(place)
        return f"group {number} of blocks" if _is_at(self, number, place) else None

    def _guess(self, place: Place) -> int:
        """The only number that the group at a place can have."""
        return place.offset // self.length_max


class TrackPlaces:
    """The places of tracks, in one file or several; `tracks` are those of each."""

    def __init__(self, geometry: Geometry, tracks: tuple[int, ...]) -> None:
        self.geometry = geometry
        self.length_max = geometry.track_size
        self._first = tuple(itertools.accumulate(tracks, initial=0))

    def place(self, number: int) -> Place:
        """Where a track is."""
        track_offset(self.geometry, number)
        part = bisect.bisect_right(self._first, number) - 1
        offset = track_offset(self.geometry, number - self._first[part])
        return Place(part, offset, self.geometry.track_size)

    def name(self, place: Place) -> str | None:
        """Name the track at a place; None if the place is not that of a track."""
        number = self._guess(place)
        return f"track {number}" if _is_at(self, number, place) else None

    def _guess(self, place: Place) -> int:
        """The only number that the track at a place can have."""
        first = self._first[min(place.file, len(self._first) - 1)]
        return first + (place.offset - HEADER_SIZE) // self.length_max


def _is_at(places: BlockPlaces | TrackPlaces, number: int, place: Place) -> bool:
    try:
        return places.place(number) == place
    except ImageError:
        return False


class RawImage:
    """An image with tracks at fixed places; without a journal it is read-only.

    Args:
        parts: Its files.
        places: Where its tracks are.
        writes: Its writes; None if it is read-only.
        torn: A write of a dead process; its track reads as before.
        notice: One line for the user about the image.
    """

    def __init__(
        self,
        parts: ImageParts,
        places: Places,
        writes: GuardedWrites | None = None,
        *,
        torn: Intent | None = None,
        notice: str = "",
    ) -> None:
        self.notice = notice
        self._parts = parts
        self._places = places
        self._writes = writes
        self._torn = None if torn is None else (torn.place, torn.old)

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
        return self._places.geometry

    def read(self, number: int) -> bytes:
        """Read a track; see `ImageFile`."""
        place = self._places.place(number)
        torn = self._torn if self._writes is None else self._writes.torn
        if torn is not None and torn[0] == place:
            return torn[1]
        data = self._parts.read(place.file, place.length, place.offset)
        if len(data) < place.length:
            raise ImageError(
                f"track {number} has {len(data)} bytes left, expected {place.length}:"
                " the image was cut short"
            )
        return data

    def write(self, number: int, data: bytes) -> None:
        """Replace a track; see `ImageFile`."""
        place = self._places.place(number)
        writes = self._writes
        if writes is None:
            raise ImageError("the image is open read-only")
        if len(data) != place.length:
            raise ImageError(
                f"got {len(data)} bytes for track {number}, expected {place.length}"
            )
        writes.check_there(place.file)
        writes.settle()
        old = self.read(number)
        if old == data:  # the data may be there, and not yet on the disk
            writes.flush(place.file)
        else:
            writes.replace(place, old, data)

    def damage(self) -> Iterator[Damage]:
        """Yield nothing: there are only tracks."""
        yield from ()

    def close(self) -> None:
        """Close the image; its journal stays if a write is still to be undone."""
        if self._writes is not None:
            self._writes.close()
        self._parts.close()
