"""The order of messages: its guarantees, and the effect of a stop."""

import asyncio
from functools import partial
from typing import Any

import pytest

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    LoopDispatcher,
    Mailbox,
    Message,
    System,
    receive,
)
from tests.concurrency.cast import (
    Blocked,
    Story,
    Waiter,
    Watcher,
    in_a_thread,
    rest,
    until,
)
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes, Send, texts_of

pytestmark = pytest.mark.asyncio

MANY = tuple(f"{number}" for number in range(500))


class Begin(Message, frozen=True):
    """Starts a sender."""


class Pausing(Actor[Note]):
    """Keeps notes, each after as many turns of the loop as it says."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    @receive
    async def note(self, message: Note) -> None:
        """Pause, then keep the note."""
        for _ in range(int(message.text) % 4):
            await asyncio.sleep(0)
        self.texts.append(message.text)


class Sender(Actor[Begin]):
    """Tells another actor a few notes, and pauses between them."""

    def __init__(self, to: ActorRef[Note], texts: tuple[str, ...]) -> None:
        self._to = to
        self._texts = texts

    @receive
    async def begin(self, _message: Begin) -> None:
        """Send."""
        for number, text in enumerate(self._texts):
            self._to.tell(Note(text))
            if number % 3 == 0:
                await asyncio.sleep(0)


class Burst(Actor[Begin]):
    """For a thread: tells many notes, offers one, tells one."""

    def __init__(self, to: ActorRef[Note]) -> None:
        self._to = to

    @receive
    def begin(self, _message: Begin) -> None:
        """Send."""
        for text in MANY:
            self._to.tell(Note(text))
        self._to.offer(Note("offered"), block=True)
        self._to.tell(Note("last"))


class Addressed(Actor[Note]):
    """Keeps its messages with their senders."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        sender = self.sender
        self.got.append(("" if sender is None else sender.path, message.text))

    def of(self, sender: str) -> tuple[str, ...]:
        """Return the messages of that sender."""
        return tuple(text for path, text in self.got if path == sender)


async def test_one_sender() -> None:
    """An actor handles the messages of one sender in the order sent."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")
        for text in MANY:
            ref.tell(Note(text))
        assert await ref.ask(Collect()) == Notes(MANY)


async def test_handlers_that_wait() -> None:
    """Waiting handlers keep the order: the next message waits as well."""
    async with System() as system:
        pausing = Pausing()
        ref = system.spawn(pausing, "pausing")
        for text in MANY:
            ref.tell(Note(text))
        ref.stop()
        await ref.stopped()
        assert tuple(pausing.texts) == MANY


async def test_concurrent_senders() -> None:
    """Actors, tasks and threads that send at once are each handled in their order."""
    async with System() as system:
        addressed = Addressed()
        ref = system.spawn(addressed, "addressed")
        for name in ("one", "two", "three"):
            system.spawn(Sender(ref, MANY[:50]), name).tell(Begin())
        system.spawn_thread(Diary(), "thread").tell(Send(MANY, (ref,)))

        async def task() -> None:
            for text in MANY[:50]:
                ref.tell(Note(text))
                await asyncio.sleep(0)

        await asyncio.gather(task(), *(asyncio.sleep(0) for _ in range(20)))
        await until(lambda: len(addressed.got) == 4 * 50 + len(MANY))
        for name in ("", "one", "two", "three"):
            assert addressed.of(name) == MANY[:50]
        assert addressed.of("thread") == MANY


async def test_offers_of_a_thread_keep_their_place() -> None:
    """A thread's offer comes after its tells, from the same sender."""
    async with System() as system:
        addressed = Addressed()
        mailbox = Mailbox(10_000, "wait")
        ref = system.spawn(addressed, "addressed", mailbox=mailbox)
        system.spawn_thread(Burst(ref), "burst").tell(Begin())
        await until(lambda: len(addressed.got) == len(MANY) + 2)
        assert addressed.of("burst") == (*MANY, "offered", "last")


async def test_message_to_oneself() -> None:
    """A message to oneself is handled after those that already wait."""

    class Recursive(Diary):
        @receive
        def note(self, message: Note) -> None:
            """Keep the note, and continue with a shorter one."""
            super().note(message)
            if message.text[1:]:
                self.ref.tell(Note(message.text[1:]))

    async with System() as system:
        actor = Recursive()
        ref = system.spawn(actor, "recursive")
        for text in ("abc", "xy"):
            ref.tell(Note(text))
        await until(lambda: len(texts_of(actor)) == 5)
        assert texts_of(actor) == ["abc", "xy", "bc", "y", "c"]


async def test_a_flood_is_no_barrier() -> None:
    """However many messages wait for one actor, another has its turn after a batch."""
    async with System(LoopDispatcher(batch=8, budget=64)) as system:
        flooded, other = Diary(), Diary()
        flood, calm = system.spawn(flooded, "flood"), system.spawn(other, "calm")
        for text in MANY:
            flood.tell(Note(text))
        calm.tell(Note("a word"))
        await until(lambda: texts_of(other))
        assert len(texts_of(flooded)) <= 64 + 8


