"""Shares have the same counts in whatever order their messages come."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

import pytest

from ccw_actors.cli._scenario_names import find_scenario
from ccw_actors.cluster._coordinator import Coordinator, End
from ccw_actors.cluster._engine_thread import EngineThread
from ccw_actors.cluster._messages import Level, Meet, Numbered, Settle
from ccw_actors.cluster._share_actor import ShareActor
from ccw_actors.explore import Limits, explore
from ccw_actors.explore._sample import Dice
from ccw_actors.explore.shares import NOWHERE, Setting, Share, share_of
from ccw_actors.runtime import Actor, ActorRef, System, receive
from tests.cluster.calls import counting, two_phase

T = TypeVar("T")

SHARES = 3
TURNS_MAX = 12
"""Turns of the loop that some work takes, so that other actors go on meanwhile."""

LONG_MAX = 32
"""How often that a share waits for the beginning of a level."""


class UnevenThread(EngineThread):
    """Works in the event loop's own thread, after a random number of its turns."""

    def __init__(self, dice: Dice) -> None:
        super().__init__()
        self._dice = dice

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Wait, and make a call."""
        for _ in range(self.roll(TURNS_MAX)):
            await asyncio.sleep(0)
        return work(*args)

    def roll(self, sides: int) -> int:
        """Return a number below `sides`."""
        return self._dice.roll() % sides


class Late(Actor[Level | Settle | Numbered]):
    """Hands the coordinator's messages to a share, in their order but late.

    So a share may hear of a level from another one first, as over links.
    """

    def __init__(self, to: ActorRef[Any], thread: UnevenThread) -> None:
        self._to = to
        self._thread = thread

    @receive
    async def level(self, message: Level) -> None:
        """Hand it over, long after others may have begun."""
        for _ in range(self._thread.roll(LONG_MAX)):
            await self._thread.run(int)
        self._to.tell(message)

    @receive
    async def numbered(self, message: Numbered) -> None:
        """Hand it over."""
        await self._thread.run(self._to.tell, message)

    @receive
    async def settle(self, message: Settle) -> None:
        """Hand it over."""
        await self._thread.run(self._to.tell, message)


class LateShares(dict[int, ActorRef[Any]]):
    """The coordinator's shares, each behind an actor that is late."""

    def __init__(self, system: System, thread: UnevenThread) -> None:
        super().__init__()
        self._system = system
        self._thread = thread

    def __setitem__(self, number: int, ref: ActorRef[Any]) -> None:
        super().__setitem__(number, self._system.spawn(Late(ref, self._thread)))


class Explored(NamedTuple):
    """The end of an exploration in one System, the counts, and the steps to a fault."""

    end: End
    states: int
    steps: int
    way: int


async def explored(scenario: Callable[[], Any], seed: int) -> Explored:
    """Explore in one System, whose messages come in an order that the seed decides."""
    setting, thread = Setting(scenario), UnevenThread(Dice(seed))
    base = setting.base()
    shares = [setting.share(number, SHARES) for number in range(SHARES)]
    async with System() as system:
        coordinator = Coordinator(base, thread, SHARES, Limits(), None)
        coordinator.shares = LateShares(system, thread)
        there = system.spawn(coordinator, "coordinator")
        entries = () if base.register is None else tuple(base.register.log)
        refs = [
            system.spawn(ShareActor(one, SHARES, thread, there, entries))
            for one in shares
        ]
        for number, ref in enumerate(refs):
            for other in {*range(SHARES)} - {number}:
                ref.tell(Meet(other, refs[other]))
        end = await asyncio.wait_for(coordinator.end, 30)
        thread.close()
    states, steps = coordinator.states, coordinator.steps
    return Explored(end, states, steps, way(shares, end))


def way(shares: list[Share[Any, Any]], end: End) -> int:
    """Return how many steps lead to the fault."""
    count, mark = -1, NOWHERE if end.fault is None else end.fault.mark
    while mark != NOWHERE:
        count, mark = count + 1, shares[share_of(mark, SHARES)].before(mark)
    return count


SCENARIOS = [
    pytest.param(partial(two_phase, 3), id="two-phase commit"),
    pytest.param(partial(find_scenario, "bare-busy"), id="bare-busy"),
]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", range(8))
def test_counts(scenario: Callable[[], Any], seed: int) -> None:
    """No state is missed or counted twice, and no step."""
    one = explore(scenario(), engine="states", fingerprints=True)
    found = asyncio.run(explored(scenario, seed))
    assert found[:3] == (End(), one.states, one.steps)


@pytest.mark.parametrize("seed", range(8))
def test_fault(seed: int) -> None:
    """The fault is one of the nearest level."""
    one = explore(counting(1_000))
    found = asyncio.run(explored(partial(counting, 1_000), seed))
    assert found.end.fault is not None
    assert found.end.fault.violation == one.violation
    assert found.way == len(one.counterexample)
