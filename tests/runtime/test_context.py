"""Each actor has its own `contextvars.Context`, which no other actor sees."""

import asyncio
import contextvars
import decimal
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from ccw_actors.errors import ActorFailedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Dispatcher,
    FairDispatcher,
    Handled,
    Message,
    Observer,
    Request,
    Restart,
    Stop,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.worlds import World, until

pytestmark = pytest.mark.asyncio

user: contextvars.ContextVar[str] = contextvars.ContextVar("user", default="nobody")


class Name(Message, frozen=True):
    """The current user."""

    text: str


class LogIn(Request[Name], frozen=True):
    """Sets the user in a handler, which answers with it."""

    who: str
    seconds: float = 0.0


class WhoAmI(Request[Name], frozen=True):
    """Asks for the user of a handler that sets none."""


class Become(Message, frozen=True):
    """Sets the user of an actor from now on."""

    who: str


class Fail(Message, frozen=True):
    """Makes an actor fail."""


class Web(Actor[LogIn | WhoAmI | Become | Fail]):
    """Sets the user, waits, and resets it, as web handlers do."""

    @receive
    async def log_in(self, message: LogIn) -> Name:
        """Set the user for a while."""
        token = user.set(message.who)
        try:
            await self.sleep(message.seconds)
            return Name(user.get())
        finally:
            user.reset(token)

    @receive
    def who_am_i(self, _message: WhoAmI) -> Name:
        """Answer with the user."""
        return Name(user.get())

    @receive
    def become_user(self, message: Become) -> None:
        """Set the user and leave it set."""
        user.set(message.who)

    @receive
    def fail(self, _message: Fail) -> None:
        """Raise."""
        raise ValueError("as told")


@pytest_asyncio.fixture(params=["loop", "fair"])
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """Make a System under each dispatcher for an event loop."""
    fair = request.param == "fair"
    made = System(FairDispatcher(lambda path: path) if fair else None)
    async with made:
        yield made


async def test_actors_that_wait_at_once(system: System) -> None:
    """After its wait each handler sees its own value."""
    web = [system.spawn(Web()) for _ in range(3)]
    whos = ["alice", "bob", "carol"]
    asks = [
        ref.ask(LogIn(who, seconds))
        for ref, who, seconds in zip(web, whos, (0.002, 0.0, 0.001), strict=True)
    ]
    assert [name.text for name in await asyncio.gather(*asks)] == whos
    assert [(await ref.ask(WhoAmI())).text for ref in web] == ["nobody"] * 3
    assert user.get() == "nobody"


async def test_variable_stays_with_its_actor(world: World) -> None:
    """A handler's value is visible in its actor's later handlers, and nowhere else."""
    one, other = world.system.spawn(Web(), "one"), world.system.spawn(Web(), "other")
    one.tell(Become("alice"))
    assert await world.ask(one, WhoAmI()) == Name("alice")
    assert await world.ask(other, WhoAmI()) == Name("nobody")
    assert user.get() == "nobody"


async def test_decimal_precision(system: System) -> None:
    """A waiting handler keeps its own precision."""
    digits: list[str] = []

    class Sum(Actor[LogIn | WhoAmI]):
        @receive
        async def rounds(self, _message: LogIn) -> Name:
            with decimal.localcontext() as context:
                context.prec = 3
                await self.sleep(0.001)
                return Name(str(decimal.Decimal(1) / 3))

        @receive
        def exact(self, _message: WhoAmI) -> Name:
            digits.append(str(decimal.Decimal(1) / 3))
            return Name(digits[-1])

    rounds, exact = system.spawn(Sum()), system.spawn(Sum())
    rounded = asyncio.ensure_future(rounds.ask(LogIn("")))
    await asyncio.sleep(0)
    await exact.ask(WhoAmI())
    assert (await rounded).text == "0.333"
    assert len(digits[0]) == len("0.") + decimal.getcontext().prec


async def test_first_context_is_the_spawners(world: World) -> None:
    """An actor begins with its spawner's values at the spawn, not with later ones."""
    token = user.set("spawner")
    try:
        ref = world.system.spawn(Web(), "web")
        user.set("changed")
        assert await world.ask(ref, WhoAmI()) == Name("spawner")
    finally:
        user.reset(token)


class Parent(Web):
    """Spawns a child under a given name."""

    @receive
    def become_user(self, message: Become) -> None:
        """Spawn a child under another name."""
        user.set(message.who)
        self.spawn(Web(), "child")
        user.set("changed")


