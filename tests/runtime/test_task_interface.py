"""A handler's turn works like an asyncio.Task for other code.

What is said of both is tried with both: the same coroutine as a task, and as a handler,
in either of the ways in which a handler is driven.
"""

import asyncio
import contextvars
import inspect
import io
import sys
import weakref
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import ActorRef, System
from ccw_actors.runtime._drive.turn import Turn
from tests.runtime.cast import Carry, Diary, Note
from tests.runtime.handled import (
    WAYS,
    Body,
    Doer,
    Runs,
    begun,
    driven_by,
    handled,
    me,
    soon,
    wait_for_ever,
)
from tests.runtime.worlds import until

pytestmark = pytest.mark.asyncio


def must_cancel(task: Any) -> bool:
    """Return what anyio reads."""
    private: bool = task._must_cancel  # noqa: SLF001
    return private


async def test_public_attributes() -> None:
    """A turn has every public attribute that `asyncio.Task` has on this Python."""
    public = {name for name in dir(asyncio.Task) if not name.startswith("_")}
    assert public - set(dir(Turn)) == set()
    assert {"_must_cancel", "_fut_waiter"} <= set(dir(Turn))


async def test_who_it_is(runs: Runs) -> None:
    """It has a loop, a coroutine and a name; it can be renamed and hashed."""

    async def body() -> None:
        task = me()
        assert task.get_loop() is asyncio.get_running_loop()
        coroutine: Any = task.get_coro()
        assert coroutine.cr_running
        task.set_name(7)
        assert task.get_name() == "7"
        assert "7" in repr(task)
        known = weakref.WeakKeyDictionary({task: "me"})
        assert known[me()] == "me"
        assert asyncio.isfuture(task)

    await runs(body)


async def test_name() -> None:
    """A handler has the name of its actor."""

    async def body() -> str:
        return me().get_name()

    assert await handled(body) == "doer"


async def test_under_way(runs: Runs) -> None:
    """While it runs it is not done, and has no result."""

    async def body() -> None:
        task = me()
        assert not task.done()
        assert not task.cancelled()
        with pytest.raises(asyncio.InvalidStateError, match="Result is not set"):
            task.result()
        with pytest.raises(asyncio.InvalidStateError, match="Exception is not set"):
            task.exception()
        with pytest.raises(RuntimeError, match="does not support set_result"):
            task.set_result(1)
        with pytest.raises(RuntimeError, match="does not support set_exception"):
            task.set_exception(ValueError())

    await runs(body)


# -- cancelling ---------------------------------------------------------------------


async def test_cancel_where_it_waits(runs: Runs) -> None:
    """A cancellation carries its message, is counted, and can be taken back."""

    async def body() -> tuple[object, ...]:
        task = me()
        soon(lambda: task.cancel("enough"))
        try:
            await wait_for_ever()
        except asyncio.CancelledError as error:
            return (error.args, task.cancelling(), task.uncancel(), task.cancelling())
        return ()

    assert await runs(body) == (("enough",), 1, 0, 0)


async def test_cancel_at_a_bare_yield(runs: Runs) -> None:
    """It may also come while the handler only yields to the loop."""

    async def body() -> tuple[object, ...]:
        task = me()
        soon(lambda: task.cancel("enough"))
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError as error:
            return error.args
        return ()

    assert await runs(body) == ("enough",)


async def test_cancel_of_itself(runs: Runs) -> None:
    """Cancelling takes effect at the next wait, with its message."""

    async def body() -> tuple[object, ...]:
        task = me()
        assert task.cancel("enough")
        assert must_cancel(task)
        try:
            await wait_for_ever()
        except asyncio.CancelledError as error:
            assert not must_cancel(task)
            return error.args
        return ()

    assert await runs(body) == ("enough",)


async def test_two_cancels(runs: Runs) -> None:
    """The first one is raised; both are counted."""

    async def body() -> tuple[object, ...]:
        task = me()
        soon(lambda: task.cancel("first"))
        soon(lambda: task.cancel("second"))
        try:
            await wait_for_ever()
        except asyncio.CancelledError as error:
            return (error.args, task.cancelling(), must_cancel(task))
        return ()

    assert await runs(body) == (("first",), 2, False)


async def test_cancel_after_the_end_of_the_wait(runs: Runs) -> None:
    """A wait that has ended but not continued is still cancelled."""

    async def body() -> tuple[object, ...]:
        task, future = me(), wait_for_ever()
        soon(lambda: future.set_result(None))
        soon(lambda: task.cancel("late"))
        try:
            await future
        except asyncio.CancelledError as error:
            return error.args
        return ()

    assert await runs(body) == ("late",)


