"""anyio in a handler: it works as in a task.

Each coroutine runs as a task, and as a handler in each of the two ways.
"""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

import anyio
import anyio.abc
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import pytest

from ccw_actors.runtime import ActorRef, System
from tests.runtime.cast import Carry, Deliver, Diary, Note
from tests.runtime.handled import WAYS, Doer, Runs, begun, driven_by, handled, me, soon
from tests.runtime.worlds import until

pytestmark = pytest.mark.asyncio

SHORT = 0.001
"""Seconds after which an endless wait ends."""


async def note(seen: list[str], name: str) -> None:
    """Note it one turn of the loop later."""
    await anyio.lowlevel.checkpoint()
    seen.append(name)


async def fail() -> None:
    """Raise one turn of the loop later."""
    await anyio.lowlevel.checkpoint()
    raise KeyError("wrong")


async def is_cancelled(seen: list[str], name: str) -> None:
    """Wait forever, and note the end of the wait."""
    try:
        await anyio.sleep_forever()
    except anyio.get_cancelled_exc_class():
        seen.append(name)
        raise


# -- cancel scopes ------------------------------------------------------------------


async def test_sleep(runs: Runs) -> None:
    """Time passes."""

    async def body() -> object:
        began = anyio.current_time()
        await anyio.sleep(SHORT)
        return anyio.current_time() - began >= SHORT

    assert await runs(body)


async def test_move_on_after(runs: Runs) -> None:
    """The scope ends at its deadline, and the handler continues normally."""

    async def body() -> object:
        with anyio.move_on_after(SHORT) as scope:
            await anyio.sleep_forever()
        await anyio.lowlevel.checkpoint()
        return scope.cancelled_caught, me().cancelling()

    assert await runs(body) == (True, 0)


async def test_fail_after(runs: Runs) -> None:
    """It raises `TimeoutError`, or nothing if there was enough time."""

    async def body() -> object:
        with anyio.fail_after(10):
            await anyio.lowlevel.checkpoint()
        with pytest.raises(TimeoutError), anyio.fail_after(SHORT):
            await anyio.sleep_forever()
        return me().cancelling()

    assert await runs(body) == 0


async def test_scope_that_is_cancelled(runs: Runs) -> None:
    """Each wait in a cancelled scope is cancelled, until the scope is left."""

    async def body() -> object:
        seen: list[str] = []
        with anyio.CancelScope() as scope:
            soon(scope.cancel)
            for name in ("once", "again"):
                try:
                    await anyio.sleep_forever()
                except anyio.get_cancelled_exc_class():
                    seen.append(name)
            await is_cancelled(seen, "at last")
        await anyio.lowlevel.checkpoint()
        return seen, scope.cancelled_caught, me().cancelling()

    assert await runs(body) == (["once", "again", "at last"], True, 0)


async def test_scope_that_cancels_itself(runs: Runs) -> None:
    """Cancelling takes effect at the next wait, however short."""

    async def body() -> object:
        seen: list[str] = []
        with anyio.CancelScope() as scope:
            scope.cancel()
            seen.append("not yet")
            await anyio.lowlevel.checkpoint()
            seen.append("never")
        return seen, anyio.current_effective_deadline()

    assert await runs(body) == (["not yet"], math.inf)


async def test_scopes_in_each_other(runs: Runs) -> None:
    """The outer scope ends the inner one, which does not catch the cancellation."""

    async def body() -> object:
        outer, inner = anyio.CancelScope(), anyio.CancelScope()
        with outer:
            with inner:
                soon(outer.cancel)
                await anyio.sleep_forever()
            raise AssertionError("the inner scope has caught it")
        return outer.cancelled_caught, inner.cancelled_caught

    assert await runs(body) == (True, False)


