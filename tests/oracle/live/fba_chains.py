"""Strategies for channel programs of fixed-block disks."""

from typing import Final

from hypothesis import strategies as st

from ccw_actors.devices.fba._model import COMMANDS
from tests.oracle.live.chains import TIC, Chain, Step
from tests.oracle.live.volumes import BLOCKS

__all__ = ["fba_chains"]

SLI: Final = 0x20
DEFINE_EXTENT: Final = 0x63
LOCATE: Final = 0x43
OPERATIONS: Final = (0x01, 0x02, 0x04, 0x05, 0x06)
CODES: Final = tuple(sorted(COMMANDS))


@st.composite
def extents(draw: st.DrawFn, blocks: int) -> bytes:
    """Draw the argument of DEFINE EXTENT, mostly valid."""
    mask = draw(
        st.one_of(st.sampled_from([0xC0, 0x80, 0x40, 0x00]), st.integers(0, 255))
    )
    second = draw(st.sampled_from([0] * 15 + [1, 0x80]))
    size = draw(st.sampled_from([0, 0, 0, 512, 512, 4096, 1]))
    first = draw(st.sampled_from([0, 0, 5, 100]))
    start = draw(st.sampled_from([0, first, 10, blocks - 4]))
    last = draw(st.sampled_from([first, first + 3, blocks - 1 - start + first, 2**31]))
    last = max(0, last + draw(st.sampled_from([0, 0, 0, 0, 1, -1])))
    numbers = b"".join(one.to_bytes(4) for one in (start, first, last))
    return bytes((mask, second)) + size.to_bytes(2) + numbers


@st.composite
def locations(draw: st.DrawFn) -> bytes:
    """Draw the argument of LOCATE, mostly valid."""
    operation = draw(
        st.one_of(
            *[st.sampled_from(OPERATIONS)] * 3,
            st.integers(0, 255),
        )
    )
    count = draw(st.sampled_from([1, 1, 2, 4, 0, 8, 65535]))
    replication = draw(st.sampled_from([0, 0, 1, 2, count & 0xFF, 2 * count & 0xFF]))
    block = draw(st.sampled_from([0, 5, 6, 8, 100, 103, 2**32 - 1, 996]))
    return bytes((operation, replication)) + count.to_bytes(2) + block.to_bytes(4)


@st.composite
def steps(draw: st.DrawFn, codes: st.SearchStrategy[int], blocks: int) -> Step:
    """Draw one CCW with a code from a strategy."""
    code = draw(codes)
    flags = SLI if draw(st.integers(0, 3)) else 0
    if code == DEFINE_EXTENT:
        data = draw(extents(blocks))
    elif code == LOCATE:
        data = draw(locations())
    elif code & 1 and code != 0x03:
        data = bytes([0xA5] * draw(st.sampled_from([1, 512, 1000])))
    else:
        count = draw(st.sampled_from([512, 1024, 4096, 1, 24, 511, 513, 65535, 2048]))
        return Step(code, count, flags)
    size = len(data)
    if draw(st.integers(0, 6)) == 0:
        size = draw(st.sampled_from([1, max(1, size - 1), size + 1, 512, 2048, 65535]))
    return Step(code, size, flags, data)


def _any_code() -> st.SearchStrategy[int]:
    return st.one_of(
        st.sampled_from(CODES),
        st.integers(1, 255).filter(lambda code: code & 0xF != TIC),
    )


@st.composite
def fba_chains(draw: st.DrawFn) -> Chain:
    """Draw a channel program for one of the disks."""
    kind = draw(st.sampled_from(sorted(BLOCKS)))
    blocks = BLOCKS[kind]
    found: list[Step] = []
    if draw(st.integers(0, 7)):
        found.append(draw(steps(st.just(DEFINE_EXTENT), blocks)))
        for _ in range(draw(st.integers(1, 2))):
            found.append(draw(steps(st.just(LOCATE), blocks)))
            found.append(draw(steps(st.sampled_from([0x41, 0x42]), blocks)))
    if draw(st.integers(0, 2)) == 0 or not found:
        at = draw(st.integers(0, len(found)))
        found.insert(at, draw(steps(_any_code(), blocks)))
    if draw(st.integers(0, 3)) == 0:
        found.append(draw(steps(_any_code(), blocks)))
    return Chain(kind, tuple(found))
