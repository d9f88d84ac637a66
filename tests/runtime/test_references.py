"""The actor that a reference means: its System, its path, and its incarnation."""

import asyncio
import copy
import pickle
from collections.abc import Awaitable, Callable
from typing import Any

import msgpack
import pytest

from ccw_actors.errors import ActorFailedError, ActorStoppedError, UnknownSystemError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    ReplyTo,
    Request,
    Restart,
    System,
    Terminated,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Blow, Carry, Collect, Deliver, Diary, Note, Notes
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


class Alarm(Message, frozen=True):
    """Brought by a timer."""


class Introduce(Message, frozen=True):
    """Introduces an actor."""

    ref: ActorRef[Any]


class Owner(Message, frozen=True):
    """Passes on a `reply_to`."""

    to: ReplyTo[Note]


class Who(Request[Introduce], frozen=True):
    """Asks which actor was introduced last."""


class Host(Actor[Introduce | Who | Owner | Terminated]):
    """Keeps introduced actors; calls `does` with each; `ends` has the ended ones."""

    def __init__(
        self,
        does: Callable[["Host", ActorRef[Any]], Awaitable[Any] | None] | None = None,
    ) -> None:
        self.does = does
        self.guests: list[ActorRef[Any]] = []
        self.ends: list[Terminated] = []
        self.raised: list[BaseException] = []

    @receive
    async def introduce(self, message: Introduce) -> None:
        """Keep the actor, and call `does`."""
        self.guests.append(message.ref)
        try:
            done = self.does(self, message.ref) if self.does is not None else None
            if done is not None:
                await done
        except Exception as error:  # noqa: BLE001 - it is looked at
            self.raised.append(error)

    @receive
    def who(self, _message: Who) -> Introduce:
        """Tell."""
        return Introduce(self.guests[-1])

    @receive
    def owner(self, message: Owner) -> None:
        """Answer for another actor."""
        try:
            self.reply(message.to, Note("from a stranger"))
        except Exception as error:  # noqa: BLE001 - it is looked at
            self.raised.append(error)

    @receive
    def ended(self, message: Terminated) -> None:
        """Keep."""
        self.ends.append(message)


class Session(Diary):
    """A diary that a timer wakes."""

    @receive
    def waked(self, _message: Alarm) -> None:
        """Keep."""
        self.state.texts.append("waked")


class Play:
    """A System under a clock, and two sessions at one path, one after the other."""

    def __init__(self) -> None:
        self.clock = VirtualDispatcher()
        self.system = System(self.clock, name="here")
        self.first, self.second = Session(), Session()
        self.old = self.system.spawn(self.first, "session/7")

    def respawn(self) -> ActorRef[Any]:
        """End the first, spawn the second; return its reference."""
        self.old.stop()
        self.clock.run()
        new = self.system.spawn(self.second, "session/7")
        self.clock.run()
        return new


# -- incarnations ----------------------------------------------------------------


def test_who_a_reference_is_to() -> None:
    """It has the name of the System, the path, and the incarnation, from 1."""
    play = Play()
    new = play.respawn()
    assert (play.old.system, play.old.path, play.old.incarnation) == (
        "here",
        "session/7",
        1,
    )
    assert (new.path, new.incarnation) == ("session/7", 2)
    assert (repr(play.old), repr(new)) == (
        "<ActorRef session/7>",
        "<ActorRef session/7#2>",
    )


def test_reference_on_the_wire() -> None:
    """Those three are what travels."""
    play = Play()
    payload = play.system.codec.encode(Introduce(play.respawn()))
    assert msgpack.unpackb(payload) == ["Introduce", ["here", "session/7", 2]]


def test_reference_to_one_who_has_ended() -> None:
    """It is dead: no message and no stop reaches the current actor."""
    play = Play()
    new = play.respawn()
    assert (play.old.is_alive, new.is_alive) == (False, True)
    play.old.tell(Note("for alice"))
    with pytest.raises(
        ActorStoppedError, match="session/7 was asked Collect: there is"
    ):
        play.old.ask(Collect(), block=True)
    for drain in (True, False):
        play.old.stop(drain=drain)
    play.clock.run()
    assert new.is_alive
    assert new.ask(Collect(), block=True) == Notes(())
    assert play.system.statistics().dead_letters == 2


def test_references_are_equal_if_they_mean_the_same() -> None:
    """Equal references mean the same actor, and no other."""
    play = Play()
    other = play.system.spawn(Session(), "other")
    again = play.system.ref("session/7")
    assert play.old == again
    assert hash(play.old) == hash(again)
    new = play.respawn()
    assert len({play.old, again, new, other, play.system.ref("session/7")}) == 3
    assert play.old != new == play.system.ref("session/7")


def test_copies_of_a_reference() -> None:
    """A copy is the reference itself; it can be sent, but not pickled."""
    ref = Play().old
    assert copy.copy(ref) is copy.deepcopy(ref) is ref
    assert copy.deepcopy({"them": [ref]}) == {"them": [ref]}
    with pytest.raises(TypeError, match="session/7> cannot be pickled: send it in a m"):
        pickle.dumps(ref)