async def test_shielded_scope(runs: Runs) -> None:
    """Shielded code runs to its end, and later code is cancelled."""

    async def body() -> object:
        seen: list[str] = []
        with anyio.CancelScope() as scope:
            soon(scope.cancel)
            with anyio.CancelScope(shield=True):
                for name in ("first", "second", "third"):
                    await note(seen, name)
            await note(seen, "never")
        return seen

    assert await runs(body) == ["first", "second", "third"]


async def test_cancellation_that_is_asyncio_s(runs: Runs) -> None:
    """A scope does not catch another scope's cancellation."""
    seen: list[str] = []

    async def body() -> None:
        soon(me().cancel)
        with anyio.CancelScope():
            await is_cancelled(seen, "cancelled")

    with pytest.raises(asyncio.CancelledError):
        await runs(body)
    assert seen == ["cancelled"]


async def test_deadline_of_an_ask(runs: Runs) -> None:
    """A scope ends an ask, and the handler may ask again."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")

        async def body() -> object:
            with anyio.move_on_after(SHORT) as scope:
                await diary.ask(Carry("x"))
            assert scope.cancelled_caught
            assert system.statistics().pending_asks <= 1
            with pytest.raises(TimeoutError), anyio.fail_after(SHORT):
                await diary.ask(Carry("x"))
            asked = asyncio.ensure_future(diary.ask(Carry("y")))
            await anyio.sleep(SHORT)
            diary.tell(Deliver())
            return await asked, me().cancelling()

        assert await runs(body) == (Note("y"), 0)
        assert system.statistics().pending_asks == 0


async def test_scope_of_an_ask_that_is_answered(runs: Runs) -> None:
    """An answer in time goes through the scope."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")

        async def body() -> object:
            with anyio.fail_after(10):
                asked = asyncio.ensure_future(diary.ask(Carry("y")))
                await anyio.sleep(SHORT)
                diary.tell(Deliver())
                return await asked

        assert await runs(body) == Note("y")


