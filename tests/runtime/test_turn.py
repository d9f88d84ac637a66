"""A turn alone, with a cell that only counts: contexts, cancelling, its end."""

import asyncio
import contextvars
import gc
import weakref
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import pytest

from ccw_actors.runtime._cell.cell import IDLE
from ccw_actors.runtime._cell.parking import Parking
from ccw_actors.runtime._cell.running import Running
from ccw_actors.runtime._drive import asyncio_internals as internals
from ccw_actors.runtime._drive.turn import Turn
from ccw_actors.runtime._values.envelope import Envelope
from tests.runtime.handled import WAYS, driven_by, me, soon, wait_for_ever
from tests.runtime.worlds import until

pytestmark = pytest.mark.asyncio

role = contextvars.ContextVar("role", default="nobody")


class Wait(Parking):
    """A wait that a test ends."""

    def __init__(self) -> None:
        self.left = 0

    def leave(self) -> None:
        """Count."""
        self.left += 1

    def describe(self) -> str:
        """Return the text."""
        return "a test"

    def outcome(self, payload: bytes) -> tuple[Any, None]:
        """Return the answer that came."""
        return payload, None


class Play:
    """One turn and its driver: like a System, from callbacks of the loop.

    `woken` has the value of `role` at each continuation of the turn.
    """

    path = address = "played"
    status = IDLE

    def __init__(
        self,
        body: Callable[[], Coroutine[Any, Any, Any]],
        context: contextvars.Context | None = None,
    ) -> None:
        self.woken: list[str] = []
        self.ends: list[tuple[Any, BaseException | None]] = []
        self.turn: Any = None
        self.running = Running(own=True)
        self.loop = asyncio.get_running_loop()
        self.context = context
        cell: Any = self
        self.played = Turn(cell, None, body(), self.loop, self._finished, context)

    async def begin(self) -> "Play":
        """Start the turn, and run it as far as possible."""
        self._step()
        for _ in range(5):
            await asyncio.sleep(0)
        return self

    def wake(self) -> None:
        """Continue the turn, in its context."""
        self.woken.append(role.get())
        self._step()

    def ready(self, _cell: object) -> None:
        """Do the same, for an answer."""
        self.status = IDLE
        self._step()

    def close(self) -> None:
        """Take no message: there is none."""

    def _step(self) -> None:
        self.loop.call_soon(self._take, context=self.context)

    def _take(self) -> None:
        if self.turn is None or self.turn.is_ready:
            self.played.step(self.running)

    def _finished(self, _turn: Turn, value: Any, raised: BaseException | None) -> None:
        self.ends.append((value, raised))


# -- contexts -----------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_context(way: str) -> None:
    """The coroutine continues in its context, whichever code ends the wait."""
    seen: list[str] = []

    async def body() -> None:
        seen.append(role.get())
        role.set("first")
        await gate
        seen.append(role.get())
        role.set("second")
        await asyncio.sleep(0)
        seen.append(role.get())

    gate = wait_for_ever()
    context = contextvars.copy_context()
    context.run(role.set, "begun")
    with driven_by(way):
        turn = (await Play(body, context).begin()).played
        assert turn.get_context() is context
        gate.set_result(None)
        await until(turn.done)
    assert seen == ["begun", "first", "second"]
    assert context[role] == "second"
    assert role.get() == "nobody"


@pytest.mark.parametrize("way", WAYS)
async def test_context_and_eager_tasks(way: str) -> None:
    """An eager task has a copy of the context, and sets nothing in it."""
    factory: Any = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("no eager tasks before Python 3.12")
    seen: list[str] = []

    async def child() -> None:
        seen.append(role.get())
        role.set("child")

    async def body() -> None:
        role.set("parent")
        await asyncio.create_task(child())
        await asyncio.sleep(0)
        seen.append(role.get())

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    with driven_by(way):
        play = await Play(body, contextvars.copy_context()).begin()
        await until(play.played.done)
    loop.set_task_factory(None)
    assert seen == ["parent", "parent"]
    assert play.ends == [(None, None)]


async def test_context_of_what_wakes() -> None:
    """Callbacks of futures and of the loop run in that context, not in a copy."""

    async def body() -> None:
        await gate
        soon(lambda: context.run(role.set, "while it lets others go on"))
        await asyncio.sleep(0)

    gate = wait_for_ever()
    context = contextvars.copy_context()
    play = Play(body, context)
    turn = (await play.begin()).played
    context.run(role.set, "while it waits")
    gate.set_result(None)
    await until(lambda: len(play.woken) == 1)
    await until(turn.done)
    assert play.woken == ["while it waits", "while it lets others go on"]


@pytest.mark.parametrize("inside", [False, True])
async def test_context_of_the_end(*, inside: bool) -> None:
    """An abandoned coroutine ends in its context.

    Whether or not that context is already entered.
    """
    seen: list[str] = []

    async def body() -> None:
        try:
            await wait_for_ever()
        finally:
            seen.append(role.get())

    context = contextvars.copy_context()
    context.run(role.set, "own")
    turn = (await Play(body, context).begin()).played
    if inside:
        context.run(turn.close)
    else:
        turn.close()
    assert seen == ["own"]
    assert turn.cancelled()


