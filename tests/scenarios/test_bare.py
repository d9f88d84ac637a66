"""A guest sees of a passed-through subchannel only what a bare one can show."""

from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ccw_actors.actors import GuestSubchannel
from ccw_actors.actors.protocol import (
    AwaitStatus,
    CancelSubchannel,
    ClearSubchannel,
    ConditionCode,
    Fetch,
    HaltSubchannel,
    Instruct,
    IoEvent,
    ModifySubchannel,
    Operation,
    Piece,
    ResumeSubchannel,
    StartSubchannel,
    StoreSubchannel,
    TestSubchannel,
)
from ccw_actors.channel import Actl, Irb, Orb, Pmcw, Scsw, Stctl
from ccw_actors.explore import Limits, Network, Reference, World, explore, refines
from ccw_actors.machine import Layers
from ccw_actors.runtime import receive
from ccw_actors.scenarios import (
    BUFFER,
    ENABLED,
    PassThroughMachine,
    bare_scenario,
    like_one_subchannel,
    read_orb,
)
from ccw_actors.scenarios._bare import reference
from ccw_actors.scenarios._history import seen, visible

DELIVERIES: tuple[Network, ...] = ("channel", "mailbox")
START: Final = Instruct(0, StartSubchannel(read_orb(1)))
START_AGAIN: Final = Instruct(0, StartSubchannel(read_orb(2)))
HALT: Final = Instruct(0, HaltSubchannel())
CLEAR: Final = Instruct(0, ClearSubchannel())
TEST: Final = Instruct(0, TestSubchannel())
CANCEL: Final = Instruct(0, CancelSubchannel())
RESUME: Final = Instruct(0, ResumeSubchannel())
STORE: Final = Instruct(0, StoreSubchannel())
DISABLE: Final = Instruct(
    0, ModifySubchannel(ENABLED.with_flag(Pmcw.enabled, on=False))
)
WAIT: Final = AwaitStatus()
READ: Final = Fetch(BUFFER, 8)

PROGRAMS: Final[dict[str, tuple[Sequence[Operation], ...]]] = {
    "start": ((START, WAIT, TEST, READ),),
    "start, clear": ((START, CLEAR, WAIT, TEST, READ),),
    "start, halt": ((START, HALT, WAIT, TEST, READ),),
    "halt, start": ((HALT, WAIT, TEST, START, WAIT, TEST),),
    "clear, clear": ((CLEAR, CLEAR, WAIT, TEST),),
    "two starts": ((START, WAIT, TEST, START_AGAIN, WAIT, TEST),),
    "start, clear, clear": ((START, CLEAR, CLEAR, WAIT, TEST),),
    "busy": ((START, START_AGAIN, WAIT, TEST),),
    "disabled": ((START, DISABLE, WAIT, TEST),),
    "start | clear": ((START, WAIT, TEST), (CLEAR,)),
    "start | halt": ((START, WAIT, TEST), (HALT,)),
    "the seed": ((START, WAIT, TEST), (CLEAR, START_AGAIN, WAIT, TEST)),
    "cancel": ((START, CANCEL, START_AGAIN, WAIT, TEST),),
    "start | cancel": ((START, AwaitStatus(1.0), TEST), (CANCEL,)),
    "cancel, clear": ((START, CANCEL, CLEAR, WAIT, TEST),),
    "store": ((START, STORE, WAIT, STORE, TEST, STORE),),
    "start | store": ((START, WAIT, TEST), (STORE, TEST)),
    "nothing to resume": ((START, RESUME, WAIT, TEST, RESUME),),
    "tests that race": ((START, WAIT, TEST), (TEST,)),
}


