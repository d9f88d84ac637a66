"""The statistics and the dump of a System."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ccw_actors.errors import ActorFailedError, AskTimeoutError, MailboxFullError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Observer,
    Restart,
    Statistics,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Blow, Carry, Collect, Deliver, Diary, Note
from tests.runtime.worlds import until


class Asker(Actor[Carry]):
    """Asks another one."""

    def __init__(self, other: ActorRef[Carry]) -> None:
        self.other = other

    @receive
    async def carry(self, message: Carry) -> Note:
        """Ask."""
        return await self.other.ask(message)


@asynccontextmanager
async def asking() -> AsyncGenerator[System]:
    """Let one actor ask another, with one more message waiting."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        asker = system.spawn(Asker(diary), "asker")
        asked = asyncio.ensure_future(asker.ask(Carry("x")))
        for _ in range(5):
            await asyncio.sleep(0)
        asker.tell(Carry("queued"))
        yield system
        asked.cancel()


@pytest.mark.asyncio
async def test_dump() -> None:
    """It lists what each actor waits for, with queues and ages."""
    async with asking() as system:
        found = system.dump()
        by_path = {one.path: one for one in found.actors}
        assert by_path["diary"].doing == "idle"
        assert by_path["asker"].doing == "waiting"
        assert by_path["asker"].mailbox == 1
        assert by_path["asker"].waits_for.startswith("diary to answer Carry, for 0.0")
        assert [(one.asker, one.target, one.message) for one in found.asks] == [
            ("", "asker", "Carry"),
            ("asker", "diary", "Carry"),
        ]


@pytest.mark.asyncio
async def test_dump_as_text() -> None:
    """It names the target of each waiting actor, and counts the idle ones."""
    async with asking() as system:
        text = str(system.dump())
        assert "asker (Asker): waiting, 1 queued, waits for diary" in text
        assert "1 of 2 actors are idle" in text
        assert "the outside waits for asker to answer Carry" in text


@pytest.mark.asyncio
async def test_statistics() -> None:
    """The statistics count handled and lost messages, and asks."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        diary.tell(Note("1"))
        await diary.ask(Collect())
        system.ref("nobody").tell(Note("lost"))
        counts = system.statistics()
        assert (counts.actors, counts.handled, counts.dead_letters) == (1, 2, 1)


class Lives(Observer):
    """Keeps the starts and ends of actors."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def spawned(self, actor: str) -> None:
        """Keep it."""
        self.seen.append(f"{actor} spawned")

    def stopped(self, actor: str, reason: str) -> None:
        """Keep it."""
        self.seen.append(f"{actor}: {reason}")


@pytest.mark.asyncio
async def test_observer_of_a_stillborn_actor() -> None:
    """An observer sees the start and the end of an actor whose `on_start` raises."""

    class Stillborn(Diary):
        def on_start(self) -> None:
            """Raise."""
            raise ValueError("in on_start")

    async with System() as system:
        lives = Lives()
        system.observe(lives)
        with pytest.raises(ValueError, match="in on_start"):
            system.spawn(Stillborn(), "diary")
        assert lives.seen == ["diary spawned", "diary: the actor failed to start"]
        system.unobserve(lives)
        system.spawn(Diary(), "other")
        assert len(lives.seen) == 2