def test_reference_by_a_path() -> None:
    """It means the current actor, or else the next one."""
    play = Play()
    assert play.system.ref("session/7") == play.old
    play.old.stop()
    play.clock.run()
    next_one = play.system.ref("session/7")
    assert not next_one.is_alive
    assert next_one != play.old
    assert play.system.spawn(play.second, "session/7") == next_one
    next_one.tell(Note("for bob"))
    assert next_one.ask(Collect(), block=True) == Notes(("for bob",))


def test_restart_is_no_end() -> None:
    """References survive a restart."""
    clock = VirtualDispatcher()
    system = System(clock)
    ref = system.spawn(Session, "session/7", supervision=Restart())
    with pytest.raises(ActorFailedError):
        ref.ask(Blow("loud"), block=True)
    assert ref.is_alive
    assert ref == system.ref("session/7")
    assert ref.ask(Collect(), block=True) == Notes(())


def test_path_that_is_free_after_a_failed_start() -> None:
    """An actor that failed to start used a number: the next one has another."""

    class Stillborn(Session):
        def on_start(self) -> None:
            """Fail to start."""
            raise OSError("no port")

    system = System(VirtualDispatcher())
    with pytest.raises(OSError, match="no port"):
        system.spawn(Stillborn(), "session/7")
    assert system.spawn(Session(), "session/7").incarnation == 2


# -- what is owed to one who has ended -------------------------------------------


class Teller(Session):
    """Tells a request when it starts."""

    def __init__(self, to: ActorRef[Any]) -> None:
        super().__init__()
        self.to = to

    def on_start(self) -> None:
        """Tell a request."""
        self.to.tell(Carry("late"))


def test_sender_who_has_ended() -> None:
    """A late answer to a told request does not reach the next actor at its path."""
    clock = VirtualDispatcher()
    system, next_one = System(clock), Session()
    other = system.spawn(Diary(), "other")
    ref = system.spawn(Teller(other), "session/7")
    clock.run()
    ref.stop()
    clock.run()
    system.spawn(next_one, "session/7")
    other.tell(Deliver())
    clock.run()
    assert next_one.state.texts == []
    assert system.statistics().dead_letters == 1


def test_watching_one_who_has_ended() -> None:
    """A watcher receives the notice of that actor at once, and none of the next."""
    play, host = Play(), Host(lambda host, ref: host.watch(ref))
    new = play.respawn()
    play.system.spawn(host, "host").tell(Introduce(play.old))
    play.clock.run()
    (end,) = host.ends
    assert (end.ref, end.reason) == (play.old, "there is no such actor")
    new.stop()
    play.clock.run()
    assert len(host.ends) == 1


def test_watcher_who_has_ended() -> None:
    """A notice for it does not reach the current actor at its path."""
    play = Play()
    watching, next_one = Host(lambda host, ref: host.watch(ref)), Host()
    watcher = play.system.spawn(watching, "host")
    watcher.tell(Introduce(play.old))
    play.clock.run()
    watcher.stop()
    play.clock.run()
    play.system.spawn(next_one, "host")
    play.old.stop()
    play.clock.run()
    assert (watching.ends, next_one.ends) == ([], [])


def test_timers_of_one_who_has_ended() -> None:
    """Setting or cancelling one does not affect the current actor."""
    play = Play()
    key = play.first.after(5.0, Alarm())
    play.respawn()
    assert play.second.after(5.0, Alarm()) == key
    play.first.cancel(key)
    assert play.first.after(1.0, Alarm()) == play.first.every(1.0, Alarm()) == 0
    play.clock.advance(4.0)
    assert play.second.state.texts == []
    play.clock.advance(2.0)
    assert play.second.state.texts == ["waked"]


def test_references_of_one_who_has_ended_to_itself() -> None:
    """They are dead as well: messages to itself are lost."""
    play = Play()
    play.respawn()
    assert play.first.ref == play.old
    play.first.ref.tell(Note("to whom?"))
    play.first.stop()
    play.clock.run()
    assert (play.second.state.texts, play.second.ref.is_alive) == ([], True)


# -- other Systems ---------------------------------------------------------------

USES: dict[str, Callable[[Host, ActorRef[Any]], Any]] = {
    "tell": lambda _host, ref: ref.tell(Note("x")),
    "ask": lambda _host, ref: ref.ask(Collect()),
    "ask, blocking": lambda _host, ref: ref.ask(Collect(), block=True),
    "offer": lambda _host, ref: ref.offer(Note("x")),
    "offer, blocking": lambda _host, ref: ref.offer(Note("x"), block=True),
    "stop": lambda _host, ref: ref.stop(),
    "stop, at once": lambda _host, ref: ref.stop(drain=False),
    "started": lambda _host, ref: ref.started(),
    "stopped": lambda _host, ref: ref.stopped(),
    "is_alive": lambda _host, ref: (ref.is_alive, None)[1],
    "watch": lambda host, ref: host.watch(ref),
    "unwatch": lambda host, ref: host.unwatch(ref),
}


