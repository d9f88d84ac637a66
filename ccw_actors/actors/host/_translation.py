"""Translating a channel program: guest addresses in, host addresses out.

Pure. Every copied CCW is laid out in a window of host addresses. Format 0 becomes
format 1, and every data address becomes an IDAW list of host addresses. What cannot be
translated takes a form that stops the host's channel at that CCW, with the check that
the guest's own channel would have shown.

A guest's absolute address A is the host address `base` + A. IDAWs keep their block
size, so an IDAW that is misaligned for the guest is also misaligned for the host.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ccw_actors.actors.host._program_copy import BLOCK_2K, IDAW_LENGTH, Copy
from ccw_actors.actors.protocol import Piece
from ccw_actors.channel import Ccw, Command, Orb
from ccw_actors.channel.ccw import CCW_LENGTH, is_tic

__all__ = ["WINDOWS", "Run", "Translation", "guest_cpa", "resumed", "translate"]

WINDOWS: Final = (0x1000, 0x4000_0000)
"""Windows of host addresses for programs; RESUME moves a program to the other one."""
NOWHERE: Final = 0x800
"""A host address without a CCW: a program that leads there ends as at storage's end."""

_INVALID: Final = Ccw(0)
_NO_ADDRESS: Final = b"\xff" * IDAW_LENGTH


class Run(Struct, frozen=True, array_like=True):
    """Consecutive CCWs: their host address, their guest address, and how many."""

    host: int
    guest: int
    ccws: int


class Translation(Struct, frozen=True, array_like=True):
    """A program as the host's channel runs it, and runs that map its CCWs back."""

    orb: Orb
    program: tuple[Piece, ...]
    runs: tuple[Run, ...]


def translate(copy: Copy, base: int, window: int = WINDOWS[0]) -> Translation:
    """Lay the program out in a window, guest storage being at host `base`."""
    runs = tuple(_runs(copy, window))
    layout = _Layout(copy, base, window, runs)
    pieces = (piece for run in runs if run.ccws for piece in layout.pieces(run))
    return Translation(layout.orb(), tuple(pieces), runs)


class _Layout:
    """A program on the host: where its CCWs are, and the free addresses behind them."""

    def __init__(
        self, copy: Copy, base: int, window: int, runs: tuple[Run, ...]
    ) -> None:
        self._copy = copy
        self._base = base
        self._moving = copy.moving()
        self._host = dict.fromkeys(copy.ccws, NOWHERE)
        for run in runs:
            for offset in range(0, run.ccws * CCW_LENGTH, CCW_LENGTH):
                self._host[run.guest + offset] = run.host + offset
        self._free = window + sum((run.ccws + 1) * CCW_LENGTH for run in runs)

    def pieces(self, run: Run) -> Iterator[Piece]:
        """Yield the IDAW lists of a run's CCWs, and then the CCWs."""
        words: list[bytes] = []
        for offset in range(0, run.ccws * CCW_LENGTH, CCW_LENGTH):
            ccw, idaws = self._translated(run.guest + offset)
            words.append(ccw.to_bytes(1))
            if idaws:
                yield Piece(self._free, idaws)
            if ccw.indirect:
                self._free += len(idaws) + IDAW_LENGTH
        yield Piece(run.host, b"".join(words))

    def orb(self) -> Orb:
        """Return the ORB that starts the program on the host."""
        orb, cpa = self._copy.orb, self._copy.orb.cpa
        kept = orb.flags & ~Orb.idaw_2k.mask
        block = Orb.idaw_2k.mask if self._copy.form.block == BLOCK_2K else 0
        return replace(
            orb,
            flags=kept | Orb.format_1.mask | Orb.idaw_64.mask | block,
            cpa=self._host[cpa & -CCW_LENGTH] + cpa % CCW_LENGTH,
        )

    def _translated(self, address: int) -> tuple[Ccw, bytes]:
        """Return the host's CCW and its IDAW list, which goes to the free addresses."""
        ccw, fmt = self._copy.ccws[address], self._copy.form.fmt
        assert ccw is not None, "a CCW that is not accessible is in no run"
        if is_tic(ccw.code, fmt):
            return self._transfer(ccw), b""
        if address not in self._moving:
            flags = ccw.flags & ~Ccw.indirect.mask
            code = ccw.code if fmt or ccw.count else _INVALID.code
            return Ccw(code, flags, ccw.count, 0), b""
        flags = ccw.flags | Ccw.indirect.mask
        return replace(ccw, flags=flags, address=self._free), self._idaws(address, ccw)

    def _transfer(self, ccw: Ccw) -> Ccw:
        target = self._host[ccw.address & -CCW_LENGTH] + ccw.address % CCW_LENGTH
        flags, count = (ccw.flags, ccw.count) if self._copy.orb.fmt else (0, 0)
        return Ccw(Command.TIC, flags, count, target)

    def _idaws(self, address: int, ccw: Ccw) -> bytes:
        size = self._copy.form.idaw_size
        return b"".join(
            [
                _host_idaw(self._base, guest, size) if legal else _NO_ADDRESS
                for guest, legal in _limited(self._copy, address, ccw)
            ]
        )


