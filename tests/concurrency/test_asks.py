"""Asks and their ends: late answers, and waits that the System does not see."""

import asyncio
import math

import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    AskCycleError,
    AskTimeoutError,
)
from ccw_actors.runtime import Actor, ActorRef, Mailbox, System, receive
from tests.concurrency.cast import Story, Waiter, raised_by, rest, until, virtual_time
from tests.runtime.cast import Carry, Collect, Deliver, Diary, Note, Notes

pytestmark = pytest.mark.asyncio


class Careful(Actor[Carry | Note]):
    """Asks with its own timeout, and keeps the result."""

    def __init__(self, other: ActorRef[Carry], timeout: float | None = None) -> None:
        self.other = other
        self.timeout = timeout
        self.outcomes: list[str] = []

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask, and answer with the result."""
        try:
            answer: Note = await self.other.ask(message, timeout=self.timeout)
        except (AskTimeoutError, AskCycleError, ActorStoppedError) as error:
            answer = Note(type(error).__name__)
        self.outcomes.append(answer.text)
        return answer

    @receive
    def note(self, message: Note) -> None:
        """Keep it: a late answer would come here."""
        self.outcomes.append(message.text)


@virtual_time
async def test_late_answer_to_an_actor() -> None:
    """An answer after the deadline does not reach the asker; it is counted."""
    async with System() as system:
        story, diary = Story(system), Diary()
        ref = system.spawn(diary, "diary")
        careful = Careful(ref, timeout=2.0)
        asker = system.spawn(careful, "careful")
        assert await asker.ask(Carry("x")) == Note("AskTimeoutError")
        ref.tell(Deliver())
        await rest()
        asker.tell(Note("goes on"))
        await until(lambda: len(careful.outcomes) == 2)
        counts = system.statistics()
        assert (counts.expired_asks, counts.late_answers) == (1, 1)
        assert story.dead_letters[-1].reason == "nobody waits for this answer"
        assert system.failures == []


class Sluggish(Actor[Carry]):
    """Answers after three seconds."""

    @receive
    async def carry(self, message: Carry) -> Note:
        """Take three seconds."""
        await self.sleep(3.0)
        return Note(f"answer to {message.text}")


@virtual_time
async def test_late_answer_between_two_asks() -> None:
    """A late answer to one ask does not answer the next."""
    async with System() as system:
        careful = Careful(system.spawn(Sluggish()), timeout=4.0)
        ref = system.spawn(careful)
        first = asyncio.ensure_future(ref.ask(Carry("first")))
        careful.timeout = 2.0
        assert await first == Note("AskTimeoutError")
        careful.timeout = 9.0
        assert await ref.ask(Carry("second")) == Note("answer to second")
        assert system.statistics().late_answers == 1


async def test_answer_in_the_instant_of_a_cancellation() -> None:
    """Cancelling a handler works even if its answer is already there."""

    class Cancelled(Careful):
        task: "asyncio.Task[None] | None" = None

        @receive
        async def carry(self, message: Carry) -> Note:
            """Ask, and note the end."""
            type(self).task = asyncio.current_task()
            try:
                return await super().carry(message)
            except asyncio.CancelledError:
                self.outcomes.append("cancelled")
                raise

    class Cancelling(Actor[Carry]):
        @receive
        def carry(self, message: Carry) -> None:
            """Answer, and cancel the asker before it continues."""
            self.reply(self.reply_to, Note(message.text))
            assert Cancelled.task is not None
            Cancelled.task.cancel()

    async with System() as system:
        asker = Cancelled(system.spawn(Cancelling(), "cancelling"))
        error = await raised_by(system.spawn(asker, "asker").ask(Carry("x")))
        assert isinstance(error, ActorFailedError)
        assert error.reason.startswith("CancelledError")
        assert asker.outcomes == ["cancelled"]
        assert system.statistics().pending_asks == 0


async def test_asker_that_ends() -> None:
    """When the asker ends, its ask ends; the answer is late."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        asker = system.spawn(Careful(ref), "careful")
        asker.tell(Carry("x"))
        await until(lambda: diary.state.carried)
        asker.stop(drain=False)
        await asker.stopped()
        assert system.statistics().pending_asks == 0
        ref.tell(Deliver())
        await rest()
        assert system.statistics().late_answers == 1