async def test_child_begins_with_its_parents(world: World) -> None:
    """A child has a copy of its parent's values at the spawn, then its own."""
    parent = world.system.spawn(Parent(), "parent")
    parent.tell(Become("alice"))
    await world.rest()
    child = world.system.ref("parent/child")
    assert await world.ask(child, WhoAmI()) == Name("alice")
    child.tell(Become("bob"))
    assert await world.ask(child, WhoAmI()) == Name("bob")
    assert await world.ask(parent, WhoAmI()) == Name("changed")


class Hooked(Actor[Name | Fail | WhoAmI]):
    """Notes its user in each hook, and for each message of a timer.

    The user changes each time: one more "!" at each step.
    """

    def __init__(self, seen: list[str], *, asynchronous: bool) -> None:
        self.seen = seen
        self.asynchronous = asynchronous
        self.note("made")

    def note(self, where: str) -> None:
        """Note the user, and change it."""
        self.seen.append(f"{where}: {user.get()}")
        user.set(user.get() + "!")

    async def later(self, where: str) -> None:
        """Note it before and after a wait."""
        self.note(where)
        await self.sleep(0.001)
        self.note(f"{where} again")

    def on_start(self) -> Any:
        """Note it; set a timer."""
        self.after(0.001, Name("timer"))
        if self.asynchronous:
            return self.later("start")
        self.note("start")
        return None

    def on_stop(self) -> Any:
        """Note it."""
        if self.asynchronous:
            return self.later("stop")
        self.note("stop")
        return None

    def on_failure(self, error: BaseException) -> None:
        """Note it."""
        del error
        self.note("failure")

    @receive
    def name(self, message: Name) -> None:
        """Note it."""
        self.note(message.text)

    @receive
    def fail(self, _message: Fail) -> None:
        """Note it; raise."""
        self.note("message")
        raise ValueError("as told")

    @receive
    async def who(self, _message: WhoAmI) -> Name:
        """Note it around a wait."""
        await self.later("ask")
        return Name("")


def one_life(*names: str) -> list[str]:
    """Return the notes under those names, in sequence in one context."""
    return [f"{name}: nobody{'!' * number}" for number, name in enumerate(names)]


PLAIN = ("made", "start", "timer", "ask", "ask again", "message", "failure", "stop")
ASYNC = ("made", "start", "start again", "timer", "ask", "ask again", "message")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("where", ["loop", "fair", "virtual"])
async def test_all_of_a_life_is_in_one_context(
    where: str, *, asynchronous: bool
) -> None:
    """Constructor, hooks, handlers and timer messages share the context across waits.

    A restart begins with the spawner's values again.
    """
    seen: list[str] = []
    clock = VirtualDispatcher()
    fair = FairDispatcher(lambda path: path)
    dispatchers: dict[str, Dispatcher] = {"virtual": clock, "fair": fair}
    system = System(dispatchers.get(where))

    async def until_seen(length: int) -> None:
        if where == "virtual":
            clock.run()
        else:
            await until(lambda: len(seen) >= length)

    def make() -> Hooked:
        return Hooked(seen, asynchronous=asynchronous)

    ref = system.spawn(make, "hooked", supervision=Restart())
    life = one_life(*PLAIN)
    if asynchronous:
        life = one_life(*ASYNC, "failure", "stop", "stop again")
    before = 4 if asynchronous else 3
    await until_seen(before)
    ref.tell(WhoAmI())
    await until_seen(before + 2)
    ref.tell(Fail())
    await until_seen(len(life) + before)
    assert seen[: len(life)] == life
    assert seen[len(life) :] == life[:before]
    assert user.get() == "nobody"
    await system.shutdown()


async def test_restart_gives_back_the_spawners_value(world: World) -> None:
    """A restart begins with the spawner's values, whatever was set before."""
    token = user.set("spawner")
    try:
        ref = world.system.spawn(Web, "web", supervision=Restart())
    finally:
        user.reset(token)
    for who in ("alice", "bob"):
        ref.tell(Become(who))
        assert await world.ask(ref, WhoAmI()) == Name(who)
        ref.tell(Fail())
        if world.name.startswith("stepping"):
            with pytest.raises(ActorFailedError):
                await world.rest()
        await world.rest()
        assert await world.ask(ref, WhoAmI()) == Name("spawner")


async def test_constructor_that_sets_a_variable() -> None:
    """A factory's values belong to its actor, not to the spawner, also in a thread."""

    class Maker(Web):
        def __init__(self) -> None:
            user.set("made")

    async with System() as system:
        assert await system.spawn(Maker).ask(WhoAmI()) == Name("made")
        assert await system.spawn_thread(ThreadMaker).ask(WhoAmI()) == Name("made")
        assert user.get() == "nobody"


