"""Handlers on other event loops: uvloop, debug mode, eager tasks."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.to_thread
import pytest

from ccw_actors.errors import ActorStoppedError
from ccw_actors.runtime import ActorRef, System
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes
from tests.runtime.handled import (
    WAYS,
    Doer,
    driven_by,
    handled,
    me,
    wait_for_ever,
)


@pytest.mark.parametrize("way", WAYS)
def test_to_thread_where_no_task_runs_the_loop(way: str) -> None:
    """If a loop runs without a main task, its threads end with the handler."""
    loop = asyncio.new_event_loop()
    systems: list[System] = []
    doer = Doer(lambda: anyio.to_thread.run_sync(threading.current_thread))

    def begin() -> None:
        system = System()
        systems.append(system)
        system.spawn(doer).tell(Carry("x"))
        loop.call_soon(look)

    def look() -> None:
        if doer.outcome is None and doer.raised is None:
            loop.call_soon(look)
            return
        loop.call_soon(loop.stop)

    with driven_by(way):
        loop.call_soon(begin)
        loop.run_forever()
        try:
            thread = doer.outcome
            assert isinstance(thread, threading.Thread)
            thread.join(10)
            assert not thread.is_alive()
            loop.run_until_complete(systems[0].shutdown())
        finally:
            loop.close()


Factory = Callable[[], asyncio.AbstractEventLoop]


def eager_loop() -> asyncio.AbstractEventLoop:
    """Return a loop with eager tasks."""
    factory: Any = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("no eager tasks before Python 3.12")
    loop = asyncio.new_event_loop()
    loop.set_task_factory(factory)
    return loop


def uv_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of uvloop, if it is installed."""
    loop: asyncio.AbstractEventLoop = pytest.importorskip("uvloop").new_event_loop()
    return loop


LOOPS = [asyncio.new_event_loop, uv_loop, eager_loop]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Run handlers in each way."""
    name: str = request.param
    return name


async def count_in_a_group() -> object:
    """Return the results of tasks that end one after the other, in order."""

    async def child(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(child(number)) for number in range(3)]
    return [task.result() for task in tasks]


async def time_out() -> None:
    """Wait too long, with asyncio and with AnyIO."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await wait_for_ever()
    with anyio.move_on_after(0.001) as scope:
        await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert me().cancelling() == 0


async def use_threads() -> None:
    """Run functions in threads, with asyncio and with AnyIO."""
    ident = await asyncio.to_thread(threading.get_ident)
    other = await anyio.to_thread.run_sync(threading.get_ident)
    assert threading.get_ident() not in (ident, other)


async def ask_and_stop() -> None:
    """Stop an actor whose handler waits; its ask fails."""
    async with System() as system:
        inside = asyncio.Event()

        async def wait() -> None:
            inside.set()
            await wait_for_ever()

        doer = Doer(wait)
        ref = system.spawn(doer)
        asked = asyncio.ensure_future(ref.ask(Carry("x")))
        await inside.wait()
        ref.stop(drain=False)
        with pytest.raises(ActorStoppedError):
            await asked
        assert isinstance(doer.raised, asyncio.CancelledError)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("factory", LOOPS)
def test_loop(way: str, factory: Factory, *, debug: bool) -> None:
    """Timeouts, groups and threads in a handler do the same on every loop."""

    async def body() -> object:
        numbers = await count_in_a_group()
        await time_out()
        await use_threads()
        return numbers

    async def main() -> None:
        assert await handled(body) == [0, 1, 2]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with driven_by(way), asyncio.Runner(loop_factory=factory, debug=debug) as runner:
        runner.run(main())


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("factory", LOOPS)
def test_stop_on_each_loop(way: str, factory: Factory, *, debug: bool) -> None:
    """A stop cancels a waiting handler, on every loop, and leaves no task."""

    async def main() -> None:
        await ask_and_stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with driven_by(way), asyncio.Runner(loop_factory=factory, debug=debug) as runner:
        runner.run(main())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, eager_loop])
def test_tasks_that_ask(way: str, factory: Factory) -> None:
    """A handler's task asks on its own behalf, also before its first wait.

    The ask of an eager task, which runs inside the handler, is not the handler's.
    """

    async def main() -> None:
        async with System() as system:
            diary: ActorRef[Any] = system.spawn(Diary(), "diary")
            diary.tell(Note("kept"))

            async def body() -> object:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(diary.ask(Collect())),
                        group.create_task(diary.ask(Collect())),
                    ]
                    mine = await diary.ask(Collect())
                return [mine, *(task.result() for task in tasks)]

            assert await handled_in(system, body) == [Notes(("kept",))] * 3

    with driven_by(way), asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


async def handled_in(system: System, body: Callable[[], Any]) -> object:
    """Return its result in a handler of that System."""
    doer = Doer(body)
    await system.spawn(doer).ask(Carry("x"))
    return doer.outcome


def test_end_of_the_loop(way: str) -> None:
    """The end of a loop does not cancel handlers, except those in a Task."""
    doer = Doer(wait_for_ever)

    async def main() -> None:
        System().spawn(doer).tell(Carry("x"))
        while doer.task is None:  # noqa: ASYNC110 - it gives no other sign
            await asyncio.sleep(0)

    with driven_by(way):
        asyncio.run(main())
    assert isinstance(doer.raised, asyncio.CancelledError) == (way == "task")
