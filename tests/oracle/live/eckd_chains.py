"""Strategies for channel programs of count-key-data disks."""

from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from ccw_actors.devices.eckd._commands import COMMANDS
from tests.oracle.live.chains import CD, SKIP, SLI, TIC, Chain, Step
from tests.oracle.live.eckd_arguments import (
    DEFINE_EXTENT,
    EXTENTS,
    LOCATE_RECORD,
    OPERATIONS,
    TRACKS,
    Place,
    argument,
    cchh,
    locations,
    masks,
)
from tests.oracle.live.volumes import RECORD_MAX

__all__ = ["eckd_chains", "is_comparable"]

SEEK: Final = 0x07
SET_FILE_MASK: Final = 0x1F
MULTITRACK: Final = 0x80
SEARCHES: Final = (0x31, 0x51, 0x71, 0x29, 0x49, 0x69, 0x39)
SEARCH_HOME_ADDRESS: Final = 0x39
READS: Final = (0x06, 0x0E, 0x12, 0x16, 0x1A, 0x1E, 0x22)
WRITES: Final = (0x01, 0x05, 0x0D, 0x11, 0x15, 0x1D, 0x9D, 0x19, 0x85, 0x8D)
COUNTS: Final = [4096, 80, 8, 512, 1, 65535, 5, 100, 56664]
POSITIONING: Final = frozenset({0x07, 0x0B, 0x1B, 0x02, 0x13, 0x47, 0x4B})
COUNT_FINDERS: Final = frozenset((*READS, *SEARCHES, 0x5E, 0x26, 0x36))
DOMAINS: Final = frozenset({0x02, LOCATE_RECORD})
UNCHECKED: Final = frozenset({0x19, 0x34, 0xAF})
READS_OF: Final = (0x06, 0x86, 0x0E, 0x8E, 0x12, 0x92, 0x1E, 0x9E)
COMMANDS_OF: Final = {
    0x01: (0x05, 0x85, 0x0D, 0x8D),
    0x03: (0x1D, 0x9D, 0x15, 0x11),
    0x06: READS_OF,
    0x0B: (0x05, 0x1D, 0x11),
    0x0C: (0xDE,),
    0x16: (*READS_OF, 0x16, 0x96, 0x1A, 0x5E),
}

tracks = st.sampled_from(TRACKS)
unknown_codes = st.integers(1, 255).filter(lambda code: code & 0xF != TIC)
codes = st.one_of(
    st.sampled_from(sorted(COMMANDS)), st.sampled_from(sorted(COMMANDS)), unknown_codes
)
data_codes = st.one_of(
    st.sampled_from([*READS, *(code | MULTITRACK for code in READS), 0x5E, 0xDE]),
    st.sampled_from(WRITES),
    codes,
)


def is_comparable(chain: Chain) -> bool:
    """Return whether Hercules 3.13 has a defined answer."""
    return not (
        _is_unpositioned(chain)
        or _goes_on_after_a_track(chain)
        or _has_unchecked_command_in_domain(chain)
        or _updates_in_another_domain(chain)
        or _writes_another_home_address(chain)
        or _writes_without_sli(chain)
        or _chains_no_data(chain)
    )


def _writes_another_home_address(chain: Chain) -> bool:
    """Return whether a WRITE HOME ADDRESS has not five bytes.

    Hercules takes them all, whatever the count is; its source (ckddasd.c) says that
    this is to be fixed.
    """
    return any(step.code == 0x19 and step.count != 5 for step in chain.steps)


def _writes_without_sli(chain: Chain) -> bool:
    """Return whether a write does not suppress incorrect length.

    If it has fewer bytes than the record, Hercules shows none, and the PoP demands it.
    """
    writes = (0x01, 0x05, 0x0D, 0x15, 0x1D, 0x85, 0x8D, 0x9D)
    return any(step.code in writes and not step.flags & SLI for step in chain.steps)


