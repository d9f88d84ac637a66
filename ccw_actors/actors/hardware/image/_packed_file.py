"""One compressed file: a base image or a shadow file, and its tables."""

from collections.abc import Iterator

from ccw_actors.actors.hardware.image._journal_record import Intent, Place
from ccw_actors.actors.hardware.image._parts import ImageParts
from ccw_actors.devices.cckd_image import (
    CCKD_HEADERS_SIZE,
    TRACKS_PER_TABLE,
    CckdHeader,
    TrackPlace,
)
from ccw_actors.devices.cckd_space import (
    Counters,
    Piece,
    SpaceMap,
    free_list,
)
from ccw_actors.errors import ImageError

__all__ = ["PackedFile", "PackedPlaces", "space_damage"]


class PackedPlaces:
    """The places in a compressed file that a journal may name: entries of its tables.

    The tables may be damaged.
    """

    def __init__(self, parts: ImageParts, header: CckdHeader) -> None:
        self._parts = parts
        self._header = header

    def name(self, place: Place) -> str | None:
        """Name the tracks of an entry; None if the place is not that of an entry."""
        if place.file:
            return None
        header = self._header
        for number in range(0, header.geometry.tracks, TRACKS_PER_TABLE):
            if header.level1_place(number) == (place.offset, place.length):
                last = min(number + TRACKS_PER_TABLE, header.geometry.tracks) - 1
                return f"tracks {number} to {last}"
        return self._in_a_table(place)

    def _in_a_table(self, place: Place) -> str | None:
        header = self._header
        level1 = self._parts.read(0, header.level1_size, CCKD_HEADERS_SIZE)
        if len(level1) < header.level1_size:
            return None
        for table, start in enumerate(header.level1_offsets(level1)):
            if not start or not 0 <= place.offset - start < header.level2_size:
                continue
            index = (place.offset - start) * TRACKS_PER_TABLE // header.level2_size
            offset, size = header.level2_place(index)
            if (start + offset, size) == (place.offset, place.length):
                return f"track {table * TRACKS_PER_TABLE + index}"
        return None


class PackedFile:
    """The tables of an open file, and the images of its tracks.

    Args:
        parts: The file.
        header: Its headers.
        torn: A write of a dead process; its entry reads as before.
        keep: Keep all level 2 tables in memory, and not the last one only.

    Raises:
        ImageError: The level 1 table is not in the file.
    """

    def __init__(
        self,
        parts: ImageParts,
        header: CckdHeader,
        *,
        torn: Intent | None = None,
        keep: bool = False,
    ) -> None:
        self.parts = parts
        self.header = header
        self._torn = torn
        self._keep = keep
        self._tables: dict[int, bytearray] = {}
        self.level1 = self.read(header.level1_size, CCKD_HEADERS_SIZE)
        if len(self.level1) < header.level1_size:
            raise ImageError(
                f"the level 1 table has {len(self.level1)} bytes, expected"
                f" {header.level1_size}: the image was cut short"
            )

    def read(self, length: int, offset: int) -> bytes:
        """Read bytes of the file, fewer at its end."""
        data = bytearray(self.parts.read(0, length, offset))
        if self._torn is not None:
            place, old = self._torn.place, self._torn.old
            at = place.offset - offset
            if 0 <= at <= len(data) - place.length:
                data[at : at + place.length] = old
        return bytes(data)

    def level2(self, number: int) -> tuple[int, bytearray]:
        """Offset and content of the level 2 table of a track; (0, empty) if none.

        Raises:
            ImageError: It is not in the file.
        """
        size = self.parts.size(0)
        offset = self.header.level2_offset(self.level1, number, size)
        if not offset:
            return 0, bytearray()
        table = self._tables.get(offset)
        if table is None:
            table = bytearray(self.read(self.header.level2_size, offset))
            if not self._keep:
                self._tables.clear()
            self._tables[offset] = table
        return offset, table

    def add_level2(self, number: int, offset: int, table: bytes) -> None:
        """Note a new level 2 table, which has been written."""
        start, size = self.header.level1_place(number)
        at = start - CCKD_HEADERS_SIZE
        entry = self.header.level1_entry(offset)
        self.level1 = self.level1[:at] + entry + self.level1[at + size :]
        self._tables[offset] = bytearray(table)

    def find(self, number: int) -> TrackPlace:
        """Where the image of a track is.

        Raises:
            ImageError: A table, or the image, is not in the file.
        """
        header = self.header
        _, table = self.level2(number)
        below = header.is_below(self.level1, number)
        size = self.parts.size(0)
        return header.track_place(bytes(table), number, size, below=below)

    def image(self, number: int, place: TrackPlace) -> bytes:
        """Read the image of a track, packed.

        Raises:
            ImageError: The file was cut short.
        """
        raw = self.parts.read(0, place.length, place.offset)
        if len(raw) < place.length:
            raise ImageError(
                f"the image of track {number} has {len(raw)} bytes left, expected"
                f" {place.length}: the image was cut short"
            )
        return raw

    def pieces(self) -> Iterator[Piece]:
        """Yield the space of each level 2 table, and of the image of each track.

        Raises:
            ImageError: One of them is not in the file.
        """
        header = self.header
        for first in range(0, header.geometry.tracks, TRACKS_PER_TABLE):
            offset, table = self.level2(first)
            if not offset:
                continue
            size = header.level2_size
            yield Piece(
                offset, size, size, f"level 2 table {first // TRACKS_PER_TABLE}"
            )
            last = min(first + TRACKS_PER_TABLE, header.geometry.tracks)
            for number in range(first, last):
                place = header.track_place(bytes(table), number, self.parts.size(0))
                if place.length:
                    owner = f"the image of track {number}"
                    yield Piece(place.offset, place.size, place.length, owner)


def space_damage(file: PackedFile) -> str:
    """Say what is wrong with the space of a file that was closed; "" if nothing is."""
    header = file.header
    raw = file.read(CCKD_HEADERS_SIZE, 0)
    counters = Counters.from_bytes(raw, header)
    size = file.parts.size(0)
    try:
        space = SpaceMap(header, _up_to(counters.size, file.pieces()))
        if header.wide:  # no tool here says what its counters should be
            return ""
        wanted = space.listed().counters
        listed = free_list(header, counters, size, file.read)
    except ImageError as error:
        return str(error)
    for name in ("size", "used", "free", "largest", "pieces", "imbedded"):
        found, expected = getattr(counters, name), getattr(wanted, name)
        if found != expected:
            return (
                f"the second header counts {found} as {_NAMES[name]}, expected"
                f" {expected}"
            )
    if listed != space.free:
        return "the list of free space is not that of the space that nobody has"
    return ""


_NAMES = {
    "size": "the bytes of the file",
    "used": "the bytes in use",
    "free": "the bytes that are free",
    "largest": "the bytes of the largest free piece",
    "pieces": "the number of free pieces",
    "imbedded": "the bytes of imbedded free space",
}


def _up_to(size: int, pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield the pieces, and one of nothing at the end that the header gives."""
    end = 0
    for piece in pieces:
        end = max(end, piece.end)
        yield piece
    if size > end:
        yield Piece(size, 0, 0, "the end of the file")
