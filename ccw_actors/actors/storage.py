"""Storage: the main storage of one guest, or of the host, behind messages.

Nobody else holds a view of it. Addresses are absolute and count from 0. Pins are kept
as (owner, number), the owner being whoever asked for them; an access with `dma` is one
that comes through an IOMMU, which knows the pinned pages only.
"""

from collections.abc import Iterable
from typing import cast

from msgspec import Struct

from ccw_actors.actors.pages import PAGE_SIZE, Pages, pages_of
from ccw_actors.actors.protocol import (
    Area,
    CountPins,
    Pin,
    PinCount,
    Pinned,
    ReadStorage,
    StorageData,
    StorageWritten,
    Unpin,
    Unpinned,
    WriteStorage,
)
from ccw_actors.runtime import Actor, receive

__all__ = ["Storage"]


class StorageState(Struct):
    """Pinned pages by owner and number."""

    pins: dict[str, dict[int, tuple[int, ...]]] = {}


class Storage(Actor):
    """`size` bytes of storage, a multiple of the page size (4096)."""

    state: StorageState

    def __init__(self, size: int) -> None:
        self._pages = Pages(size)
        self.state = StorageState()

    @receive
    def read(self, message: ReadStorage) -> StorageData:
        """Read each area up to its first byte that is not accessible."""
        parts = tuple(
            self._pages.read(area.address, self._accessible(area, dma=message.dma))
            for area in message.areas
        )
        return StorageData(message.number, parts)

    @receive
    def write(self, message: WriteStorage) -> StorageWritten:
        """Write the pieces up to the first byte that is not accessible."""
        written = 0
        for piece in message.pieces:
            area = Area(piece.address, len(piece.data))
            length = self._accessible(area, dma=message.dma)
            self._pages.write(piece.address, piece.data[:length])
            written += length
            if length < area.length:
                return StorageWritten(message.number, written, complete=False)
        return StorageWritten(message.number, written)

    @receive
    def pin(self, message: Pin) -> Pinned:
        """Pin what exists of the pages."""
        pages = {
            page
            for area in message.areas
            for page in pages_of(area.address, area.length)
            if page < self._pages.size // PAGE_SIZE
        }
        held = self.state.pins.setdefault(self._owner, {})
        held[message.number] = tuple(sorted(pages.union(held.get(message.number, ()))))
        return Pinned(message.number)

    @receive
    def unpin(self, message: Unpin) -> Unpinned:
        """Drop the pins, if there are any."""
        held = self.state.pins.get(self._owner, {})
        held.pop(message.number, None)
        if not held:
            self.state.pins.pop(self._owner, None)
        return Unpinned(message.number)

    @receive
    def count(self, _message: CountPins) -> PinCount:
        """Count what is pinned now."""
        holders = [h for numbers in self.state.pins.values() for h in numbers.values()]
        return PinCount(len(holders), len(self._pinned()))

    def snapshot(self) -> object:
        """Return the pins and the pages; pages are shared, not copied."""
        return (super().snapshot(), self._pages.freeze())

    def restore(self, snapshot: object) -> None:
        """Set pins and pages to what they were."""
        state, pages = cast("tuple[object, tuple[tuple[int, bytes], ...]]", snapshot)
        super().restore(state)
        self._pages.thaw(pages)

    @property
    def _owner(self) -> str:
        sender = self.sender
        return sender.path if sender is not None else ""

    def _pinned(self) -> set[int]:
        numbers: Iterable[dict[int, tuple[int, ...]]] = self.state.pins.values()
        return {page for held in numbers for pages in held.values() for page in pages}

    def _accessible(self, area: Area, *, dma: bool) -> int:
        """Return how many bytes from the area's start are accessible."""
        end = min(area.address + area.length, self._pages.size)
        length = max(0, end - area.address)
        if dma:
            pinned = self._pinned()
            for page in pages_of(area.address, length):
                if page not in pinned:
                    return max(0, page * PAGE_SIZE - area.address)
        return length