# -- stops ------------------------------------------------------------------------


async def test_draining_stop_keeps_its_place() -> None:
    """Messages sent before the stop are handled, later ones are dead letters."""
    async with System() as system:
        story, pausing = Story(system), Pausing()
        ref = system.spawn(pausing, "pausing")
        for text in ("1", "2", "3"):
            ref.tell(Note(text))
        ref.stop(drain=True)
        ref.tell(Note("4"))
        await ref.stopped()
        assert pausing.texts == ["1", "2", "3"]
        assert story.lost == ["4: the actor has stopped"]


async def test_draining_stop_among_messages_of_others() -> None:
    """A draining stop also waits for earlier messages of other senders."""
    async with System() as system:
        waiter = Waiter()
        ref = system.spawn(waiter, "waiter")
        ref.tell(Carry("x"))
        await waiter.inside.wait()
        system.spawn(Diary(), "other").tell(Send(("theirs",), (ref,)))
        await rest()
        ref.stop(drain=True)
        waiter.gate.set()
        await ref.stopped()
        assert waiter.texts == ["begin x", "end x", "theirs", "stopped"]


async def test_stop_overtakes() -> None:
    """A stop that does not drain comes before all waiting messages, even in a batch."""
    async with System() as system:
        story, waiter = Story(system), Waiter()
        ref = system.spawn(waiter, "waiter")
        for text in ("1", "2"):
            ref.tell(Note(text))
        ref.stop(drain=False)
        await ref.stopped()
        assert waiter.texts == ["stopped"]
        assert story.lost == [f"{n}: the actor has stopped" for n in (1, 2)]


async def test_stop_overtakes_a_draining_one() -> None:
    """After a draining stop an immediate stop still ends the actor at once."""
    async with System() as system:
        story, waiter = Story(system), Waiter()
        ref = system.spawn(waiter, "waiter")
        ref.tell(Carry("x"))
        await waiter.inside.wait()
        ref.tell(Note("waits"))
        ref.stop(drain=True)
        await rest()
        ref.stop(drain=False)
        await ref.stopped()
        assert waiter.texts == ["begin x", "cancelled x", "stopped"]
        assert story.lost == ["waits: the actor has stopped"]


class Quitter(Diary):
    """A diary that stops itself."""

    @receive
    def note(self, message: Note) -> None:
        """Keep the note, and stop at the word."""
        super().note(message)
        if message.text == "stop":
            self.stop()


async def test_stop_from_inside() -> None:
    """An actor that stops itself handles nothing more, not even waiting messages."""
    async with System() as system:
        story, actor = Story(system), Quitter()
        ref = system.spawn(actor, "quitter")
        for text in ("before", "stop", "after"):
            ref.tell(Note(text))
        await ref.stopped()
        assert texts_of(actor) == ["before", "stop", "stopped"]
        assert story.lost == ["after: the actor has stopped"]


async def test_stop_from_a_thread_keeps_its_place() -> None:
    """Messages of a thread arrive before its stop of their recipient."""
    async with System() as system:
        diary = Diary()
        ref = system.spawn(diary, "diary")

        def outside() -> None:
            for text in MANY:
                ref.tell(Note(text))
            ref.stop()

        await in_a_thread(outside)
        await ref.stopped()
        assert texts_of(diary) == [*MANY, "stopped"]


async def test_stops_of_a_thread() -> None:
    """A stop of an actor in a thread comes after waiting messages, or before them."""
    async with System() as system:
        story = Story(system)
        for drain in (True, False):
            actor = Blocked()
            ref = system.spawn_thread(actor, f"drain {drain}")
            ref.tell(Carry("x"))
            await asyncio.to_thread(actor.inside.wait)
            ref.tell(Note("waits"))
            ref.stop(drain=drain)
            await rest()
            actor.gate.set()
            await ref.stopped()
            await until(partial(stopped, actor))
            assert actor.texts == (["waits"] if drain else []) + ["stopped"]
        assert story.lost == ["waits: the actor has stopped"]


class Watching(Watcher):
    """Watches the actor that it stops, before or after the stop."""

    @receive
    def note(self, message: Note) -> None:
        """Stop, then watch; or watch, stop, then end the watch."""
        ref: ActorRef[Any] = self.system.ref(message.text)
        if message.text == "first":
            ref.stop()
            self.watch(ref)
        else:
            self.watch(ref)
            ref.stop()
            self.unwatch(ref)


async def test_watching_keeps_its_place() -> None:
    """Beginning or ending a watch after a stop comes too late."""
    async with System() as system:
        watching = Watching()
        watcher = system.spawn(watching, "watcher")
        for path in ("first", "second"):
            system.spawn(Diary(), path)
            watcher.tell(Note(path))
        await until(lambda: len(watching.ends) == 2)
        assert watching.ends == [
            "first: the actor has stopped",
            "second: the actor has stopped",
        ]


def stopped(actor: Blocked) -> bool:
    """Whether an actor has run its `on_stop`."""
    return "stopped" in actor.texts
