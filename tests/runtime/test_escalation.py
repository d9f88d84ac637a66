"""Errors that stop the System, and a `BaseException` that only fails its actor."""

import asyncio
import logging
import signal
import subprocess
import sys
import textwrap
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Any, cast

import pytest

from ccw_actors._escalation import ALWAYS, TAKERS
from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Escalate,
    Message,
    Observer,
    Request,
    Restart,
    SteppingDispatcher,
    Stop,
    System,
    VirtualDispatcher,
    escalate_always,
    receive,
)
from tests.runtime.handled import driven_by, me, wait_for_ever
from tests.runtime.worlds import until


class Mine(BaseException):
    """A `BaseException` that is not an `Exception`."""


class Fine(Message, frozen=True):
    """The answer of a healthy actor."""


class Ping(Request[Fine], frozen=True):
    """Asks whether an actor is healthy."""


class Boom(Request[Fine], frozen=True):
    """Makes an actor raise the given error."""


class Plain(Actor[Ping | Boom]):
    """Raises in a plain handler, as in a thread."""

    def __init__(self, error: BaseException, seen: list[str] | None = None) -> None:
        self.error = error
        self.seen = [] if seen is None else seen

    @receive
    def ping(self, _message: Ping) -> Fine:
        """Answer."""
        return Fine()

    @receive
    def boom(self, _message: Boom) -> Fine:
        """Raise."""
        raise self.error

    def on_failure(self, error: BaseException) -> None:
        """Note it."""
        self.seen.append(f"{self.path} failed: {type(error).__name__}")

    def on_stop(self) -> Any:
        """Note it."""
        self.seen.append(f"{self.path} stops")


class Async(Plain):
    """Raises after a wait."""

    @receive
    async def boom(self, _message: Boom) -> Fine:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Raise."""
        await self.sleep(0)
        raise self.error


class Awaits(Plain):
    """Awaits a failing task, such as a cancelled one."""

    @receive
    async def boom(self, _message: Boom) -> Fine:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Await."""
        future = wait_for_ever()
        loop = asyncio.get_running_loop()
        if isinstance(self.error, CancelledError):
            loop.call_soon(future.cancel)
        else:
            loop.call_soon(future.set_exception, self.error)
        await future
        raise AssertionError


WHERE = ("plain", "async", "awaits", "async/task", "awaits/task", "thread")
LOCAL = {"CancelledError": CancelledError, "GeneratorExit": GeneratorExit, "Mine": Mine}
GLOBAL = {"SystemExit": SystemExit, "KeyboardInterrupt": KeyboardInterrupt}


@pytest.fixture(params=WHERE)
def where(request: pytest.FixtureRequest) -> Any:
    """Name where an error is raised; "/task" is a handler run by a Task."""
    name, _, way = request.param.partition("/")
    with driven_by(way or "turn"):
        yield name


def spawn(
    system: System, where: str, error: BaseException, seen: list[str] | None = None
) -> ActorRef[Ping | Boom]:
    """Spawn an actor that raises there, at the path "boom"."""
    if where == "thread":
        return system.spawn_thread(Plain(error, seen), "boom")
    kinds = {"plain": Plain, "async": Async, "awaits": Awaits}
    return system.spawn(kinds[where](error, seen), "boom")


# -- failures of one actor ---------------------------------------------------------


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", LOCAL.values(), ids=LOCAL)
async def test_base_exception_is_a_failure_of_its_actor(
    where: str, kind: type[BaseException]
) -> None:
    """The ask fails at once, the actor ends, and no other is affected."""
    seen: list[str] = []
    async with System() as system:
        other = system.spawn(Plain(kind()), "other")
        ref = spawn(system, where, kind("boom"), seen)
        text = f"boom failed on Boom: {kind.__name__}"
        with pytest.raises(ActorFailedError, match=text):
            await ref.ask(Boom(), timeout=60)
        with pytest.raises(ActorStoppedError):
            await ref.ask(Ping(), timeout=60)
        assert await other.ask(Ping()) == Fine()
        assert [failure.escalated for failure in system.failures] == [False]
        assert me().cancelling() == 0
    assert seen == [f"boom failed: {kind.__name__}", "boom stops"]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", LOCAL.values(), ids=LOCAL)
