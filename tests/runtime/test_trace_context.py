"""With a propagator a message is handled in the trace of its sender."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pykka
import pytest
import pytest_asyncio

from ccw_actors.errors import ActorFailedError, ActorStoppedError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    FairDispatcher,
    Mailbox,
    Message,
    ReplyTo,
    Request,
    Restart,
    System,
    Terminated,
    receive,
)
from ccw_actors.runtime._kernel.observers import Observers
from tests.runtime.worlds import World, until

pytestmark = pytest.mark.asyncio

trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace", default="")


class Tracer:
    """A propagator whose trace is a text in a variable."""

    def inject(self) -> str:
        """Return it."""
        return trace.get()

    def attach(self, traceparent: str) -> contextvars.Token[str]:
        """Set it."""
        return trace.set(traceparent)

    def detach(self, token: contextvars.Token[str]) -> None:
        """Restore it; raises `ValueError` in another context than that of `attach`."""
        trace.reset(token)


class Seen(Message, frozen=True):
    """The trace that a handler was in."""

    trace: str


class Look(Request[Seen], frozen=True):
    """Makes an actor note its trace."""

    what: str = ""
    seconds: float = 0.0


class Later(Request[Seen], frozen=True):
    """Makes it note its trace, and answer later."""


class Answer(Message, frozen=True):
    """Tells it to answer."""


class Wait(Message, frozen=True):
    """Makes it wait forever."""


class Fail(Request[Seen], frozen=True):
    """Makes it fail, asynchronously or not."""

    asynchronous: bool


class Looker(Actor[Any]):
    """Notes its trace."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.owed: list[ReplyTo[Seen]] = []
        self.forever: asyncio.Future[None] | None = None

    def note(self, what: str) -> Seen:
        """Note it."""
        self.seen.append((what, trace.get()))
        return Seen(trace.get())

    def traces(self, what: str) -> list[str]:
        """Return what was noted under a name."""
        return [text for name, text in self.seen if name == what]

    @receive
    async def look(self, message: Look) -> Seen:
        """Note it before and after waits."""
        before = self.note(message.what)
        await self.sleep(message.seconds)
        assert self.note(message.what) == before
        return before

    @receive
    def later(self, _message: Later) -> None:
        """Answer later."""
        self.owed.append(self.reply_to)

    @receive
    def answer(self, _message: Answer) -> None:
        """Answer now."""
        for to in self.owed:
            self.reply(to, self.note("answer"))

    @receive
    def heard(self, message: Seen) -> None:
        """Note the answer."""
        self.note(message.trace)

    @receive
    def failure(self, message: Failure) -> None:
        """Note a failure."""
        self.note(f"Failure of {message.request}")

    @receive
    def ended(self, message: Terminated) -> None:
        """Note an end."""
        self.note(f"end of {message.ref.path}")

    @receive
    async def wait(self, _message: Wait) -> None:
        """Wait."""
        self.note("wait")
        self.forever = asyncio.get_running_loop().create_future()
        await self.forever

    @receive
    async def fail(self, message: Fail) -> None:
        """Raise."""
        self.note("fail")
        if message.asynchronous:
            await self.sleep(0)
        raise ValueError("as told")

    def on_failure(self, error: BaseException) -> None:
        """Note it."""
        del error
        self.note("on_failure")

    async def on_stop(self) -> None:
        """Note it."""
        self.note("on_stop")
        await self.sleep(0)
        self.note("on_stop")


class PlainFailer(Looker):
    """An actor whose failing handlers do not wait."""

    @receive
    def fail(self, _message: Fail) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
        """Raise."""
        raise ValueError(self.note("fail").trace)


