"""Names for the bits of packed words.

Bit 0 is always the most significant one. Every structure is big-endian in storage.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias, overload

from msgspec import Meta

from ccw_actors.errors import ChannelDataError

__all__ = [
    "U8",
    "U16",
    "U32",
    "U64",
    "Flag",
    "bit_list",
    "bit_names",
    "expect_length",
]

U8: TypeAlias = Annotated[int, Meta(ge=0, le=0xFF)]
U16: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFF)]
U32: TypeAlias = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
# msgspec can bound integers by signed 64-bit values only.
U64: TypeAlias = Annotated[int, Meta(ge=0)]


class Flag(property):
    """One named bit of a packed field: `orb.prefetch`, and `Orb.prefetch.mask`.

    Args:
        field: name of the integer field that holds the bit.
        mask: the bit within that field.
        meaning: the meaning of a one.
    """

    def __init__(self, field: str, mask: int, meaning: str) -> None:
        # An I/O reads flags dozens of times, and this getter is faster than one with a
        # getattr. Both values come from the classes of this package.
        super().__init__(eval(f"lambda word: word.{field} & {mask} != 0"))  # noqa: S307
        self.field = field
        self.mask = mask
        self.meaning = meaning

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type, /) -> Self: ...
        @overload
        def __get__(self, instance: Any, owner: type | None = None, /) -> bool: ...
        def __get__(
            self, instance: Any, owner: type | None = None, /
        ) -> Self | bool: ...


def expect_length(what: str, raw: bytes, *lengths: int) -> None:
    """Check that `raw` has one of `lengths` bytes.

    Raises:
        ChannelDataError: `raw` has another length; the message names `what`.
    """
    if len(raw) not in lengths:
        expected = " or ".join(str(length) for length in lengths)
        raise ChannelDataError(f"{what}: expected {expected} bytes, got {len(raw)}")


def bit_list(names: Mapping[int, str], value: int) -> list[str]:
    """Return the names of the bits that are on in `value`, the rest as one number.

    Keys of `names` may have several bits: such a name stands for all of them.
    """
    found = [name for mask, name in names.items() if value & mask]
    rest = value & ~sum(names)
    return [*found, f"{rest:#x}"] if rest else found


def bit_names(names: Mapping[int, str], value: int) -> str:
    """Join the names of the bits that are on with plus signs; zero gives "0"."""
    return "+".join(bit_list(names, value)) or "0"