async def test_base_exception_restarts_its_actor(kind: type[BaseException]) -> None:
    """The supervision decides on it as on any other error."""
    async with System() as system:
        ref = system.spawn(lambda: Async(kind("boom")), supervision=Restart())
        for _ in range(2):
            with pytest.raises(ActorFailedError):
                await ref.ask(Boom())
            assert await ref.ask(Ping()) == Fine()


@pytest.mark.asyncio
async def test_cancelled_by_a_stop_is_no_failure() -> None:
    """CancelledError in a stopped handler ends it, and the ask fails."""

    class Waits(Plain):
        @receive
        async def boom(self, _message: Boom) -> Fine:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            self.seen.append("begins")
            await wait_for_ever()
            raise AssertionError

    for way in ("turn", "task"):
        with driven_by(way):
            async with System() as system:
                waits = Waits(Mine())
                ref = system.spawn(waits, "waits")
                ask = asyncio.ensure_future(ref.ask(Boom(), timeout=60))
                await until(lambda waits=waits: waits.seen == ["begins"])  # type: ignore[misc]
                ref.stop(drain=False)
                with pytest.raises(ActorStoppedError):
                    await ask
                await ref.stopped()
                assert system.failures == []
                assert waits.seen == ["begins", "waits stops"]


@pytest.mark.asyncio
async def test_nothing_escalates_unless_it_is_said() -> None:
    """With `escalate=()` even SystemExit stays with its actor."""
    async with System(escalate=()) as system:
        ref = spawn(system, "plain", SystemExit("boom"))
        with pytest.raises(ActorFailedError, match="SystemExit: boom"):
            await ref.ask(Boom())
        assert not ref.is_alive
        assert not system.failures[0].escalated


# -- inside of `async with` --------------------------------------------------------


async def forever() -> None:
    """Wait for ten seconds at most."""
    async with asyncio.timeout(10):
        await wait_for_ever()


ESCALATE = (SystemExit, KeyboardInterrupt, Mine)


async def error_of(
    block: Callable[[System], Awaitable[object]], system: System | None = None
) -> BaseException:
    """Return the exception of `async with System()` around that block."""
    try:
        async with system or System(escalate=ESCALATE) as made:
            await block(made)
    except BaseException as error:  # noqa: BLE001 - it is looked at
        return error
    raise AssertionError("it has raised nothing")


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ESCALATE)
async def test_block_is_cancelled_and_raises(
    where: str, kind: type[BaseException]
) -> None:
    """The task inside is cancelled, all actors stop, and the same error comes out."""
    error = kind("boom")
    seen: list[str] = []
    asks: list[asyncio.Future[Fine]] = []

    async def block(system: System) -> None:
        system.spawn(Plain(error, seen), "other")
        ref = spawn(system, where, error, seen)
        asks.append(asyncio.ensure_future(ref.ask(Boom(), timeout=60)))
        try:
            await forever()
        finally:
            seen.append("cancelled")

    system = System(escalate=ESCALATE)
    assert await error_of(block, system) is error
    assert me().cancelling() == 0
    (asked,) = await asyncio.gather(*asks, return_exceptions=True)
    assert type(asked) is ActorFailedError
    assert seen.pop(0) == f"boom failed: {type(error).__name__}"
    assert sorted(seen) == ["boom stops", "cancelled", "other stops"]
    assert [failure.escalated for failure in system.failures] == [True]
    await asyncio.sleep(0)  # The cancellation is fully undone.