class ThreadWeb(Actor[WhoAmI | Become | Fail]):
    """`Web` without a waiting handler."""

    seen: list[str]

    def on_start(self) -> None:
        """Note it."""
        self.seen = [user.get()]

    @receive
    def who_am_i(self, _message: WhoAmI) -> Name:
        """Answer with the user."""
        return Name(user.get())

    @receive
    def become_user(self, message: Become) -> None:
        """Set the user and leave it set."""
        user.set(message.who)

    @receive
    def fail(self, _message: Fail) -> None:
        """Raise."""
        raise ValueError("as told")

    def on_failure(self, error: BaseException) -> None:
        """Note it."""
        del error
        self.seen.append(user.get())

    def on_stop(self) -> None:
        """Note it."""
        self.seen.append(user.get())


class ThreadMaker(ThreadWeb):
    """An actor that sets the variable when it is created."""

    def __init__(self) -> None:
        user.set("made")


async def test_thread() -> None:
    """An actor in a thread begins with its spawner's values, also at a restart."""
    made: list[ThreadWeb] = []

    def make() -> ThreadWeb:
        made.append(ThreadWeb())
        return made[-1]

    async with System() as system:
        token = user.set("spawner")
        ref = system.spawn_thread(make, "web", supervision=Restart())
        user.reset(token)
        ref.tell(Become("alice"))
        assert await ref.ask(WhoAmI()) == Name("alice")
        ref.tell(Fail())
        assert await ref.ask(WhoAmI()) == Name("spawner")
        ref.tell(Become("bob"))
        assert await ref.ask(WhoAmI()) == Name("bob")
        assert [str(failure) for failure in system.failures] == [
            "web failed on Fail: ValueError: as told"
        ]
    assert [one.seen for one in made] == [
        ["spawner", "alice", "alice"],
        ["spawner", "bob"],
    ]


class Spread(Actor[LogIn]):
    """Uses every kind of callback of the event loop, and sets the variable there.

    `seen` has the value at each call.
    """

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def note(self, what: str) -> None:
        """Note the user, and change it."""
        self.seen[what] = user.get()
        user.set(what)

    async def noted(self, what: str) -> None:
        """Do that in a task."""
        self.note(what)

    @receive
    async def log_in(self, message: LogIn) -> Name:
        """Set the variable, and call."""
        user.set(message.who)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        done.add_done_callback(lambda _done: self.note("done callback"))
        loop.call_soon(self.note, "call_soon")
        loop.call_later(0, self.note, "call_later")
        loop.call_soon(done.set_result, None)
        task = asyncio.create_task(self.noted("create_task"))
        _ = self.start_task(self.noted("start_task"))
        await asyncio.gather(self.noted("gather"), task, done)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.noted("TaskGroup"))
        await asyncio.to_thread(self.note, "to_thread")
        async with asyncio.timeout(10):
            await asyncio.wait_for(self.noted("wait_for"), None)
        await until(lambda: len(self.seen) >= 9)
        return Name(user.get())


async def test_what_a_handler_starts(system: System) -> None:
    """Callbacks and tasks of a handler begin with its values, and keep theirs."""
    spread = Spread()
    # `wait_for` without a timeout awaits a coroutine where it is called, in no task.
    answer = await system.spawn(spread).ask(LogIn("alice"))
    assert answer == Name("wait_for")
    assert spread.seen == dict.fromkeys(spread.seen, "alice")
    assert len(spread.seen) == 9
    assert user.get() == "nobody"