async def test_ask_in_a_cancelled_scope(runs: Runs) -> None:
    """An ask that begins in a cancelled scope is cancelled like any wait."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")

        async def body() -> object:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await diary.ask(Carry("x"))
            return scope.cancelled_caught

        assert await runs(body)


@pytest.mark.parametrize("way", WAYS)
async def test_deadline_of_a_sleep(way: str) -> None:
    """A scope also ends `self.sleep`."""

    class Sleeper(Doer):
        async def doze(self) -> object:
            """Sleep in a scope that ends it, then sleep fully."""
            with anyio.move_on_after(SHORT) as scope:
                await self.sleep(3600)
            await self.sleep(SHORT)
            return scope.cancelled_caught

    with driven_by(way):
        async with System() as system:
            sleeper = Sleeper(anyio.sleep_forever)
            sleeper.body = sleeper.doze
            await system.spawn(sleeper).ask(Carry("x"))
            assert sleeper.outcome is True


# -- task groups --------------------------------------------------------------------


async def test_task_group(runs: Runs) -> None:
    """It waits for its tasks."""

    async def body() -> object:
        seen: list[str] = []
        async with anyio.create_task_group() as group:
            group.start_soon(note, seen, "first")
            group.start_soon(note, seen, "second")
        return seen

    assert await runs(body) == ["first", "second"]


async def test_task_group_whose_task_fails(runs: Runs) -> None:
    """It cancels the other tasks and the waiting code."""
    seen: list[str] = []

    async def body() -> object:
        caught: list[Exception] = []
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(is_cancelled, seen, "child")
                group.start_soon(fail)
                await is_cancelled(seen, "parent")
        except* KeyError as errors:
            caught.extend(errors.exceptions)
        await anyio.lowlevel.checkpoint()
        return len(caught), me().cancelling()

    assert await runs(body) == (1, 0)
    assert sorted(seen) == ["child", "parent"]


async def test_task_group_whose_parent_fails(runs: Runs) -> None:
    """It cancels its tasks."""
    seen: list[str] = []

    async def body() -> object:
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(is_cancelled, seen, "child")
                await fail()
        except* KeyError:
            seen.append("parent")
        return seen

    assert await runs(body) == ["child", "parent"]


async def test_task_group_that_is_cancelled(runs: Runs) -> None:
    """Its scope ends everything in it, including asks."""
    async with System() as system:
        diary: ActorRef[Any] = system.spawn(Diary(), "diary")

        async def ask() -> None:
            await diary.ask(Carry("x"))

        async def body() -> object:
            async with anyio.create_task_group() as group:
                group.start_soon(ask)
                group.start_soon(anyio.sleep_forever)
                await anyio.lowlevel.checkpoint()
                group.cancel_scope.cancel()
                await diary.ask(Carry("x"))
            return group.cancel_scope.cancelled_caught

        assert await runs(body)
        assert system.statistics().pending_asks == 0


async def test_task_group_that_starts(runs: Runs) -> None:
    """`start` returns the value that the task reports."""

    async def serve(*, task_status: anyio.abc.TaskStatus[int]) -> None:
        await anyio.lowlevel.checkpoint()
        task_status.started(7)
        await anyio.sleep_forever()

    async def body() -> object:
        values: list[int] = []
        async with anyio.create_task_group() as group:
            values.append(await group.start(serve))
            group.cancel_scope.cancel()
        return values

    assert await runs(body) == [7]


# -- threads ------------------------------------------------------------------------


async def test_to_thread(runs: Runs) -> None:
    """A thread returns its value, and may call back into the loop."""

    async def body() -> object:
        def work() -> int:
            return anyio.from_thread.run(back) + anyio.from_thread.run_sync(lambda: 1)

        async def back() -> int:
            await anyio.lowlevel.checkpoint()
            return 6

        return await anyio.to_thread.run_sync(work)

    assert await runs(body) == 7


async def test_to_thread_that_is_left(runs: Runs) -> None:
    """A thread may be abandoned at a deadline."""
    gate = threading.Event()

    async def body() -> object:
        with anyio.move_on_after(SHORT) as scope:
            await anyio.to_thread.run_sync(gate.wait, 10, abandon_on_cancel=True)
        gate.set()
        return scope.cancelled_caught

    assert await runs(body)


# -- what tasks share -----------------------------------------------------------------


async def test_locks(runs: Runs) -> None:
    """A lock knows its owner, and keeps others out."""

    async def body() -> None:
        lock, event = anyio.Lock(), anyio.Event()

        async def other() -> None:
            async with lock:
                event.set()

        async with anyio.create_task_group() as group:
            async with lock:
                group.start_soon(other)
                await anyio.lowlevel.checkpoint()
                owner = lock.statistics().owner
                assert owner is not None
                assert owner.id == id(me())
                assert not event.is_set()
            await event.wait()
        with pytest.raises(RuntimeError, match="not holding this lock"):
            lock.release()

    await runs(body)


async def test_conditions_and_streams(runs: Runs) -> None:
    """Conditions, events, semaphores and streams know their waiters."""

    async def body() -> object:
        condition, event = anyio.Condition(), anyio.Event()
        send, receive = anyio.create_memory_object_stream[int](1)
        numbers: list[int] = []

        async def other() -> None:
            event.set()
            async with condition:
                condition.notify_all()
            async with send:
                for number in range(3):
                    await send.send(number)

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            async with condition:
                await event.wait()
                await condition.wait()
            async with receive:
                numbers += [number async for number in receive]
        async with anyio.Semaphore(1), anyio.CapacityLimiter(1):
            await anyio.lowlevel.checkpoint()
        return numbers

    assert await runs(body) == [0, 1, 2]


async def test_task_info(runs: Runs) -> None:
    """`get_current_task` describes the handler."""

    async def body() -> object:
        info = anyio.get_current_task()
        assert info.id == id(me())
        assert info.name == me().get_name()
        assert info.coro is me().get_coro()
        pending = [info.has_pending_cancellation()]
        with anyio.CancelScope() as scope:
            scope.cancel()
            pending.append(info.has_pending_cancellation())
            await anyio.lowlevel.checkpoint()
        return [*pending, info.has_pending_cancellation()]

    assert await runs(body) == [False, True, False]


async def test_name_of_a_handler() -> None:
    """Its name is the path of its actor."""

    async def body() -> object:
        return anyio.get_current_task().name

    assert await handled(body) == "doer"


async def test_pending_cancellation_of_an_ask() -> None:
    """A cancelled ask that has not continued is a pending cancellation."""
    async with System() as system:
        diary: ActorRef[Any] = system.spawn(Diary(), "diary")
        infos: list[anyio.TaskInfo] = []

        async def body() -> object:
            infos.append(anyio.get_current_task())
            return await diary.ask(Carry("x"))

        doer, ref = await begun(system, body)
        await until(lambda: system.statistics().pending_asks == 1)
        assert not infos[0].has_pending_cancellation()
        assert doer.task is not None
        doer.task.cancel()
        assert infos[0].has_pending_cancellation()
        await ref.stopped()
        assert isinstance(doer.raised, asyncio.CancelledError)


# -- stops ----------------------------------------------------------------------------


async def in_scope() -> None:
    """Wait in a scope."""
    with anyio.CancelScope():
        await anyio.sleep_forever()


async def in_shield() -> None:
    """Wait in a shielded scope, which shields only from anyio."""
    with anyio.CancelScope(shield=True):
        await anyio.sleep_forever()


async def in_deadline() -> None:
    """Wait for a time."""
    with anyio.fail_after(3600):
        await anyio.sleep_forever()


async def in_task_group() -> None:
    """Wait in a group, with a child that waits."""
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever)
        await anyio.sleep_forever()


async def in_end_of_task_group() -> None:
    """Wait for the children of a group."""
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep_forever)


async def in_start() -> None:
    """Wait for a child that does not begin."""

    async def serve(*, task_status: anyio.abc.TaskStatus[int]) -> None:
        del task_status
        await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        await group.start(serve)


async def in_event() -> None:
    """Wait for an event that is never set."""
    await anyio.Event().wait()


async def in_stream() -> None:
    """Wait for an item that is never sent."""
    send, receive = anyio.create_memory_object_stream[int]()
    async with send, receive:
        await receive.receive()


STOPPED: list[Callable[[], Any]] = [
    in_scope,
    in_shield,
    in_deadline,
    in_task_group,
    in_end_of_task_group,
    in_start,
    in_event,
    in_stream,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("body", STOPPED)
async def test_stop(way: str, body: Callable[[], Any]) -> None:
    """A stop cancels the handler and its wait; nothing is left behind."""
    with driven_by(way):
        async with System() as system:
            doer, ref = await begun(system, body)
            for _ in range(5):
                await asyncio.sleep(0)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
        assert system.failures == []
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.parametrize("way", WAYS)
async def test_stop_in_a_thread(way: str) -> None:
    """A stop does not wait for the thread that a handler awaits."""
    inside, gate, left = threading.Event(), threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        gate.wait(10)
        left.set()

    with driven_by(way):
        async with System() as system:
            doer, ref = await begun(system, lambda: anyio.to_thread.run_sync(wait))
            await until(inside.is_set)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
        assert system.failures == []
        gate.set()
        await until(left.is_set)
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def test_abandoned_in_a_scope(caplog: pytest.LogCaptureFixture) -> None:
    """An abandoned handler leaves its scopes as their own task."""

    async def body() -> None:
        with anyio.CancelScope():
            while True:
                try:
                    await anyio.Event().wait()
                except asyncio.CancelledError:
                    continue

    system = System()
    doer, _ = await begun(system, body)
    assert await system.shutdown(timeout=0.01) == ["doer"]
    assert isinstance(doer.raised, GeneratorExit)
    assert caplog.records == []
