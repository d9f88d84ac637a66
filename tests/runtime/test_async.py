"""Waiting handlers, and the life cycle of actors, under every dispatcher."""

import asyncio
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from ccw_actors.errors import ActorFailedError, AskCycleError, DispatcherError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Escalate,
    Message,
    Restart,
    Terminated,
    receive,
)
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes, texts_of
from tests.runtime.worlds import World

pytestmark = pytest.mark.asyncio


class Chain(Actor[Carry | Note | Collect]):
    """Answers `Carry` with the next actor's answer, in brackets."""

    def __init__(self, other: ActorRef[Any]) -> None:
        self.other = other
        self.texts: list[str] = []

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        self.texts.append(f"begin {message.text}")
        answer: Note = await self.other.ask(message)
        self.texts.append(f"end {message.text}")
        return Note(f"({answer.text})")

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.texts.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.texts))


class Echo(Actor[Carry]):
    """Answers, and first tells the asker something else."""

    @receive
    def carry(self, message: Carry) -> Note:
        """Answer."""
        assert self.sender is not None
        self.sender.tell(Note("told before the answer"))
        return Note(message.text)


class ParentState(msgspec.Struct):
    """The state of a parent."""

    texts: list[str]


class Hire(Message, frozen=True):
    """Makes a parent spawn and watch a child."""


class Parent(Actor[Hire | Terminated | Blow | Collect]):
    """An actor whose children escalate."""

    def __init__(self) -> None:
        self.state = ParentState([])

    @receive
    def hire(self, _message: Hire) -> None:
        """Spawn and watch."""
        self.watch(self.spawn(Diary(), supervision=Escalate()))

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep the message."""
        self.state.texts.append(f"{message.ref.path}: {message.reason}")

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.state.texts))


async def settle(world: World) -> None:
    """Run until the System is at rest, despite failures."""
    for _ in range(5):
        with suppress(ActorFailedError):
            await world.rest()
            return


async def test_asks_between_actors(world: World) -> None:
    """An ask awaited in a handler may itself be answered by a handler that asks."""
    echo = world.system.spawn(Echo(), "echo")
    inner = world.system.spawn(Chain(echo), "inner")
    outer = world.system.spawn(Chain(inner), "outer")
    assert await world.ask(outer, Carry("x")) == Note("((x))")


async def test_messages_wait(world: World) -> None:
    """Messages that come while a handler waits are handled after it.

    So the answer that is waited for is the only message that overtakes another of its
    own sender.
    """
    chain = Chain(world.system.spawn(Echo(), "echo"))
    ref = world.system.spawn(chain, "chain")
    await world.ask(ref, Carry("x"))
    await world.rest()
    assert chain.texts == ["begin x", "end x", "told before the answer"]


async def test_sleep(world: World) -> None:
    """`self.sleep` ends at its time of the System's clock, and not before."""

    class Sleeper(Diary):
        @receive
        async def collect(self, _message: Collect) -> Notes:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Sleep."""
            began = self.now()
            await self.sleep(0.001)
            return Notes(("in time" if self.now() - began >= 0.001 else "early",))

    ref = world.system.spawn(Sleeper(), "sleeper")
    assert await world.ask(ref, Collect()) == Notes(("in time",))


async def test_cycle(world: World) -> None:
    """A cycle of asks fails at once, in the handler that would close it."""
    first = Chain(world.system.ref("second"))
    ref = world.system.spawn(first, "first")
    world.system.spawn(Chain(ref), "second")
    with pytest.raises(ActorFailedError):
        await world.ask(ref, Carry("x"))
    (reason, *_) = [failure.reason for failure in world.system.failures]
    assert reason.startswith(f"{AskCycleError.__name__}: ")
    assert reason.endswith(
        "second asks first Carry and would wait for itself: second -> first -> second"
    )


async def test_hooks_that_wait(world: World) -> None:
    """`on_start` and `on_stop` may wait; messages, and the end, wait for them."""

    class Slow(Diary):
        async def on_start(self) -> None:
            """Ask, then note it."""
            await other.ask(Collect())
            self.state.texts.append("started")

        async def on_stop(self) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Ask, then note it."""
            await other.ask(Collect())
            self.state.texts.append("stopped")

    other: ActorRef[Collect] = world.system.spawn(Diary(), "other")
    slow = Slow()
    ref = world.system.spawn(slow, "slow")
    ref.tell(Note("first"))
    ref.stop()
    await world.rest()
    assert texts_of(slow) == ["started", "first", "stopped"]
    assert not ref.is_alive


