"""A guest's suspended program is resumed and ended as on a bare subchannel."""

from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccw_actors.actors.protocol import (
    Attend,
    AwaitStatus,
    CancelSubchannel,
    ClearSubchannel,
    Fetch,
    HaltSubchannel,
    Instruct,
    Operation,
    ResumeSubchannel,
    StartSubchannel,
    Store,
    StoreSubchannel,
)
from ccw_actors.actors.protocol import TestSubchannel as Test
from ccw_actors.channel import Ccw, Orb
from ccw_actors.explore import Limits, Network, Reference, World, explore, refines
from ccw_actors.scenarios import (
    BUFFER,
    ENABLED,
    PROGRAM,
    VALID_HOST,
    PassThroughMachine,
    bare_scenario,
)
from ccw_actors.scenarios._history import visible

NOP, READ, TIC = 0x03, 0x02, 0x08
CC, SLI, S = (
    Ccw.chain_command.mask,
    Ccw.suppress_length.mask,
    Ccw.suspend.mask,
)
ORB: Final = Orb.command(PROGRAM, intparm=1, suspend=True)
START: Final = Instruct(0, StartSubchannel(ORB))
QUIET: Final = Instruct(
    0,
    StartSubchannel(Orb.command(PROGRAM, suspend=True, suppress_suspended=True)),
)
FMT0: Final = Instruct(0, StartSubchannel(Orb.command(PROGRAM, suspend=True, fmt=0)))
AGAIN: Final = Instruct(0, StartSubchannel(replace(ORB, intparm=2)))
TEST, STORE = Instruct(0, Test()), Instruct(0, StoreSubchannel())
RESUME, CANCEL = Instruct(0, ResumeSubchannel()), Instruct(0, CancelSubchannel())
HALT, CLEAR = Instruct(0, HaltSubchannel()), Instruct(0, ClearSubchannel())
WAIT, FETCH = AwaitStatus(), Fetch(BUFFER, 24)


def ccws(*words: tuple[int, int, int, int], fmt: int = 1) -> bytes:
    """Return a channel program."""
    return b"".join(Ccw(*word).to_bytes(fmt) for word in words)


READS = (READ, SLI, 24, BUFFER)
SUSPENDED = (READ, SLI | S, 24, BUFFER)
FIRST = ccws(SUSPENDED)
SECOND = ccws((NOP, CC | SLI, 1, 0), SUSPENDED)
SECOND_OF_FMT0 = ccws((NOP, CC | SLI, 1, 0), SUSPENDED, fmt=0)
GO_ON: Final = Store(PROGRAM + 8, ccws(READS))
LEADS_ON: Final = (
    Store(PROGRAM + 8, ccws((TIC, 0, 0, PROGRAM + 0x40))),
    Store(PROGRAM + 0x40, ccws((NOP, CC | SLI, 1, 0), READS)),
)
CHAINS_ON: Final = Store(
    PROGRAM + 8, ccws((NOP, CC | SLI, 1, 0), (TIC, 0, 0, PROGRAM + 0x40))
)
BEHIND: Final = Store(PROGRAM + 0x40, ccws(READS))
NOWHERE: Final = Store(PROGRAM + 8, ccws((TIC, 0, 0, 0x3000)))

