"""The end of a System: one deadline, and a report of actors that did not stop."""

import asyncio
from functools import partial

import pytest

from ccw_actors.errors import ActorStoppedError, AskTimeoutError, CcwActorsError
from ccw_actors.runtime import System, receive
from tests.concurrency.cast import Blocked, Story, Waiter, raised_by, rest, virtual_time
from tests.runtime.cast import Carry, Collect, Diary, Note, texts_of

pytestmark = pytest.mark.asyncio


class Stubborn(Waiter):
    """Does not end when it is cancelled."""

    @receive
    async def carry(self, message: Carry) -> Note:
        """Wait through cancellations."""
        self.inside.set()
        while not self.gate.is_set():
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.texts.append("cancelled")
        return Note(message.text)


@pytest.mark.parametrize("drain", [True, False])
async def test_what_waits(*, drain: bool) -> None:
    """With `drain` waiting messages are handled first; otherwise they are lost."""
    system = System()
    story, diary = Story(system), Diary()
    ref = system.spawn(diary, "diary")
    ref.tell(Note("waits"))
    assert await system.shutdown(drain=drain) == []
    assert texts_of(diary) == (["waits", "stopped"] if drain else ["stopped"])
    assert story.lost == ([] if drain else ["waits: the System shut down"])


@virtual_time
async def test_one_deadline_for_all() -> None:
    """Actors that do not stop are named; they share one timeout."""
    loop = asyncio.get_running_loop()
    system = System()
    actors = [Stubborn() for _ in range(3)]
    asks: list[asyncio.Future[BaseException]] = []
    for number, actor in enumerate(actors):
        ref = system.spawn(actor, f"stubborn/{number}")
        asks.append(asyncio.ensure_future(raised_by(ref.ask(Carry("x")))))
        await actor.inside.wait()
    system.spawn(Diary(), "diary")
    began = loop.time()
    left = await system.shutdown(timeout=2.0)
    assert loop.time() - began == pytest.approx(2.0)
    assert sorted(left) == ["stubborn/0", "stubborn/1", "stubborn/2"]
    for ask in asks:
        assert isinstance(await ask, ActorStoppedError)


async def test_thread_that_blocks() -> None:
    """A blocking thread is named after the deadline, and has no later effect."""
    system = System()
    actor = Blocked()
    ref = system.spawn_thread(actor, "blocked")
    ask = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
    assert await asyncio.to_thread(partial(actor.inside.wait, 10.0))
    actor_left = asyncio.ensure_future(system.shutdown(timeout=0.01))
    assert await actor_left == ["blocked"]
    assert isinstance(await ask, ActorStoppedError)
    actor.gate.set()


async def test_nothing_is_spawned_afterwards() -> None:
    """A System that has shut down takes no new actor."""
    system = System()
    await system.shutdown()
    with pytest.raises(CcwActorsError, match="the System is shutting down"):
        system.spawn(Diary(), "diary")


async def test_async_on_stop_is_waited_for() -> None:
    """A waiting `on_stop` has ended when the shutdown has."""

    class Slow(Diary):
        async def on_stop(self) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Wait."""
            await asyncio.sleep(0)
            self.state.texts.append("stopped slowly")

    system, diary = System(), Slow()
    system.spawn(diary, "diary")
    assert await system.shutdown() == []
    assert texts_of(diary) == ["stopped slowly"]


@virtual_time
async def test_stopped_has_a_timeout() -> None:
    """Waiting for an end that does not come is not endless."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")
        with pytest.raises(AskTimeoutError, match="diary did not answer a stop"):
            await ref.stopped(timeout=1.0)
        await system.ref("nobody").stopped()


async def test_ask_after_the_shutdown() -> None:
    """References outlive the System; asks of them fail at once."""
    system = System()
    ref = system.spawn(Diary(), "diary")
    await system.shutdown()
    assert isinstance(await raised_by(ref.ask(Collect())), ActorStoppedError)
    ref.tell(Note("lost"))
    await rest()
    assert system.statistics().dead_letters == 2


@virtual_time
async def test_ends_that_take_a_while() -> None:
    """They run concurrently: all together take as long as the longest."""

    class Slow(Diary):
        async def on_stop(self) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Take a while."""
            await asyncio.sleep(0.75)
            self.state.texts.append("stopped")

    loop, system = asyncio.get_running_loop(), System()
    actors = [Slow() for _ in range(5)]
    for actor in actors:
        system.spawn(actor)
    began = loop.time()
    assert await system.shutdown(timeout=1.0) == []
    assert loop.time() - began == pytest.approx(0.75)
    assert [texts_of(actor) for actor in actors] == [["stopped"]] * 5


@pytest.mark.parametrize("raises", [None, LookupError, asyncio.CancelledError])
async def test_block_that_ends_early(raises: type[BaseException] | None) -> None:
    """However `async with System()` ends, actors have run their `on_stop` by then."""
    diary = Diary()

    async def run() -> None:
        async with System() as system:
            await system.spawn(diary, "diary").ask(Collect())
            if raises is not None:
                raise raises
            await asyncio.get_running_loop().create_future()

    running = asyncio.ensure_future(run())
    if raises is None:
        await rest()
        running.cancel()
    with pytest.raises(raises or asyncio.CancelledError):
        await running
    assert texts_of(diary) == ["stopped"]
