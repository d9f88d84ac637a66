"""The actions that a channel program asks for, and the answers to them.

The interpreter in `program` does no I/O. Its caller performs one action at a time, with
messages to storage and to the device, and passes the answer back.
"""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from ccw_actors.channel.command import CommandEnd, DeviceCommand
from ccw_actors.channel.fields import U8, U16, U32, U64

__all__ = [
    "Action",
    "Answer",
    "Continue",
    "End",
    "FetchData",
    "FetchWords",
    "Fetched",
    "Interrupt",
    "Perform",
    "StorageCheck",
    "StoreData",
    "Stored",
    "Suspend",
    "Words",
    "WriteHeld",
]


class StorageCheck(StrEnum):
    """Why storage could not be reached."""

    ADDRESSING = "addressing"
    PROTECTION = "protection"
    DATA = "data"  # the storage itself has failed at the address


class Words(StrEnum):
    """The kind of words that a `FetchWords` fetches."""

    CCW = "ccw"
    FIRST_IDAW = "first idaw"
    IDAWS = "idaws"
    MIDAWS = "midaws"


class FetchWords(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Fetch `length` bytes at an absolute `address`; answer with `Fetched`.

    `key` is the storage key of the access, as in the other storage actions.
    """

    what: Words
    address: U64
    length: int
    key: U8


class FetchData(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Fetch output data from pieces (address, bytes), in order; answer `Fetched`."""

    pieces: tuple[tuple[U64, int], ...]
    key: U8


class Perform(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Give the device a command; answer with its `CommandEnd`.

    `command.chained` is false for the first command of the channel program, which
    causes the life-cycle event `accepted`.
    """

    command: DeviceCommand


class StoreData(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Store input data in pieces (address, bytes), in order; answer with `Stored`."""

    pieces: tuple[tuple[U64, bytes], ...]
    key: U8


class Interrupt(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """A CCW with the PCI flag was fetched: show it, then answer with `Continue`."""

    cpa: U32


class Suspend(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Stay suspended before a CCW with this count; answer `Continue` when resumed."""

    cpa: U32
    count: U16


class End(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """The channel program has ended; there is no answer.

    `dstat`, `cstat`, `count` (residual, in bytes) and `cpa` go into the SCSW.
    `selected` says whether the device has received a command. `deferred_cc` is 1 if
    the device refused the first command without channel end.
    """

    dstat: U8
    cstat: U8
    count: U16
    cpa: U32
    selected: bool
    deferred_cc: int = 0


class WriteHeld(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Have the device write the data that it holds; answer with its `CommandEnd`.

    The channel program ends with `end`, and no command of its own told the device so.
    """

    end: End


Action: TypeAlias = (
    FetchWords | FetchData | Perform | StoreData | Interrupt | Suspend | End | WriteHeld
)


class Fetched(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """Bytes from storage: all that were requested, or those before the `check`."""

    data: bytes
    check: StorageCheck | None = None


class Stored(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """`count` bytes have been stored: all, or those before the `check`."""

    count: int
    check: StorageCheck | None = None


class Continue(
    Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True
):
    """An `Interrupt` has been shown, or a suspended program has been resumed."""


Answer: TypeAlias = Fetched | Stored | CommandEnd | Continue
