"""A compressed image: a base and its shadow files, read and written a track at a time.

A track is read from the topmost file that has it, and written to the topmost file. New
data go to space that nobody has; what makes them valid is one entry of a table, which
is replaced under the journal. So the old track is there until the new one is, and a
process that dies leaves one or the other. The list of free space is in memory while the
file is open, and is written when it is closed: until then the second header says that
the file is open, and who opens it next works out the free space from the tables.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from ccw_actors.actors.hardware.image._guarded_writes import GuardedWrites
from ccw_actors.actors.hardware.image._journal_record import Place
from ccw_actors.actors.hardware.image._packed_file import PackedFile, space_damage
from ccw_actors.devices.cckd_image import OPTIONS_OFFSET, TrackPlace
from ccw_actors.devices.cckd_space import COUNTERS_OFFSET, Piece, SpaceMap
from ccw_actors.devices.cckd_track import (
    null_format_of,
    null_track,
    packed_track,
    unpacked_track,
)
from ccw_actors.devices.volume_check import Damage
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.errors import ImageError

__all__ = ["PackedImage", "PackedWriter"]

log = logging.getLogger("ccw_actors.images")


class PackedWriter:
    """Writes tracks to a compressed file, and keeps its space.

    Args:
        file: The file, which keeps its tables.
        pieces: What its tables say is in use.
        writes: The writes of entries.

    Raises:
        ImageError: The file is damaged: its pieces overlap.
    """

    def __init__(
        self, file: PackedFile, pieces: Iterable[Piece], writes: GuardedWrites
    ) -> None:
        self._file = file
        self._parts = file.parts
        self._writes = writes
        self._space = SpaceMap(file.header, pieces)
        self._marked = False

    def check(self) -> None:
        """Make sure that a write may begin.

        Raises:
            ImageError: The file was removed or replaced.
            OSError: A failed write cannot be undone yet.
        """
        self._writes.check_there(0)
        self._writes.settle()

    def flush(self) -> None:
        """Wait until what was written is on the disk of the host, if that is wanted."""
        self._writes.flush(0)

    def write(self, number: int, data: bytes) -> None:
        """Replace a track; see `ImageFile`."""
        header = self._file.header
        volume = header.geometry
        null = null_format_of(volume, number, data, header.null_format)
        old = self._old(number)
        self._mark()
        if null is not None:
            self._switch(number, TrackPlace(0, 0, null))
        else:
            raw = packed_track(volume, number, data, header.compression, header.level)
            offset, size = self._space.take(len(raw))
            new = TrackPlace(offset, len(raw), size=size)
            try:
                self._put(raw, offset)
                self._switch(number, new)
            except (OSError, ImageError):
                self._give_up(offset, size, len(raw))
                raise
        if old.length:
            self._space.release(old.offset, old.size, old.length)

    def _old(self, number: int) -> TrackPlace:
        return self._file.find(number)

    def _put(self, data: bytes, offset: int) -> None:
        """Write data to space that nobody has, and have them on the disk."""
        self._parts.write(0, data, offset)
        self._writes.flush(0)

    def _give_up(self, offset: int, size: int, length: int) -> None:
        """Give back new space after a failed write, unless an entry may name it."""
        if self._writes.torn is None:
            self._space.release(offset, size, length)

    def _switch(self, number: int, place: TrackPlace) -> None:
        """Replace the entry of a track, in a new table if it has none."""
        header = self._file.header
        entry = header.level2_entry(place)
        at, size = header.level2_place(number)
        offset, table = self._file.level2(number)
        if offset:
            where = Place(0, offset + at, size)
            self._writes.replace(where, bytes(table[at : at + size]), entry)
            table[at : at + size] = entry
            return
        made = bytearray(header.new_level2(self._file.level1, number))
        if bytes(made[at : at + size]) == entry:
            return
        made[at : at + size] = entry
        self._switch_table(number, bytes(made))

    def _switch_table(self, number: int, table: bytes) -> None:
        header = self._file.header
        offset, size = self._space.take(len(table), exact=True)
        at, length = header.level1_place(number)
        old = self._file.read(length, at)
        try:
            self._put(table, offset)
            self._writes.replace(Place(0, at, length), old, header.level1_entry(offset))
        except OSError:
            self._give_up(offset, size, len(table))
            raise
        self._file.add_level2(number, offset, table)

    def _mark(self) -> None:
        """Have the second header say that the file is open."""
        if not self._marked:
            self._set_open(is_open=True)
            self._marked = True

    def _set_open(self, *, is_open: bool) -> None:
        header = self._file.header.opened(is_open=is_open)
        self._parts.write(0, bytes([header.options]), OPTIONS_OFFSET)
        self._writes.flush(0)

    def close(self) -> None:
        """Write the list of free space, and close the journal."""
        with suppress(OSError):
            self._writes.settle()
        try:
            written = self._marked or self._file.header.open
            if written and self._writes.torn is None:
                self._list_space()
        except OSError as error:  # harmless: who opens it next lists the space
            log.warning("the free space could not be listed: %s", error.strerror)
        finally:
            self._writes.close()

    def _list_space(self) -> None:
        listed = self._space.listed()
        counters = listed.counters
        self._mark()
        if listed.data:
            self._parts.write(0, listed.data, counters.free_offset)
        self._parts.write(0, counters.to_bytes(self._file.header), COUNTERS_OFFSET)
        self._parts.truncate(0, listed.file_size)
        self._writes.flush(0)
        self._set_open(is_open=False)


class PackedImage:
    """A compressed image, with its shadow files; without a writer it is read-only.

    Args:
        files: The base, and its shadow files from the bottom to the top.
        writer: Writes to the topmost file.
        notice: One line for the user about the image.
    """

    def __init__(
        self,
        files: Sequence[PackedFile],
        writer: PackedWriter | None = None,
        *,
        notice: str = "",
    ) -> None:
        self.notice = notice
        self.files = tuple(files)
        self._writer = writer

    @property
    def geometry(self) -> Geometry | BlockGeometry:
        """Shape of the volume."""
        return self.files[0].header.geometry

    def read(self, number: int) -> bytes:
        """Read a track; see `ImageFile`."""
        volume = self.geometry
        self._check(number)
        for file in reversed(self.files):
            place = file.find(number)
            if place.below:
                continue
            if not place.length:
                return null_track(volume, number, place.null_format)
            return unpacked_track(volume, number, file.image(number, place))
        raise AssertionError("a base image has every track")

    def write(self, number: int, data: bytes) -> None:
        """Replace a track; see `ImageFile`."""
        writer = self._writer
        size = self._check(number)
        if writer is None:
            raise ImageError("the image is open read-only")
        if len(data) != size:
            raise ImageError(
                f"got {len(data)} bytes for track {number}, expected {size}"
            )
        writer.check()
        old = None
        with suppress(ImageError):  # a damaged track can be replaced
            old = self.read(number)
        if old == data:
            writer.flush()
        else:
            writer.write(number, data)

    def _check(self, number: int) -> int:
        """Return the bytes of a track, or refuse its number."""
        volume = self.geometry
        if not 0 <= number < volume.tracks:
            kind = "group" if isinstance(volume, BlockGeometry) else "track"
            raise ImageError(
                f"the volume has no {kind} {number}: it has {volume.tracks} {kind}s,"
                " numbered from 0"
            )
        if isinstance(volume, BlockGeometry):
            return volume.size_of(number)
        return volume.track_size

    def damage(self) -> Iterator[Damage]:
        """Yield what is wrong with the space of each file that was closed."""
        for number, file in enumerate(self.files):
            text = "" if file.header.open else space_damage(file)
            if text:
                where = f" of shadow file {number}" if number else ""
                yield Damage(f"space{where}", text)

    def close(self) -> None:
        """Close the files; the journal stays if a write is still to be undone."""
        if self._writer is not None:
            self._writer.close()
        for file in self.files:
            file.parts.close()
