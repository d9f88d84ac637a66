"""The data area of one CCW: the storage that it names, and how much of it is usable.

A faulty address causes a check only when the transfer reaches it. So an area knows how
many of its bytes are usable, and the check that a transfer beyond them meets.

Source: PoP, "Channel Indirect Data Addressing", "Modified CCW Indirect Data Addressing"
and "Data Chaining".
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.channel._orb import Orb
from ccw_actors.channel._scsw import Cstat
from ccw_actors.channel.ccw import Ccw
from ccw_actors.channel.fields import U8, U16, U32, U64

__all__ = [
    "Area",
    "controlling",
    "direct",
    "idaw_length",
    "idaws_wanted",
    "indirect",
    "limited",
    "midaws_length",
    "scattered",
    "sliced",
    "violated",
    "within",
]


Piece: TypeAlias = tuple[U64 | None, int]

_MIDAW: Final = struct.Struct(">5xBHQ")
_MIDAW_LAST: Final = 0x80
_MIDAW_SKIP: Final = 0x40
_PAGE: Final = 4096


class Area(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The bytes that one CCW gives to the device, in the order of transfer.

    `cpa` is the CCW's address plus 8, `flags` and `count` are the CCW's. `pieces`
    (address, length in bytes) cover the first `covered` bytes; an address of None skips
    them. `check` is the subchannel-status bit of a transfer beyond them. A skipped area
    is covered without pieces. A CCW that cannot continue a data chain is an area
    without bytes, but with a check.
    """

    cpa: U32
    flags: U8 = 0
    count: U16 = 0
    pieces: tuple[Piece, ...] = ()
    covered: int = 0
    check: U8 = 0


def _of(
    ccw: Ccw, cpa: int, pieces: Sequence[tuple[int | None, int]], check: int = 0
) -> Area:
    covered = sum(length for _, length in pieces)
    return Area(cpa, ccw.flags, ccw.count, tuple(pieces), covered, check)


def direct(ccw: Ccw, cpa: int, fmt: int, *, backward: bool, skip: bool) -> Area:
    """Return the area of a CCW without indirect addressing.

    Addresses have 24 bits in format 0 and 31 in format 1. If the area exceeds them, the
    part of it before the first invalid address is usable.
    """
    if skip:
        return Area(cpa, ccw.flags, ccw.count, (), ccw.count)
    if not ccw.count:
        return _of(ccw, cpa, ())
    limit = 1 << (31 if fmt else 24)
    room = ccw.address + 1 if backward else limit - ccw.address
    length = min(ccw.count, max(room, 0))
    check = 0 if length == ccw.count else Cstat.PROGRAM_CHECK
    if not length:
        return _of(ccw, cpa, (), check)
    low = ccw.address - length + 1 if backward else ccw.address
    return _of(ccw, cpa, ((low, length),), check)


def idaw_length(orb: Orb) -> int:
    """Return the bytes of one indirect-data-address word, also its alignment."""
    return 8 if orb.idaw_64 else 4


def _block(orb: Orb) -> int:
    return 4096 if orb.idaw_64 and not orb.idaw_2k else 2048


def _room(address: int, block: int, *, backward: bool) -> int:
    """Return the bytes from `address` to its block's end, in transfer direction."""
    offset = address % block
    return offset + 1 if backward else block - offset