class Trouble(Observer):
    """An observer that raises for each actor."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def spawned(self, actor: str) -> None:
        """Raise."""
        del actor
        raise self.error


class Hooked(Actor[Ping]):
    """Raises in one of its hooks, or in a task."""

    def __init__(self, hook: str, error: BaseException) -> None:
        self.hook = hook
        self.error = error

    def on_start(self) -> Any:
        """Raise, or start a task that raises."""
        if self.hook == "async on_start":
            return self.late()
        if self.hook == "task":
            _ = self.start_task(self.late())
        return None

    async def late(self) -> None:
        """Raise."""
        await asyncio.sleep(0)
        raise self.error

    @receive
    def ping(self, _message: Ping) -> Fine:
        """Raise an error, or end."""
        if self.hook in {"on_failure", "supervision"}:
            raise ValueError
        self.stop()
        return Fine()

    def on_failure(self, error: BaseException) -> None:
        """Raise."""
        if self.hook == "on_failure" and error is not self.error:
            raise self.error

    def on_stop(self) -> Any:
        """Raise."""
        if self.hook == "async on_stop":
            return self.late()
        if self.hook == "on_stop":
            raise self.error
        return None


HOOKS = ("async on_start", "on_failure", "on_stop", "async on_stop", "task")


@pytest.mark.asyncio
@pytest.mark.parametrize("hook", [*HOOKS, "supervision"])
@pytest.mark.parametrize("kind", ESCALATE)
async def test_hook_that_escalates(kind: type[BaseException], hook: str) -> None:
    """From hooks, tasks and supervision the error comes out in the same way."""
    error = kind("boom")

    def decide(cause: BaseException) -> Stop:
        if hook == "supervision" and cause is not error:
            raise error
        return Stop()

    async def block(system: System) -> None:
        ref = system.spawn(lambda: Hooked(hook, error), supervision=decide)
        if hook != "task":
            ref.tell(Ping())
        await forever()

    assert await error_of(block) is error
    assert me().cancelling() == 0


@pytest.mark.asyncio
async def test_observer_that_escalates() -> None:
    """An observer that raises it ends the System; another error is logged."""
    error = Mine()

    async def block(system: System) -> None:
        for one in (ValueError(), error):
            system.observe(Trouble(one))
            system.spawn(Plain(error))
        await forever()

    assert await error_of(block) is error


class Slow(Plain):
    """An actor that stops slowly."""

    async def on_stop(self) -> None:
        """Note the end."""
        await self.sleep(0.001)
        self.seen.append("has stopped")


@pytest.mark.asyncio
async def test_block_that_is_about_to_end() -> None:
    """A pending cancellation affects no other code."""
    slow = Slow(Mine())

    async def block(system: System) -> None:
        system.spawn(slow)
        system.observe(Trouble(slow.error))
        system.spawn(Plain(Mine()))
        assert me().cancelling() == 1

    assert await error_of(block) is slow.error
    assert slow.seen == ["has stopped"]
    assert me().cancelling() == 0
    await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_block_that_is_about_to_go_on() -> None:
    """A task whose wait ends at the same moment is still cancelled."""
    begun = asyncio.Event()

    class Sets(Plain):
        @receive
        def boom(self, _message: Boom) -> Fine:
            begun.set()
            raise self.error

    async def block(system: System) -> None:
        system.spawn(Sets(error)).tell(Boom())
        await begun.wait()
        raise AssertionError("it goes on")

    error = Mine()
    assert await error_of(block) is error
    assert me().cancelling() == 0
    await asyncio.sleep(0)


async def in_timeout() -> None:
    """Wait within a timeout that does not come."""
    async with asyncio.timeout(60):
        await forever()


async def in_expired_timeout() -> None:
    """Wait within a timeout that comes at the same time."""
    async with asyncio.timeout(None) as limit:
        asyncio.get_running_loop().call_soon(limit.reschedule, 0.0)
        await forever()


async def in_group() -> None:
    """Wait within a task group, for a task."""
    async with asyncio.TaskGroup() as group:
        group.create_task(forever())


async def in_group_that_fails() -> None:
    """Wait for a task that fails in the end."""

    async def fails() -> None:
        try:
            await forever()
        finally:
            raise KeyError("body")

    async with asyncio.TaskGroup() as group:
        group.create_task(fails())
        await forever()


async def swallows() -> None:
    """Continue, and end."""
    with suppress(CancelledError):
        await forever()


async def swallows_and_waits() -> None:
    """Continue for a while."""
    with suppress(CancelledError):
        await forever()
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def raises() -> None:
    """Raise another error."""
    try:
        await forever()
    except CancelledError:
        raise KeyError("body") from None


async def in_other_system() -> None:
    """Wait within another System."""
    async with System():
        await forever()


BODIES = (
    *(forever, in_timeout, in_expired_timeout, in_group, in_group_that_fails),
    *(swallows, swallows_and_waits, raises, in_other_system),
)


async def within(
    outside: str | None, block: Callable[[System], Awaitable[object]]
) -> None:
    """Put a System around a block, and other code around that."""
    async with AsyncExitStack() as stack:
        if outside == "timeout":
            await stack.enter_async_context(asyncio.timeout(60))
        elif outside == "group":
            group = await stack.enter_async_context(asyncio.TaskGroup())
            group.create_task(forever())
        elif outside == "system":
            await stack.enter_async_context(System())
        async with System(escalate=ESCALATE) as system:
            await block(system)


@pytest.mark.asyncio
@pytest.mark.parametrize("outside", [None, "timeout", "group", "system"])
@pytest.mark.parametrize("body", BODIES)
async def test_whatever_the_block_does(
    body: Callable[[], Awaitable[None]], outside: str | None
) -> None:
    """Only the error comes out, and the task is as before."""
    error = Mine("boom")

    async def block(system: System) -> None:
        spawn(system, "plain", error).tell(Boom())
        await body()

    found = await error_of(lambda _system: within(outside, block), System())
    if outside == "group":
        group = cast("BaseExceptionGroup[BaseException]", found)
        (found,) = group.exceptions
    assert found is error
    assert me().cancelling() == 0
    await asyncio.sleep(0)


class Chained(Plain):
    """Raises while it handles another error."""

    @receive
    def boom(self, _message: Boom) -> Fine:
        """Raise."""
        try:
            return dict[str, Fine]()["handler"]
        except KeyError:
            raise self.error  # noqa: B904 - the context is what is looked at


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("make", "body", "context"),
    [
        (Plain, forever, None),
        (Plain, raises, KeyError("body")),
        (Chained, forever, KeyError("handler")),
        (Chained, raises, KeyError("handler")),
    ],
)
async def test_context_of_the_error(
    make: type[Plain],
    body: Callable[[], Awaitable[None]],
    context: BaseException | None,
) -> None:
    """Its cause stays; otherwise its context is the error of the block."""

    async def block(system: System) -> None:
        system.spawn(make(error)).tell(Boom())
        await body()

    error = Mine()
    raised = await error_of(block)
    assert raised is error
    assert repr(raised.__context__) == repr(context)


@pytest.mark.asyncio
@pytest.mark.parametrize("first", ["outside", "actor"])
async def test_cancelled_from_outside_at_the_same_time(first: str) -> None:
    """The error comes first, and another cancellation of the task is not lost."""
    seen: list[object] = []

    class Cancels(Plain):
        @receive
        def boom(self, _message: Boom) -> Fine:
            loop = asyncio.get_running_loop()
            if first == "outside":
                task.cancel()
            else:
                loop.call_soon(task.cancel)
            raise self.error

    async def run() -> None:
        try:
            async with System(escalate=ESCALATE) as system:
                system.spawn(Cancels(Mine())).tell(Boom())
                await forever()
        except Mine:
            seen.append(me().cancelling())
        try:
            await asyncio.sleep(0)
        except CancelledError:
            seen.append("cancelled")
            raise
        seen.append("goes on")

    task = asyncio.ensure_future(run())
    await asyncio.wait((task,))
    # As with a task group: from 3.13 on it comes up at the next await.
    later = "cancelled" if sys.version_info >= (3, 13) else "goes on"
    assert seen == [1, later]


@pytest.mark.asyncio
async def test_cancelled_while_it_shuts_down() -> None:
    """All actors end at once, and the cancellation, or the error, comes out."""

    class Stubborn(Plain):
        async def on_stop(self) -> None:
            self.seen.append("on_stop")
            await forever()

    async def run(system: System, *, escalates: bool) -> None:
        async with system:
            ref = system.spawn(stubborn)
            if escalates:
                ref.tell(Boom())
                await forever()

    for escalates in (False, True):
        stubborn = Stubborn(Mine())
        system = System(escalate=ESCALATE)
        task = asyncio.ensure_future(run(system, escalates=escalates))
        await until(lambda stubborn=stubborn: "on_stop" in stubborn.seen)  # type: ignore[misc]
        for _ in range(3):
            await asyncio.sleep(0)  # The block was cancelled, and shuts down.
        task.cancel()
        with pytest.raises(Mine if escalates else CancelledError):
            await task
        assert system.statistics().actors == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("first", "second", "raised"),
    [
        (ValueError, Mine, 1),
        (ValueError, SystemExit, 1),
        (Mine, SystemExit, 1),
        (Mine, Mine, 0),
        (SystemExit, Mine, 0),
        (SystemExit, KeyboardInterrupt, 0),
    ],
)
async def test_gravest_error_is_raised(
    first: type[BaseException], second: type[BaseException], raised: int
) -> None:
    """SystemExit comes before others that escalate, those before a plain failure.

    The first of its kind is raised; the others are in `failures`.
    """
    errors = first("first"), second("second")

    async def block(system: System) -> None:
        system.spawn(Hooked("on_stop", errors[1]))
        ref = system.spawn(Plain(errors[0]), supervision=Escalate())
        ref.tell(Boom())
        if isinstance(errors[0], Exception):
            await ref.stopped()
        else:
            await forever()

    system = System(escalate=ESCALATE)
    assert await error_of(block, system) is errors[raised]
    texts = [failure.reason.partition(": ")[2] for failure in system.failures]
    assert texts == ["first", "second"]
    assert me().cancelling() == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("explicitly", [False, True])
async def test_error_in_the_shutdown(*, explicitly: bool) -> None:
    """An escalated error of `on_stop` comes out when all have stopped."""
    seen: list[str] = []
    error = SystemExit("boom")

    async def block(system: System) -> None:
        system.spawn(Plain(error, seen), "first")
        system.spawn(Hooked("on_stop", error))
        system.spawn(Hooked("async on_stop", error))
        if explicitly:
            await system.shutdown()
            raise AssertionError("it goes on")

    assert await error_of(block) is error
    assert seen == ["first stops"]
    assert me().cancelling() == 0


@pytest.mark.asyncio
async def test_handler_that_is_abandoned() -> None:
    """An escalated error from closing a handler at the deadline comes out."""

    class Stubborn(Plain):
        @receive
        async def boom(self, _message: Boom) -> Fine:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            self.seen.append("begins")
            try:
                await wait_for_ever()
            finally:
                try:
                    await wait_for_ever()
                finally:
                    raise self.error

    system = System(escalate=ESCALATE)
    stubborn = Stubborn(Mine())
    system.spawn(stubborn).tell(Boom())
    await until(lambda: bool(stubborn.seen))
    with pytest.raises(Mine) as raised:
        await system.shutdown(timeout=0.001)
    assert raised.value is stubborn.error


@pytest.mark.asyncio
async def test_failure_is_raised_after_a_shutdown_inside() -> None:
    """The failure of an actor that escalates is raised by the block, at its end."""

    async def block(system: System) -> None:
        ref = system.spawn(Plain(ValueError()), supervision=Escalate())
        ref.tell(Boom())
        await ref.stopped()
        assert await system.shutdown() == []

    raised = await error_of(block)
    assert type(raised) is ActorFailedError


@pytest.mark.asyncio
async def test_error_before_the_block() -> None:
    """An error escalated before `async with` interrupts it at its first wait."""
    system = System(escalate=ESCALATE)
    ref = spawn(system, "plain", Mine("boom"))
    with pytest.raises(ActorFailedError):
        await ref.ask(Boom())
    raised = await error_of(lambda _system: forever(), system)
    assert type(raised) is Mine
    assert me().cancelling() == 0


async def _next(made: AsyncIterator[System]) -> System:
    return await anext(made)


@pytest.mark.asyncio
async def test_block_that_is_left_by_another_task() -> None:
    """As in a fixture: no task is interrupted, and the error is raised at the end."""

    async def fixture() -> AsyncIterator[System]:
        async with System(escalate=ESCALATE) as system:
            yield system

    made = fixture()
    system = await asyncio.create_task(_next(made))
    ref = spawn(system, "plain", Mine("boom"))
    with pytest.raises(ActorFailedError):
        await ref.ask(Boom())
    with pytest.raises(Mine):
        await asyncio.create_task(_next(made))
    assert me().cancelling() == 0


# -- without a block ---------------------------------------------------------------


@pytest.mark.parametrize("kind", GLOBAL.values(), ids=GLOBAL)
@pytest.mark.parametrize("where", ["plain", "async", "thread"])
def test_loop_raises(where: str, kind: type[BaseException]) -> None:
    """Without `async with` the loop raises KeyboardInterrupt and SystemExit at once."""
    seen: list[str] = []
    error = kind("boom")

    async def main() -> None:
        system = System()
        ref = spawn(system, where, error, seen)
        system.spawn(Plain(error, seen), "other")
        try:
            with suppress(ActorFailedError):
                await ref.ask(Boom(), timeout=60)
            await forever()
        finally:
            await system.shutdown()

    with pytest.raises(kind) as raised:
        asyncio.run(main())
    assert raised.value is error
    assert sorted(seen[1:]) == ["boom stops", "other stops"]


@pytest.mark.asyncio
@pytest.mark.parametrize("where", ["plain", "async", "thread"])
async def test_shutdown_raises(where: str) -> None:
    """Without `async with` any other one is raised by `shutdown`, once."""
    system = System(escalate=ESCALATE)
    ref = spawn(system, where, Mine("boom"))
    with pytest.raises(ActorFailedError):
        await ref.ask(Boom())
    with pytest.raises(Mine):
        await system.shutdown()
    assert await system.shutdown() == []


# -- where no event loop runs the System -------------------------------------------


@pytest.mark.parametrize("kind", ESCALATE)
@pytest.mark.parametrize("where", ["plain", "async"])
@pytest.mark.parametrize("by", ["run", "step", "advance", "ask"])
def test_virtual_clock_raises(kind: type[BaseException], where: str, by: str) -> None:
    """It comes out of the call that runs the System; then all actors stop."""
    error = kind("boom")
    seen: list[str] = []
    system = System(clock := VirtualDispatcher(), escalate=ESCALATE)
    system.spawn(Plain(error, seen), "other")
    ref = spawn(system, where, error, seen)

    def steps() -> None:
        while clock.step():
            pass

    if by != "ask":
        ref.tell(Boom())
    runs: dict[str, Callable[[], object]] = {
        "run": clock.run,
        "step": steps,
        "advance": lambda: clock.advance(1.0),
        "ask": lambda: ref.ask(Boom(), block=True),
    }
    with pytest.raises(type(error)) as raised:
        runs[by]()
    assert raised.value is error
    clock.run()
    assert seen[0] == f"boom failed: {type(error).__name__}"
    assert sorted(seen[1:]) == ["boom stops", "other stops"]
    assert system.statistics().actors == system.statistics().pending_asks == 0
    assert len(system.failures) == 1
    with pytest.raises(StopIteration, match=r"\[\]"):
        system.shutdown().send(None)


@pytest.mark.parametrize("kind", ESCALATE)
@pytest.mark.parametrize("where", ["plain", "async"])
@pytest.mark.parametrize("by", ["run", "step"])
def test_stepping_raises(kind: type[BaseException], where: str, by: str) -> None:
    """The error comes out of the step in which it was raised."""
    error = kind("boom")
    system = System(steps := SteppingDispatcher(), escalate=ESCALATE)
    spawn(system, where, error).tell(Boom())
    other = system.spawn(Plain(error), "other")
    with pytest.raises(type(error)) as raised:
        steps.run() if by == "run" else list(iter(steps.step, None))
    assert raised.value is error
    steps.run()
    assert not other.is_alive


# -- for those who run programs of others ------------------------------------------


def test_escalate_always() -> None:
    """It applies to Systems created from then on, until it is undone."""

    def escalates() -> bool:
        system = System(clock := VirtualDispatcher())
        spawn(system, "plain", Mine("boom")).tell(Boom())
        try:
            clock.run()
        except Mine:
            return True
        return False

    before = list(ALWAYS)
    assert not escalates()
    undo = escalate_always(Mine, SystemExit)
    assert escalates()
    undo()
    undo()
    assert not escalates()
    assert before == ALWAYS


@pytest.mark.asyncio
async def test_taker() -> None:
    """The last taker gets errors that no block can raise."""
    before, asked = list(TAKERS), list[str]()

    def takes(error: BaseException) -> bool:
        asked.append(str(error))
        return asked == ["taken"]

    def never(error: BaseException) -> bool:
        raise AssertionError(error)

    async def block(system: System) -> None:
        spawn(system, "plain", Mine("block")).tell(Boom())
        await forever()

    undo = [escalate_always(taker=never), escalate_always(Mine, taker=takes)]
    try:
        for reason in ("taken", "refused"):
            system = System()
            spawn(system, "plain", Mine(reason)).tell(Boom())
            await until(lambda reason=reason: reason in asked)  # type: ignore[misc]
            if reason == "taken":
                assert await system.shutdown() == []
            else:
                with pytest.raises(Mine, match="refused"):
                    await system.shutdown()
        assert str(await error_of(block)) == "block"
    finally:
        for one in undo:
            one()
    assert asked == ["taken", "refused"]
    assert before == TAKERS


@pytest.mark.asyncio
async def test_log(caplog: pytest.LogCaptureFixture) -> None:
    """An escalated error is not logged as an error, because it is raised."""
    caplog.set_level(logging.INFO, "ccw_actors")

    async def block(system: System) -> None:
        spawn(system, "plain", SystemExit(0)).tell(Boom())
        await forever()

    assert type(await error_of(block)) is SystemExit
    assert [(one.levelname, one.message) for one in caplog.records] == [
        ("INFO", "boom failed on Boom: SystemExit: 0")
    ]


# -- a real interruption -----------------------------------------------------------

PROGRAM = """
import asyncio, os, signal, sys
from ccw_actors.runtime import Actor, Message, System, receive

