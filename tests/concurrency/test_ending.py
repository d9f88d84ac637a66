"""The end of a System while actors are ending, and what is left then."""

import asyncio
import threading
from functools import partial

import pytest

from ccw_actors.errors import ActorStoppedError, CcwActorsError
from ccw_actors.runtime import (
    Actor,
    Escalate,
    Mailbox,
    Message,
    Restart,
    System,
    receive,
)
from tests.concurrency.cast import (
    PATIENCE,
    Blocked,
    Story,
    Waiter,
    raised_by,
    rest,
    until,
    virtual_time,
)
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes, texts_of

pytestmark = pytest.mark.asyncio


class Sleepy(Diary):
    """Takes a second to stop."""

    async def on_stop(self) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Sleep, then note the end."""
        await asyncio.sleep(1.0)
        self.state.texts.append("stopped at leisure")


class Hire(Message, frozen=True):
    """Makes an `Employer` spawn a child."""


class Employer(Actor[Hire]):
    """Spawns a child."""

    @receive
    def hire(self, _message: Hire) -> None:
        """Spawn."""
        self.spawn(Diary())


@virtual_time
async def test_shutdown_lets_a_stop_hook_end() -> None:
    """Neither a second stop nor the shutdown cuts a waiting `on_stop` short."""
    system, sleepy = System(), Sleepy()
    ref = system.spawn(sleepy, "sleepy")
    ref.stop()
    await asyncio.sleep(0.5)
    ref.stop(drain=False)
    assert await system.shutdown(timeout=0.6) == []
    assert texts_of(sleepy) == ["stopped at leisure"]
    assert system.failures == []


@virtual_time
async def test_escalation_lets_a_stop_hook_end() -> None:
    """When a failure ends the System, the other actors still stop normally."""
    sleepy = Sleepy()

    async def run() -> None:
        async with System() as system:
            system.spawn(sleepy, "sleepy")
            system.spawn(Diary(), "diary", supervision=Escalate()).tell(Blow("loud"))
            await system.ref("diary").stopped()

    with pytest.raises(CcwActorsError, match="diary failed on Blow"):
        await run()
    assert texts_of(sleepy) == ["stopped at leisure"]


@virtual_time
async def test_stop_hook_that_does_not_end() -> None:
    """It is abandoned at the deadline, and its actor named."""

    class Endless(Diary):
        async def on_stop(self) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Wait forever."""
            await asyncio.Event().wait()

    loop = asyncio.get_running_loop()
    system = System()
    system.spawn(Endless(), "endless")
    assert await system.shutdown(timeout=3.0) == ["endless"]
    assert loop.time() == pytest.approx(3.0)


@virtual_time
async def test_drain_has_the_same_deadline() -> None:
    """Messages not handled in time are dead letters, and their actor is named."""

    class Slow(Diary):
        @receive
        async def note(self, message: Note) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Take a second."""
            await self.sleep(1.0)
            super().note(message)

    system, slow = System(), Slow()
    story, ref = Story(system), system.spawn(slow, "slow")
    for text in ("1", "2", "3"):
        ref.tell(Note(text))
    assert await system.shutdown(timeout=1.5, drain=True) == ["slow"]
    assert texts_of(slow)[:1] == ["1"]
    assert story.lost == ["3: the System shut down"]


@virtual_time
async def test_pause_before_a_restart_is_not_waited_for() -> None:
    """An actor in the pause before a restart ends with the others."""
    loop = asyncio.get_running_loop()
    system = System()
    supervision = Restart(delay=30.0)
    system.spawn(Diary(), "diary", supervision=supervision).tell(Blow("loud"))
    await asyncio.sleep(1.0)
    assert await system.shutdown() == []
    assert loop.time() == pytest.approx(1.0)


class Fragile(Waiter):
    """Waits until it is abandoned, and then raises."""

    @receive
    async def carry(self, message: Carry) -> Note:
        """Wait through cancellations, and raise when no wait is possible."""
        self.inside.set()
        try:
            while True:
                try:
                    await self.gate.wait()
                except asyncio.CancelledError:
                    self.texts.append("cancelled")
        except GeneratorExit as exit_:
            raise ValueError(message.text) from exit_


async def test_clean_up_that_raises_at_the_deadline() -> None:
    """A handler that raises when it is abandoned affects no other, and is recorded."""
    system, fragile, other = System(), Fragile(), Diary()
    system.spawn(other, "other")
    asked = asyncio.ensure_future(raised_by(system.spawn(fragile).ask(Carry("x"))))
    await fragile.inside.wait()
    assert await system.shutdown(timeout=0.01) == ["fragile-1"]
    assert isinstance(await asked, ActorStoppedError)
    assert [failure.reason for failure in system.failures] == ["ValueError: x"]
    assert texts_of(other) == ["stopped"]


class Parent(Actor[Note | Collect]):
    """Has a diary as a child, and forwards notes to it."""

    def __init__(self) -> None:
        self.child = Diary()

    def on_start(self) -> None:
        """Spawn a child."""
        self.spawn(self.child, "child")

    @receive
    def note(self, message: Note) -> None:
        """Pass on."""
        self.children[0].tell(message)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Answer."""
        return Notes(())