def _chains_no_data(chain: Chain) -> bool:
    """Return whether a command has a data chain and takes none, or not all of it.

    Hercules first gathers the data of the whole chain, as the rule GatheredOutput says
    of commands that are rejected. A search may find no key to compare.
    """
    takes_none = {0x13, 0x17, 0x5B} | {code & 0x7F for code in SEARCHES}
    return any(
        step.code & 0x7F in takes_none and step.flags & CD for step in chain.steps
    )


def _is_unpositioned(chain: Chain) -> bool:
    """Return whether a 3380 reads or searches before it has been positioned.

    Hercules goes on wherever the previous program stopped, with lengths of a record
    that is gone; the first such program of all is a segmentation fault.
    """
    if chain.device_type != "3380":
        return False
    codes = [step.code for step in chain.steps]
    first = next((at for at, code in enumerate(codes) if code in POSITIONING), None)
    return any(code & 0x7F in COUNT_FINDERS for code in codes[:first])


def _goes_on_after_a_track(chain: Chain) -> bool:
    """Return whether a command looks for a record right after READ MULTIPLE.

    Hercules takes the end of the track, where that command stops, for an advance to
    the next track that has failed, and advances without the multitrack bit.
    """
    at_end = False
    for step in chain.steps:
        if at_end and step.code & 0x7F in COUNT_FINDERS:
            return True
        at_end = step.code == 0x5E or (at_end and step.code not in POSITIONING)
    return False


def _has_unchecked_command_in_domain(chain: Chain) -> bool:
    """Return whether a domain may have a command that Hercules does not check there.

    No domain takes these commands: WRITE HOME ADDRESS, and those about the path.
    """
    codes = [step.code for step in chain.steps]
    first = next((at for at, code in enumerate(codes) if code in DOMAINS), len(codes))
    return any(code in UNCHECKED for code in codes[first:])


def _updates_in_another_domain(chain: Chain) -> bool:
    """Return whether a domain may have an update that its operation does not take.

    Hercules compares lengths before it looks at the operation of WRITE DATA and WRITE
    KEY AND DATA, so the sense data depend on the record that comes next.
    """
    operation = None
    for step in chain.steps:
        if step.code == LOCATE_RECORD and step.data:
            operation = step.data[0] & 0x3F
        elif step.code in DOMAINS:
            operation = None
        elif step.code in {0x05, 0x0D} and operation not in {0x01, 0x0B}:
            return any(one.code in DOMAINS for one in chain.steps)
    return False


@st.composite
def steps(
    draw: st.DrawFn, some: st.SearchStrategy[int], place: Place | None = None
) -> Step:
    """Draw one CCW with a code from a strategy."""
    code = draw(some)
    data = draw(argument(code, place or draw(tracks)))
    flags = SLI if draw(st.integers(0, 3)) else 0
    if not data:
        flags |= 0 if draw(st.integers(0, 19)) else SKIP
        return Step(code, draw(st.sampled_from(COUNTS)), flags)
    size = len(data)
    if not draw(st.integers(0, 7)):
        size = draw(st.sampled_from([1, max(1, size - 1), size + 1, 65535]))
    return Step(code, size, flags, data)


@st.composite
def searches(draw: st.DrawFn, place: Place) -> list[Step]:
    """Draw a search, mostly repeated until it succeeds."""
    usual = st.just(0x31)
    some = st.sampled_from([code | bit for code in SEARCHES for bit in (0, MULTITRACK)])
    search = draw(steps(st.one_of(usual, some), place))
    endless = search.code & 0x7F == SEARCH_HOME_ADDRESS
    repeats = draw(st.integers(0, 4)) and not endless
    return [search, Step(TIC)] if repeats else [search]


def _seek(place: Place) -> Step:
    return Step(SEEK, 6, SLI, b"\0\0" + cchh(place))