@pytest.mark.parametrize("delivery", DELIVERIES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_guest_sees_one_subchannel(name: str, delivery: Network) -> None:
    """Each history of the composite is one of the bare subchannel, to its end."""
    result = explore(like_one_subchannel(*PROGRAMS[name]), delivery=delivery)
    assert result.verdict == "verified", str(result)


@pytest.mark.parametrize("name", ["start", "two starts", "halt, start"])
def test_one_cpu_that_waits_sees_the_same(name: str) -> None:
    """A CPU that waits for each ending sees on either exactly what it sees there."""
    programs = PROGRAMS[name]

    def composite(world: World) -> None:
        PassThroughMachine(world.system, *programs)

    def bare(world: World) -> None:
        bare_scenario(*programs)(world)
        refines(world, "the composite", Reference(composite, visible))

    result = explore(bare)
    assert result.verdict == "verified", str(result)


class Copies(GuestSubchannel):
    """Overwrites the whole SCSW with each IRB, function control included."""

    @receive
    def io_event(self, message: IoEvent) -> None:
        """Copy the whole SCSW of the IRB."""
        super().io_event(message)
        state = self.state
        if state.answer is not None or state.schib.scsw.stctl & Stctl.PENDING:
            shown = message.irb.scsw
            pending = replace(shown, stctl=shown.stctl | Stctl.PENDING)
            state.schib = replace(state.schib, scsw=pending)


class Eager(GuestSubchannel):
    """Accepts a START while it is busy."""

    def _start(self, orb: Orb, program: tuple[Piece, ...] = ()) -> ConditionCode:
        """Forget the function in progress, and accept."""
        scsw = self.state.schib.scsw
        if scsw.fctl:
            self.state.schib = replace(self.state.schib, scsw=Scsw())
        return super()._start(orb, program)


@pytest.mark.parametrize("kind", [Copies, Eager])
def test_wrong_emulators_are_seen(kind: type[GuestSubchannel]) -> None:
    """The same check refutes a wrong emulator."""
    layers = Layers(guest_subchannel=kind)
    found = (
        explore(like_one_subchannel(*programs, layers=layers)).violation
        for programs in PROGRAMS.values()
    )
    assert "a real subchannel: the reference shows the same" in found


OPERATIONS = st.sampled_from(
    (START, START_AGAIN, TEST, CLEAR, HALT, CANCEL, STORE, WAIT, READ, DISABLE)
)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(
    st.lists(OPERATIONS, min_size=1, max_size=5).map(lambda one: (one,))
    | st.tuples(
        st.lists(OPERATIONS, min_size=1, max_size=3),
        st.lists(OPERATIONS, min_size=1, max_size=2),
    )
)
def test_random_programs(programs: tuple[list[Operation], ...]) -> None:
    """No program of one or two CPUs sees a difference, within a limit of states."""
    limits = Limits(states=30_000, schedules=20)
    result = explore(like_one_subchannel(*programs), limits=limits)
    assert result.verdict != "refuted", str(result)


@pytest.mark.slow
@settings(max_examples=2000, derandomize=True, deadline=None)
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_more_random_programs(programs: list[list[Operation]]) -> None:
    """Nor does one of thousands of programs, of up to three CPUs."""
    limits = Limits(states=100_000, schedules=100)
    result = explore(like_one_subchannel(*programs), limits=limits)
    assert result.verdict != "refuted", str(result)


@pytest.mark.parametrize(
    ("scsw", "expected"),
    [
        (
            Scsw(flags=0xC0C0, fctl=4, actl=Actl.START_PENDING, cpa=8, count=3),
            Scsw(flags=0xC0C0, fctl=4),
        ),
        (
            Scsw(flags=0x04FF, fctl=2, stctl=Stctl.PENDING, cpa=8, dstat=12),
            Scsw(flags=0x0403, fctl=2, stctl=Stctl.PENDING, dstat=12),
        ),
        (
            Scsw(flags=0x0380, fctl=4, stctl=17, cpa=8, dstat=12, cstat=1, count=5),
            Scsw(flags=0x0380, fctl=4, stctl=17, cpa=8, count=5),
        ),
    ],
)
def test_fields_that_are_seen(scsw: Scsw, expected: Scsw) -> None:
    """Fields that are not valid are not seen."""
    assert seen(Irb(scsw)).scsw == expected


def test_references_can_be_shared() -> None:
    """Several scenarios can use one reference."""
    programs = PROGRAMS["start, halt"]
    known = reference(*programs)
    scenario = like_one_subchannel(*programs, known=known)
    first: Any = explore(scenario)
    steps = known.steps
    second: Any = explore(scenario)
    assert (first.states, first.verdict) == (second.states, second.verdict)
    assert known.steps == steps
