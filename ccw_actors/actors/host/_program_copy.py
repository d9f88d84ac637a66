"""A copy of a guest's channel program, made from bytes of guest storage.

Pure: the caller reads storage. Every CCW that can be reached is copied, and every IDAW
list. Nothing is rejected here.

Source for what is copied: Linux drivers/s390/cio/vfio_ccw_cp.c. Unlike there, a chain
may have any length: only `bytes_max` limits the CCWs and IDAW lists that are copied.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec import Struct

from ccw_actors.actors.hardware import pages_of
from ccw_actors.actors.protocol import Area, Piece
from ccw_actors.channel import Ccw, Orb
from ccw_actors.channel.ccw import CCW_LENGTH, Command, is_input, is_tic
from ccw_actors.channel.execution import NO_LIMIT

__all__ = ["BLOCK_2K", "IDAW_LENGTH", "Copy", "Form"]

BLOCK_2K: Final = 2048
_BLOCK_4K: Final = 4096
IDAW_LENGTH: Final = 8
_LIMITS: Final = {0: 1 << 24, 1: 1 << 31}


class Form(NamedTuple):
    """The form of a program: the format of its CCWs, 0 or 1, and the size of its IDAWs.

    `block` is how many bytes an IDAW covers, in the guest and so at the host.
    `idaw_size` is how many bytes an IDAW of the guest has.
    """

    fmt: int
    block: int
    idaw_size: int


@lru_cache(maxsize=64)
def _form_of(flags: int) -> Form:
    """Return what the flags of an ORB say."""
    orb = Orb(flags=flags)
    block = _BLOCK_4K if orb.idaw_64 and not orb.idaw_2k else BLOCK_2K
    return Form(orb.fmt, block, IDAW_LENGTH if orb.idaw_64 else IDAW_LENGTH // 2)


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

    @property
    def form(self) -> Form:
        """The form of the program."""
        return _form_of(self.orb.flags)

    def wanted(self) -> tuple[Area, ...]:
        """Return the areas of guest storage to read next; none when all is copied."""
        while areas := self._unread():
            if not self.given:
                return areas
            known = [_part(self.given, area) for area in areas]
            if None in known:
                return areas
            self.feed(tuple(part or b"" for part in known))
        return ()

    def _unread(self) -> tuple[Area, ...]:
        if self.todo:
            self.asked, self.todo = self.todo, ()
            chunk = self._chunk
            return tuple([Area(address, chunk) for address in self.asked])
        lists = self.lists
        if any(ccw is not None and ccw.indirect for ccw in self.ccws.values()):
            moving = self.moving().items()
            asked = [at for at, ccw in moving if ccw.indirect and at not in lists]
            self.asked = tuple(asked)
        return tuple([self._list_area(address) for address in self.asked])

    def feed(self, parts: tuple[bytes, ...]) -> None:
        """Take the bytes of the areas that `wanted` returned last."""
        for address, part in zip(self.asked, parts, strict=True):
            is_list = address in self.ccws
            data = part
            if self.given:
                chunk = Area(address, self._chunk)
                area = self._list_area(address) if is_list else chunk
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
            [
                area
                for address, ccw in self.moving().items()
                for area in self.pieces(address, ccw)
            ]
        )

    def moving(self) -> dict[int, Ccw]:
        """Return, by address, the CCWs whose data may move from or to storage.

        No-operation moves none, nor does input that is skipped. A CCW that continues
        the data of another has that one's command, whatever its own code is. Source:
        Linux vfio_ccw_cp.c, ccw_does_data_transfer, which looks at each CCW's own code.
        """
        fmt, continued = self.form.fmt, self._continued()
        return {
            address: ccw
            for address, ccw in self.ccws.items()
            if ccw is not None and ccw.count and not is_tic(ccw.code, fmt)
            if address in continued or not _moves_nothing(ccw)
        }

    def _continued(self) -> set[int]:
        """Return the addresses of CCWs that may continue the data of the one before."""
        found: set[int] = set()
        for address, ccw in self.ccws.items():
            if ccw is not None and ccw.chain_data:
                following = address + CCW_LENGTH
                after = self.ccws.get(following)
                is_transfer = after is not None and is_tic(after.code, self.form.fmt)
                target = (
                    after.address & -CCW_LENGTH if after and is_transfer else following
                )
                found.add(target)
        return found

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

    def _list_area(self, address: int) -> Area:
        ccw = self.ccws[address]
        assert ccw is not None
        _, block, size = self.form
        idaws = (ccw.count + 2 * block - 2) // block
        spent = sum(len(data) for data in self.lists.values())
        if spent + idaws * size > self.bytes_max:
            idaws = 0
        return Area(ccw.address, idaws * size)

    def _addresses(self, address: int, ccw: Ccw) -> list[int]:
        """Return the guest addresses of the CCW's IDAW list, its own or a new one."""
        _, block, size = self.form
        if not ccw.indirect:
            first = ccw.address
            end = first + ccw.count
            return [first, *range((first // block + 1) * block, end, block)]
        raw = self.lists.get(address, b"")
        whole = range(0, len(raw) - size + 1, size)
        idaws = [int.from_bytes(raw[at : at + size], "big") for at in whole]
        if not idaws:
            return []
        needed = -(-(idaws[0] % block + ccw.count) // block)
        return idaws[:needed]

    def pieces(self, address: int, ccw: Ccw) -> list[Area]:
        """Return the areas that the IDAWs of a CCW name, up to its count."""
        found: list[Area] = []
        left, block = ccw.count, self.form.block
        for start in self._addresses(address, ccw):
            length = min(left, block - start % block)
            found.append(Area(start, length))
            left -= length
        return found


def _part(given: tuple[Piece, ...], area: Area) -> bytes | None:
    """Return the given bytes of an area, up to its end or that of the piece."""
    for piece in given:
        offset = area.address - piece.address
        if 0 <= offset < len(piece.data):
            return piece.data[offset : offset + area.length]
    return None


def _moves_nothing(ccw: Ccw) -> bool:
    return ccw.code == Command.NOOP or (ccw.skip and is_input(ccw.code))
