"""A copy of a guest's channel program, made from bytes of guest storage.

Pure: the caller reads storage. Every CCW that can be reached is copied, and every IDAW
list. Nothing is rejected here.

Source for what is copied: Linux drivers/s390/cio/vfio_ccw_cp.c. Unlike there, a chain
may have any length: only `bytes_max` limits the CCWs and IDAW lists that are copied.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ccw_actors.actors.hardware import pages_of
from ccw_actors.actors.protocol import Area, Piece
from ccw_actors.channel import Ccw, Orb
from ccw_actors.channel.ccw import CCW_LENGTH, is_tic
from ccw_actors.channel.execution import NO_LIMIT

__all__ = ["BLOCK_2K", "IDAW_LENGTH", "Copy", "has_list"]

BLOCK_2K: Final = 2048
_BLOCK_4K: Final = 4096
IDAW_LENGTH: Final = 8
_LIMITS: Final = {0: 1 << 24, 1: 1 << 31}


class Copy(Struct):
    """The part of a guest's channel program that has been copied so far.

    At most `bytes_max` bytes are copied, and `ccws_at_once` CCWs are read at a time.

    `ccws` has the CCWs by guest address, None for one that is not accessible. `lists`
    has the IDAW lists by the address of the CCW; one that is cut short is partly beyond
    the guest's storage. `todo` has the addresses of CCWs not read yet. What came with
    START is `given`, and is not read from storage. Data outside of `low` to `high` are
    translated to addresses at which the host has no storage.
    """

    orb: Orb
    bytes_max: int
    ccws_at_once: int
    ccws: dict[int, Ccw | None]
    lists: dict[int, bytes]
    todo: tuple[int, ...]
    asked: tuple[int, ...] = ()
    given: tuple[Piece, ...] = ()
    low: int = 0
    high: int = NO_LIMIT

    @classmethod
    def of(
        cls,
        orb: Orb,
        bytes_max: int,
        ccws_at_once: int,
        given: tuple[Piece, ...] = (),
    ) -> "Copy":
        """Begin with the CCW that the ORB names."""
        first = orb.cpa & -CCW_LENGTH
        return cls(orb, bytes_max, ccws_at_once, {}, {}, (first,), given=given)

    def wanted(self) -> tuple[Area, ...]:
        """Return the areas of guest storage to read next; none when all is copied."""
        while areas := self._unread():
            known = [_part(self.given, area) for area in areas]
            if None in known:
                return areas
            self.feed(tuple(part or b"" for part in known))
        return ()

    def _unread(self) -> tuple[Area, ...]:
        if self.todo:
            self.asked, self.todo = self.todo, ()
            return tuple(Area(address, self._chunk) for address in self.asked)
        self.asked = tuple(
            address
            for address, ccw in self.ccws.items()
            if ccw is not None and has_list(self.orb, ccw) and address not in self.lists
        )
        return tuple(self._list_area(address) for address in self.asked)

    def feed(self, parts: tuple[bytes, ...]) -> None:
        """Take the bytes of the areas that `wanted` returned last."""
        for address, part in zip(self.asked, parts, strict=True):
            is_list = address in self.ccws
            area = self._list_area(address) if is_list else Area(address, self._chunk)
            known = _part(self.given, area)
            data = part if known is None else known
            if is_list:
                self.lists[address] = data
            else:
                self._walk(address, data)
        self.asked = ()

    def data_areas(self) -> tuple[Area, ...]:
        """Return the areas of guest storage that the program's data may touch."""
        return tuple(
            area
            for address, ccw in self.ccws.items()
            if ccw is not None and self._is_data(ccw)
            for area in self.pieces(address, ccw)
        )

    def touches(self, area: Area) -> bool:
        """Whether the program's data may have a page in common with an area."""
        pages = pages_of(area.address, area.length)
        used = (pages_of(one.address, one.length) for one in self.data_areas())
        return any(one.start < pages.stop and pages.start < one.stop for one in used)

    # -- copying --

    def _walk(self, start: int, data: bytes) -> None:
        """Follow the program through one chunk that was read, from its first CCW."""
        reached = [start]
        while reached:
            address = reached.pop()
            offset = address - start
            if address in self.ccws or address in self.todo:
                continue
            if not self._may_copy(address):
                self.ccws[address] = None
            elif not 0 <= offset < self._chunk:
                self.todo = (*self.todo, address)
            elif len(data) < offset + CCW_LENGTH:
                self.ccws[address] = None
            else:
                raw = data[offset : offset + CCW_LENGTH]
                ccw = Ccw.from_bytes(raw, self.orb.fmt)
                self.ccws[address] = ccw
                reached.extend(self._successors(address, ccw))

    @property
    def _chunk(self) -> int:
        return self.ccws_at_once * CCW_LENGTH

    def _may_copy(self, address: int) -> bool:
        copied = (len(self.ccws) + len(self.todo)) * CCW_LENGTH
        return address < _LIMITS[self.orb.fmt] and copied < self.bytes_max

    def _successors(self, address: int, ccw: Ccw) -> Iterator[int]:
        """Yield the addresses of the CCWs that may come after this one.

        A status modifier skips one CCW. This matters if that is a TIC: so a search loop
        ends.
        """
        behind = address + CCW_LENGTH
        if is_tic(ccw.code, self.orb.fmt):
            yield ccw.address & -CCW_LENGTH
            before = self.ccws.get(address - CCW_LENGTH)
            if before is not None and before.chain_command:
                yield behind
        elif ccw.chain_data or ccw.chain_command:
            yield behind
            skipped = self.ccws.get(behind)
            if skipped is not None and is_tic(skipped.code, self.orb.fmt):
                yield behind + CCW_LENGTH

    # -- data addresses --

    @property
    def block(self) -> int:
        """Return how many bytes an IDAW covers, in the guest and so at the host."""
        four = self.orb.idaw_64 and not self.orb.idaw_2k
        return _BLOCK_4K if four else BLOCK_2K

    @property
    def idaw_size(self) -> int:
        """Return the bytes of an IDAW of the guest."""
        return IDAW_LENGTH if self.orb.idaw_64 else IDAW_LENGTH // 2

    def _list_area(self, address: int) -> Area:
        ccw = self.ccws[address]
        assert ccw is not None
        idaws = (ccw.count + 2 * self.block - 2) // self.block
        spent = sum(len(data) for data in self.lists.values())
        if spent + idaws * self.idaw_size > self.bytes_max:
            idaws = 0
        return Area(ccw.address, idaws * self.idaw_size)

    def _addresses(self, address: int, ccw: Ccw) -> list[int]:
        """Return the guest addresses of the CCW's IDAW list, its own or a new one."""
        if not has_list(self.orb, ccw):
            first = ccw.address
            end = first + ccw.count
            following = range((first // self.block + 1) * self.block, end, self.block)
            return [first, *following]
        raw, size = self.lists.get(address, b""), self.idaw_size
        whole = range(0, len(raw) - size + 1, size)
        idaws = [int.from_bytes(raw[at : at + size], "big") for at in whole]
        if not idaws:
            return []
        needed = -(-(idaws[0] % self.block + ccw.count) // self.block)
        return idaws[:needed]

    def pieces(self, address: int, ccw: Ccw) -> Iterator[Area]:
        """Yield the areas that the IDAWs of a CCW name, up to its count."""
        left = ccw.count
        for start in self._addresses(address, ccw):
            length = min(left, self.block - start % self.block)
            yield Area(start, length)
            left -= length

    def _is_data(self, ccw: Ccw) -> bool:
        """Whether a CCW moves data: skipped data touch no storage."""
        return ccw.count > 0 and not is_tic(ccw.code, self.orb.fmt) and not ccw.skip


def _part(given: tuple[Piece, ...], area: Area) -> bytes | None:
    """Return the given bytes of an area, up to its end or that of the piece."""
    for piece in given:
        offset = area.address - piece.address
        if 0 <= offset < len(piece.data):
            return piece.data[offset : offset + area.length]
    return None


def has_list(orb: Orb, ccw: Ccw) -> bool:
    """Whether a CCW has a list of IDAWs."""
    return ccw.indirect and ccw.count > 0 and not is_tic(ccw.code, orb.fmt)