@st.composite
def unlocated(draw: st.DrawFn) -> list[Step]:
    """Draw a program without a domain: mask, seek, search, data."""
    place = draw(tracks)
    found: list[Step] = []
    if draw(st.integers(0, 2)):
        found.append(draw(steps(st.just(SET_FILE_MASK))))
    if draw(st.integers(0, 9)):
        code = draw(st.sampled_from([SEEK, SEEK, SEEK, 0x0B, 0x1B]))
        found.append(replace(_seek(place), code=code))
    if not draw(st.integers(0, 3)):
        some = st.sampled_from([0x1B, 0x23, 0x03, 0x1A, 0x16, 0x12])
        found.append(draw(steps(some, place)))
    if draw(st.integers(0, 2)):
        found += draw(searches(place))
    number = draw(st.integers(1, 3))
    return found + [draw(steps(data_codes, place)) for _ in range(number)]


@st.composite
def located(draw: st.DrawFn) -> list[Step]:
    """Draw a program with an extent, mostly with a domain at an end of it."""
    extent = draw(steps(st.just(DEFINE_EXTENT)))
    ends = (_place(extent.data[8:12]), _place(extent.data[12:16]))
    place = draw(st.one_of(st.sampled_from(ends), st.sampled_from(ends), tracks))
    found = [extent]
    if draw(st.integers(0, 3)):
        locate = draw(steps(st.just(LOCATE_RECORD), place))
        found.append(locate)
        some = COMMANDS_OF.get(locate.data[0] & 0x3F)
        if some:
            fitting = steps(st.sampled_from(some), place)
            found += draw(st.lists(fitting, max_size=3))
    else:
        found.append(_seek(place))
        if draw(st.booleans()):
            found += draw(searches(place))
    number = draw(st.integers(0, 2))
    return found + [draw(steps(data_codes, place)) for _ in range(number)]


def _place(address: bytes) -> Place:
    return int.from_bytes(address[:2]), int.from_bytes(address[2:])


@st.composite
def crossed(draw: st.DrawFn) -> list[Step]:
    """Draw any command in any domain, with any mask, at either end of an extent."""
    ends = draw(st.sampled_from(EXTENTS))
    place = draw(st.sampled_from(ends))
    mask, size = draw(masks()), draw(st.sampled_from([0, 512]))
    extent = bytes((mask, 0xC0)) + size.to_bytes(2) + bytes(4)
    extent += b"".join(map(cchh, ends))
    locate = draw(locations(place, draw(st.sampled_from(OPERATIONS))))
    return [
        Step(DEFINE_EXTENT, 16, SLI, extent),
        Step(LOCATE_RECORD, 16, SLI, locate),
        draw(steps(codes, place)),
        draw(steps(data_codes, place)),
    ]


@st.composite
def wild(draw: st.DrawFn) -> list[Step]:
    """Draw any commands at all."""
    return [draw(steps(codes)) for _ in range(draw(st.integers(1, 4)))]


@st.composite
def eckd_chains(draw: st.DrawFn) -> Chain:
    """Draw a channel program for one of the disks."""
    programs = (unlocated(), located(), crossed(), unlocated(), located(), wild())
    found = draw(st.one_of(*programs))
    if not draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(found)))
        if found[at : at + 1] != [Step(TIC)]:
            found.insert(at, draw(steps(codes)))
    if not draw(st.integers(0, 14)):
        found = _split(found, draw(st.integers(0, len(found) - 1)))
    return Chain(draw(st.sampled_from(sorted(RECORD_MAX))), tuple(found[:10]))


def _split(found: list[Step], at: int) -> list[Step]:
    """Chain the data of a step in two."""
    step = found[at]
    repeated = found[at + 1 : at + 2] == [Step(TIC)]
    if step.code == TIC or step.count < 2 or repeated:
        return found
    if step.data and step.count != len(step.data):
        return found  # Hercules gathers output, so that the first CCW has no residual.
    half = step.count // 2
    parts = (
        replace(step, count=half, flags=step.flags | CD, data=step.data[:half]),
        replace(step, count=step.count - half, data=step.data[half:]),
    )
    return [*found[:at], *parts, *found[at + 1 :]]