class Middle(Looker):
    """Forwards requests to a known actor."""

    def __init__(self, other: ActorRef[Any]) -> None:
        super().__init__()
        self.other = other

    @receive
    async def look(self, message: Look) -> Seen:
        """Ask, tell and offer it."""
        self.note("middle")
        answer: Seen = await self.other.ask(Look(f"asked by {message.what}"))
        self.other.tell(Look(f"told by {message.what}"))
        await self.other.offer(Look(f"offered by {message.what}"))
        self.after(0.0, Seen(f"timer of {message.what}"))
        assert self.note("middle").trace == answer.trace
        return answer


class Within:
    """Makes a trace current."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.token = trace.set(self.name)

    def __exit__(self, *_error: object) -> None:
        trace.reset(self.token)


@pytest_asyncio.fixture(params=["loop", "fair"])
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """Make a System whose messages carry traces."""
    fair = FairDispatcher(lambda path: path)
    async with System(fair if request.param == "fair" else None) as made:
        made.propagate(Tracer())
        yield made


async def test_all_that_is_sent_carries_it(world: World) -> None:
    """A tell, an ask, an offer and a timer do, from actor to actor and from outside.

    Under the stepping dispatcher nothing does.
    """
    world.system.propagate(Tracer())
    last = Looker()
    middle = Middle(world.system.spawn(last, "last"))
    ref = world.system.spawn(middle, "middle")
    names = ["T1", "T2"]
    for name in names:
        with Within(name):
            answer = await world.ask(ref, Look(name))
        assert answer.trace == ("" if world.name.startswith("stepping") else name)
    await world.ask(ref, Look("none"))
    await world.rest()
    if world.name == "loop":
        await until(lambda: bool(middle.traces("timer of none")))
    for name in (*names, "none"):
        expected = "" if world.name.startswith("stepping") or name == "none" else name
        for way in ("asked", "told", "offered"):
            assert last.traces(f"{way} by {name}") == [expected] * 2
        assert middle.traces(f"timer of {name}") == [expected]
    await world.ask(ref, Look("end"))
    assert middle.seen[-1] == ("middle", "")


async def test_actors_that_wait_at_once(system: System) -> None:
    """Each handler keeps the trace of its own message across waits."""
    refs = [system.spawn(Looker()) for _ in range(3)]

    async def ask(ref: ActorRef[Any], name: str, seconds: float) -> None:
        with Within(name):
            for _ in range(3):
                answer: Seen = await ref.ask(Look(name, seconds))
                assert answer == Seen(name)
        assert await ref.ask(Look()) == Seen("")

    times = (0.002, 0.0, 0.001)
    async with asyncio.TaskGroup() as group:
        for number, (ref, seconds) in enumerate(zip(refs, times, strict=True)):
            group.create_task(ask(ref, f"T{number}", seconds))


async def test_answer_to_what_was_told(system: System) -> None:
    """It carries the trace in which it was given, at once or later."""

    class Caller(Looker):
        @receive
        def look(self, message: Look) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
            """Tell another one, which answers."""
            other.tell(message)
            other.tell(Later())

    other = system.spawn(Looker(), "other")
    caller = Caller()
    ref = system.spawn(caller)
    with Within("T1"):
        ref.tell(Look("T1"))
    await until(lambda: len(caller.seen) == 1)
    with Within("T2"):
        other.tell(Answer())
    await until(lambda: len(caller.seen) == 2)
    assert caller.seen == [("T1", "T1"), ("T2", "T2")]


async def test_periodic_timer_carries_none(system: System) -> None:
    """A trace ends; the messages of a periodic timer do not belong to it."""

    class Ticker(Looker):
        @receive
        def answer(self, _message: Answer) -> None:
            """Set a timer."""
            self.note("set")
            self.every(0.001, Seen("tick"))

    ticker = Ticker()
    ref = system.spawn(ticker)
    with Within("T1"):
        ref.tell(Answer())
    await until(lambda: len(ticker.seen) == 3)
    assert ticker.seen[:3] == [("set", "T1"), ("tick", ""), ("tick", "")]


class Starter(Looker):
    """Starts a task in its handler."""

    @receive
    def answer(self, _message: Answer) -> None:
        """Start a task."""
        _ = self.start_task(self.work())

    async def work(self) -> Seen:
        """Note it, after the handler's end."""
        await asyncio.sleep(0.001)
        self.note("task")
        return Seen("result")