async def test_no_context_of_its_own() -> None:
    """Without a context, `get_context` is a copy of the caller's."""
    turn = (await Play(wait).begin()).played
    token = role.set("here")
    assert turn.get_context()[role] == "here"
    role.reset(token)
    turn.close()


async def wait() -> None:
    """Wait forever."""
    await wait_for_ever()


async def waits_for(future: "asyncio.Future[None]") -> None:
    """Wait for it."""
    await future


# -- cancelling ---------------------------------------------------------------------


def parked(parking: Wait, seen: list[Any]) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Return a coroutine that waits like that, and notes the result."""

    async def body() -> None:
        try:
            seen.append(await parking)
        except asyncio.CancelledError as error:
            seen.append(error.args)
            raise

    return body


@pytest.mark.parametrize("way", WAYS)
async def test_two_cancels_of_a_parking(way: str) -> None:
    """The first one is raised, and ends the wait."""
    parking = Wait()
    seen: list[Any] = []
    with driven_by(way):
        play = Play(parked(parking, seen))
        turn = (await play.begin()).played
        assert turn.describe() == "a test"
        turn.cancel("first")
        turn.cancel("second")
        assert turn.cancelling() == 2
        await until(turn.done)
    assert seen == [("first",)]
    assert parking.left == 1
    assert isinstance(play.ends[0][1], asyncio.CancelledError)


@pytest.mark.parametrize("way", WAYS)
async def test_answer(way: str) -> None:
    """An answer passes through the awaiting code."""
    parking = Wait()
    seen: list[Any] = []
    with driven_by(way):
        turn = (await Play(parked(parking, seen)).begin()).played
        answer(turn)
        await until(turn.done)
    assert seen == [b"answer"]
    assert parking.left == 0


@pytest.mark.parametrize("way", WAYS)
async def test_cancel_of_an_answered_parking(way: str) -> None:
    """An answer that is not taken is lost."""
    parking = Wait()
    seen: list[Any] = []
    with driven_by(way):
        turn = (await Play(parked(parking, seen)).begin()).played
        answer(turn)
        turn.cancel("late")
        await until(turn.done)
    assert seen == [("late",)]


def answer(turn: Turn) -> None:
    """Answer an ask."""
    turn.answer(Envelope(b"answer", "other", 1, None))


async def test_uncancel() -> None:
    """A cancellation taken back is not raised, as with a Task since Python 3.13."""

    async def body() -> str:
        task = me()
        task.cancel("enough")
        task.uncancel()
        await asyncio.sleep(0)
        return "went on"

    play = Play(body)
    await play.begin()
    assert play.ends == [("went on", None)]


async def test_cancel_of_a_task_before_it_has_begun() -> None:
    """A handler starts at once, and so does one in its own Task.

    It is cancelled at its first wait.
    """
    seen: list[object] = []

    async def body() -> None:
        seen.append("begun")
        try:
            await wait_for_ever()
        except asyncio.CancelledError as error:
            seen.append((error.args, me().cancelling()))
            raise

    with driven_by("task"):
        play = Play(body)
        play.loop.call_soon(play.played.step, play.running)
        soon(lambda: play.played.cancel("early"))
        await until(play.played.done)
    assert seen == ["begun", (("early",), 1)]


# -- its end ------------------------------------------------------------------------


async def test_wake_that_is_late() -> None:
    """Resuming an abandoned turn has no effect."""

    async def let_go_on() -> None:
        while True:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(0)

    gate = wait_for_ever()
    for body in (let_go_on, lambda: waits_for(gate)):
        play = Play(body)
        turn = (await play.begin()).played
        if body is not let_go_on:
            gate.set_result(None)
        play.turn, woken = None, len(play.woken)
        turn.close()
        for _ in range(5):
            await asyncio.sleep(0)
        assert turn.cancelled()
        assert len(play.woken) == woken
        assert play.ends == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("parks", [False, True])
async def test_abandoned_while_it_runs(
    way: str, *, parks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It runs to its next wait, or to its end, without a callback."""
    parking = Wait()
    seen: list[Any] = []

    async def body() -> None:
        play.turn = None
        play.played.close()
        assert not play.played.done()
        seen.append("goes on")
        try:
            await (parking if parks else wait_for_ever())
        finally:
            seen.append("ends")

    with driven_by(way):
        play = Play(body)
        turn = (await play.begin()).played
    assert seen == ["goes on", "ends"]
    assert turn.cancelled()
    assert play.turn is None
    assert play.ends == []
    assert parking.left == parks
    assert caplog.records == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("way", WAYS)
