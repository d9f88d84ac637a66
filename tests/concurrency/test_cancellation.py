"""Waiting handlers, the ends of their waits, and asks that would never end."""

import asyncio
from collections.abc import Generator

import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
)
from ccw_actors.runtime import Actor, ActorRef, System, receive
from tests.concurrency.cast import Story, Waiter, raised_by, rest, until, virtual_time
from tests.runtime.cast import Carry, Collect, Deliver, Diary, Note, Notes
from tests.runtime.handled import WAYS, driven_by

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True, params=WAYS)
def driven(request: pytest.FixtureRequest) -> Generator[None]:
    """Drive handlers in each of the ways."""
    with driven_by(request.param):
        yield


class Asker(Actor[Carry | Note | Collect]):
    """Answers `Carry` with the next actor's answer, in a given way."""

    def __init__(self, other: ActorRef[Carry], way: str = "plain") -> None:
        self.other = other
        self.way = way
        self.texts: list[str] = []

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        if self.way == "timeout":
            try:
                async with asyncio.timeout(1.0):
                    return await self.other.ask(message)
            except TimeoutError:
                return Note("too late")
        if self.way == "group":
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self.other.ask(message)) for _ in range(3)]
            return Note(" ".join(one.result().text for one in asked))
        return await self.other.ask(message)

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.texts.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell."""
        return Notes(tuple(self.texts))


async def test_no_message_is_handled_during_a_wait() -> None:
    """An actor whose handler waits handles no other message until it ends."""
    async with System() as system:
        actor = Waiter()
        ref = system.spawn(actor, "waiter")
        asked = asyncio.ensure_future(ref.ask(Carry("x")))
        await actor.inside.wait()
        ref.tell(Note("between"))
        await rest()
        assert actor.texts == ["begin x"]
        actor.gate.set()
        assert await asked == Note("x")
        await ref.ask(Collect())
        assert actor.texts == ["begin x", "end x", "between"]


@virtual_time
async def test_timeout_in_a_handler() -> None:
    """`asyncio.timeout` ends an ask inside a handler, and the handler continues."""
    loop = asyncio.get_running_loop()
    async with System() as system:
        ref = system.spawn(Asker(system.spawn(Diary()), "timeout"))
        assert await ref.ask(Carry("never")) == Note("too late")
        assert loop.time() == pytest.approx(1.0)
        assert system.statistics().pending_asks == 0


async def test_task_group_in_a_handler() -> None:
    """A `TaskGroup` in a handler waits for all its tasks."""
    async with System() as system:
        actor = Waiter()
        actor.gate.set()
        ref = system.spawn(Asker(system.spawn(actor), "group"))
        assert await ref.ask(Carry("x")) == Note("x x x")


async def test_task_group_whose_task_fails() -> None:
    """The failure of a task in a group fails the handler, and cancels the rest."""
    async with System() as system:
        ref = system.spawn(Asker(system.ref("nobody"), "group"), "asker")
        error = await raised_by(ref.ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert error.reason.startswith("ExceptionGroup")


async def test_cancelled_ask_of_a_task() -> None:
    """Cancelling a task ends its ask; the answer is late, counted and observed."""
    async with System() as system:
        story = Story(system)
        ref = system.spawn(Diary(), "diary")
        task = asyncio.ensure_future(ref.ask(Carry("x")))
        await rest()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        ref.tell(Deliver())
        await rest()
        counts = system.statistics()
        assert (counts.pending_asks, counts.late_answers) == (0, 1)
        ((_, reason),) = story.dead_letters
        assert reason == "nobody waits for this answer"


async def test_stop_cancels_a_handler() -> None:
    """A stop without draining cancels the waiting handler; its ask fails."""
    async with System() as system:
        actor = Waiter()
        ref = system.spawn(actor, "waiter")
        asked = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
        await actor.inside.wait()
        ref.stop(drain=False)
        await ref.stopped()
        assert actor.texts == ["begin x", "cancelled x", "stopped"]
        assert isinstance(await asked, ActorStoppedError)
        assert system.failures == []


async def test_plain_handler_that_raises_cancelled_error() -> None:
    """It is a failure like any other."""

    class Cancelled(Diary):
        @receive
        def carry(self, message: Carry) -> None:
            """Raise."""
            raise asyncio.CancelledError(message.text)

    async with System() as system:
        error = await raised_by(system.spawn(Cancelled()).ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert error.reason == "CancelledError: x"


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_cycle_of_asks(size: int) -> None:
    """An ask that would wait for its own asker fails at once, naming the cycle."""
    names = [f"actor{number}" for number in range(size)]
    async with System() as system:
        for number, name in enumerate(names):
            other = system.ref(names[(number + 1) % size])
            system.spawn(Asker(other), name)
        error = await raised_by(system.ref(names[0]).ask(Carry("x")))
        cycle = " -> ".join([names[-1], *names])
        assert AskCycleError.__name__ in str(error)
        assert cycle in str(error)


async def test_cycle_with_a_thread_in_it() -> None:
    """A thread that blocks in an ask counts as well."""

    class Blocking(Asker):
        @receive
        def carry(self, message: Carry) -> Note:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Ask, blocking."""
            return self.other.ask(message, block=True)

    async with System() as system:
        here = system.spawn(Asker(system.ref("thread")), "here")
        system.spawn_thread(Blocking(here), "thread")
        error = await raised_by(here.ask(Carry("x")))
        assert "thread -> here -> thread" in str(error)


