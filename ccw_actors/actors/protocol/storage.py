"""Messages to and from Storage."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from ccw_actors.runtime import Message, Request

__all__ = [
    "Address",
    "Area",
    "CountPins",
    "Piece",
    "Pin",
    "PinCount",
    "Pinned",
    "ReadStorage",
    "StorageData",
    "StorageWritten",
    "Unpin",
    "Unpinned",
    "WriteStorage",
]

Address: TypeAlias = Annotated[int, Meta(ge=0)]


class Area(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A piece of storage: absolute address, and length in bytes."""

    address: Address
    length: Address


class Piece(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Bytes and the absolute address where they are, or are to be, in storage."""

    address: Address
    data: bytes


class StorageData(Message, frozen=True):
    """The bytes read, a part for each area.

    A part ends before the first byte of its area that is not accessible.
    """

    number: int
    parts: tuple[bytes, ...]


class StorageWritten(Message, frozen=True):
    """How many bytes were written, and whether that was all of them.

    The first byte that is not accessible ends the write.
    """

    number: int
    length: int
    complete: bool = True


class Pinned(Message, frozen=True):
    """The pages that exist are pinned for (the asker, number)."""

    number: int


class Unpinned(Message, frozen=True):
    """Nothing is pinned for (the asker, number) any more."""

    number: int


class PinCount(Message, frozen=True):
    """How many (owner, number) pairs hold pins, and how many pages they hold."""

    owners: int
    pages: int


class ReadStorage(Request[StorageData], frozen=True):
    """Fetch areas. With `dma` only pinned pages are accessible, as for an IOMMU."""

    number: int
    areas: tuple[Area, ...]
    dma: bool = False


class WriteStorage(Request[StorageWritten], frozen=True):
    """Store pieces. With `dma` only pinned pages are accessible."""

    number: int
    pieces: tuple[Piece, ...]
    dma: bool = False


class Pin(Request[Pinned], frozen=True):
    """Pin every page that the areas touch; addresses beyond storage are passed over."""

    number: int
    areas: tuple[Area, ...]


class Unpin(Request[Unpinned], frozen=True):
    """Give up the pins of (the asker, number)."""

    number: int


class CountPins(Request[PinCount], frozen=True):
    """Ask what is pinned."""