class Gossip(Observer):
    """An observer that notes the variable at each event, and sets it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.seen: list[str] = []

    def hear(self) -> None:
        """Note it, change it, and send a lost message once."""
        self.seen.append(user.get())
        user.set(f"observer {len(self.seen)}")
        if len(self.seen) == 1:
            self.system.ref("nobody").tell(Name("hears of itself"))

    def spawned(self, actor: str) -> None:
        """Note the event."""
        del actor
        self.hear()

    def handled(self, event: Handled) -> None:
        """Note the event."""
        del event
        self.hear()

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Note the event."""
        del event, reason
        self.hear()

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Note the event."""
        del actor, message, error
        self.hear()

    def restarted(self, actor: str) -> None:
        """Note the event."""
        del actor
        self.hear()

    def stopped(self, actor: str, reason: str) -> None:
        """Note the event."""
        del actor, reason
        self.hear()


@pytest.mark.parametrize("thread", [False, True])
async def test_observers_have_their_own(*, thread: bool) -> None:
    """An observer keeps its own values, and sees none of the actors."""
    async with System() as system:
        user.set("outside")
        gossip, other = Gossip(system), Gossip(system)
        system.observe(gossip)
        system.observe(other)
        spawn: Callable[..., ActorRef[Any]] = (
            system.spawn_thread if thread else system.spawn
        )
        ref = spawn(ThreadWeb, "web", supervision=Restart())
        ref.tell(Become("alice"))
        assert await ref.ask(WhoAmI()) == Name("alice")
        ref.tell(Fail())
        assert await ref.ask(WhoAmI()) == Name("outside")
        ref.stop()
        await ref.stopped()
        assert user.get() == "outside"
    for one in (gossip, other):
        assert one.seen[0] == "outside"
        expected = [f"observer {number}" for number in range(1, len(one.seen))]
        assert one.seen[1:] == expected
        assert len(one.seen) > 8


@pytest.mark.parametrize("thread", [False, True])
async def test_supervision_sees_its_actors(*, thread: bool) -> None:
    """A supervision function sees its actor's values, and changes none."""
    seen: list[str] = []

    def decide(error: BaseException) -> Stop:
        del error
        seen.append(user.get())
        user.set("supervision")
        return Stop()

    async with System() as system:
        spawn: Callable[..., ActorRef[Any]] = (
            system.spawn_thread if thread else system.spawn
        )
        actors: list[ThreadWeb] = []

        def make() -> ThreadWeb:
            actors.append(ThreadWeb())
            return actors[-1]

        ref = spawn(make, supervision=decide)
        ref.tell(Become("alice"))
        ref.tell(Fail())
        await ref.stopped()
    assert seen == ["alice"]
    assert actors[0].seen == ["nobody", "alice", "alice"]
    assert user.get() == "nobody"


async def test_handler_that_is_abandoned_ends_in_its_context(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A `finally` runs in the context in which its block began."""
    begun: list[str] = []
    ends: list[str] = []

    class Waits(Actor[LogIn]):
        @receive
        async def log_in(self, message: LogIn) -> Name:
            token = user.set(message.who)
            begun.append(user.get())
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                await asyncio.get_running_loop().create_future()
            finally:
                ends.append(user.get())
                user.reset(token)
            raise AssertionError

    system = System()
    ask = asyncio.ensure_future(system.spawn(Waits(), "waits").ask(LogIn("alice")))
    await until(lambda: bool(begun))
    with caplog.at_level(logging.CRITICAL):
        assert await system.shutdown(timeout=0.001) == ["waits"]
    with pytest.raises(Exception, match="waits was asked LogIn"):
        await ask
    assert ends == ["alice"]
    assert system.failures == []
    assert user.get() == "nobody"


class Tree(msgspec.Struct):
    """The depth of a family."""

    depth: int


class Grow(Request[Name], frozen=True):
    """Makes an actor spawn a child that does the same, down to depth 0."""

    depth: int


class Branch(Actor[Grow | Fail]):
    """Spawns, asks and stops actors of its class, and sets the variable each time."""

    async def on_start(self) -> None:
        """Set it around a wait."""
        user.set(self.path)
        await self.sleep(0)
        assert user.get() == self.path

    @receive
    async def grow(self, message: Grow) -> Name:
        """Ask a child for the rest."""
        assert user.get() == self.path
        if not message.depth:
            return Name(user.get())
        child = self.spawn(Branch, "x", supervision=Restart())
        child.tell(Fail())
        answer: Name = await child.ask(Grow(message.depth - 1))
        assert user.get() == self.path
        child.stop(drain=False)
        return answer

    @receive
    def fail(self, _message: Fail) -> None:
        """Raise."""
        raise ValueError(self.path)

    def on_failure(self, error: BaseException) -> None:
        """Check that it is still set."""
        assert str(error) == user.get() == self.path

    async def on_stop(self) -> None:
        """Check that it is still set."""
        assert user.get() == self.path
        await self.sleep(0)
        assert user.get() == self.path


@pytest.mark.parametrize("where", ["loop", "fair", "virtual"])
async def test_families(where: str) -> None:
    """Parents and children that spawn, ask, fail, restart and stop stay separate."""
    clock = VirtualDispatcher()
    fair = FairDispatcher(lambda path: path)
    dispatchers: dict[str, Dispatcher] = {"virtual": clock, "fair": fair}
    system = System(dispatchers.get(where))
    roots = [system.spawn(Branch, f"root-{number}") for number in range(3)]
    depth = 5
    for root in roots:
        ask = Grow(depth)
        answer = (
            root.ask(ask, block=True) if where == "virtual" else await root.ask(ask)
        )
        assert answer == Name("/".join([root.path, *["x"] * depth]))
    if where == "virtual":
        clock.run()
    failed = {failure.reason for failure in system.failures}
    assert len(system.failures) == len(failed) == len(roots) * depth
    assert all(reason.startswith("ValueError: root-") for reason in failed)
    await system.shutdown()
    assert len(system.failures) == len(failed)