async def test_children_drain_too() -> None:
    """With `drain` children handle their messages after their parent has."""
    system, parent = System(), Parent()
    ref = system.spawn(parent, "parent")
    for text in ("1", "2"):
        ref.tell(Note(text))
    assert await system.shutdown(drain=True) == []
    assert texts_of(parent.child) == ["1", "2", "stopped"]


async def test_handler_that_spawns_during_the_shutdown() -> None:
    """It fails: nothing spawns any longer, not even a drained message."""
    system = System()
    system.spawn(Employer(), "employer").tell(Hire())
    assert await system.shutdown(drain=True) == []
    (failure,) = system.failures
    assert "the System is shutting down" in failure.reason


async def test_second_shutdown() -> None:
    """An ended System may be shut down again, without waiting."""
    async with System() as system:
        system.spawn(Diary(), "diary")
        assert await system.shutdown() == []
        assert await system.shutdown(drain=True) == []


async def test_who_waits_for_room() -> None:
    """Offers and asks that wait for room end with the System: lost, or failed."""
    system, waiter = System(), Waiter()
    story = Story(system)
    ref = system.spawn(waiter, "waiter", mailbox=Mailbox(1, "wait"))
    ref.tell(Carry("x"))
    await waiter.inside.wait()
    ref.tell(Note("waits"))
    offered = asyncio.ensure_future(ref.offer(Note("offered")))
    asked = asyncio.ensure_future(raised_by(ref.ask(Collect())))
    await rest()
    assert await system.shutdown() == []
    await offered
    assert isinstance(await asked, ActorStoppedError)
    assert [text.partition(":")[0] for text in story.lost] == ["waits", "offered"]


async def test_thread_of_the_application() -> None:
    """The shutdown wakes a thread that blocks in an ask or an offer."""
    system, blocked = System(), Blocked()
    ref = system.spawn_thread(blocked, "blocked", mailbox=Mailbox(1, "wait"))
    ref.tell(Carry("x"))
    assert await asyncio.to_thread(partial(blocked.inside.wait, PATIENCE))
    ref.tell(Note("fills it"))
    ends: list[str] = []

    def ask() -> None:
        try:
            ref.ask(Collect(), block=True)
        except ActorStoppedError:
            ends.append("asked")

    def offer() -> None:
        ref.offer(Note("offered"), block=True)
        ends.append("offered")

    threads = [threading.Thread(target=call) for call in (ask, offer)]
    for thread in threads:
        thread.start()
    await until(lambda: len(system.dump().asks) == 1)
    assert await system.shutdown(timeout=0.01) == ["blocked"]
    await until(lambda: sorted(ends) == ["asked", "offered"])
    blocked.gate.set()
    for thread in threads:
        await asyncio.to_thread(thread.join)
