"""Actors whose children are spawned when the first message comes for them."""

import asyncio
from contextvars import ContextVar

import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    CcwActorsError,
    DispatcherError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    LoopDispatcher,
    Mailbox,
    Message,
    MissingChild,
    Observer,
    Restart,
    SteppingDispatcher,
    System,
    Terminated,
    receive,
)
from ccw_actors.runtime import Handled as HandledEvent
from ccw_actors.testkit import Recorder, VirtualSystem
from tests.runtime.cast import Blow, Collect, Note, Notes, Send
from tests.runtime.worlds import World

loop = pytest.mark.asyncio
user = ContextVar("user", default="nobody")
NOT_SPAWNED = "there is no such actor, and its parent has not spawned it"


class Pad(Actor[Note | Collect | Blow]):
    """Keeps its name, the user at its start and the notes that it gets."""

    def __init__(self, name: str = "") -> None:
        self.state = [name]

    def on_start(self) -> None:
        """Keep the user."""
        self.state.append(user.get())

    @receive
    def note(self, message: Note) -> None:
        """Keep a note."""
        self.state.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Return what is kept."""
        return Notes(tuple(self.state))

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)


class Sender(Actor[Send | Terminated | Failure]):
    """Sends notes, and keeps the ends of watched actors and the reasons of failures."""

    def __init__(self, watched: ActorRef[Note] | None = None) -> None:
        self.watched = watched
        self.ended: list[tuple[str, str]] = []
        self.reasons: list[str] = []

    def on_start(self) -> None:
        """Watch another actor."""
        if self.watched is not None:
            self.watch(self.watched)

    @receive
    def send(self, message: Send) -> None:
        """Send notes to each."""
        user.set("the sender")
        for to in message.to:
            for text in message.texts:
                to.tell(Note(text))

    @receive
    def terminated(self, message: Terminated) -> None:
        """Keep an end."""
        self.ended.append((message.ref.path, message.reason))

    @receive
    def failure(self, message: Failure) -> None:
        """Keep a reason."""
        self.reasons.append(message.reason)


class Pads(Actor[MissingChild | Note | Blow]):
    """Makes a pad for each name, but for "nobody"; keeps the names in order."""

    mailbox: Mailbox | None = None

    def __init__(self) -> None:
        self.made: list[str] = []

    @receive
    def missing_child(self, message: MissingChild) -> None:
        """Make a pad."""
        self.made.append(message.name)
        if message.name != "nobody":
            self.spawn(
                Pad(message.name),
                message.name,
                supervision=Restart(),
                mailbox=self.mailbox,
            )

    @receive
    def note(self, message: Note) -> None:
        """Do something else."""

    @receive
    def blow(self, message: Blow) -> Note:
        """Fail."""
        raise ValueError(message.reason)


@pytest.fixture
def pads(virtual_system: VirtualSystem) -> Pads:
    """The parent of pads, at "pads"."""
    found = Pads()
    virtual_system.spawn(found, "pads")
    return found


def lost(recorder: Recorder) -> list[tuple[str, str]]:
    """Return the recipients and reasons of dead letters."""
    return [(one.event.recipient, one.reason) for one in recorder.dead_letters]


def collected(system: VirtualSystem, path: str) -> tuple[str, ...]:
    """Return what a pad has kept."""
    notes: Notes = system.ref(path).ask(Collect(), block=True)
    return notes.texts


# -- the first message ----------------------------------------------------------------


@loop
@pytest.mark.parametrize("name", ["loop", "virtual"])
async def test_first_message(name: str) -> None:
    """The first message makes the parent spawn the child, which gets it first."""
    world, pads = World(name), Pads()
    world.system.spawn(pads, "pads")
    refs = [world.system.ref(f"pads/{number}") for number in range(3)]
    assert world.system.statistics().actors == 1
    refs[1].tell(Note("one"))
    refs[1].tell(Note("two"))
    assert pads.made == [], "not in the sender's turn"
    assert await world.ask(refs[1], Collect()) == Notes(("1", "nobody", "one", "two"))
    assert await world.ask(refs[2], Collect()) == Notes(("2", "nobody"))
    assert pads.made == ["1", "2"]
    actors = [one.path for one in world.system.dump().actors]
    assert actors == ["pads", "pads/1", "pads/2"]
    assert pads.children == (world.system.ref("pads/1"), world.system.ref("pads/2"))
    assert not refs[0].is_alive
    await world.system.shutdown()


def test_the_parent_is_told_once(virtual_system: VirtualSystem, pads: Pads) -> None:
    """Letters for many children are kept apart, each in order."""
    refs = [virtual_system.ref(f"pads/{number}") for number in range(3)]
    for text in "abc":
        for ref in refs:
            ref.tell(Note(text))
    virtual_system.clock.run()
    assert pads.made == ["0", "1", "2"]
    for number in range(3):
        expected = (str(number), "nobody", *"abc")
        assert collected(virtual_system, f"pads/{number}") == expected


@pytest.mark.usefixtures("pads")
def test_an_actor_sends_first(virtual_system: VirtualSystem) -> None:
    """The child has the context of its parent, not of the first sender."""
    refs = virtual_system.ref("pads/1"), virtual_system.ref("pads/2")
    virtual_system.spawn(Sender(), "sender").tell(Send(("a", "b"), refs))
    virtual_system.clock.run()
    for name in "12":
        assert collected(virtual_system, f"pads/{name}") == (name, "nobody", "a", "b")


@loop
async def test_other_thread() -> None:
    """A message and an ask of another thread are kept as well."""
    async with System(LoopDispatcher()) as system:
        pads = Pads()
        system.spawn(pads, "pads")

        def work() -> Notes:
            system.ref("pads/told").tell(Note("from a thread"))
            answer: Notes = system.ref("pads/asked").ask(Collect(), block=True)
            return answer

        assert await asyncio.to_thread(work) == Notes(("asked", "nobody"))
        assert pads.made == ["told", "asked"]
        answer = await system.ref("pads/told").ask(Collect())
        assert answer == Notes(("told", "nobody", "from a thread"))


@loop
async def test_offer() -> None:
    """Offers before the child is there are kept regardless of its bound."""
    async with System(LoopDispatcher()) as system:
        pads = Pads()
        pads.mailbox = Mailbox(2, when_full="wait")
        system.spawn(pads, "pads")
        ref = system.ref("pads/1")
        for text in "abcd":
            await ref.offer(Note(text))
        assert await ref.ask(Collect()) == Notes(("1", "nobody", *"abcd"))


def test_watch(virtual_system: VirtualSystem, pads: Pads) -> None:
    """A watch makes the child, and its watcher is told of its end."""
    watched = virtual_system.ref("pads/1")
    watcher = Sender(watched)
    virtual_system.spawn(watcher, "watcher")
    virtual_system.clock.run()
    assert (pads.made, watcher.ended) == (["1"], [])
    watched.stop()
    virtual_system.clock.run()
    assert watcher.ended == [("pads/1", "the actor has stopped")]


def test_stop_before_the_first_message(
    virtual_system: VirtualSystem, pads: Pads
) -> None:
    """A stop of a child that is not there does nothing."""
    ref = virtual_system.ref("pads/1")
    ref.stop()
    ref.stop(drain=False)
    virtual_system.clock.run()
    assert pads.made == []
    assert collected(virtual_system, "pads/1") == ("1", "nobody")


def test_stop_behind_the_first_message(
    virtual_system: VirtualSystem, pads: Pads
) -> None:
    """A stop keeps its place behind the letters that are kept."""
    recorder = Recorder(virtual_system)
    ref = virtual_system.ref("pads/1")
    for text in "ab":
        ref.tell(Note(text))
    ref.stop()
    ref.tell(Note("too late"))
    virtual_system.clock.run()
    assert (pads.made, ref.is_alive) == (["1"], False)
    assert lost(recorder) == [("pads/1", "the actor has stopped")]


# -- order ----------------------------------------------------------------------------


class Slow(Actor[MissingChild | Note]):
    """Makes a pad, tells it, and waits before its handler ends."""

    @receive
    async def missing_child(self, message: MissingChild) -> None:
        """Make a pad in the middle."""
        await self.sleep(1.0)
        pad = self.spawn(Pad(message.name), message.name)
        pad.tell(Note("of the parent"))
        await self.sleep(1.0)

    @receive
    def note(self, message: Note) -> None:
        """Tell the pad."""
        self.system.ref("pads/1").tell(message)


def test_order_around_a_slow_handler(virtual_system: VirtualSystem) -> None:
    """Kept letters come before any that is sent when the child is there."""
    clock = virtual_system.clock
    parent = virtual_system.spawn(Slow(), "pads")
    ref = virtual_system.ref("pads/1")
    parent.tell(Note("earlier of the parent"))
    for text in "abc":
        clock.advance(0.5 if text == "a" else 1.0)
        ref.tell(Note(text))
    clock.run()
    texts = ("earlier of the parent", "a", "of the parent", "b", "c")
    assert collected(virtual_system, "pads/1") == ("1", "nobody", *texts)


class Starting(Pad):
    """Tells itself something when it starts."""

    def on_start(self) -> None:
        """Begin with a note of its own."""
        self.ref.tell(Note("its own"))


def test_order_of_the_start(virtual_system: VirtualSystem) -> None:
    """What a child tells itself at its start comes first, as always."""

    class Parent(Actor[MissingChild]):
        @receive
        def missing_child(self, message: MissingChild) -> None:
            self.spawn(Starting(message.name), message.name)

    virtual_system.spawn(Parent(), "pads")
    virtual_system.ref("pads/1").tell(Note("a"))
    virtual_system.clock.run()
    assert collected(virtual_system, "pads/1") == ("1", "its own", "a")


def test_explicit_spawn(virtual_system: VirtualSystem, pads: Pads) -> None:
    """A child that somebody else spawns meanwhile gets the letters at once."""
    ref = virtual_system.ref("pads/1")
    ref.tell(Note("a"))
    spawned = virtual_system.spawn(Pad("by hand"), "pads/1")
    ref.tell(Note("b"))
    assert ref == spawned
    assert collected(virtual_system, "pads/1") == ("by hand", "nobody", "a", "b")
    assert pads.made == [], "nothing is missing any more"


# -- no child -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["pads/nobody/1", "pads/1/2", "other/1", "other"])
def test_no_parent(virtual_system: VirtualSystem, pads: Pads, path: str) -> None:
    """A letter for a path without such a parent is a dead letter."""
    virtual_system.spawn(Sender(), "other")
    virtual_system.spawn(Pad(), "pads/1")
    recorder = Recorder(virtual_system)
    virtual_system.ref("other").stop()
    virtual_system.clock.run()
    virtual_system.ref(path).tell(Note("for nobody"))
    assert lost(recorder) == [(path, "there is no such actor")]
    virtual_system.clock.run()
    assert pads.made == []


def test_a_child_that_is_not_made(virtual_system: VirtualSystem, pads: Pads) -> None:
    """Without a child the letters become dead letters when the handler has ended."""
    recorder = Recorder(virtual_system)
    ref = virtual_system.ref("pads/nobody")
    sender = Sender(ref)
    virtual_system.spawn(sender, "sender").tell(Send(("a", "b"), (ref,)))
    with pytest.raises(ActorStoppedError, match=NOT_SPAWNED):
        ref.ask(Collect(), block=True)
    virtual_system.clock.run()
    assert lost(recorder) == [("pads/nobody", NOT_SPAWNED)] * 3
    assert sender.reasons == [NOT_SPAWNED] * 2
    assert sender.ended == [("pads/nobody", NOT_SPAWNED)]
    assert pads.made == ["nobody"]
    ref.tell(Note("again"))
    virtual_system.clock.run()
    assert pads.made == ["nobody", "nobody"], "each time it is missed"


def test_dead_reference(virtual_system: VirtualSystem, pads: Pads) -> None:
    """A dead reference stays dead; through a new one the next child is missed."""
    recorder = Recorder(virtual_system)
    old = virtual_system.ref("pads/1")
    old.tell(Note("one"))
    old.stop()
    virtual_system.clock.run()
    old.tell(Note("too late"))
    with pytest.raises(ActorStoppedError, match="there is no such actor"):
        old.ask(Collect(), block=True)
    assert pads.made == ["1"]
    assert [path for path, _ in lost(recorder)] == ["pads/1", "pads/1"]
    new = virtual_system.ref("pads/1")
    assert new.ask(Collect(), block=True) == Notes(("1", "nobody"))
    assert (new.incarnation, pads.made) == (2, ["1", "1"])


def _short_lives(system: VirtualSystem, folder: str) -> None:
    """Let so many actors end that the System forgets the numbers of the oldest."""
    for number in range(16_400):
        system.spawn(Pad(), f"{folder}/{number}").stop(drain=False)
    system.clock.run()


def test_references_outlast_ended_actors(
    virtual_system: VirtualSystem, pads: Pads
) -> None:
    """A reference reaches its child, however many other actors have ended before."""
    first = virtual_system.ref("pads/first")
    _short_lives(virtual_system, "short")
    second = virtual_system.ref("pads/second")
    first.tell(Note("a"))
    second.tell(Note("b"))
    virtual_system.clock.run()
    assert pads.made == ["first", "second"]
    assert virtual_system.ref("pads/first") == first
    first.stop(drain=False)
    _short_lives(virtual_system, "more")
    first.tell(Note("too late"))
    virtual_system.clock.run()
    assert pads.made == ["first", "second"], "the first one stays dead"
    virtual_system.ref("pads").stop()
    virtual_system.clock.run()
    virtual_system.spawn(Pads(), "pads")
    for dead in (first, second):
        with pytest.raises(ActorStoppedError, match="there is no such actor"):
            dead.ask(Collect(), block=True)


# -- failures and ends ----------------------------------------------------------------


@pytest.mark.actor_failures("pads/1")
def test_restart_of_the_child(virtual_system: VirtualSystem, pads: Pads) -> None:
    """A child that fails is supervised like any other, and keeps its address."""
    ref = virtual_system.ref("pads/1")
    ref.tell(Note("lost at the restart"))
    with pytest.raises(ActorFailedError, match="boom"):
        ref.ask(Blow("boom"), block=True)
    assert ref.ask(Collect(), block=True) == Notes(("1", "nobody"))
    assert (pads.made, virtual_system.statistics().restarts) == (["1"], 1)


class Fragile(Pad):
    """Does not start."""

    def on_start(self) -> None:
        """Fail."""
        raise OSError("no disk")


class Clumsy(Pads):
    """Makes pads that do not start."""

    @receive
    def missing_child(self, message: MissingChild) -> None:
        """Make a pad."""
        self.spawn(Fragile(message.name), message.name)


@pytest.mark.actor_failures("pads")
@pytest.mark.parametrize("supervision", [Restart(), None])
def test_failing_to_spawn(
    virtual_system: VirtualSystem, supervision: Restart | None
) -> None:
    """A handler that raises has failed, and the letters are dead letters."""
    recorder = Recorder(virtual_system)
    virtual_system.spawn(Clumsy, "pads", supervision=supervision)
    ref = virtual_system.ref("pads/1")
    sender = Sender()
    virtual_system.spawn(sender, "sender").tell(Send(("a",), (ref,)))
    virtual_system.clock.run()
    reason = "the actor failed" if supervision is None else NOT_SPAWNED
    assert lost(recorder) == [("pads/1", reason)]
    assert sender.reasons == [reason]
    assert [one.actor for one in virtual_system.failures] == ["pads"]


@pytest.mark.actor_failures("pads")
def test_letters_wait_for_a_restart(virtual_system: VirtualSystem) -> None:
    """A parent that fails before it is told is told in its next life."""
    virtual_system.spawn(Pads, "pads", supervision=Restart(delay=1.0))
    virtual_system.ref("pads").tell(Blow("boom"))
    virtual_system.ref("pads/1").tell(Note("a"))
    virtual_system.clock.run()
    assert collected(virtual_system, "pads/1") == ("1", "nobody", "a")


def test_end_of_the_parent(virtual_system: VirtualSystem, pads: Pads) -> None:
    """At the end of the parent the letters become dead letters."""
    recorder = Recorder(virtual_system)
    virtual_system.ref("pads").stop(drain=False)
    virtual_system.ref("pads/1").tell(Note("a"))
    virtual_system.clock.run()
    assert lost(recorder) == [("pads/1", "the actor has stopped")]
    assert pads.made == []
    virtual_system.ref("pads/1").tell(Note("b"))
    assert lost(recorder)[1:] == [("pads/1", "there is no such actor")]


def test_a_behaviour_without_children(virtual_system: VirtualSystem) -> None:
    """A parent whose behaviour has no handler refuses, and the letters are lost."""

    class Moody(Actor[MissingChild | Note]):
        @receive(state="open")
        def missing_child(self, message: MissingChild) -> None:
            self.spawn(Pad(message.name), message.name)

        @receive
        def note(self, message: Note) -> None:
            self.become(message.text)

    parent = virtual_system.spawn(Moody(), "pads")
    with pytest.raises(ActorStoppedError, match=NOT_SPAWNED):
        virtual_system.ref("pads/1").ask(Collect(), block=True)
    parent.tell(Note("open"))
    assert collected(virtual_system, "pads/1") == ("1", "nobody")


@loop
@pytest.mark.parametrize("drain", [True, False])
async def test_shutdown(*, drain: bool) -> None:
    """A shutdown loses the letters that are kept, and none is kept afterwards."""
    pads = Pads()
    system = System(LoopDispatcher())
    recorder = Recorder(system)
    system.spawn(pads, "pads")
    used = system.ref("pads/1")
    await used.ask(Collect())
    sender = system.spawn(Sender(), "sender")
    system.ref("pads/2").tell(Note("kept"))
    sender.tell(Send(("a",), (system.ref("pads/3"),)))
    assert await system.shutdown(drain=drain) == []
    assert (pads.made, used.is_alive) == (["1"], False)
    assert system.failures == []
    reason = "there is no such actor" if drain else "the System shut down"
    to = "pads/3" if drain else "sender"
    assert lost(recorder)[:2] == [("pads/2", "the System shut down"), (to, reason)]
    with pytest.raises(CcwActorsError, match="shutting down"):
        system.spawn(Pads(), "more")


# -- what observers see, and who may not ---------------------------------------------


class Causes(Observer):
    """Keeps what causes each handled message."""

    def __init__(self) -> None:
        self.handled_: list[HandledEvent] = []

    def handled(self, event: HandledEvent) -> None:
        """Keep an event."""
        self.handled_.append(event)


def test_cause(virtual_system: VirtualSystem, pads: Pads) -> None:
    """To observers the first letter is the cause, and the child the sender."""
    observer = Causes()
    virtual_system.observe(observer)
    virtual_system.ref("pads/1").tell(Note("a"))
    virtual_system.clock.run()
    missing, note = observer.handled_
    kinds: list[type[Message]] = [MissingChild, Note]
    assert [missing.message_type, note.message_type] == kinds
    assert (missing.cause, missing.sender) == (note.number, "pads/1")
    assert pads.made == ["1"]


def test_stepping() -> None:
    """The stepping dispatcher refuses, and says what to do."""
    system = System(SteppingDispatcher())
    with pytest.raises(DispatcherError, match="Pads accepts MissingChild, but no snap"):
        system.spawn(Pads(), "pads")
    assert not system.is_alive("pads")


@loop
async def test_thread() -> None:
    """An actor in its own thread spawns no children, so it is refused."""
    async with System(LoopDispatcher()) as system:
        with pytest.raises(DispatcherError, match="in its own thread cannot spawn"):
            system.spawn_thread(Pads(), "pads")
        assert not system.is_alive("pads")
