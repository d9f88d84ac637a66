"""Checks a volume for damage: each of its tracks, and the extents in its VTOC."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from ccw_actors.devices.track import Track
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.devices.vtoc import ReadTrack, datasets, has_vtoc
from ccw_actors.errors import ImageError

__all__ = ["Damage", "damages"]


class Damage(Struct, frozen=True):
    """An error of a volume: its place, and what is wrong there."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def damages(
    volume: Geometry | BlockGeometry,
    read: ReadTrack,
    progress: Callable[[int], None] = lambda _tracks: None,
) -> Iterator[Damage]:
    """Read a whole volume, and yield what is damaged.

    A volume of blocks has no structure: its blocks only have to be readable. A volume
    of tracks needs neither a label nor a VTOC.

    Args:
        volume: Its shape.
        read: Returns a track, or raises `ImageError`.
        progress: Called after each track with the number of tracks read.
    """
    sound = True
    for number in range(volume.tracks):
        try:
            raw = read(number)
            if isinstance(volume, Geometry):
                _check_track(volume, number, raw)
        except ImageError as error:
            sound = False
            yield Damage(_place(volume, number), str(error))
        progress(number + 1)
    if sound and isinstance(volume, Geometry) and has_vtoc(volume, read):
        yield from _vtoc_damages(volume, read)


def _place(volume: Geometry | BlockGeometry, number: int) -> str:
    if isinstance(volume, BlockGeometry):
        first = number * volume.per_group
        return f"blocks {first} to {min(first + volume.per_group, volume.blocks) - 1}"
    cylinder, head = divmod(number, volume.heads)
    return f"track {number} (cylinder {cylinder}, head {head})"


def _check_track(volume: Geometry, number: int, raw: bytes) -> None:
    track = Track.from_bytes(raw)
    if (track.cc, track.hh) != divmod(number, volume.heads):
        raise ImageError(
            f"its home address (offset 1) is cylinder {track.cc}, head {track.hh},"
            " expected those of the track"
        )
    first = track.records[0]
    if first.r or first.key:
        raise ImageError(
            f"its first record (offset 5) is number {first.r} with a key of"
            f" {len(first.key)} bytes, expected R0 without a key"
        )


def _vtoc_damages(volume: Geometry, read: ReadTrack) -> Iterator[Damage]:
    owners: dict[int, str] = {}
    try:
        for dataset in datasets(volume, read):
            for extent in dataset.extents:
                shared = _shared(owners, dataset.name, extent.tracks(volume))
                if shared is not None:
                    yield Damage(
                        f"VTOC, dataset {dataset.name}",
                        f"extent {extent} shares track {shared} with {owners[shared]}",
                    )
    except ImageError as error:
        yield Damage("VTOC", str(error))


def _shared(owners: dict[int, str], name: str, tracks: range) -> int | None:
    """Note the owner of tracks; return the first one that has an owner already."""
    for number in tracks:
        if number in owners:
            return number
        owners[number] = name
    return None
