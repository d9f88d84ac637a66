"""Copying and translating a channel program: guest addresses in, host addresses out.

Pure: what has to be read from guest storage comes in as bytes. Every CCW that can be
reached is copied into a window of host addresses, format 0 becoming format 1, and every
data address becomes an IDAW list of host addresses. Nothing is rejected here: what
cannot be translated is given to the host in a form that makes its channel stop at that
very CCW with the check that the guest's own channel would have shown.

A guest's absolute address A is the host address `base` + A. IDAWs keep their block
size, so that an IDAW that is misaligned for the guest is so for the host.

Source for what has to be copied: Linux drivers/s390/cio/vfio_ccw_cp.c; unlike there,
no chain is too long, only `bytes_max` bounds what is copied of CCWs and IDAW lists.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.protocol import Area, Piece
from ccw_actors.channel import Ccw, Command, Orb
from ccw_actors.channel.ccw import CCW_LENGTH, is_tic
from ccw_actors.channel.execution import NO_LIMIT

__all__ = ["WINDOWS", "Copy", "Run", "Translation", "guest_cpa", "resumed"]

WINDOWS: Final = (0x1000, 0x4000_0000)
"""Host addresses of programs; one that is resumed changes from one to the other."""
NOWHERE: Final = 0x800
"""Where no CCW is on the host: what leads there ends as if storage ended there."""

_INVALID: Final = Ccw(0)
_LIMITS: Final = {0: 1 << 24, 1: 1 << 31}
_BLOCK_2K: Final = 2048
_BLOCK_4K: Final = 4096
_IDAW: Final = 8
_NO_ADDRESS: Final = b"\xff" * _IDAW
_LINUX_CCWS: Final = 256
_LINUX_CHAINS: Final = 16


class Run(Struct, frozen=True, array_like=True):
    """Consecutive CCWs: where they are on the host, where in the guest, how many."""

    host: int
    guest: int
    ccws: int


class Translation(Struct, frozen=True, array_like=True):
    """A program as the host's channel is to run it, and how to find the way back."""

    orb: Orb
    program: tuple[Piece, ...]
    runs: tuple[Run, ...]