async def test_cancel_that_is_caught_by_what_is_awaited(runs: Runs) -> None:
    """A task that is awaited may catch it; then it may be cancelled once more."""

    async def body() -> tuple[object, ...]:
        caught: list[str] = []
        task = me()

        async def stubborn() -> str:
            soon(lambda: task.cancel("once"))
            for _ in range(2):
                try:
                    await wait_for_ever()
                except asyncio.CancelledError as error:
                    caught.append(error.args[0])
                    soon(lambda: task.cancel("again"))
            return "done"

        try:
            await asyncio.create_task(stubborn())
        except asyncio.CancelledError as error:
            return (*caught, *error.args)
        return tuple(caught)

    assert await runs(body) == ("once", "again", "again")


async def test_cancelled_as_it_returns(runs: Runs) -> None:
    """A handler that cancels itself just before it returns is cancelled."""

    async def body() -> str:
        me().cancel("last")
        return "returned"

    with pytest.raises(asyncio.CancelledError):
        await runs(body)


@pytest.mark.parametrize("way", WAYS)
async def test_cancellation_in_a_stop(way: str) -> None:
    """The CancelledError with which a stop ends a handler is no failure."""
    with driven_by(way):
        async with System() as system:
            doer, ref = await begun(system, wait_for_ever)
            ref.stop(drain=False)
            await ref.stopped()
            assert isinstance(doer.raised, asyncio.CancelledError)
            assert doer.task is not None
            await until(doer.task.done)
            assert doer.task.cancelled()
        assert system.failures == []


@pytest.mark.parametrize("way", WAYS)
async def test_foreign_cancellation_is_a_failure(way: str) -> None:
    """If a handler awaits a task that other code cancels, its actor fails."""

    async def body() -> None:
        task = asyncio.create_task(asyncio.sleep(3600))
        soon(lambda: task.cancel("not me"))
        await task

    with driven_by(way):
        system = System()
        ref = system.spawn(Doer(body), "doer")
        with pytest.raises(ActorFailedError, match="CancelledError: not me"):
            await ref.ask(Carry("x"))
        assert [failure.actor for failure in system.failures] == ["doer"]
        assert not ref.is_alive
        assert await system.shutdown() == []


# -- its end ------------------------------------------------------------------------

role = contextvars.ContextVar("role", default="nobody")


async def raise_value_error() -> None:
    """Raise one."""
    raise ValueError("wrong")


async def cancel_itself() -> None:
    """Be cancelled."""
    me().cancel("enough")
    await asyncio.sleep(0)


async def ended(runs: Runs, body: Body) -> "asyncio.Task[Any]":
    """Return the task that did it, when its callbacks have been called."""
    tasks: list[asyncio.Task[Any]] = []
    called: list[tuple[Any, str]] = []

    def told(task: object) -> None:
        called.append((task, role.get()))

    def never(_task: object) -> None:
        raise AssertionError("it was removed")

    async def with_callbacks() -> Any:
        task = me()
        tasks.append(task)
        for _ in range(2):
            task.add_done_callback(never)
        token = role.set("copied")
        task.add_done_callback(told)
        role.reset(token)
        other = contextvars.copy_context()
        other.run(role.set, "given")
        task.add_done_callback(told, context=other)
        assert task.remove_done_callback(never) == 2
        assert task.remove_done_callback(never) == 0
        return await body()

    with suppress(Exception, asyncio.CancelledError):
        await runs(with_callbacks)
    (task,) = tasks
    await until(lambda: len(called) == 2)
    assert called == [(task, "copied"), (task, "given")]
    assert task.done()
    task.add_done_callback(told)
    assert len(called) == 2
    await until(lambda: len(called) == 3)
    assert not task.cancel()
    return task


async def test_returned(runs: Runs) -> None:
    """Waiting code is notified, each in its context, and gets the result."""

    async def body() -> Note:
        return Note("x")

    task = await ended(runs, body)
    assert task.result() == Note("x")
    assert task.exception() is None
    assert not task.cancelled()
    assert task.get_stack() == []


async def test_raised(runs: Runs) -> None:
    """The same for an exception."""
    task = await ended(runs, raise_value_error)
    assert not task.cancelled()
    error = task.exception()
    assert isinstance(error, ValueError)
    with pytest.raises(ValueError, match="wrong"):
        task.result()


async def test_cancelled(runs: Runs) -> None:
    """The same for a cancellation."""
    task = await ended(runs, cancel_itself)
    assert task.cancelled()
    for look in (task.result, task.exception):
        with pytest.raises(asyncio.CancelledError):
            look()


async def test_abandoned() -> None:
    """An abandoned handler counts as cancelled."""
    called: list[object] = []
    seen: list[BaseException] = []

    async def body() -> None:
        me().add_done_callback(called.append)
        while True:
            try:
                await wait_for_ever()
            except asyncio.CancelledError as error:
                seen.append(error)
            finally:
                assert me() is doer.task
                assert not me().done()

    system = System()
    doer, _ = await begun(system, body)
    assert await system.shutdown(timeout=0.01) == ["doer"]
    task = doer.task
    assert task is not None
    await until(lambda: called == [task])
    assert len(seen) == 1
    assert isinstance(doer.raised, GeneratorExit)
    assert task.cancelled()
    with pytest.raises(asyncio.CancelledError):
        task.result()


