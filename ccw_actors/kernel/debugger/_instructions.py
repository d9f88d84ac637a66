"""Calls in s390x program text.

z/Architecture Principles of Operation: an instruction's first two bits say its length,
2 bytes if 00, 4 if 01 or 10, 6 if 11. BRASL (`C0`, register, 5) and BRCL (`C0`, mask,
4) have a signed 32-bit distance in halfwords from the instruction's own address.
"""

from collections.abc import Iterator

from msgspec import Struct

__all__ = ["CALL_LENGTH", "Branch", "branches"]

CALL_LENGTH = 6
_ALWAYS = 0xF
_SIZES = (2, 4, 4, 6)


class Branch(Struct, frozen=True):
    """A BRASL, or (`is_jump`) an unconditional BRCL: a call at the end may be one."""

    address: int
    target: int
    is_jump: bool


def branches(text: bytes, address: int) -> Iterator[Branch]:
    """Return the long relative branches in text that begins at an address, in order."""
    place = 0
    while place < len(text):
        size = _SIZES[text[place] >> 6]
        found = _branch(text[place : place + size], address + place)
        if found is not None:
            yield found
        place += size


def _branch(instruction: bytes, address: int) -> Branch | None:
    if len(instruction) != CALL_LENGTH or instruction[0] != 0xC0:
        return None
    field, code = divmod(instruction[1], 16)
    is_jump = code == 4
    if not (code == 5 or (is_jump and field == _ALWAYS)):
        return None
    distance = int.from_bytes(instruction[2:], "big", signed=True)
    return Branch(address, address + 2 * distance, is_jump)
