"""An image with tracks at fixed places: read and written a track at a time.

A write is atomic (see `_write_journal`). A failed write is undone: at once if the old
data can be written to the host's disk, else as soon as they can. Until then the track
reads as before, and no other is written.
"""

import bisect
import itertools
from contextlib import suppress
from typing import Protocol

from ccw_actors.actors.hardware.image._journal_record import Intent, Place
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.actors.hardware.image._write_journal import WriteJournal
from ccw_actors.devices.ckd_image import HEADER_SIZE, track_offset
from ccw_actors.devices.fba_image import group_offset
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

    def guess(self, place: Place) -> int:
        """The only number that the track at a place can have."""
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

    def guess(self, place: Place) -> int:
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

    def guess(self, place: Place) -> int:
        """The only number that the track at a place can have."""
        first = self._first[min(place.file, len(self._first) - 1)]
        return first + (place.offset - HEADER_SIZE) // self.length_max


class RawImage:
    """An image with tracks at fixed places; without a journal it is read-only.

    Args:
        parts: Its files.
        places: Where its tracks are.
        journal: The journal of its writes.
        torn: A write of a dead process; its track reads as before.
        notice: One line for the user about the image.
        sync: Have every write on the disk of the host before it returns.
    """

    def __init__(
        self,
        parts: ImageParts,
        places: Places,
        journal: WriteJournal | None = None,
        *,
        torn: Intent | None = None,
        notice: str = "",
        sync: bool = False,
    ) -> None:
        self.notice = notice
        self._parts = parts
        self._places = places
        self._journal = journal
        self._torn: tuple[Place, bytes] | None = None
        if torn is not None:
            self._torn = (torn.place, torn.old)
        self._sync = sync

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
        return self._places.geometry

    def read(self, number: int) -> bytes:
        """Read a track; see `ImageFile`."""
        place = self._places.place(number)
        if self._torn is not None and self._torn[0] == place:
            return self._torn[1]
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
        journal = self._journal
        if journal is None:
            raise ImageError("the image is open read-only")
        self._check(number, place, data)
        self._put_back(journal)
        old = self.read(number)
        if old == data:
            if self._sync:  # the data may be there, and not yet on the disk
                self._parts.sync(place.file)
        else:
            self._replace(journal, place, old, data)

    def _check(self, number: int, place: Place, data: bytes) -> None:
        if len(data) != place.length:
            raise ImageError(
                f"got {len(data)} bytes for track {number}, expected {place.length}"
            )
        if not self._parts.is_there(place.file):
            raise ImageError(
                "the image was removed, or another took its place, while it was open"
            )

    def _replace(
        self, journal: WriteJournal, place: Place, old: bytes, data: bytes
    ) -> None:
        """Write under protection of the journal; undo a failed write, now or later."""
        journal.begin(place, old, data)
        self._torn = (place, old)
        try:
            self._parts.write(place.file, data, place.offset)
            if self._sync:
                self._parts.sync(place.file)
        except OSError:
            with suppress(OSError):
                self._put_back(journal)
            raise
        self._torn = None
        journal.end()

    def close(self) -> None:
        """Close the image; its journal stays if a write is still to be undone."""
        if self._journal is not None:
            with suppress(OSError):
                self._put_back(self._journal)
            self._journal.close(keep=self._torn is not None)
        self._parts.close()

    def _put_back(self, journal: WriteJournal) -> None:
        """Put back the data from before a failed write."""
        if self._torn is None:
            return
        place, old = self._torn
        with suppress(OSError):
            journal.fail()
        self._parts.put_back(place, old)
        if self._sync:
            self._parts.sync(place.file)
        self._torn = None
        with suppress(OSError):
            journal.clear()
