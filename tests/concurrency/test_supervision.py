"""What happens to a failed actor, and to everything that waits for it."""

import asyncio
import logging
from typing import Any

import msgspec
import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    Escalate,
    Message,
    Restart,
    Stop,
    System,
    Terminated,
    receive,
)
from tests.concurrency.cast import Story, raised_by, rest, until, virtual_time
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes, texts_of

pytestmark = pytest.mark.asyncio


class Hire(Message, frozen=True):
    """Makes a `Parent` spawn a child."""


class ParentState(msgspec.Struct):
    """The state of a parent."""

    ends: list[str]


class Parent(Actor):
    """Spawns a diary with a given supervision, watches it, and can fail itself."""

    def __init__(self, supervision: Any) -> None:
        self.supervision = supervision
        self.state = ParentState([])

    @receive
    def hire(self, _message: Hire) -> None:
        """Spawn and watch."""
        self.watch(self.spawn(Diary, "child", supervision=self.supervision))

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep the message."""
        self.state.ends.append(f"{message.ref.path}: {message.reason}")

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Answer with the ended children."""
        return Notes(tuple(self.state.ends))


async def test_stop_is_the_default(caplog: pytest.LogCaptureFixture) -> None:
    """A failure ends the actor, is logged, observed and kept; its messages are lost."""
    async with System() as system:
        story = Story(system)
        ref = system.spawn(Diary(), "diary")
        asked = asyncio.ensure_future(raised_by(ref.ask(Blow("loud"))))
        await asyncio.sleep(0)
        ref.tell(Note("left"))
        error = await asked
        assert isinstance(error, ActorFailedError)
        assert isinstance(error.__cause__, ValueError)
        assert (error.actor, error.message) == ("diary", "Blow")
        await until(lambda: not ref.is_alive)
        assert story.lost == ["left: the actor failed"]
        assert story.lives == ["diary spawned", "diary: the actor failed"]
        assert [str(one) for one in system.failures] == [str(error)]
        (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
        assert "diary failed on Blow: ValueError: loud" in record.getMessage()


async def test_restart_keeps_the_mailbox() -> None:
    """A restart begins with the first state, and handles the waiting messages."""
    async with System() as system:
        story = Story(system)
        ref = system.spawn(Diary(), "diary", supervision=Restart())
        ref.tell(Note("before"))
        asked = asyncio.ensure_future(raised_by(ref.ask(Blow("loud"))))
        await asyncio.sleep(0)
        ref.tell(Note("after"))
        assert isinstance(await asked, ActorFailedError)
        assert await ref.ask(Collect()) == Notes(("after",))
        assert story.lives == ["diary spawned", "diary restarted"]
        assert story.lost == []


async def test_restart_and_asks() -> None:
    """Asks in the mailbox survive a restart; those already taken fail."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary", supervision=Restart())
        taken = asyncio.ensure_future(raised_by(ref.ask(Carry("taken"))))
        await rest()
        ref.tell(Blow("loud"))
        waiting = asyncio.ensure_future(ref.ask(Collect()))
        error = await taken
        assert isinstance(error, ActorFailedError)
        assert "restarted before it answered" in error.reason
        assert await waiting == Notes(())


async def test_restart_by_a_factory() -> None:
    """With a factory each life has a new actor."""
    made: list[Diary] = []

    def make() -> Diary:
        made.append(Diary())
        return made[-1]

    async with System() as system:
        ref = system.spawn(make, "diary", supervision=Restart())
        ref.tell(Note("old"))
        ref.tell(Blow("loud"))
        ref.tell(Note("new"))
        await ref.ask(Collect())
        assert [texts_of(one) for one in made] == [
            ["old", "failed: loud", "stopped"],
            ["new"],
        ]


@virtual_time
async def test_pause_doubles() -> None:
    """The pause before a restart doubles, up to its limit; messages wait during it."""
    loop = asyncio.get_running_loop()
    supervision = Restart(limit=9, delay=1.0, delay_max=3.0)
    async with System() as system:
        ref = system.spawn(Diary(), "diary", supervision=supervision)
        times: list[float] = []
        for _ in range(4):
            began = loop.time()
            ref.tell(Blow("loud"))
            await ref.ask(Collect(), timeout=60.0)
            times.append(loop.time() - began)
        assert times == pytest.approx([1.0, 2.0, 3.0, 3.0])


@virtual_time
async def test_limit_counts_within_its_time() -> None:
    """More failures than `limit` in `within` seconds stop the actor; fewer do not."""
    async with System() as system:
        ref = system.spawn(Diary(), supervision=Restart(limit=1, within=10.0))
        for _ in range(3):
            ref.tell(Blow("loud"))
            await asyncio.sleep(11.0)
        assert ref.is_alive
        ref.tell(Blow("loud"))
        ref.tell(Blow("loud"))
        await ref.stopped()


async def test_decision_by_the_error() -> None:
    """A function may decide; one that raises stops the actor."""

    def decide(error: BaseException) -> Stop | Restart:
        if str(error) == "unknown":
            raise KeyError(str(error))
        return Restart() if str(error) == "again" else Stop()

    async with System() as system:
        for reasons, alive in (
            (["again"], True),
            (["no"], False),
            (["unknown"], False),
        ):
            ref = system.spawn(Diary(), supervision=decide)
            for reason in reasons:
                ref.tell(Blow(reason))
            await rest()
            assert ref.is_alive is alive


async def test_watching() -> None:
    """A watcher receives one notice of an end, and none of a restart."""
    async with System() as system:
        parent = system.spawn(Parent(Restart(limit=1)), "parent")
        parent.tell(Hire())
        await parent.ask(Collect())
        child = system.ref("parent/child")
        child.tell(Blow("loud"))
        await rest()
        assert await parent.ask(Collect()) == Notes(())
        child.tell(Blow("loud"))
        await rest()
        told = Notes(("parent/child: the actor failed",))
        assert await parent.ask(Collect()) == told


async def test_watching_nobody() -> None:
    """A watcher of an absent actor is notified."""

    class Watcher(Parent):
        @receive
        def note(self, message: Note) -> None:
            """Watch."""
            self.watch(self.system.ref(message.text))

    async with System() as system:
        ref = system.spawn(Watcher(Stop()), "watcher")
        ref.tell(Note("nobody"))
        await rest()
        assert await ref.ask(Collect()) == Notes(("nobody: there is no such actor",))


async def test_escalation_restarts_the_parent() -> None:
    """A child that escalates ends, and its parent fails with the same error."""
    async with System() as system:
        story = Story(system)
        supervision = Restart(limit=3)
        parent = system.spawn(Parent(Escalate()), "parent", supervision=supervision)
        parent.tell(Hire())
        await parent.ask(Collect())
        system.ref("parent/child").tell(Blow("loud"))
        await until(lambda: "parent restarted" in story.lives)
        assert story.lives[-2:] == [
            "parent/child: the actor failed",
            "parent restarted",
        ]
        assert [(one.actor, one.message) for one in system.failures] == [
            ("parent/child", "Blow"),
            ("parent", "child parent/child"),
        ]


async def test_escalation_without_a_parent() -> None:
    """It ends the System, and `async with` raises the error."""

    async def run() -> None:
        async with System() as system:
            other = system.spawn(Diary(), "other")
            system.spawn(Diary(), "diary", supervision=Escalate()).tell(Blow("loud"))
            await other.stopped()

    with pytest.raises(ActorFailedError, match="diary failed on Blow"):
        await run()


async def test_children_end_first() -> None:
    """Children have ended before their parent's `on_stop`, and before it restarts."""
    async with System() as system:
        story = Story(system)
        supervision = Restart()
        parent = system.spawn(Parent(Stop()), "parent", supervision=supervision)
        parent.tell(Hire())
        parent.tell(Blow("loud"))
        parent.tell(Hire())
        await parent.ask(Collect())
        parent.stop()
        await parent.stopped()
        assert story.lives == [
            "parent spawned",
            "parent/child spawned",
            "parent/child: the actor has stopped",
            "parent restarted",
            "parent/child spawned",
            "parent/child: the actor has stopped",
            "parent: the actor has stopped",
        ]


async def test_timers_end_at_a_restart() -> None:
    """A timer of an earlier life does not fire in the next."""

    class Ticking(Diary):
        @receive
        def note(self, message: Note) -> None:
            """Set a timer."""
            self.after(0.0, Collect())
            super().note(message)

    async with System() as system:
        ref = system.spawn(Ticking(), "diary", supervision=Restart())
        ref.tell(Note("old"))
        ref.tell(Blow("loud"))
        await rest()
        assert await ref.ask(Collect()) == Notes(())
        assert system.statistics().dead_letters == 0


async def test_ask_of_one_who_fails_for_good() -> None:
    """Asks in the mailbox of an actor that ends fail."""
    async with System() as system:
        ref = system.spawn(Diary(), "diary")
        first = asyncio.ensure_future(raised_by(ref.ask(Blow("loud"))))
        second = asyncio.ensure_future(raised_by(ref.ask(Collect())))
        assert isinstance(await first, ActorFailedError)
        assert isinstance(await second, ActorStoppedError)