async def test_task_of_an_actor(system: System) -> None:
    """A task is in the trace in which it was started, and so is its result."""
    starter = Starter()
    ref = system.spawn(starter)
    with Within("T1"):
        ref.tell(Answer())
    ref.tell(Look("between"))
    await until(lambda: bool(starter.traces("result")))
    assert starter.traces("between") == ["", ""]
    assert starter.traces("task") == starter.traces("result") == ["T1"]


@pytest.mark.parametrize("asynchronous", [None, False, True])
async def test_trace_ends_with_a_failure(
    system: System, *, asynchronous: bool | None
) -> None:
    """`on_failure` is in the message's trace, unlike `on_stop` and the next life."""
    made: list[Looker] = []

    def make() -> Looker:
        made.append(PlainFailer() if asynchronous is None else Looker())
        return made[-1]

    ref = system.spawn(make, "looker", supervision=Restart())
    with Within("T1"):
        ref.tell(Fail(bool(asynchronous)))
    assert await ref.ask(Look()) == Seen("")
    assert made[0].seen == [
        ("fail", "T1"),
        ("on_failure", "T1"),
        ("on_stop", ""),
        ("on_stop", ""),
    ]
    assert made[1].seen == [("", ""), ("", "")]


@pytest.mark.parametrize("by", ["stop", "task", "shutdown"])
async def test_trace_ends_with_a_handler_that_is_ended(system: System, by: str) -> None:
    """The trace of a cancelled or abandoned handler ends."""

    class Owner(Looker):
        def on_start(self) -> None:
            """Start a task that fails in the end."""
            if by == "task":
                self.gate = asyncio.Event()
                _ = self.start_task(self.work())

        async def work(self) -> None:
            """Fail when it is time."""
            await self.gate.wait()
            raise OSError("the task failed")

    owner = Owner()
    ref = system.spawn(owner, "owner")
    with Within("T1"):
        ref.tell(Wait())
    await until(lambda: bool(owner.seen))
    if by == "stop":
        ref.stop(drain=False)
    elif by == "task":
        owner.gate.set()
    else:
        assert await system.shutdown() == []
    await ref.stopped()
    failed = [("on_failure", "T1")] if by == "task" else []
    assert owner.seen == [("wait", "T1"), *failed, ("on_stop", ""), ("on_stop", "")]


async def test_notices(system: System) -> None:
    """`Failure` belongs to the trace of its message, `Terminated` to none."""

    class Caller(Looker):
        @receive
        def answer(self, _message: Answer) -> None:
            """Tell messages that fail, that are refused, and that reach nobody."""
            self.watch(other)
            self.watch(system.ref("absent"))
            other.tell(Fail(asynchronous=False))
            other.tell(Answer())
            system.ref("nobody").tell(Answer())

    class Refuses(Actor[Fail]):
        @receive
        def fail(self, _message: Fail) -> None:
            """Raise."""
            raise ValueError

    other: ActorRef[Any] = system.spawn(Refuses, "other", supervision=Restart())
    caller = Caller()
    ref = system.spawn(caller, "caller")
    with Within("T1"):
        ref.tell(Answer())
    await until(lambda: len(caller.seen) == 4)
    with Within("T2"):
        other.stop()
        await other.stopped()
    await until(lambda: len(caller.seen) == 5)
    assert sorted(caller.seen) == [
        ("Failure of Answer", "T1"),
        ("Failure of Answer", "T1"),
        ("Failure of Fail", "T1"),
        ("end of absent", ""),
        ("end of other", ""),
    ]