async def test_asked_actor_that_ends() -> None:
    """When the asked actor ends, the ask in the waiting handler raises."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        asked = asyncio.ensure_future(system.spawn(Careful(ref)).ask(Carry("x")))
        await until(lambda: diary.state.carried)
        ref.stop()
        assert await asked == Note("ActorStoppedError")


async def test_cycle_may_be_caught() -> None:
    """An actor that catches a cycle continues and answers; others are unaffected."""
    async with System() as system:
        back = Careful(system.ref("there"))
        there = Careful(system.spawn(back, "back"))
        ref = system.spawn(there, "there")
        assert await ref.ask(Carry("x")) == Note("AskCycleError")
        assert (back.outcomes, there.outcomes) == (["AskCycleError"],) * 2
        assert system.failures == []


async def test_cycle_through_a_full_mailbox() -> None:
    """An actor that waits for room in order to ask counts as waiting for the target."""

    class Full(Careful):
        inside = asyncio.Event()

        @receive
        async def carry(self, message: Carry) -> Note:
            """Wait, then ask."""
            self.inside.set()
            await gate.wait()
            return await super().carry(message)

    gate = asyncio.Event()
    async with System() as system:
        full = Full(system.ref("other"))
        box = Mailbox(1, "wait")
        ref = system.spawn(full, "full", mailbox=box)
        other = system.spawn(Careful(ref), "other")
        first = asyncio.ensure_future(ref.ask(Carry("x")))
        await full.inside.wait()
        ref.tell(Note("fills it"))
        second = asyncio.ensure_future(other.ask(Carry("y")))
        await rest()
        gate.set()
        assert await first == Note("AskCycleError")
        # This is the answer of `full` when `other` asks it in turn.
        assert await second == Note("AskCycleError")


@virtual_time
async def test_ask_of_a_task_within_a_handler() -> None:
    """A task that a handler starts asks from outside: its wait is no part of a cycle.

    Such an ask ends by its timeout only.
    """

    class Spawning(Careful):
        @receive
        async def carry(self, message: Carry) -> Note:
            """Ask oneself, from a task."""
            task = asyncio.ensure_future(self.ref.ask(message, timeout=2.0))
            error = await raised_by(task)
            return Note(type(error).__name__)

    async with System() as system:
        ref = system.spawn(Spawning(system.ref("nobody")))
        assert await ref.ask(Carry("x")) == Note("AskTimeoutError")


class Blocked(Diary):
    """Asks the actor at a path, and blocks."""

    @receive
    def note(self, message: Note) -> None:
        """Ask, and wait for an answer that does not come."""
        self.system.ref(message.text).ask(Carry("x"), block=True)


class Host(Diary):
    """Asks the actor at the path of a thread."""

    @receive
    async def collect(self, _message: Collect) -> Notes:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Ask the actor at the path of the thread."""
        answer: Notes = await self.system.ref("thread").ask(Collect())
        return answer


async def test_path_of_an_abandoned_thread() -> None:
    """All may ask the next actor at the path of a stopped thread that still blocks."""
    async with System() as system:
        host = Host()
        ref = system.spawn(host, "host")
        thread = system.spawn_thread(Blocked(), "thread")
        thread.tell(Note("host"))
        await until(lambda: host.state.carried)
        thread.stop(drain=False)
        await thread.stopped()
        system.spawn(Diary(), "thread")
        assert await ref.ask(Collect()) == Notes(())


@virtual_time
async def test_time_of_a_wait_within_a_handler() -> None:
    """A waiting handler delays its own mailbox, and no other."""
    loop = asyncio.get_running_loop()
    async with System() as system:
        waiter = Waiter()
        slow = system.spawn(waiter, "slow")
        calm = system.spawn(Diary(), "calm")
        asked = asyncio.ensure_future(slow.ask(Carry("x"), timeout=60.0))
        queued = asyncio.ensure_future(slow.ask(Collect(), timeout=60.0))
        loop.call_later(30.0, waiter.gate.set)
        assert await calm.ask(Collect()) == Notes(())
        assert loop.time() == pytest.approx(0.0)
        await asyncio.gather(asked, queued)
        assert loop.time() == pytest.approx(30.0)


class Link(Actor[Carry]):
    """Asks the next one in a chain, or answers as the last one."""

    def __init__(self, to: ActorRef[Carry] | None) -> None:
        self._to = to

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask the next one."""
        if self._to is None:
            return Note(message.text)
        return await self._to.ask(message, timeout=math.inf)


async def test_long_chain() -> None:
    """Thousands of handlers may wait in a chain: that takes no stack."""
    async with System() as system:
        last: ActorRef[Carry] | None = None
        for _ in range(3000):
            last = system.spawn(Link(last))
        assert last is not None
        assert await last.ask(Carry("x")) == Note("x")


class Hearing(Actor[Note]):
    """Keeps its messages and their senders."""

    def __init__(self) -> None:
        self.senders: list[str] = []

    @receive
    def note(self, message: Note) -> None:
        """Keep the actor."""
        sender = self.sender.path if self.sender is not None else "the outside"
        self.senders.append(f"{message.text}: {sender}")


class Telling(Actor[Note]):
    """Tells from its handler, and from the tasks and callbacks of the handler."""

    def __init__(self, to: ActorRef[Note]) -> None:
        self._to = to

    async def tell(self, text: str) -> None:
        """Tell."""
        self._to.tell(Note(text))

    @receive
    async def note(self, _message: Note) -> None:
        """Tell in several ways."""
        await self.tell("handler")
        await asyncio.create_task(self.tell("task"))
        async with asyncio.TaskGroup() as group:
            group.create_task(self.tell("group"))
        asyncio.get_running_loop().call_soon(self._to.tell, Note("callback"))
        await asyncio.sleep(0)
        await self.tell("handler, later")


async def test_sender_of_what_a_task_tells() -> None:
    """A handler is the sender of what it tells, before and after it waits; no task is.

    The System cannot tell to which actor a task of a handler belongs.
    """
    hearing = Hearing()
    async with System() as system:
        ref = system.spawn(hearing, "hearing")
        system.spawn(Telling(ref), "telling").tell(Note("go"))
        await until(lambda: len(hearing.senders) == 5)
    assert hearing.senders == [
        "handler: telling",
        "task: the outside",
        "group: the outside",
        "callback: the outside",
        "handler, later: telling",
    ]