PROGRAMS: Final[dict[str, tuple[bytes, tuple[Sequence[Operation], ...]]]] = {
    "resume": (SECOND, ((START, WAIT, TEST, GO_ON, RESUME, WAIT, TEST, FETCH),)),
    "resume, format 0": (
        SECOND_OF_FMT0,
        (
            (
                FMT0,
                WAIT,
                TEST,
                Store(PROGRAM + 8, ccws(READS, fmt=0)),
                RESUME,
                WAIT,
                TEST,
                FETCH,
            ),
        ),
    ),
    "resume at the first CCW": (
        FIRST,
        ((START, WAIT, TEST, Store(PROGRAM, ccws(READS)), RESUME, WAIT, TEST, FETCH),),
    ),
    "resume with the flag on": (
        SECOND,
        ((START, WAIT, TEST, RESUME, WAIT, TEST, GO_ON, RESUME, WAIT, TEST),),
    ),
    "resume at a TIC": (
        SECOND,
        ((START, WAIT, TEST, *LEADS_ON, RESUME, WAIT, TEST, FETCH),),
    ),
    "resume a longer chain": (
        SECOND,
        ((START, WAIT, TEST, CHAINS_ON, BEHIND, RESUME, WAIT, TEST, FETCH),),
    ),
    "resume at a TIC to nowhere": (
        SECOND,
        ((START, WAIT, TEST, NOWHERE, RESUME, WAIT, TEST),),
    ),
    "resume too early": (SECOND, ((START, RESUME, WAIT, TEST, RESUME),)),
    "no status": (SECOND, ((QUIET, STORE, RESUME, STORE),)),
    "no status, tested": (SECOND, ((QUIET, TEST, RESUME, TEST, STORE, TEST),)),
    "cancel": (SECOND, ((START, WAIT, TEST, CANCEL, AGAIN, WAIT, TEST),)),
    "halt": (SECOND, ((START, WAIT, TEST, HALT, WAIT, TEST),)),
    "halt at any time": (SECOND, ((START, HALT, WAIT, TEST, STORE),)),
    "clear": (SECOND, ((START, WAIT, TEST, CLEAR, WAIT, TEST),)),
    "resume, clear": (SECOND, ((START, WAIT, TEST, RESUME, CLEAR, WAIT, TEST),)),
    "resume, halt": (SECOND, ((START, WAIT, TEST, GO_ON, RESUME, HALT, WAIT, TEST),)),
    "resume | clear": (SECOND, ((START, WAIT, TEST, RESUME), (CLEAR,))),
    "resume | resume": (SECOND, ((START, WAIT, TEST, RESUME), (RESUME,))),
    "store": (SECOND, ((START, STORE, WAIT, STORE, TEST, STORE, RESUME, STORE),)),
}


@pytest.mark.parametrize("delivery", ["channel", "mailbox"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_suspended_programs(name: str, delivery: Network) -> None:
    """Each history of the composite is one of the bare subchannel, to its end."""
    content, programs = PROGRAMS[name]
    reference = Reference(bare_scenario(*programs, content=content), visible)

    def scenario(world: World) -> None:
        PassThroughMachine(world.system, *programs, content=content)
        refines(world, "a real subchannel", reference)
        world.final("nothing is left", lambda view: _is_tidy(view["storage"].pins))

    result = explore(scenario, delivery=delivery)
    assert result.verdict == "verified", str(result)


OPERATIONS = st.sampled_from(
    (START, QUIET, TEST, STORE, RESUME, CANCEL, HALT, CLEAR, WAIT, FETCH, GO_ON)
)


def check(
    content: bytes, programs: Sequence[Sequence[Operation]], *, attention: bool
) -> None:
    """Explore any programs, with attention or not, within a limit of states."""
    happens = {"device": Attend()} if attention else {}
    bare = bare_scenario(*programs, content=content, happens=happens)
    reference = Reference(bare, visible)

    def scenario(world: World) -> None:
        host = ENABLED if attention else VALID_HOST
        PassThroughMachine(world.system, *programs, content=content, host_pmcw=host)
        for path, message in happens.items():
            world.system.ref(path).tell(message)
        refines(world, "a real subchannel", reference)

    result = explore(scenario, limits=Limits(states=20_000, schedules=20))
    assert result.verdict != "refuted", str(result)


@settings(max_examples=15, derandomize=True)
@given(
    content=st.sampled_from((FIRST, SECOND)),
    programs=st.lists(OPERATIONS, min_size=1, max_size=6).map(lambda one: [one])
    | st.lists(st.lists(OPERATIONS, min_size=1, max_size=3), min_size=2, max_size=2),
    attention=st.booleans(),
)
def test_random_programs(
    content: bytes, programs: list[list[Operation]], *, attention: bool
) -> None:
    """No program of one or two CPUs sees a difference."""
    check(content, programs, attention=attention)


@pytest.mark.slow
@settings(max_examples=1500, derandomize=True)
@given(
    content=st.sampled_from((FIRST, SECOND)),
    programs=st.lists(OPERATIONS, min_size=1, max_size=8).map(lambda one: [one])
    | st.lists(st.lists(OPERATIONS, min_size=1, max_size=4), min_size=2, max_size=3),
    attention=st.booleans(),
)
def test_more_random_programs(
    content: bytes, programs: list[list[Operation]], *, attention: bool
) -> None:
    """Nor does one of hundreds of programs, of up to three CPUs."""
    check(content, programs, attention=attention)


def _is_tidy(pins: object) -> bool:
    """Whether at most one program has pages pinned, which may be suspended."""
    return len(str(pins).split("vfio-ccw")) <= 2