def _runs(copy: Copy, window: int) -> Iterator[Run]:
    """Group the CCWs into runs; a gap behind each stops a program at its end.

    A CCW that is not accessible is in no run: the host's channel finds none either. If
    the first CCW is not accessible, its run is empty.
    """
    host, start, ccws = window, -1, 0
    for address in sorted(at for at, ccw in copy.ccws.items() if ccw is not None):
        if address != start + ccws * CCW_LENGTH:
            if ccws:
                yield Run(host, start, ccws)
                host += (ccws + 1) * CCW_LENGTH
            start, ccws = address, 0
        ccws += 1
    if ccws:
        yield Run(host, start, ccws)
    else:
        yield Run(NOWHERE, copy.orb.cpa & -CCW_LENGTH, 0)


def _limited(copy: Copy, address: int, ccw: Ccw) -> Iterator[tuple[int, bool]]:
    """Yield the addresses of a CCW's data, and whether they are within limits.

    Data without IDAWs are within them as a whole or not at all.
    """
    whole = None
    if not ccw.indirect:
        whole = copy.low <= ccw.address and ccw.address + ccw.count <= copy.high
    for area in copy.pieces(address, ccw):
        start, end = area.address, area.address + area.length
        within = copy.low <= start and end <= copy.high
        yield start, within if whole is None else whole


def _host_idaw(base: int, guest: int, size: int) -> bytes:
    """Return a 64-bit IDAW for a guest address, all ones for an impossible one."""
    invalid = size * 8 == 32 and guest >= 1 << 31
    host = (1 << 64) - 1 if invalid else base + guest
    return min(host, (1 << 64) - 1).to_bytes(IDAW_LENGTH, "big")


def guest_cpa(runs: tuple[Run, ...], cpa: int) -> int:
    """Return the guest's channel-program address for one of the host's.

    It is 0 for a status without a CCW, whose `cpa` is 0, and for an address outside the
    program: no host address reaches a guest.
    """
    for run in runs:
        offset = cpa - CCW_LENGTH - run.host
        if 0 <= offset < (run.ccws + 1) * CCW_LENGTH:
            return run.guest + offset + CCW_LENGTH
    return 0


def resumed(
    copy: Copy, base: int, at: int
) -> tuple[tuple[Piece, ...], tuple[Run, ...]]:
    """Lay out a suspended program again, from the CCW that suspended it.

    The host's channel goes on at `at`, the host address of that CCW. There it finds the
    CCW, and behind it TICs to the new places of the next CCWs. Two may come next, as a
    status modifier skips one.

    Args:
        copy: the program from that CCW on, as it is now.
        base: the host address of guest storage.
        at: the host address of that CCW.
    """
    window = WINDOWS[at < WINDOWS[1]]
    translation = translate(copy, base, window)
    pieces, runs = translation.program, translation.runs
    words = _way_on(copy, pieces, runs)
    if words[0]:
        pieces = (*pieces, Piece(at, b"".join(words)))
    return pieces, (*runs, Run(at, copy.orb.cpa, len(words)))


def _way_on(
    copy: Copy, pieces: tuple[Piece, ...], runs: tuple[Run, ...]
) -> list[bytes]:
    """Return the CCW that suspended a program, and TICs to those behind it."""
    guest = copy.orb.cpa
    words: list[bytes] = []
    for address in range(guest, guest + 3 * CCW_LENGTH, CCW_LENGTH):
        ccw = copy.ccws.get(address)
        where = _host_address(runs, address)
        word = _word_at(pieces, where)
        if address != guest and not (ccw and is_tic(ccw.code, copy.orb.fmt)):
            word = Ccw(Command.TIC, address=where).to_bytes(1)
        words.append(word)
    return words


def _host_address(runs: tuple[Run, ...], guest: int) -> int:
    for run in runs:
        if run.guest <= guest < run.guest + run.ccws * CCW_LENGTH:
            return run.host + guest - run.guest
    return NOWHERE


def _word_at(pieces: tuple[Piece, ...], address: int) -> bytes:
    """Return the CCW at a host address, b"" if there is none."""
    for piece in pieces:
        if piece.address <= address < piece.address + len(piece.data):
            offset = address - piece.address
            return piece.data[offset : offset + CCW_LENGTH]
    return b""