# In the background of a script the signal is ignored, and so it would be here.
signal.signal(signal.SIGINT, signal.default_int_handler)

def say(text):
    sys.stdout.write(text + "\\n")  # At once, because another thread also writes there.
    sys.stdout.flush()

class Go(Message, frozen=True):
    pass

class Waits(Actor[Go]):
    @receive
    async def go(self, message: Go) -> None:
        thread.tell(Go())
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            say("handler cleaned up")

    async def on_stop(self):
        await asyncio.sleep(0)
        say("on_stop ran")

class InThread(Actor[Go]):
    @receive
    def go(self, message: Go) -> None:
        busy.tell(Go())

    def on_stop(self):
        say("thread's on_stop ran")

class Busy(Actor[Go]):
    @receive
    def go(self, message: Go) -> None:
        signal.raise_signal(signal.SIGINT)

    def on_stop(self):
        say("busy on_stop ran")

async def main():
    global thread, busy
    async with System() as system:
        busy = system.spawn(Busy())
        thread = system.spawn_thread(InThread())
        system.spawn(Waits()).tell(Go())
        await asyncio.get_running_loop().create_future()

try:
    if sys.argv[1] == "asyncio.run":
        asyncio.run(main())
    else:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(main())
        finally:
            loop.close()
except KeyboardInterrupt:
    say("KeyboardInterrupt came out")
    raise
"""


@pytest.mark.parametrize("by", ["asyncio.run", "run_until_complete"])
def test_control_c(by: str) -> None:
    """At Ctrl-C all actors clean up, and KeyboardInterrupt comes out.

    `asyncio.run` cancels the block; without it the signal hits the handler that runs.
    """
    program = textwrap.dedent(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, by],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert sorted(done.stdout.splitlines()) == [
        "KeyboardInterrupt came out",
        "busy on_stop ran",
        "handler cleaned up",
        "on_stop ran",
        "thread's on_stop ran",
    ]
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert done.returncode == -signal.SIGINT
