"""Calls and moves in s390x program text.

z/Architecture Principles of Operation: an instruction's first two bits say its length,
2 bytes if 00, 4 if 01 or 10, 6 if 11. BRASL (`C0`, register, 5) and BRCL (`C0`, mask,
4) have a signed 32-bit distance in halfwords from the instruction's own address. MVC
(`D2`) moves as many bytes as its second byte says, and one more.
"""

from collections.abc import Iterator

from msgspec import Struct

__all__ = ["CALL_LENGTH", "Branch", "Move", "branches", "moves"]

CALL_LENGTH = 6
_ALWAYS = 0xF
_MVC = 0xD2
_SIZES = (2, 4, 4, 6)


class Branch(Struct, frozen=True):
    """A BRASL, or (`is_jump`) an unconditional BRCL: a call at the end may be one."""

    address: int
    target: int
    is_jump: bool


class Move(Struct, frozen=True):
    """An MVC, which moves so many bytes of storage."""

    address: int
    length: int


def branches(text: bytes, address: int) -> Iterator[Branch]:
    """Return the long relative branches in text that begins at an address, in order."""
    for at, instruction in _instructions(text, address):
        found = _branch(instruction, at)
        if found is not None:
            yield found


def moves(text: bytes, address: int) -> Iterator[Move]:
    """Return the MVCs in text that begins at an address, in order."""
    for at, instruction in _instructions(text, address):
        if instruction[0] == _MVC:
            yield Move(at, instruction[1] + 1)


def _instructions(text: bytes, address: int) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(text):
        size = _SIZES[text[place] >> 6]
        yield address + place, text[place : place + size]
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