class Cancelled(Chain):
    """Notes the end of its handler."""

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask, and note the end."""
        try:
            return await super().carry(message)
        finally:
            self.texts.append("cleaned up")


async def test_stop_cancels(world: World) -> None:
    """A stop that does not drain raises CancelledError where the handler waits."""
    chain = Cancelled(world.system.spawn(Diary(), "diary"))
    ref = world.system.spawn(chain, "chain")
    ref.tell(Carry("x"))
    await _turns(world, chain)
    ref.stop(drain=False)
    await world.rest()
    assert chain.texts == ["begin x", "cleaned up"]
    assert not ref.is_alive
    assert world.system.failures == []


async def _turns(world: World, chain: Chain) -> None:
    """Let the handler start, but no more: an ask would reach its timeout."""
    dispatcher: Any = world.system.dispatcher
    if dispatcher.loop is not None:
        await world.rest()
    else:
        dispatcher.run_until(lambda: bool(chain.texts))


async def test_restart(world: World) -> None:
    """A restarted actor has its first state, and handles waiting messages."""
    ref = world.system.spawn(Diary(), "diary", supervision=Restart())
    for message in (Note("old"), Blow("loud"), Note("new")):
        ref.tell(message)
    await settle(world)
    assert await world.ask(ref, Collect()) == Notes(("new",))
    assert world.system.statistics().restarts == 1


async def test_escalation(world: World) -> None:
    """A child's failure fails its parent; watchers see both ends."""
    parent = world.system.spawn(Parent(), "parent", supervision=Restart())
    parent.tell(Hire())
    await world.rest()
    world.system.ref("parent/diary-1").tell(Blow("loud"))
    await settle(world)
    assert [failure.actor for failure in world.system.failures] == [
        "parent/diary-1",
        "parent",
    ]
    assert not world.system.is_alive("parent/diary-1")
    told = Notes(("parent/diary-1: the actor failed",))
    assert await world.ask(parent, Collect()) == told


async def test_children_end_with_their_parent(world: World) -> None:
    """The children of an actor end before it does, after their own children."""

    class Nested(Actor[Note]):
        def __init__(self, depth: int) -> None:
            self.depth = depth

        def on_start(self) -> None:
            """Spawn a child, unless this is the last level."""
            if self.depth:
                self.spawn(Nested(self.depth - 1), "child")

        @receive
        def note(self, message: Note) -> None:
            """Do nothing."""

        def on_stop(self) -> None:
            """Keep the message."""
            ends.append(self.path)

    ends: list[str] = []
    for drain in (True, False):
        world.system.spawn(Nested(2), "top").stop(drain=drain)
        await world.rest()
        assert ends == ["top/child/child", "top/child", "top"]
        ends.clear()


async def test_awaiting_what_no_loop_can_end(world: World) -> None:
    """Without an event loop a handler can await only asks and `self.sleep`."""

    class Impatient(Diary):
        @receive
        async def collect(self, _message: Collect) -> Notes:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Await asyncio."""
            await asyncio.sleep(0)
            return Notes(("awaited",))

    ref = world.system.spawn(Impatient(), "impatient")
    if world.system.dispatcher.loop is not None:
        assert await world.ask(ref, Collect()) == Notes(("awaited",))
        return
    with pytest.raises(ActorFailedError, match=r"await asks and self\.sleep only"):
        await world.ask(ref, Collect())
    reason = world.system.failures[0].reason
    assert reason.startswith(f"{DispatcherError.__name__}: ")
