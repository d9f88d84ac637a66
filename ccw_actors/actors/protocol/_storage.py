"""Messages to and from Storage."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from ccw_actors.channel import StorageCheck
from ccw_actors.runtime import Message, Request

__all__ = [
    "AddToStorage",
    "Address",
    "Area",
    "CountPins",
    "GuestToStorage",
    "InsertStorageKey",
    "Piece",
    "Pin",
    "PinCount",
    "Pinned",
    "ReadStorage",
    "SetStorageKey",
    "StorageData",
    "StorageKey",
    "StorageMessage",
    "StorageToVfioCcw",
    "StorageWritten",
    "SubchannelToStorage",
    "Unpin",
    "UnpinAll",
    "VfioCcwToStorage",
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

    A part ends before the first byte of its area that is not accessible; `check` is the
    reason for the first area that is cut short.
    """

    number: int
    parts: tuple[bytes, ...]
    check: StorageCheck | None = None


class StorageWritten(Message, frozen=True):
    """How many bytes were written.

    The write ends before the first piece that is not accessible as a whole; `check` is
    the reason.
    """

    number: int
    length: int
    check: StorageCheck | None = None


class Pinned(Message, frozen=True):
    """The pages that exist are pinned for (the asker, number)."""

    number: int


class PinCount(Message, frozen=True):
    """How many (owner, number) pairs hold pins, and how many pages they hold."""

    owners: int
    pages: int


class ReadStorage(Request[StorageData], frozen=True):
    """Fetch areas, with an access key.

    With `dma` only pinned pages are accessible, as for an IOMMU.
    """

    number: int
    areas: tuple[Area, ...]
    dma: bool = False
    key: int = 0


class WriteStorage(Request[StorageWritten], frozen=True):
    """Store pieces, with an access key. With `dma` only pinned pages are accessible."""

    number: int
    pieces: tuple[Piece, ...]
    dma: bool = False
    key: int = 0


class AddToStorage(Message, frozen=True):
    """Add to the halfword at an address, wrapping; do nothing beyond storage."""

    address: Address
    amount: int


class StorageKey(Message, frozen=True):
    """The storage key of a page: access control 4 bits, F, R, C, 0; None if no page."""

    number: int
    key: int | None


class SetStorageKey(Request[StorageKey], frozen=True):
    """SSKE: give the page of an address a storage key (access control, F, R, C)."""

    number: int
    address: Address
    key: int


class InsertStorageKey(Request[StorageKey], frozen=True):
    """ISKE: ask for the storage key of the page of an address."""

    number: int
    address: Address


class Pin(Request[Pinned], frozen=True):
    """Pin every page that the areas touch; addresses beyond storage are ignored."""

    number: int
    areas: tuple[Area, ...]


class Unpin(Message, frozen=True):
    """Give up the pins of (the sender, number).

    It is not answered: Storage does it before whatever the sender asks for later.
    """

    number: int


class UnpinAll(Message, frozen=True):
    """Give up all pins of the sender."""


class CountPins(Request[PinCount], frozen=True):
    """Count the pins of all owners."""


SubchannelToStorage: TypeAlias = ReadStorage | WriteStorage | AddToStorage
"""What a Subchannel does to storage: channel programs, data, measurement blocks."""

VfioCcwToStorage: TypeAlias = ReadStorage | Pin | Unpin | UnpinAll
"""What a VfioCcw does to a guest's storage: it copies programs, and pins their data."""

StorageToVfioCcw: TypeAlias = StorageData | Pinned
"""What Storage answers a VfioCcw; Unpin and UnpinAll have no answer."""

GuestToStorage: TypeAlias = (
    ReadStorage | WriteStorage | SetStorageKey | InsertStorageKey
)
"""What a Guest does to its storage."""

StorageMessage: TypeAlias = (
    SubchannelToStorage | VfioCcwToStorage | GuestToStorage | CountPins
)
"""What a Storage takes. `CountPins` is for observers of a machine."""
