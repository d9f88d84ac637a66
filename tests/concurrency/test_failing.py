"""A failure at a bad time: in a pause, in a hook, while stopping, in a grandchild."""

import asyncio

import pytest

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    Escalate,
    Mailbox,
    Message,
    Restart,
    Supervision,
    System,
    receive,
)
from tests.concurrency.cast import (
    Story,
    Waiter,
    Watcher,
    raised_by,
    rest,
    until,
    virtual_time,
)
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes

pytestmark = pytest.mark.asyncio


class Tick(Message, frozen=True):
    """The message of a periodic timer."""


class Family(Actor[Blow]):
    """Has a child with the first supervision, which has one with the next."""

    def __init__(self, *supervisions: Supervision) -> None:
        self.supervisions = supervisions

    def on_start(self) -> None:
        """Spawn a child, if there is a supervision for one."""
        if self.supervisions:
            mine, *others = self.supervisions
            self.spawn(lambda: Family(*others), "child", supervision=mine)

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)


class Hooked(Actor[Note | Carry | Blow]):
    """Notes its hooks; waits in `Carry`, and raises when that is cancelled."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.log.append(message.text)

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)

    @receive
    async def carry(self, message: Carry) -> Note:
        """Wait forever."""
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError(f"in the clean-up of {message.text}")

    def on_stop(self) -> None:
        """Keep the message."""
        self.log.append("on_stop")

    def on_failure(self, error: BaseException) -> None:
        """Keep the message."""
        self.log.append(f"on_failure: {error}")


async def test_nested_escalation() -> None:
    """Each actor that escalates fails its parent, up to one that restarts."""
    async with System() as system:
        story = Story(system)
        system.spawn(
            lambda: Family(Restart(), Escalate(), Escalate()),
            "top",
            supervision=Restart(),
        )
        system.ref("top/child/child/child").tell(Blow("loud"))
        await until(lambda: "top/child restarted" in story.lives)
        await rest()
        assert [failure.actor for failure in system.failures] == [
            "top/child/child/child",
            "top/child/child",
            "top/child",
        ]
        assert "ValueError: loud" in system.failures[-1].reason
        assert "top restarted" not in story.lives
        assert system.is_alive("top/child/child/child")


async def test_escalation_after_too_many_restarts() -> None:
    """The decision after the last restart may be an escalation."""

    async def run() -> None:
        async with System() as system:
            other = system.spawn(Diary(), "other")
            supervision = Restart(limit=1, then=Escalate())
            ref = system.spawn(Diary(), "diary", supervision=supervision)
            ref.tell(Blow("first"))
            ref.tell(Blow("second"))
            await other.stopped()

    with pytest.raises(ActorFailedError, match=r"failed on Blow: .* second"):
        await run()


async def test_escalation_beside_another_error() -> None:
    """An error of the block itself goes first, and has a note of the escalation."""

    async def run() -> None:
        async with System() as system:
            ref = system.spawn(Diary(), "diary", supervision=Escalate())
            ref.tell(Blow("loud"))
            await ref.stopped()
            raise LookupError("of the block")

    with pytest.raises(LookupError, match="of the block") as caught:
        await run()
    (note,) = caught.value.__notes__
    assert "diary failed on Blow" in note


async def test_escalate_needs_nothing_to_begin_with() -> None:
    """An actor without a state or a factory may escalate: it does not restart."""
    async with System() as system:
        ref = system.spawn(Hooked([]), "hooked", supervision=Escalate())
        assert ref.is_alive


async def test_escalation_interrupts_the_parent() -> None:
    """A parent with a waiting handler still fails, and so does the ask to it."""

    class Waiting(Waiter):
        def on_start(self) -> None:
            """Spawn a child."""
            self.spawn(Diary, "child", supervision=Escalate())

    async with System() as system:
        waiting = Waiting()
        ref = system.spawn(waiting, "parent")
        asked = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
        await waiting.inside.wait()
        system.ref("parent/child").tell(Blow("loud"))
        error = await asked
        assert isinstance(error, ActorFailedError)
        assert (error.actor, error.message) == ("parent", "child parent/child")


# -- hooks --------------------------------------------------------------------------


async def test_failure_while_stopping() -> None:
    """An exception in the clean-up of a cancelled handler is a failure."""
    async with System() as system:
        log: list[str] = []
        watching = Watcher()
        system.spawn(watching, "watcher").tell(Note("hooked"))
        ref = system.spawn(lambda: Hooked(log), "hooked", supervision=Restart())
        asked = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
        await rest()
        ref.stop(drain=False)
        await ref.stopped()
        assert log == ["on_failure: in the clean-up of x", "on_stop"]
        assert isinstance(await asked, ActorFailedError)
        await until(lambda: watching.ends)
        assert watching.ends == ["hooked: the actor failed"]


@virtual_time
async def test_stop_in_the_pause_before_a_restart() -> None:
    """It ends the actor at once: its last life has ended, including `on_stop`."""
    loop = asyncio.get_running_loop()
    async with System() as system:
        log: list[str] = []
        story = Story(system)
        supervision = Restart(delay=30.0)
        ref = system.spawn(lambda: Hooked(log), "hooked", supervision=supervision)
        ref.tell(Blow("loud"))
        ref.tell(Note("waits"))
        await asyncio.sleep(1.0)
        ref.stop(drain=False)
        await ref.stopped()
        assert loop.time() == pytest.approx(1.0)
        assert log == ["on_failure: loud", "on_stop"]
        assert story.lost == ["waits: the actor failed"]


@virtual_time
async def test_draining_stop_in_the_pause_before_a_restart() -> None:
    """A draining stop keeps its place: the actor restarts and handles what waits."""
    async with System() as system:
        log: list[str] = []
        supervision = Restart(delay=3.0)
        ref = system.spawn(lambda: Hooked(log), "hooked", supervision=supervision)
        for message in (Blow("loud"), Note("waits")):
            ref.tell(message)
        ref.stop()
        ref.tell(Note("too late"))
        await ref.stopped()
        assert log == ["on_failure: loud", "on_stop", "waits", "on_stop"]


async def test_start_that_fails_again() -> None:
    """An `on_start` that raises at a restart is a failure, and counts as one."""
    lives = 0

    class Fragile(Diary):
        def on_start(self) -> None:
            """Work once, then not for two lives, then again."""
            nonlocal lives
            lives += 1
            if lives in (2, 3):
                raise OSError(f"not in life {lives}")

    async with System() as system:
        ref = system.spawn(Fragile, "fragile", supervision=Restart(limit=3))
        ref.tell(Blow("loud"))
        assert await ref.ask(Collect()) == Notes(())
        assert lives == 4
        assert [one.message for one in system.failures] == [
            "Blow",
            "on_start",
            "on_start",
        ]


async def test_async_start() -> None:
    """The first message waits for a waiting `on_start`, whose failure counts."""

    class Slow(Diary):
        def __init__(self, *, works: bool) -> None:
            super().__init__()
            self.works = works

        async def on_start(self) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            """Wait, then note it or raise."""
            await gate.wait()
            if not self.works:
                raise OSError("no luck")
            self.state.texts.append("started")

    gate = asyncio.Event()
    async with System() as system:
        works = system.spawn(Slow(works=True), "works")
        fails = system.spawn(Slow(works=False), "fails")
        works.tell(Note("first"))
        await rest()
        gate.set()
        assert await works.ask(Collect()) == Notes(("started", "first"))
        await fails.stopped()
        assert str(system.failures[0]) == "fails failed on on_start: OSError: no luck"


# -- what a restart keeps ------------------------------------------------------------


async def test_restart_and_stash() -> None:
    """Stashed messages return at a restart, before those that wait."""

    class Forgetful(Diary):
        lives = 0

        def on_start(self) -> None:
            """Count."""
            type(self).lives += 1

        @receive
        def note(self, message: Note) -> None:
            """Stash in the first life, keep in the next."""
            if self.lives == 1:
                self.stash()
            else:
                super().note(message)

    async with System() as system:
        ref = system.spawn(Forgetful, "forgetful", supervision=Restart())
        for message in (Note("1"), Note("2"), Blow("loud"), Note("3")):
            ref.tell(message)
        assert await ref.ask(Collect()) == Notes(("1", "2", "3"))


class Ticking(Actor[Tick | Carry | Blow]):
    """Ticks, and fails when a tick waits for it."""

    @receive
    def tick(self, _message: Tick) -> None:
        """Do nothing."""

    @receive
    def carry(self, _message: Carry) -> None:
        """Never answer, but read `reply_to`."""
        self.later = self.reply_to

    @receive
    async def blow(self, message: Blow) -> Note:
        """Tick, and fail when a tick waits."""
        self.every(1e-6, Tick())
        while not self.system.dump().actors[0].mailbox:  # noqa: ASYNC110
            await asyncio.sleep(1e-6)
        raise ValueError(message.reason)


async def test_tick_that_waits_at_a_restart() -> None:
    """A periodic timer's message in the mailbox is not taken for an ask."""
    async with System() as system:
        ref = system.spawn(Ticking, "ticking", supervision=Restart())
        first_ask_first_timer = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
        await rest()
        ref.tell(Blow("loud"))
        error = await first_ask_first_timer
        assert isinstance(error, ActorFailedError)
        assert "restarted before it answered" in error.reason


async def test_ask_that_waits_for_room_at_a_restart() -> None:
    """An ask that waits for room also survives a restart."""

    class Full(Waiter):
        @receive
        async def carry(self, message: Carry) -> Note:
            """Wait, then fail the first time."""
            await super().carry(message)
            raise ValueError(message.text)

    async with System() as system:
        actor = Full()
        first = [actor]

        def make() -> Full:
            return first.pop() if first else Full()

        mailbox = Mailbox(1, "wait")
        ref = system.spawn(make, "full", supervision=Restart(), mailbox=mailbox)
        asked = asyncio.ensure_future(raised_by(ref.ask(Carry("x"))))
        await actor.inside.wait()
        ref.tell(Note("fills it"))
        waits = asyncio.ensure_future(ref.ask(Collect()))
        await rest()
        actor.gate.set()
        assert isinstance(await asked, ActorFailedError)
        assert await waits == Notes(("fills it",))