class Answerer(Actor[Carry | Deliver]):
    """Answers, then asks the asker."""

    asker: ActorRef[Collect]
    answers: tuple[str, ...] | None = None

    @receive
    def carry(self, message: Carry) -> Note:
        """Let the next message ask the asker, and answer."""
        self.ref.tell(Deliver())
        return Note(message.text)

    @receive
    async def deliver(self, _message: Deliver) -> None:
        """Ask the asker."""
        self.answers = (await self.asker.ask(Collect())).texts


async def test_answered_ask_is_no_cycle() -> None:
    """An actor may ask one that it has answered but that has not continued yet."""
    async with System() as system:
        answerer = Answerer()
        asker = system.spawn(Asker(system.spawn(answerer)), "asker")
        answerer.asker = asker
        assert await asker.ask(Carry("x")) == Note("x")
        await until(lambda: answerer.answers is not None)
        assert system.failures == []


@virtual_time
async def test_timeout_error_says_who_waits_for_whom() -> None:
    """It names target, message, age, queue length, and what the target waits for."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        asker = system.spawn(Asker(diary), "asker")
        asked = asyncio.ensure_future(raised_by(asker.ask(Carry("x"), timeout=2.0)))
        await rest()
        asker.tell(Note("queued"))
        error = await asked
        assert isinstance(error, AskTimeoutError)
        found = (error.target, error.message, error.age, error.queue_length)
        assert found == ("asker", "Carry", 2.0, 1)
        assert error.waits_for == "diary to answer Carry"


@virtual_time
async def test_sleep() -> None:
    """`self.sleep` takes the time of the System's clock."""

    class Sleeper(Diary):
        @receive
        async def collect(self, _message: Collect) -> Notes:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Sleep."""
            began = self.now()
            await self.sleep(3.0)
            return Notes((f"{self.now() - began:g}",))

    async with System() as system:
        assert await system.spawn(Sleeper()).ask(Collect()) == Notes(("3",))


class SelfCancelling(Asker):
    """Cancels its own handler before it asks."""

    @receive
    async def carry(self, message: Carry) -> Note:
        """Cancel, and ask."""
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            return await self.other.ask(message)
        except asyncio.CancelledError:
            task.uncancel()
            return Note("cancelled")


async def test_handler_that_cancels_itself() -> None:
    """`current_task().cancel()` in a handler takes effect where it waits next."""
    async with System() as system:
        ref = system.spawn(SelfCancelling(system.spawn(Diary())))
        assert await ref.ask(Carry("x")) == Note("cancelled")
        await until(lambda: system.statistics().pending_asks == 0)