async def test_offer_that_waits(system: System) -> None:
    """It carries the sender's trace, however long it waited for room."""
    looker = Looker()
    ref = system.spawn(looker, mailbox=Mailbox(1, "wait"))
    offers: list[Awaitable[None]] = []
    for number in range(4):
        with Within(f"T{number}"):
            offer = ref.offer(Look(f"T{number}"))
            offers.append(asyncio.ensure_future(offer))
    await asyncio.gather(*offers)
    await ref.ask(Look("end"))
    for number in range(4):
        assert looker.traces(f"T{number}") == [f"T{number}"] * 2


class ThreadLooker(Actor[Look | Fail | Seen]):
    """Notes its trace in a thread, and asks and tells another actor."""

    def __init__(self, other: ActorRef[Any]) -> None:
        self.other = other
        self.seen: list[str] = []

    @receive
    def look(self, message: Look) -> Seen:
        """Ask, tell, offer and set a timer."""
        self.seen.append(trace.get())
        answer: Seen = self.other.ask(Look(message.what), block=True)
        self.other.tell(Look(message.what))
        self.other.offer(Look(message.what), block=True)
        self.after(0.0, Seen(""))
        return answer

    @receive
    def timer(self, _message: Seen) -> None:
        """Note it."""
        self.seen.append(trace.get())

    @receive
    def fail(self, _message: Fail) -> None:
        """Raise."""
        raise ValueError

    def on_failure(self, error: BaseException) -> None:
        """Note it."""
        del error
        self.seen.append(f"on_failure {trace.get()}")

    def on_stop(self) -> None:
        """Note it."""
        self.seen.append(f"on_stop {trace.get()}")


async def test_thread(system: System) -> None:
    """The same to and from a thread; the trace ends with the message."""
    looker = Looker()
    thread = ThreadLooker(system.spawn(looker))
    ref = system.spawn_thread(thread)
    for name in ("T1", "T2"):
        with Within(name):
            assert await ref.ask(Look(name)) == Seen(name)
        # The answers to its tells carry the trace as well.
        await until(lambda: len(thread.seen) % 4 == 0)
        assert looker.traces(name) == [name] * 6
    assert await ref.ask(Look("none")) == Seen("")
    await until(lambda: len(thread.seen) == 12)
    with Within("T3"), pytest.raises(ActorFailedError):
        await ref.ask(Fail(asynchronous=False))
    await system.shutdown()
    assert thread.seen == [
        *(["T1"] * 4 + ["T2"] * 4 + [""] * 4),
        *("on_failure T3", "on_stop "),
    ]


class Foreign(pykka.ThreadingActor):
    """A Pykka actor that notes its trace, and asks and tells another actor."""

    use_daemon_thread = True

    def __init__(self, other: ActorRef[Any]) -> None:
        super().__init__()
        self.other = other
        self.seen: list[str] = []

    def on_receive(self, message: Any) -> Any:
        """Ask, tell and offer; answer by the answer."""
        self.seen.append(trace.get())
        if isinstance(message, Fail):
            raise ValueError("as told")  # noqa: TRY004 - that is what it is for
        if isinstance(message, Answer):
            return None
        answer = self.other.ask(Look(message.what), block=True)
        self.other.tell(Look(message.what))
        self.other.offer(Look(message.what), block=True)
        return answer


async def test_pykka_bridge(system: System) -> None:
    """A foreign actor is in the sender's trace while it handles a message, then not.

    Its tells, asks and answers carry its current trace.
    """
    looker = Looker()
    foreign = Foreign.start(system.spawn(looker))
    ref = system.bridge(foreign, "foreign", Look | Fail | Answer, stop=True)
    for name in ("T1", "T2"):
        with Within(name):
            assert await ref.ask(Look(name)) == Seen(name)
        await until(lambda: len(looker.seen) % 6 == 0)
        assert looker.traces(name) == [name] * 6
    with Within("T3"):
        with pytest.raises(ActorFailedError):
            await ref.ask(Fail(asynchronous=False))
        ref.tell(Answer())
    # Not through this System: the actor's own trace.
    assert await asyncio.to_thread(foreign.ask, Look("own")) == Seen("")
    assert foreign.proxy().seen.get() == ["T1", "T2", "T3", "T3", ""]


