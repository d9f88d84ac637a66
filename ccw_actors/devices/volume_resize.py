"""The tracks of a volume that gets another size: grown, or cut where nothing is lost.

A volume of tracks has its new size in the format-4 DSCB of its VTOC, if that had the
old size. The DSCB then also says that there are no valid DSCBs of format 5: the
free space of the volume has to be worked out again.
"""

from collections.abc import Callable

from ccw_actors.devices.track import Record, Track
from ccw_actors.devices.volume_geometry import BlockGeometry, Geometry
from ccw_actors.devices.vtoc import ReadTrack, datasets, has_vtoc, resized_vtoc
from ccw_actors.errors import ImageError

__all__ = ["check_nothing_lost", "empty_track", "resized"]


def empty_track(volume: Geometry, number: int) -> bytes:
    """Return a track with R0 only, padded to the volume's track size."""
    cylinder, head = divmod(number, volume.heads)
    record = Record(cylinder, head, 0, b"", bytes(8))
    track = Track(0, cylinder, head, (record,), b"")
    return track.to_image(volume.track_size)


def resized(
    old: Geometry | BlockGeometry, new: Geometry | BlockGeometry, read: ReadTrack
) -> ReadTrack:
    """Return what reads the tracks of a volume that has got another size.

    Args:
        old: Its shape.
        new: Its new shape, of the same device type.
        read: Returns a track of the old one.

    Raises:
        ImageError: The device types differ; or a track of the label or of the VTOC is
            damaged.
    """
    _check_same_type(old, new)
    if isinstance(old, BlockGeometry) and isinstance(new, BlockGeometry):
        return _resized_blocks(old, new, read)
    assert isinstance(old, Geometry), "the types are the same"
    assert isinstance(new, Geometry), "the types are the same"
    changed = resized_vtoc(old, new, read) if new.cylinders != old.cylinders else {}
    wanted, tracks = new, old.tracks

    def read_track(number: int) -> bytes:
        if number >= tracks:
            return empty_track(wanted, number)
        return changed.get(number) or read(number)

    return read_track


def _check_same_type(
    old: Geometry | BlockGeometry, new: Geometry | BlockGeometry
) -> None:
    """Refuse to put the tracks of one disk type on another.

    Raises:
        ImageError: The types differ.
    """
    sizes = [getattr(volume, "track_size", 0) for volume in (old, new)]
    if old.device_type != new.device_type or sizes[0] != sizes[1]:
        raise ImageError(
            f"the volume is a {old.device_type}, and the target a {new.device_type};"
            " expected the same device type"
        )


def _resized_blocks(
    old: BlockGeometry, new: BlockGeometry, read: ReadTrack
) -> ReadTrack:
    def read_group(number: int) -> bytes:
        size = new.size_of(number)
        data = read(number) if number < old.tracks else b""
        return data[:size].ljust(size, b"\0")

    return read_group


def check_nothing_lost(
    old: Geometry | BlockGeometry,
    new: Geometry | BlockGeometry,
    read: ReadTrack,
    progress: Callable[[int], None] = lambda _tracks: None,
) -> None:
    """Refuse to cut off a dataset, a record after R0, or a block that is not zero.

    Args:
        old: Shape of a volume.
        new: A smaller shape.
        read: Returns a track of the volume.
        progress: Called with the number of tracks looked at.

    Raises:
        ImageError: There are data; the message names the first track or block.
    """
    if isinstance(old, Geometry) and isinstance(new, Geometry):
        _check_datasets(old, new, read)
    for number in range(max(new.tracks - 1, 0), old.tracks):
        data = read(number)
        if isinstance(new, BlockGeometry):
            kept = new.size_of(number) if number < new.tracks else 0
            is_used, place = any(data[kept:]), f"group {number} of blocks"
        else:
            is_used = number >= new.tracks and len(Track.from_bytes(data).records) > 1
            place = f"track {number}"
        if is_used:
            raise ImageError(
                f"{place} has data, and would be cut off; expected a larger target"
            )
        progress(number)


def _check_datasets(old: Geometry, new: Geometry, read: ReadTrack) -> None:
    if new.cylinders >= old.cylinders or not has_vtoc(old, read):
        return
    for dataset in datasets(old, read):
        last = max((extent.last[0] for extent in dataset.extents), default=0)
        if last >= new.cylinders:
            raise ImageError(
                f"dataset {dataset.name} ends in cylinder {last}, and would be cut"
                " off; expected a larger target"
            )
