"""Storage: the main storage of one guest, or of the host, behind messages.

No other actor has a view of it. Addresses are absolute and count from 0. Pins are kept
as (owner, number); the owner is the actor that asked for them. An access with `dma`
comes through an IOMMU, which knows the pinned pages only.

A page has key 0 until its storage key is set. Only from then on are references to it
and changes of it recorded. Source: PoP, "Storage Key", "Key-Controlled Protection".
"""

from collections.abc import Iterable
from typing import cast

from msgspec import Struct

from ccw_actors.actors.hardware import pins as pinned
from ccw_actors.actors.hardware._pages import PAGE_SIZE, Pages, pages_of
from ccw_actors.actors.protocol import (
    AddToStorage,
    Area,
    CountPins,
    InsertStorageKey,
    Piece,
    Pin,
    PinCount,
    Pinned,
    ReadStorage,
    SetStorageKey,
    StorageData,
    StorageKey,
    StorageMessage,
    StorageWritten,
    Unpin,
    UnpinAll,
    WriteStorage,
)
from ccw_actors.channel import StorageCheck
from ccw_actors.runtime import Actor, receive

__all__ = ["Storage"]

_FETCH_PROTECTED = 0x08
_REFERENCED = 0x04
_CHANGED = 0x02
_KEY = 0xFE
_NEVER_SET = _REFERENCED | _CHANGED


class StorageState(Struct):
    """Pinned pages, and the storage keys that were set, by page."""

    pins: pinned.Pins = {}
    keys: dict[int, int] = {}


class Storage(Actor[StorageMessage]):
    """`size` bytes of storage, a multiple of the page size (4096).

    It starts with the pieces of `content`, and zeros elsewhere.
    """

    state: StorageState

    def __init__(self, size: int, content: Iterable[Piece] = ()) -> None:
        self._pages = Pages(size)
        for piece in content:
            self._pages.write(piece.address, piece.data)
        self.state = StorageState()

    @receive
    def read(self, message: ReadStorage) -> StorageData:
        """Read each area up to its first byte that is not accessible."""
        parts: list[bytes] = []
        first: StorageCheck | None = None
        for area in message.areas:
            length, check = self._accessible(area, message, store=False)
            self._note(area.address, length, _REFERENCED)
            parts.append(self._pages.read(area.address, length))
            first = first or check
        return StorageData(message.number, tuple(parts), first)

    @receive
    def write(self, message: WriteStorage) -> StorageWritten:
        """Write the pieces up to the first that is not accessible as a whole."""
        written = 0
        for piece in message.pieces:
            area = Area(piece.address, len(piece.data))
            _, check = self._accessible(area, message, store=True)
            if check is not None:
                return StorageWritten(message.number, written, check)
            self._note(area.address, area.length, _REFERENCED | _CHANGED)
            self._pages.write(piece.address, piece.data)
            written += area.length
        return StorageWritten(message.number, written)

    @receive
    def add(self, message: AddToStorage) -> None:
        """Add to a halfword, as the measurement facilities do."""
        area = Area(message.address, 2)
        if message.address + 2 <= self._pages.size:
            old = int.from_bytes(self._pages.read(area.address, 2))
            self._note(area.address, 2, _REFERENCED | _CHANGED)
            new = (old + message.amount) & 0xFFFF
            self._pages.write(area.address, new.to_bytes(2))

    @receive
    def set_key(self, message: SetStorageKey) -> StorageKey:
        """Set the key of a page that exists."""
        page = message.address // PAGE_SIZE
        if message.address >= self._pages.size:
            return StorageKey(message.number, None)
        self.state.keys[page] = message.key & _KEY
        return StorageKey(message.number, self.state.keys[page])

    @receive
    def insert_key(self, message: InsertStorageKey) -> StorageKey:
        """Return the key of a page that exists."""
        if message.address >= self._pages.size:
            return StorageKey(message.number, None)
        page = message.address // PAGE_SIZE
        return StorageKey(message.number, self.state.keys.get(page, _NEVER_SET))

    @receive
    def pin(self, message: Pin) -> Pinned:
        """Pin those pages that exist."""
        pages = {
            page
            for area in message.areas
            for page in pages_of(area.address, area.length)
            if page < self._pages.size // PAGE_SIZE
        }
        pinned.pin(self.state.pins, self._owner, message.number, pages)
        return Pinned(message.number)

    @receive
    def unpin(self, message: Unpin) -> None:
        """Drop the pins, if there are any."""
        pinned.unpin(self.state.pins, self._owner, message.number)

    @receive
    def unpin_all(self, _message: UnpinAll) -> None:
        """Drop the sender's pins."""
        self.state.pins.pop(self._owner, None)

    @receive
    def count(self, _message: CountPins) -> PinCount:
        """Count the pins there are now."""
        return pinned.count(self.state.pins)

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

    def _accessible(
        self, area: Area, access: ReadStorage | WriteStorage, *, store: bool
    ) -> tuple[int, StorageCheck | None]:
        """Return how many bytes of an area are accessible, and why not all of them."""
        end = min(area.address + area.length, self._pages.size)
        length = max(0, end - area.address)
        pins = pinned.pages(self.state.pins) if access.dma else None
        if pins is not None or access.key:
            for page in pages_of(area.address, length):
                reach = max(0, page * PAGE_SIZE - area.address)
                if pins is not None and page not in pins:
                    return reach, StorageCheck.ADDRESSING
                if self._protected(page, access.key, store=store):
                    return reach, StorageCheck.PROTECTION
        return length, None if length == area.length else StorageCheck.ADDRESSING

    def _protected(self, page: int, key: int, *, store: bool) -> bool:
        """Whether a page refuses an access with this key."""
        held = self.state.keys.get(page, 0)
        if key in (0, held >> 4):
            return False
        return store or bool(held & _FETCH_PROTECTED)

    def _note(self, address: int, length: int, bits: int) -> None:
        keys = self.state.keys
        if keys:
            for page in pages_of(address, length):
                if page in keys:
                    keys[page] |= bits