async def test_answer_of_a_pykka_actor_that_was_told(system: System) -> None:
    """It is a separate message, in the trace of the foreign actor."""

    class Caller(Looker):
        @receive
        def answer(self, _message: Answer) -> None:
            """Tell the foreign actor."""
            ref.tell(Look("foreign"))

    foreign = Foreign.start(system.spawn(Looker()))
    ref: ActorRef[Any] = system.bridge(foreign, "foreign", Look, stop=True)
    caller = Caller()
    with Within("T1"):
        system.spawn(caller).tell(Answer())
    # The caller was spawned in the trace: ask it also outside one.
    await until(lambda: bool(caller.seen))
    assert caller.seen == [("T1", "T1")]


async def test_pykka_actor_that_stops(system: System) -> None:
    """A message that it never handles leaves nothing behind."""
    gate, seen = threading.Event(), list[str]()

    class Stops(pykka.ThreadingActor):
        use_daemon_thread = True

        def on_receive(self, message: Any) -> Any:
            del message
            gate.wait()

        def on_stop(self) -> None:
            seen.append(trace.get())

    foreign = Stops.start()
    ref = system.bridge(foreign, "stops", Look | Answer)
    with Within("T1"):
        ref.tell(Answer())
        _ = foreign.stop(block=False)
        ask = asyncio.ensure_future(ref.ask(Look()))
        await asyncio.sleep(0)
    gate.set()
    with pytest.raises(ActorStoppedError):
        await ask
    await ref.stopped()
    assert seen == [""]


async def test_from_a_thread_that_is_no_actor(system: System) -> None:
    """A thread that asks is in its own trace."""

    def ask() -> Seen:
        with Within("T1"):
            return ref.ask(Look(), block=True)

    ref = system.spawn(Looker())
    assert await asyncio.to_thread(ask) == Seen("T1")


async def test_actor_keeps_what_it_was_spawned_in(system: System) -> None:
    """A message without a trace is handled in the trace of the actor's spawn."""
    with Within("T0"):
        ref = system.spawn(Looker())
    assert await ref.ask(Look()) == Seen("T0")
    with Within("T1"):
        assert await ref.ask(Look()) == Seen("T1")
    assert await ref.ask(Look()) == Seen("T0")


async def test_nothing_is_paid_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a propagator, or when it is taken away, no message is stamped."""
    stamped: list[str] = []
    stamp: Callable[..., Any] = Observers.stamp

    def counting(self: Observers, *arguments: Any) -> Any:
        stamped.append(arguments[1].__name__)
        return stamp(self, *arguments)

    monkeypatch.setattr(Observers, "stamp", counting)
    async with System() as system:
        ref = system.spawn(Looker())

        async def exchange() -> Seen:
            with Within("T1"):
                ref.tell(Later())
                return await ref.ask(Look())

        assert await exchange() == Seen("")
        system.propagate(Tracer())
        assert stamped == []
        assert await exchange() == Seen("T1")
        assert stamped == ["Later", "Look", "Seen"]
        system.propagate(None)
        assert await exchange() == Seen("")
        assert len(stamped) == 3


async def test_propagator_that_raises(system: System) -> None:
    """If a propagator cannot read a trace, the handler's actor fails."""

    class Broken(Tracer):
        def attach(self, traceparent: str) -> contextvars.Token[str]:
            """Raise."""
            raise ValueError(f"no trace: {traceparent}")

    system.propagate(Broken())
    ref = system.spawn(Looker, supervision=Restart())
    with Within("T1"), pytest.raises(ActorFailedError, match="no trace: T1"):
        await ref.ask(Look())
    assert await ref.ask(Look()) == Seen("")
