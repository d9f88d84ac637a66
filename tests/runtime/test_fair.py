"""Parties on one event loop: a flood gets no more of it than any other party."""

import asyncio
from collections import Counter

import pytest

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    FairDispatcher,
    LoopDispatcher,
    Message,
    System,
    receive,
)

ACTORS = 16
STEPS = 2000
handled: Counter[str] = Counter()


class Go(Message, frozen=True):
    """Makes an actor send another."""


class Flood(Actor[Go]):
    """An actor that always has another message."""

    @receive
    def go(self, message: Go) -> None:
        """Count, and continue."""
        handled[self.ref.path.partition("/")[0]] += 1
        self.ref.tell(message)


class Chain(Actor[Go]):
    """Sends to the next actor of a ring, until the count is reached."""

    def __init__(self, following: ActorRef[Go], over: asyncio.Event) -> None:
        self._next = following
        self._over = over

    @receive
    def go(self, message: Go) -> None:
        """Count, and send on."""
        handled["quiet"] += 1
        if handled["quiet"] == STEPS:
            self._over.set()
        self._next.tell(message)


def first_part(path: str) -> str:
    """Name the party of an actor."""
    return path.partition("/")[0]


async def counted(dispatcher: LoopDispatcher, floods: int) -> Counter[str]:
    """Send a message round while parties flood; count the messages of all."""
    handled.clear()
    over = asyncio.Event()
    async with System(dispatcher) as system:
        for party in range(floods):
            for number in range(ACTORS):
                system.spawn(Flood(), f"flood{party}/{number}").tell(Go())
        for number in range(3):
            following = system.ref(f"quiet/{(number + 1) % 3}")
            system.spawn(Chain(following, over), f"quiet/{number}")
        system.ref("quiet/0").tell(Go())
        await over.wait()
        return Counter(handled)


@pytest.mark.parametrize("floods", [1, 3])
def test_parties_take_turns(floods: int) -> None:
    """Each flooding party gets as much as a party that is always busy.

    Twice is for what a message costs, which is not the same for all. Without parties
    each of the sixteen actors gets as much as the one that is ready of the ring.
    """
    found = asyncio.run(counted(FairDispatcher(first_part), floods))
    shares = [found[f"flood{party}"] / found["quiet"] for party in range(floods)]
    assert all(0.3 <= share <= 2 for share in shares), shares
    unfair = asyncio.run(counted(LoopDispatcher(), floods))
    assert unfair["flood0"] / unfair["quiet"] > 8


def test_one_party_alone() -> None:
    """A party without others has the whole loop."""
    assert asyncio.run(counted(FairDispatcher(first_part), 0))["quiet"] >= STEPS


def test_loop_goes_on_beside_floods() -> None:
    """Other callbacks of the loop have their turn after a budget of messages."""

    async def looked() -> int:
        handled.clear()
        async with System(FairDispatcher(first_part, budget=16)) as system:
            for party in range(3):
                for number in range(ACTORS):
                    system.spawn(Flood(), f"flood{party}/{number}").tell(Go())
            most = 0
            for _ in range(50):
                before = handled.total()
                await asyncio.sleep(0)
                most = max(most, handled.total() - before)
            return most

    assert 0 < asyncio.run(looked()) <= 16