def test_every_count() -> None:
    """Each number of the statistics counts what its name says, and nothing else."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    ask_in_vain(system)
    dispatcher.run()
    fill_mailboxes(system)
    assert system.statistics() == Statistics(
        actors=3,
        handled=3,  # Carry, Deliver, Blow
        waiting_messages=3,
        pending_asks=0,
        dead_letters=4,  # the dropped messages, and the late answer
        late_answers=1,
        expired_asks=1,
        dropped=3,
        refused=2,
        failures=1,
        restarts=1,
    )


def ask_in_vain(system: System) -> None:
    """Ask an actor twice: it answers too late, then fails and restarts."""
    diary = system.spawn(Diary(), "diary", supervision=Restart())
    with pytest.raises(AskTimeoutError):
        diary.ask(Carry("late"), timeout=1.0, block=True)
    diary.tell(Deliver())
    with pytest.raises(ActorFailedError):
        diary.ask(Blow("loud"), block=True)


def fill_mailboxes(system: System) -> None:
    """Tell three messages too many to a mailbox that drops, two to one that refuses."""
    dropping = system.spawn(Diary(), "dropping", mailbox=Mailbox(2, "drop newest"))
    refusing = system.spawn(Diary(), "refusing", mailbox=Mailbox(1))
    for _ in range(5):
        dropping.tell(Note("x"))
    refusing.tell(Note("x"))
    for _ in range(2):
        with pytest.raises(MailboxFullError):
            refusing.tell(Note("x"))


class Parent(Actor):
    """Has a child."""

    def on_start(self) -> None:
        """Spawn it."""
        self.spawn(Sleeper(), "child")


class Sleeper(Actor[Note | Carry | Blow]):
    """Sleeps on a note, stashes a `Carry`, fails on a `Blow`."""

    @receive
    async def note(self, _message: Note) -> None:
        """Sleep through cancellations."""
        try:
            await self.sleep(60.0)
        except asyncio.CancelledError:
            await self.sleep(60.0)

    @receive
    def carry(self, _message: Carry) -> None:
        """Stash the message."""
        self.stash()

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)


def some_who_do_different_things() -> System:
    """Return a System whose actors are named after what they do."""
    dispatcher = VirtualDispatcher()
    system = System(dispatcher)
    for path in ("idle", "busy", "waiting", "stashing"):
        system.spawn(Sleeper(), path)
    system.spawn(Parent(), "stopping")
    system.spawn(Sleeper, "restarting", supervision=Restart(delay=30.0))
    for path in ("waiting", "stopping/child"):
        system.ref(path).tell(Note("x"))
    system.ref("stashing").tell(Carry("x"))
    system.ref("restarting").tell(Blow("loud"))
    dispatcher.advance(1.0)
    system.ref("stopping").stop(drain=False)
    dispatcher.advance(1.0)
    system.ref("busy").tell(Note("x"))
    return system


def test_what_actors_do() -> None:
    """The dump names idle, busy, waiting, restarting and stopping actors."""
    found = some_who_do_different_things().dump().actors
    assert {one.path: one.doing for one in found} == {
        "idle": "idle",
        "busy": "busy",
        "waiting": "waiting",
        "stashing": "idle",
        "stopping": "stopping",
        "stopping/child": "stopping",
        "restarting": "restarting",
    }


def test_what_actors_have() -> None:
    """For each actor it has the queue, the wait and the class."""
    dump = some_who_do_different_things().dump()
    found = {one.path: one for one in dump.actors}
    assert (found["stashing"].stash, found["busy"].mailbox) == (1, 1)
    assert found["waiting"].waits_for == "60 s"
    assert found["restarting"].kind == "Sleeper"
    assert "busy (Sleeper): busy, 1 queued" in str(dump)


@pytest.mark.asyncio
async def test_dump_of_a_thread() -> None:
    """A thread that blocks in an ask is shown to wait for its answer."""

    class Caller(Actor[Carry]):
        @receive
        def carry(self, message: Carry) -> Note:
            """Ask, blocking."""
            answer: Note = diary.ask(message, block=True)
            return answer

    async with System() as system:
        actor = Diary()
        diary = system.spawn(actor, "diary")
        asked = asyncio.ensure_future(
            system.spawn_thread(Caller(), "caller").ask(Carry("x"))
        )
        await until(lambda: bool(actor.state.carried))
        one = next(one for one in system.dump().actors if one.path == "caller")
        assert (one.doing, one.waits_for) == ("waiting", "diary to answer Carry")
        assert ("caller", "diary") in [
            (ask.asker, ask.target) for ask in system.dump().asks
        ]
        diary.tell(Deliver())
        assert await asked == Note("x")
        assert system.dump().asks == ()