class Copy(Struct):
    """What has been copied of a guest's channel program so far.

    At most `bytes_max` bytes of it are, and `ccws_at_once` CCWs are read in one go.

    `ccws` has the CCWs by guest address, None for one that is not accessible. `lists`
    has the IDAW lists by the address of the CCW; one that is cut short lies partly
    beyond the guest's storage. `todo` has the addresses of CCWs not read yet. What
    came with START is `given`, and is not read from storage. Data outside of `low` to
    `high` are where the host's channel finds none.
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
            if ccw is not None
            and _has_list(self.orb, ccw)
            and address not in self.lists
        )
        return tuple(self._list_area(address) for address in self.asked)

    def feed(self, parts: tuple[bytes, ...]) -> None:
        """Take what was read of the areas `wanted` last."""
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
            if ccw is not None
            for area in self._areas(address, ccw)
        )

    def translate(self, base: int, window: int = WINDOWS[0]) -> Translation:
        """Lay the program out in a window, guest storage being at host `base`."""
        runs = tuple(self._runs(window))
        host = {
            run.guest + offset: run.host + offset
            for run in runs
            for offset in range(0, run.ccws * CCW_LENGTH, CCW_LENGTH)
        }
        host.update(dict.fromkeys(self.ccws.keys() - host.keys(), NOWHERE))
        free = window + sum((run.ccws + 1) * CCW_LENGTH for run in runs)
        program: list[Piece] = []
        for run in filter(_has_ccws, runs):
            words: list[bytes] = []
            for offset in range(0, run.ccws * CCW_LENGTH, CCW_LENGTH):
                address = run.guest + offset
                ccw, idaws = self._translated(address, base, free, host)
                words.append(ccw.to_bytes(1))
                if idaws:
                    program.append(Piece(free, idaws))
                if ccw.indirect:
                    free += len(idaws) + _IDAW
            program.append(Piece(run.host, b"".join(words)))
        return Translation(self._host_orb(host), tuple(program), runs)

    def exceeds_linux(self) -> bool:
        """Whether Linux would refuse the program: 256 CCWs a chain, 16 chains.

        A chain is what follows from a CCW without a TIC being taken. Source: Linux
        drivers/s390/cio/vfio_ccw_cp.c.
        """
        chains: list[range] = []
        todo = [self.orb.cpa & -CCW_LENGTH]
        while todo and len(chains) <= _LINUX_CHAINS:
            start = todo.pop()
            if any(start in chain for chain in chains):
                continue
            chain = self._chain(start)
            if len(chain) > _LINUX_CCWS:
                return True
            chains.append(chain)
            last = self.ccws.get(chain[-1])
            if last is not None and is_tic(last.code, self.orb.fmt):
                todo.append(last.address & -CCW_LENGTH)
        return len(chains) > _LINUX_CHAINS

    def _chain(self, start: int) -> range:
        """Return the addresses of a chain's CCWs, up to one too many.

        A TIC back into the chain does not end it: a status modifier may skip that.
        """
        address = start
        for _ in range(_LINUX_CCWS):
            ccw = self.ccws.get(address)
            if ccw is None:
                break
            if is_tic(ccw.code, self.orb.fmt):
                if not start <= ccw.address <= address:
                    break
            elif not (ccw.chain_command or ccw.chain_data):
                break
            address += CCW_LENGTH
        return range(start, address + CCW_LENGTH, CCW_LENGTH)

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
        """Yield the CCWs that the channel may go to from this one.

        A status modifier skips one CCW: it matters where that one is a TIC, which is
        how a search loop ends.
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
    def _block(self) -> int:
        four = self.orb.idaw_64 and not self.orb.idaw_2k
        return _BLOCK_4K if four else _BLOCK_2K

    @property
    def _guest_idaw(self) -> int:
        return _IDAW if self.orb.idaw_64 else _IDAW // 2

    def _list_area(self, address: int) -> Area:
        ccw = self.ccws[address]
        assert ccw is not None
        idaws = (ccw.count + 2 * self._block - 2) // self._block
        spent = sum(len(data) for data in self.lists.values())
        if spent + idaws * self._guest_idaw > self.bytes_max:
            idaws = 0
        return Area(ccw.address, idaws * self._guest_idaw)

    def _addresses(self, address: int, ccw: Ccw) -> list[int]:
        """Return the guest addresses of the CCW's IDAW list, its own or a new one."""
        if not _has_list(self.orb, ccw):
            first = ccw.address
            end = first + ccw.count
            following = range(
                (first // self._block + 1) * self._block, end, self._block
            )
            return [first, *following]
        raw, size = self.lists.get(address, b""), self._guest_idaw
        whole = range(0, len(raw) - size + 1, size)
        idaws = [int.from_bytes(raw[at : at + size], "big") for at in whole]
        if not idaws:
            return []
        needed = -(-(idaws[0] % self._block + ccw.count) // self._block)
        return idaws[:needed]

    def _areas(self, address: int, ccw: Ccw) -> Iterator[Area]:
        if not ccw.count or is_tic(ccw.code, self.orb.fmt) or ccw.skip:
            return
        left = ccw.count
        for start in self._addresses(address, ccw):
            length = min(left, self._block - start % self._block)
            yield Area(start, length)
            left -= length

    # -- layout --

    def _runs(self, window: int) -> Iterator[Run]:
        """Group the CCWs into runs; a gap behind each stops what falls off its end.

        One that is not accessible is in none: the host's channel finds none, either.
        If the first is not, there is a run of none.
        """
        host, start, ccws = window, -1, 0
        for address in sorted(at for at, ccw in self.ccws.items() if ccw is not None):
            if address != start + ccws * CCW_LENGTH:
                if ccws:
                    yield Run(host, start, ccws)
                    host += (ccws + 1) * CCW_LENGTH
                start, ccws = address, 0
            ccws += 1
        if ccws:
            yield Run(host, start, ccws)
        else:
            yield Run(NOWHERE, self.orb.cpa & -CCW_LENGTH, 0)

    def _translated(
        self, address: int, base: int, free: int, host: dict[int, int]
    ) -> tuple[Ccw, bytes]:
        """Return the host's CCW and its IDAW list, which is to be at `free`."""
        ccw = self.ccws[address]
        fmt = self.orb.fmt
        assert ccw is not None, "what is not accessible is in no run"
        if is_tic(ccw.code, fmt):
            target = host[ccw.address & -CCW_LENGTH] + ccw.address % CCW_LENGTH
            flags, count = (ccw.flags, ccw.count) if fmt else (0, 0)
            return Ccw(Command.TIC, flags, count, target), b""
        if not ccw.count:
            flags = ccw.flags & ~Ccw.indirect.mask
            code = ccw.code if fmt else _INVALID.code
            return Ccw(code, flags, 0, 0), b""
        areas = self._limited(address, ccw)
        idaws = b"".join(
            _host_idaw(base, guest, self._guest_idaw) if legal else _NO_ADDRESS
            for guest, legal in areas
        )
        flags = ccw.flags | Ccw.indirect.mask
        return replace(ccw, flags=flags, address=free), idaws

    def _limited(self, address: int, ccw: Ccw) -> Iterator[tuple[int, bool]]:
        """Yield the addresses of a CCW's data, and whether they are within limits.

        Data without IDAWs are within them as a whole or not at all.
        """
        whole = None
        if not _has_list(self.orb, ccw):
            whole = self.low <= ccw.address and ccw.address + ccw.count <= self.high
        left = ccw.count
        for start in self._addresses(address, ccw):
            length = min(left, self._block - start % self._block)
            left -= length
            within = self.low <= start and start + length <= self.high
            yield start, within if whole is None else whole

    def _host_orb(self, host: dict[int, int]) -> Orb:
        cpa = self.orb.cpa
        kept = self.orb.flags & ~Orb.idaw_2k.mask
        block = Orb.idaw_2k.mask if self._block == _BLOCK_2K else 0
        return replace(
            self.orb,
            flags=kept | Orb.format_1.mask | Orb.idaw_64.mask | block,
            cpa=host[cpa & -CCW_LENGTH] + cpa % CCW_LENGTH,
        )


def _part(given: tuple[Piece, ...], area: Area) -> bytes | None:
    """Return what was given of an area, up to its end or that of what was given."""
    for piece in given:
        offset = area.address - piece.address
        if 0 <= offset < len(piece.data):
            return piece.data[offset : offset + area.length]
    return None


def _has_ccws(run: Run) -> bool:
    return run.ccws > 0


def _has_list(orb: Orb, ccw: Ccw) -> bool:
    return ccw.indirect and ccw.count > 0 and not is_tic(ccw.code, orb.fmt)


def _host_idaw(base: int, guest: int, size: int) -> bytes:
    """Return a 64-bit IDAW for a guest address; one that cannot be is all ones."""
    invalid = size * 8 == 32 and guest >= 1 << 31
    host = (1 << 64) - 1 if invalid else base + guest
    return min(host, (1 << 64) - 1).to_bytes(_IDAW, "big")


def guest_cpa(runs: tuple[Run, ...], cpa: int) -> int:
    """Return the guest's channel-program address for one of the host's.

    A status that the channel made without a CCW has a `cpa` of 0, and so has what is
    returned for an address outside the program: no host address reaches a guest.
    """
    for run in runs:
        offset = cpa - CCW_LENGTH - run.host
        if 0 <= offset < (run.ccws + 1) * CCW_LENGTH:
            return run.guest + offset + CCW_LENGTH
    return 0


def resumed(
    copy: Copy, base: int, at: int
) -> tuple[tuple[Piece, ...], tuple[Run, ...]]:
    """Lay a suspended program out anew, from the CCW on that has suspended it.

    The host's channel goes on at `at`, where that CCW is on the host: there it finds it
    again, and behind it the way to where the others are now. Two CCWs may come next, as
    a status modifier skips one.

    Args:
        copy: the program from that CCW on, as it is now.
        base: the host address of guest storage.
        at: the host address of that CCW.
    """
    window = WINDOWS[at < WINDOWS[1]]
    translation = copy.translate(base, window)
    pieces, runs = translation.program, translation.runs
    guest = copy.orb.cpa
    words: list[bytes] = []
    for address in range(guest, guest + 3 * CCW_LENGTH, CCW_LENGTH):
        ccw = copy.ccws.get(address)
        where = _host_address(runs, address)
        word = _word_at(pieces, where)
        if address != guest and not (ccw and is_tic(ccw.code, copy.orb.fmt)):
            word = Ccw(Command.TIC, address=where).to_bytes(1)
        words.append(word)
    if words[0]:
        pieces = (*pieces, Piece(at, b"".join(words)))
    return pieces, (*runs, Run(at, guest, len(words)))


def _host_address(runs: tuple[Run, ...], guest: int) -> int:
    for run in runs:
        if run.guest <= guest < run.guest + run.ccws * CCW_LENGTH:
            return run.host + guest - run.guest
    return NOWHERE


def _word_at(pieces: tuple[Piece, ...], address: int) -> bytes:
    """Return the CCW at a host address, or nothing."""
    for piece in pieces:
        if piece.address <= address < piece.address + len(piece.data):
            offset = address - piece.address
            return piece.data[offset : offset + CCW_LENGTH]
    return b""
