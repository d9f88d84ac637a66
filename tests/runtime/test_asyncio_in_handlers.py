"""asyncio in a handler: it works as in a task.

Each coroutine runs as a task, and as a handler in each of the two ways.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ccw_actors.runtime import ActorRef, System, receive
from tests.runtime.cast import Carry, Deliver, Diary, Note
from tests.runtime.handled import (
    WAYS,
    Doer,
    Runs,
    begun,
    driven_by,
    me,
    soon,
    wait_for_ever,
)
from tests.runtime.worlds import until

pytestmark = pytest.mark.asyncio

SHORT = 0.001
"""Seconds after which an endless wait ends."""


async def returned(value: object) -> object:
    """Return it one turn of the loop later."""
    await asyncio.sleep(0)
    return value


async def fail() -> None:
    """Raise one turn of the loop later."""
    await asyncio.sleep(0)
    raise KeyError("wrong")


async def is_cancelled(seen: list[str], name: str) -> None:
    """Wait forever, and note the end of the wait."""
    try:
        await wait_for_ever()
    except asyncio.CancelledError:
        seen.append(name)
        raise


# -- several at once ----------------------------------------------------------------


async def test_gather(runs: Runs) -> None:
    """`gather` returns all results, in order."""

    async def body() -> object:
        return await asyncio.gather(returned(1), returned(2))

    assert await runs(body) == [1, 2]


async def test_as_completed(runs: Runs) -> None:
    """`as_completed` yields all of them."""

    async def body() -> object:
        both = asyncio.as_completed((returned(1), returned(2)))
        return sorted([await one for one in both])  # type: ignore[type-var]

    assert await runs(body) == [1, 2]


async def test_wait(runs: Runs) -> None:
    """`wait` returns the done tasks, and leaves the others."""

    async def body() -> object:
        first, second = asyncio.ensure_future(returned(1)), wait_for_ever()
        both: set[asyncio.Future[Any]] = {first, second}
        done, left = await asyncio.wait(
            both, return_when=asyncio.FIRST_COMPLETED, timeout=10
        )
        return done == {first}, left == {second}

    assert await runs(body) == (True, True)


async def test_task_group(runs: Runs) -> None:
    """A `TaskGroup` waits for its tasks."""

    async def body() -> object:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(returned(number)) for number in range(3)]
        return [task.result() for task in tasks]

    assert await runs(body) == [0, 1, 2]


async def test_task_group_whose_task_fails(runs: Runs) -> None:
    """It cancels the other tasks and the waiting code, which may then continue."""
    seen: list[str] = []

    async def body() -> object:
        caught: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(is_cancelled(seen, "child"))
                group.create_task(fail())
                await is_cancelled(seen, "parent")
        except* KeyError as errors:
            caught.extend(errors.exceptions)
        await asyncio.sleep(0)
        return len(caught), me().cancelling()

    assert await runs(body) == (1, 0)
    assert sorted(seen) == ["child", "parent"]


async def test_task_group_whose_parent_is_cancelled(runs: Runs) -> None:
    """Its tasks are cancelled first."""
    seen: list[str] = []

    async def body() -> None:
        task = me()
        async with asyncio.TaskGroup() as group:
            group.create_task(is_cancelled(seen, "child"))
            await asyncio.sleep(0)
            soon(task.cancel)
            await is_cancelled(seen, "parent")

    with pytest.raises(asyncio.CancelledError):
        await runs(body)
    assert seen == ["parent", "child"]


async def test_shield(runs: Runs) -> None:
    """Shielded code continues when the wait for it is cancelled."""

    async def body() -> object:
        task = me()
        inner = asyncio.ensure_future(returned(1))
        soon(lambda: task.cancel("enough"))
        try:
            await asyncio.shield(inner)
        except asyncio.CancelledError:
            task.uncancel()
        return await inner

    assert await runs(body) == 1


# -- time -----------------------------------------------------------------------------


async def test_timeout(runs: Runs) -> None:
    """`timeout` raises `TimeoutError` at its end, and leaves nothing behind."""

    async def body() -> object:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT):
                await wait_for_ever()
        await asyncio.sleep(0)
        return me().cancelling()

    assert await runs(body) == 0


async def test_timeouts_in_each_other(runs: Runs) -> None:
    """If two nested timeouts have passed, each ends the code in it."""

    async def body() -> object:
        ended: list[str] = []
        try:
            async with asyncio.timeout(0):
                try:
                    async with asyncio.timeout(0):
                        await wait_for_ever()
                except TimeoutError:
                    ended.append("inner")
                    await wait_for_ever()
        except TimeoutError:
            ended.append("outer")
        return ended, me().cancelling()

    both, cancels = await runs(body)
    assert "outer" in both
    assert cancels == 0


async def test_timeout_that_does_not_pass(runs: Runs) -> None:
    """A timeout that does not pass has no effect, and may be moved."""

    async def body() -> object:
        async with asyncio.timeout(10) as limit:
            value = await returned(1)
            limit.reschedule(None)
            await asyncio.sleep(0)
        return value, limit.expired()

    assert await runs(body) == (1, False)


async def test_wait_for(runs: Runs) -> None:
    """`wait_for` returns a result in time, or cancels the wait."""

    async def body() -> object:
        seen: list[str] = []
        value = await asyncio.wait_for(returned(1), 10)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(is_cancelled(seen, "late"), SHORT)
        return value, seen

    assert await runs(body) == (1, ["late"])


async def test_timeout_of_an_ask(runs: Runs) -> None:
    """`timeout` and `wait_for` end an ask, whose answer is then lost."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")

        async def body() -> object:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SHORT):
                    await diary.ask(Carry("x"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(diary.ask(Carry("x")), SHORT)
            assert system.statistics().pending_asks == 0
            diary.tell(Deliver())
            asked = asyncio.ensure_future(diary.ask(Carry("y")))
            await asyncio.sleep(SHORT)
            diary.tell(Deliver())
            return await asked

        assert await runs(body) == Note("y")
        assert system.statistics().late_answers == 2


# -- what tasks share -----------------------------------------------------------------


async def test_locks(runs: Runs) -> None:
    """A lock keeps others out, and wakes a waiter when it is free."""

    async def body() -> None:
        lock, event = asyncio.Lock(), asyncio.Event()

        async def other() -> None:
            async with lock:
                event.set()

        async with lock:
            task = asyncio.create_task(other())
            await asyncio.sleep(0)
            assert not event.is_set()
        await event.wait()
        await task

    await runs(body)


async def test_conditions_and_queues(runs: Runs) -> None:
    """Conditions, events, semaphores and queues wake the right waiters."""

    async def body() -> object:
        condition, event = asyncio.Condition(), asyncio.Event()
        queue: asyncio.Queue[int] = asyncio.Queue(1)

        async def other() -> None:
            event.set()
            async with condition:
                condition.notify_all()
            for number in range(3):
                await queue.put(number)

        async with condition:
            task = asyncio.create_task(other())
            await event.wait()
            await condition.wait()
        numbers = [await queue.get() for _ in range(3)]
        async with asyncio.BoundedSemaphore(1):
            await task
        return numbers

    assert await runs(body) == [0, 1, 2]


async def test_barrier(runs: Runs) -> None:
    """A `Barrier` lets all through when the last one has come."""

    async def body() -> object:
        barrier = asyncio.Barrier(2)
        other = asyncio.create_task(barrier.wait())
        return sorted([await barrier.wait(), await other])

    assert await runs(body) == [0, 1]


async def test_to_thread(runs: Runs) -> None:
    """A thread returns its value, or raises, in the handler."""

    async def body() -> object:
        def wrong() -> None:
            raise KeyError("wrong")

        with pytest.raises(KeyError, match="wrong"):
            await asyncio.to_thread(wrong)
        return await asyncio.to_thread(threading.get_ident) != threading.get_ident()

    assert await runs(body) is True


async def test_streams(runs: Runs) -> None:
    """Bytes go to a server on loopback and come back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    async def body() -> object:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"there and back\n")
            line = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return line

    assert await runs(body) == b"there and back\n"


# -- actors ---------------------------------------------------------------------------


class Listener(Diary):
    """Keeps messages and their senders."""

    @receive
    def note(self, message: Note) -> None:
        """Keep the message and its sender."""
        assert self.sender is not None
        self.state.texts.append(f"{self.sender.path}: {message.text}")


@pytest.mark.parametrize("way", WAYS)
async def test_who_tells(way: str) -> None:
    """Messages that a handler sends after a wait come from its actor."""
    listener = Listener()
    with driven_by(way):
        async with System() as system:
            to = system.spawn(listener)

            async def body() -> None:
                for text in ("first", "second", "third"):
                    to.tell(Note(text))
                    await asyncio.sleep(0)

            await system.spawn(Doer(body), "doer").ask(Carry("x"))
    assert listener.state.texts[:3] == ["doer: first", "doer: second", "doer: third"]


@pytest.mark.parametrize("way", WAYS)
async def test_messages_wait(way: str) -> None:
    """While a handler waits for the loop, its actor handles no other message."""
    gate = asyncio.Event()
    with driven_by(way):
        async with System() as system:
            doer, ref = await begun(system, gate.wait)
            first = doer.task
            asked = asyncio.ensure_future(ref.ask(Carry("second")))
            for _ in range(5):
                await asyncio.sleep(0)
            assert doer.task is first
            gate.set()
            assert await asked == Note("second")
            assert doer.task is not first


# -- what does not hold ---------------------------------------------------------------


async def test_what_a_handler_is_not() -> None:
    """It is no `asyncio.Task`, and `all_tasks` does not know it."""

    async def body() -> None:
        assert not isinstance(me(), asyncio.Task)
        assert not isinstance(me(), asyncio.Future)
        assert me() not in asyncio.all_tasks()

    async with System() as system:
        await system.spawn(Doer(body)).ask(Carry("x"))


async def test_what_a_handler_is_in_a_task_of_its_own() -> None:
    """If asyncio accepts no turn as a task, the handler is a real task."""

    async def body() -> None:
        assert isinstance(me(), asyncio.Task)
        assert me() in asyncio.all_tasks()

    with driven_by("task"):
        async with System() as system:
            await system.spawn(Doer(body)).ask(Carry("x"))


class Sleeper(Doer):
    """Runs a given function."""

    def __init__(self, other: ActorRef[Any]) -> None:
        super().__init__(self.do)
        self.other = other

    async def do(self) -> object:
        """Sleep in a scope that ends it, then sleep fully."""
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SHORT):
                await self.sleep(3600)
        await self.sleep(SHORT)
        return "slept"


@pytest.mark.parametrize("way", WAYS)
async def test_timeout_of_a_sleep(way: str) -> None:
    """`timeout` ends `self.sleep`, after which the handler may sleep again."""
    with driven_by(way):
        async with System() as system:
            sleeper = Sleeper(system.ref("nobody"))
            await system.spawn(sleeper).ask(Carry("x"))
            assert sleeper.outcome == "slept"


class Maker(Sleeper):
    """Starts a task that calls the handler's `sleep`."""

    async def do(self) -> object:
        """Let another task sleep, and ask."""

        async def sleep() -> None:
            await self.sleep(SHORT)

        task = asyncio.create_task(sleep())
        with pytest.raises(RuntimeError, match="Task got bad yield"):
            await task
        return await self.other.ask(Carry("y"))


@pytest.mark.parametrize("way", WAYS)
async def test_sleep_in_a_task_of_its_own(way: str) -> None:
    """`self.sleep` works only in the handler, not in its tasks.

    A task that tries raises, and does not wake the handler.
    """
    with driven_by(way):
        async with System() as system:
            diary = system.spawn(Diary(), "diary")
            maker = Maker(diary)
            asked = asyncio.ensure_future(system.spawn(maker).ask(Carry("x")))
            await until(lambda: system.statistics().pending_asks == 2)
            await asyncio.sleep(3 * SHORT)
            diary.tell(Deliver())
            await asked
            assert maker.outcome == Note("y")


# -- stops ----------------------------------------------------------------------------


async def in_task_group() -> None:
    """Wait in a group, with a child that waits."""
    async with asyncio.TaskGroup() as group:
        group.create_task(is_cancelled([], "child"))
        await wait_for_ever()


async def in_end_of_task_group() -> None:
    """Wait for the children of a group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(is_cancelled([], "child"))


async def in_timeout() -> None:
    """Wait inside a timeout."""
    async with asyncio.timeout(3600):
        await wait_for_ever()


async def in_gather() -> None:
    """Wait for several."""
    await asyncio.gather(is_cancelled([], "first"), is_cancelled([], "second"))


async def in_wait_for() -> None:
    """Wait for one, for a time."""
    await asyncio.wait_for(is_cancelled([], "one"), 3600)


async def in_barrier() -> None:
    """Wait at a barrier that never fills."""
    await asyncio.Barrier(2).wait()


async def in_sleep() -> None:
    """Wait for time to pass."""
    await asyncio.sleep(3600)


async def in_yield() -> None:
    """Yield to the loop forever."""
    while True:  # noqa: ASYNC110 - there is nothing to wait for
        await asyncio.sleep(0)


async def in_queue() -> None:
    """Wait for an item."""
    await asyncio.Queue[int]().get()


STOPPED: list[Callable[[], Any]] = [
    wait_for_ever,
    in_task_group,
    in_end_of_task_group,
    in_timeout,
    in_gather,
    in_wait_for,
    in_barrier,
    in_sleep,
    in_yield,
    in_queue,
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
            doer, ref = await begun(system, lambda: asyncio.to_thread(wait))
            await until(inside.is_set)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
        assert system.failures == []
        assert not left.is_set()
        gate.set()
        await until(left.is_set)
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.mark.parametrize("way", WAYS)
async def test_stop_in_a_shield(way: str) -> None:
    """Code that a handler shields continues without it."""
    gate = asyncio.Event()

    with driven_by(way):
        async with System() as system:
            inner = asyncio.ensure_future(gate.wait())
            doer, ref = await begun(system, lambda: asyncio.shield(inner))
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
        assert system.failures == []
        gate.set()
        assert await inner


@pytest.mark.parametrize("way", WAYS)
async def test_stop_of_two_that_ask(way: str) -> None:
    """A stop ends a handler in an ask, and the ask."""
    with driven_by(way):
        async with System() as system:
            diary: ActorRef[Any] = system.spawn(Diary(), "diary")
            doer, ref = await begun(system, lambda: diary.ask(Carry("x")))
            await until(lambda: system.statistics().pending_asks == 1)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
            assert system.statistics().pending_asks == 0
        assert system.failures == []