def idaws_wanted(orb: Orb, first: int, count: int, *, backward: bool) -> int:
    """Return the number of IDAWs for `count` bytes if the first one is `first`."""
    block = _block(orb)
    left = count - _room(first, block, backward=backward)
    return 1 + max(0, -(-left // block))


def indirect(
    ccw: Ccw, cpa: int, orb: Orb, idaws: bytes, *, backward: bool, check: int = 0
) -> Area:
    """Return the area of a CCW with indirect addressing.

    Args:
        ccw: the CCW; its count is not zero.
        cpa: its address plus 8.
        orb: gives the format of the IDAWs.
        idaws: the usable part of the list, big-endian words.
        backward: the command stores at descending addresses.
        check: the check of a transfer beyond `idaws`, if they are too few.
    """
    size = idaw_length(orb)
    block = _block(orb)
    pieces: list[tuple[int | None, int]] = []
    left = ccw.count
    for start in range(0, len(idaws) - size + 1, size):
        address = int.from_bytes(idaws[start : start + size], "big")
        room = _room(address, block, backward=backward)
        misplaced = bool(pieces) and room != block
        if misplaced or (size == 4 and address >> 31):
            return _of(ccw, cpa, pieces, Cstat.PROGRAM_CHECK)
        length = min(room, left)
        pieces.append((address - length + 1 if backward else address, length))
        left -= length
        if not left:
            return _of(ccw, cpa, pieces)
    return _of(ccw, cpa, pieces, check)


def midaws_length(ccw: Ccw) -> int:
    """Return the most bytes that a CCW's list of MIDAWs may have, 0 if misplaced.

    A MIDAW has 16 bytes, which is also its alignment. A list does not cross its page of
    4096 bytes, and has no more MIDAWs than there are bytes of data.
    """
    if ccw.address % _MIDAW.size or ccw.address >> 31:
        return 0
    return min(_PAGE - ccw.address % _PAGE, ccw.count * _MIDAW.size)


def scattered(
    ccw: Ccw, cpa: int, midaws: bytes, *, backward: bool, skips: bool, check: int = 0
) -> Area:
    """Return the area of a CCW with modified indirect addressing.

    A MIDAW is 5 zero bytes, a byte of flags, its count in 2 bytes and an address in 8,
    big-endian. Its data do not cross their page unless they are skipped. The counts up
    to the last one add up to the CCW's.

    Args:
        ccw: the CCW; its count is not zero.
        cpa: its address plus 8.
        midaws: the usable part of the list.
        backward: the command stores at descending addresses.
        skips: the command is an input command, which obeys the skip flag.
        check: the check of a transfer beyond `midaws`, if they are too few; 0 means
            program check.
    """
    pieces: list[tuple[int | None, int]] = []
    left = ccw.count
    for start in range(0, len(midaws), _MIDAW.size):
        midaw = midaws[start : start + _MIDAW.size]
        piece = _piece(midaw, left, backward=backward, skips=skips)
        if piece is None:
            return _of(ccw, cpa, pieces, Cstat.PROGRAM_CHECK)
        pieces.append(piece)
        left -= piece[1]
        if not left:
            return _of(ccw, cpa, pieces)
    return _of(ccw, cpa, pieces, check or Cstat.PROGRAM_CHECK)


def _piece(
    midaw: bytes, left: int, *, backward: bool, skips: bool
) -> tuple[int | None, int] | None:
    """Return a MIDAW's piece, given the bytes left; None if the MIDAW is invalid."""
    flags, count, address = _MIDAW.unpack(midaw)
    reserved = any(midaw[:5]) or flags & ~(_MIDAW_LAST | _MIDAW_SKIP)
    skip = skips and flags & _MIDAW_SKIP
    misplaced = not skip and count > _room(address, _PAGE, backward=backward)
    last = bool(flags & _MIDAW_LAST)
    if reserved or misplaced or not count or last is not (count == left):
        return None
    at = address - count + 1 if backward else address
    return None if skip else at, count


def limited(areas: tuple[Area, ...], position: int, check: int) -> tuple[Area, ...]:
    """Put `check` at byte `position` of the storage that `areas` name."""
    for index, area in enumerate(areas):
        covered = 0
        for address, length in area.pieces:
            if address is not None:
                if position < length:
                    short = replace(area, covered=covered + position, check=check)
                    return (*areas[:index], short, *areas[index + 1 :])
                position -= length
            covered += length
    return areas


def within(area: Area, low: int, high: int) -> Area:
    """Put a program check at the first piece that is not in [low, high).

    Source: PoP, "Address-Limit Checking".
    """
    covered = 0
    for index, (address, length) in enumerate(area.pieces):
        if address is not None and (address < low or address + length > high):
            check = Cstat.PROGRAM_CHECK
            return replace(
                area, pieces=area.pieces[:index], covered=covered, check=check
            )
        covered += length
    return area


def violated(areas: tuple[Area, ...], moved: int) -> tuple[Area, int] | None:
    """Find the area whose check a transfer of `moved` bytes meets.

    The result is the area and the residual count of its CCW, or None. If a CCW cannot
    continue a data chain, its check is met when the bytes before it are used up,
    because the channel then fetches that CCW.
    """
    for area in areas:
        used = min(moved, area.count)
        if used > area.covered or (area.check and not area.count):
            return area, area.count - used
        moved -= area.count
        if moved < 0:
            return None
    return None


def controlling(areas: tuple[Area, ...], moved: int) -> tuple[Area, int]:
    """Find the CCW in control after `moved` bytes, and its residual count."""
    for area in areas[:-1]:
        if moved < area.count:
            return area, area.count - moved
        moved -= area.count
    return areas[-1], areas[-1].count - moved


def sliced(
    areas: tuple[Area, ...], data: bytes, *, backward: bool
) -> Iterator[tuple[int, bytes]]:
    """Cut input data into pieces (address, bytes), up to the first uncovered byte."""
    for area in areas:
        part, data = data[: area.count], data[area.count :]
        start = 0
        for address, length in area.pieces:
            piece = part[start : start + length]
            start += length
            if address is None:
                continue
            if backward:
                yield address + length - len(piece), piece[::-1]
            elif piece:
                yield address, piece
        if area.covered < area.count:
            return