async def test_abandoned_in_a_task_group(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The group's tasks are cancelled, and none is left."""

    async def body() -> None:
        async with asyncio.TaskGroup() as group:
            child.append(group.create_task(wait()))
            await wait_for_ever()

    child: list[asyncio.Task[None]] = []
    with driven_by(way):
        turn = (await Play(body).begin()).played
        turn.close()
        await until(child[0].done)
        assert child[0].cancelled()
        assert turn.cancelled()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    assert caplog.records == []


async def test_abandoned_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """A coroutine that cannot be ended counts as done, and is logged."""

    async def body() -> None:
        while not ending:
            try:
                await wait_for_ever()
            except GeneratorExit:
                continue

    ending: list[object] = []
    turn = (await Play(body).begin()).played
    turn.close()
    assert turn.cancelled()
    assert not turn.cancel()
    (record,) = caplog.records
    assert record.getMessage() == "played: its handler continues although it has to end"
    ending.append(None)
    turn.coroutine.close()


class Beyond(BaseException):
    """No `Exception`."""


@pytest.mark.parametrize("way", WAYS)
async def test_exception_that_is_none(way: str) -> None:
    """It is a failure like any other: the actor gets it, and the loop does not."""
    reported: list[Any] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: reported.append(context))

    async def body() -> None:
        raise Beyond

    with driven_by(way):
        play = await Play(body).begin()
        error = play.played.exception()
        assert isinstance(error, Beyond)
        assert play.ends == [(None, error)]
    assert reported == []


async def test_failure_keeps_nothing() -> None:
    """A turn whose coroutine has raised is freed with its last reference."""

    async def body() -> None:
        raise ValueError("wrong")

    gc.disable()
    try:
        play = Play(body)
        await play.begin()
        ((_, raised),) = play.ends
        assert isinstance(raised, ValueError)
        gone = weakref.ref(play.played)
        del play.played, raised
        play.ends.clear()
        assert gone() is None
    finally:
        gc.enable()


def loops_end() -> Turn:
    """Return a turn with waiting code, whose loop is closed."""
    turns: list[Turn] = []

    async def main() -> None:
        turns.append((await Play(wait).begin()).played)
        turns[0].add_done_callback(turns.append)

    asyncio.run(main())
    return turns[0]


async def test_end_after_that_of_its_loop() -> None:
    """No code is notified, and nothing fails."""
    turn = await asyncio.to_thread(loops_end)
    turn.close()
    assert turn.cancelled()


async def test_current_task_of_a_loop_that_does_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A turn is closed as the current task only where its loop runs (Python 3.14)."""

    def refuse(_loop: object, _task: object) -> None:
        raise RuntimeError("not the running loop")

    turn = await asyncio.to_thread(loops_end)
    monkeypatch.setattr(internals, "enter", refuse)
    turn.close()
    assert turn.cancelled()


class OldFuture:
    """A future from before futures had `get_loop`."""

    _asyncio_future_blocking = False

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.inner: asyncio.Future[int] = self._loop.create_future()

    def __getattr__(self, name: str) -> Any:
        if name == "get_loop":
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __await__(self) -> Generator[Any, Any, int]:
        self._asyncio_future_blocking = True
        yield self
        return self.inner.result()


@pytest.mark.parametrize("way", WAYS)
async def test_future_of_another_kind(way: str) -> None:
    """An object that asyncio takes for a future can be awaited."""

    async def body() -> int:
        return await future

    future = OldFuture()
    with driven_by(way):
        play = Play(body)
        turn = (await play.begin()).played
        future.inner.set_result(7)
        await until(turn.done)
    assert play.ends == [(7, None)]


# -- in a task of its own -------------------------------------------------------------


async def test_task_that_others_cancel_before_it_begins() -> None:
    """The turn has ended, and its cell is notified."""

    def cancel_all() -> None:
        for task in asyncio.all_tasks() - {mine}:
            task.cancel()

    mine = asyncio.current_task()
    with driven_by("task"):
        play = Play(wait)
        play.turn = None
        play.played.step(play.running)
        soon(cancel_all)
        await until(play.played.done)
    ((value, raised),) = play.ends
    assert value is None
    assert isinstance(raised, asyncio.CancelledError)
    assert play.woken


async def test_task_that_is_abandoned_before_it_begins() -> None:
    """The coroutine does not start."""
    seen: list[str] = []

    async def body() -> None:
        seen.append("begun")

    before = asyncio.all_tasks()
    with driven_by("task"):
        play = Play(body)
        play.played.step(play.running)
        play.played.close()
        for _ in range(3):
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == before
    assert (seen, play.ends) == ([], [])


async def test_task_that_fails() -> None:
    """Its exception goes to the actor: the loop reports nothing."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: reported.append(context)
    )

    async def body() -> None:
        raise ValueError("wrong")

    with driven_by("task"):
        play = Play(body)
        await play.begin()
    assert isinstance(play.ends[0][1], ValueError)
    del play
    gc.collect()
    await asyncio.sleep(0)
    assert reported == []