async def test_waiting_for_it(runs: Runs) -> None:
    """Other code may await it, wait for it, and shield it."""
    waiting: list[asyncio.Task[Any]] = []

    async def wait(task: "asyncio.Task[Any]") -> tuple[Any, ...]:
        await asyncio.wait((task,))
        async with asyncio.timeout(10):
            return (await task, await asyncio.shield(task), await asyncio.gather(task))

    async def body() -> Note:
        waiting.append(asyncio.create_task(wait(me())))
        await asyncio.sleep(0)
        return Note("x")

    await runs(body)
    assert await waiting[0] == (Note("x"), Note("x"), [Note("x")])


async def test_handlers_that_wait_for_each_other() -> None:
    """One handler may await the task of another one."""
    gate = asyncio.Event()

    async def first() -> int:
        await gate.wait()
        return 7

    async with System() as system:
        doer, _ = await begun(system, first)
        assert doer.task is not None

        async def second() -> Any:
            gate.set()
            assert doer.task is not None
            return await doer.task

        assert await handled(second) == Note("x")


# -- what it must not await -----------------------------------------------------------


class Yields:
    """An awaitable that yields a given value."""

    def __init__(self, what: object) -> None:
        self.what = what

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self.what)


def numbers() -> Generator[int]:
    """Be a generator."""
    yield 1


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("number", "7"),
        ("generator", "generator"),
        ("itself", "itself"),
        ("another loop", "attached to a different loop"),
        ("yielded only", "yield was used instead of yield from"),
    ],
)
async def test_what_no_task_can_await(runs: Runs, kind: str, wrong: str) -> None:
    """A value that is no future of this loop raises `RuntimeError` at once."""
    other = asyncio.new_event_loop()

    async def body() -> None:
        what: dict[str, Any] = {
            "number": Yields(7),
            "generator": Yields(numbers()),
            "itself": me(),
            "another loop": other.create_future(),
            "yielded only": Yields(wait_for_ever()),
        }
        with pytest.raises(RuntimeError, match=wrong):
            await what[kind]

    try:
        await runs(body)
    finally:
        other.close()


# -- where it is --------------------------------------------------------------------


async def test_stack_of_one_that_waits(runs: Runs) -> None:
    """It is the frame of its wait, which can be printed."""

    async def body() -> None:
        task = me()
        assert [frame.f_code.co_name for frame in task.get_stack(limit=1)]
        looked = asyncio.ensure_future(look(task))
        await asyncio.wait((looked,))
        looked.result()

    async def look(task: "asyncio.Task[Any]") -> None:
        (frame,) = task.get_stack()
        assert frame.f_code.co_flags & inspect.CO_COROUTINE
        assert task.get_stack(limit=0) == task.get_stack(limit=-1) == []
        printed = io.StringIO()
        task.print_stack(file=printed)
        first, second, *_ = printed.getvalue().splitlines()
        assert first.startswith("Stack for <")
        assert first.endswith("> (most recent call last):")
        assert second.lstrip().startswith("File ")

    await runs(body)


async def test_stack_of_one_that_has_raised() -> None:
    """They are the frames of its traceback, the oldest first."""
    task = await ended(handled, raise_value_error)
    names = [frame.f_code.co_name for frame in task.get_stack()]
    assert names[-3:] == ["carry", "with_callbacks", "raise_value_error"]
    assert len(task.get_stack(limit=2)) == 2
    assert task.get_stack(limit=2) == task.get_stack()[:2]
    printed = io.StringIO()
    task.print_stack(file=printed)
    first, *_, last = printed.getvalue().splitlines()
    assert first.startswith("Traceback for <Turn finished name='doer'")
    assert last == "ValueError: wrong"


async def test_stack_of_one_that_has_returned(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    """An ended handler has no stack."""

    async def body() -> None:
        return None

    task = await ended(runs, body)
    task.print_stack(file=sys.stderr)
    assert capsys.readouterr().err.startswith("No stack for <")


# -- waits that the System ends -------------------------------------------------------


async def test_ask_as_anyio_sees_it() -> None:
    """A pending ask is a wait that is not done, and names its target."""
    seen: list[Any] = []

    async def body() -> object:
        return await diary.ask(Carry("x"))

    async with System() as system:
        diary: ActorRef[Any] = system.spawn(Diary(), "diary")
        doer, ref = await begun(system, body)
        task: Any = doer.task
        await until(lambda: task._fut_waiter is not None)  # noqa: SLF001
        waiter = task._fut_waiter  # noqa: SLF001
        assert not waiter.done()
        assert not waiter.cancelled()
        assert "diary to answer Carry" in repr(waiter)
        assert not must_cancel(task)
        task.cancel("enough")
        seen += [waiter.done(), must_cancel(task), task._fut_waiter]  # noqa: SLF001
        await until(lambda: doer.raised is not None)
        assert seen == [True, True, None]
        assert doer.raised is not None
        assert doer.raised.args == ("enough",)
        await ref.stopped()
        assert system.statistics().pending_asks == 0