@loop
@pytest.mark.parametrize("use", USES)
async def test_reference_of_another_system(use: str) -> None:
    """Using it raises, names that System and the known ones, and reaches nobody.

    Also if this System has an actor at the same path.
    """
    async with System(name="one") as one, System(name="two") as two:
        right, wrong, host = Diary(), Diary(), Host(USES[use])
        ref = one.spawn(right, "diary")
        two.spawn(wrong, "diary")
        asker = two.spawn(host, "host")
        asker.tell(Introduce(ref))
        await until(lambda: bool(host.raised))
        (error,) = host.raised
        assert isinstance(error, UnknownSystemError)
        assert (error.system, error.known) == ("one", ("two",))
        assert str(error) == "diary belongs to the System 'one'; known here: 'two'"
        await asyncio.sleep(0)
        assert right.state.texts == wrong.state.texts == []
        assert two.is_alive("diary")
        assert host.ends == []


@loop
async def test_reference_that_is_passed_on() -> None:
    """It passes unchanged through an unknown System, and works in its own."""
    async with System(name="one") as one, System(name="two") as two:
        diary = Diary()
        ref = one.spawn(diary, "diary")
        two.spawn(Diary(), "diary")
        host = two.spawn(Host(), "host")
        host.tell(Introduce(ref))
        back = (await host.ask(Who())).ref
        assert back == ref != two.ref("diary")
        assert (back.system, back.path, back.incarnation) == ("one", "diary", 1)
        home = one.spawn(Host(lambda _host, ref: ref.tell(Note("hello"))), "home")
        home.tell(Introduce(back))
        await until(lambda: diary.state.texts == ["hello"])


@loop
async def test_reference_that_did_not_travel() -> None:
    """In one process a reference held by the code works: messages come from outside."""
    async with System(name="one") as one, System(name="two") as two:
        diary, told = Diary(), list[str]()
        ref = one.spawn(diary, "diary")

        async def use(_host: Host, _ref: ActorRef[Any]) -> None:
            ref.tell(Note("over"))
            notes: Notes = await ref.ask(Collect())
            told.extend(notes.texts)

        two.spawn(Host(use), "host").tell(Introduce(two.ref("host")))
        await until(lambda: told == ["over"])


class Passing(Actor[Carry]):
    """Does not answer, and keeps `reply_to`."""

    def __init__(self) -> None:
        self.owed: list[ReplyTo[Note]] = []

    @receive
    def carry(self, _message: Carry) -> None:
        """Let another actor answer."""
        self.owed.append(self.reply_to)


class Asking(Actor[Introduce | Note]):
    """Tells a request, and keeps the answers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @receive
    def introduce(self, message: Introduce) -> None:
        """Tell a request."""
        message.ref.tell(Carry("x"))

    @receive
    def note(self, message: Note) -> None:
        """Hear the answer."""
        self.heard.append(message.text)


async def assert_cannot_answer(other: System, passing: Passing) -> None:
    """Assert that an actor of another System is refused when it answers."""
    await until(lambda: bool(passing.owed))
    (owed,) = passing.owed
    assert owed.system == "one"
    host = Host()
    other.spawn(host, "host").tell(Owner(owed))
    await until(lambda: bool(host.raised))
    (error,) = host.raised
    assert isinstance(error, UnknownSystemError)
    assert "belongs to the System 'one'; known here: 'two'" in str(error)


@loop
async def test_answer_to_an_ask_of_another_system() -> None:
    """A `reply_to` of another System cannot be answered, and reaches nobody else.

    The ask of the same number here is a different one.
    """
    async with System(name="one") as one, System(name="two") as two:
        passing = Passing()
        asked = one.spawn(passing, "passing"), two.spawn(Diary(), "slow")
        waits = [asyncio.ensure_future(ref.ask(Carry("x"))) for ref in asked]
        await assert_cannot_answer(two, passing)
        assert not any(wait.done() for wait in waits)
        for wait in waits:
            wait.cancel()


@loop
async def test_answer_that_is_owed_in_another_system() -> None:
    """Nor does it reach the actor at the same path here."""
    async with System(name="one") as one, System(name="two") as two:
        passing, asking, other = Passing(), Asking(), Asking()
        two.spawn(other, "asking")
        ref = one.spawn(asking, "asking")
        ref.tell(Introduce(one.spawn(passing, "passing")))
        await assert_cannot_answer(two, passing)
        assert asking.heard == other.heard == []


@pytest.mark.asyncio
async def test_names_of_systems() -> None:
    """By default each System has its own name; repeatable ones always the same."""
    assert len({System().name for _ in range(3)}) == 3
    assert {System(VirtualDispatcher()).name for _ in range(3)} == {"system"}
    assert System(VirtualDispatcher(), name="mine").name == "mine"
