"""The storage that a channel reaches, and its accesses as messages to Storage."""

from msgspec import Struct

from ccw_actors.actors.protocol import (
    Area,
    Piece,
    StorageData,
    SubchannelToStorage,
)
from ccw_actors.channel import FetchData, Fetched, FetchWords, StorageCheck
from ccw_actors.runtime import ActorRef

__all__ = ["Region", "areas_of", "fetched", "region_of", "within"]


class Region(Struct, frozen=True):
    """The `size` host addresses from `base` on, whose storage is `storage`.

    With `dma` the channel reaches pinned pages only.
    """

    base: int
    size: int
    storage: ActorRef[SubchannelToStorage]
    dma: bool = False


def region_of(regions: tuple[Region, ...], address: int) -> Region | None:
    """Return the region of an address, None if there is none."""
    for region in regions:
        if region.base <= address < region.base + region.size:
            return region
    return None


def areas_of(action: FetchWords | FetchData) -> tuple[Area, ...]:
    """Return the areas that an action fetches."""
    if isinstance(action, FetchWords):
        return (Area(action.address, action.length),)
    return tuple(Area(address, length) for address, length in action.pieces)


def fetched(areas: tuple[Area, ...], answer: StorageData) -> Fetched:
    """Join parts up to the first short one: that is where the channel meets a check."""
    data = b""
    for area, part in zip(areas, answer.parts, strict=True):
        if len(part) < area.length:
            return Fetched(data, answer.check or StorageCheck.ADDRESSING)
        data += part
    return Fetched(data)


def within(program: tuple[Piece, ...], address: int, length: int) -> bytes | None:
    """Return bytes of the program that came with START, if it has them all."""
    for piece in program:
        offset = address - piece.address
        if offset >= 0 and offset + length <= len(piece.data):
            return piece.data[offset : offset + length]
    return None
