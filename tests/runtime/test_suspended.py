"""Snapshots of waiting handlers, and going back to them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from ccw_actors.errors import DispatcherError
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Choice,
    Message,
    Request,
    Snapshot,
    SteppingDispatcher,
    System,
    receive,
)


class Word(Message, frozen=True):
    """A word."""

    word: str


class Fetch(Request[Word], frozen=True):
    """Asks for a word."""

    word: str


class Story(Struct):
    """The words, in order."""

    words: list[str]


class Source(Actor[Fetch]):
    """Answers with the word and its count."""

    state: Story

    def __init__(self) -> None:
        self.state = Story([])

    @receive
    def fetch(self, message: Fetch) -> Word:
        """Answer."""
        self.state.words.append(message.word)
        return Word(f"{message.word}{len(self.state.words)}")


class Teller(Actor):
    """Fetches three words, one after the other, and keeps them in locals."""

    state: Story

    def __init__(self, source: ActorRef[Fetch], *, naps: bool) -> None:
        self.state = Story([])
        self._source = source
        self._naps = naps

    @receive
    async def word(self, message: Word) -> None:
        """Fetch the words, and keep them at the end."""
        story = self.state
        mine: list[str] = []
        try:
            for number in range(3):
                answer = await self._source.ask(Fetch(f"{message.word}{number}"))
                mine.append(answer.word)
                if self._naps:
                    await self.sleep(1.0)
                story.words.append("-")
        finally:
            story.words += mine


class Scene:
    """Two tellers and a source, to be run step by step."""

    def __init__(self) -> None:
        self.dispatcher = SteppingDispatcher("channel")
        self.system = System(self.dispatcher)
        self.source = Source()
        source = self.system.spawn(self.source, "source")
        self.tellers = [Teller(source, naps=naps) for naps in (False, True)]
        for number, teller in enumerate(self.tellers):
            ref = self.system.spawn(teller, f"teller/{number}")
            for word in ("x", "y"):
                ref.tell(Word(word))

    def end(self) -> tuple[tuple[str, ...], ...]:
        """Return what all have heard."""
        actors = (self.source, *self.tellers)
        return tuple(tuple(actor.state.words) for actor in actors)


@settings(max_examples=20, derandomize=True)
@given(st.data())
def test_going_back_and_forth(data: Any) -> None:
    """From each snapshot on, the same choices lead through the same to the same end."""
    scene = Scene()
    dispatcher = scene.dispatcher
    way: list[tuple[Snapshot, Choice | None]] = [(dispatcher.snapshot(), None)]
    while enabled := dispatcher.enabled():
        choice = data.draw(st.sampled_from(enabled))
        dispatcher.step(choice)
        way.append((dispatcher.snapshot(), choice))
    end = scene.end()
    assert [len(words) for words in end] == [12, 12, 12]
    places: list[int] = data.draw(st.lists(st.integers(0, len(way) - 1), max_size=12))
    for at in places:
        dispatcher.restore(way[at][0])
        assert dispatcher.snapshot().key() == way[at][0].key()
        for snapshot, choice in way[at + 1 :]:
            dispatcher.step(choice)
            assert dispatcher.snapshot().key() == snapshot.key()
        assert scene.end() == end


def test_nothing_is_sent_twice() -> None:
    """Messages of a handler that runs again are not sent twice."""
    scene = Scene()
    dispatcher = scene.dispatcher
    for _ in range(2):
        dispatcher.step(dispatcher.enabled()[0])
    before = dispatcher.snapshot()
    waiting = scene.system.statistics().waiting_messages
    dispatcher.restore(before)
    assert scene.system.statistics().waiting_messages == waiting
    assert dispatcher.snapshot().key() == before.key()


def test_stop_in_the_middle() -> None:
    """A restored handler is cancelled like the first one."""
    scene = Scene()
    dispatcher, teller = scene.dispatcher, scene.tellers[0]
    dispatcher.step(next(one for one in dispatcher.enabled() if "0" in one.recipient))
    dispatcher.step(next(one for one in dispatcher.enabled() if one[0] == "source"))
    dispatcher.step(next(one for one in dispatcher.enabled() if "0" in one.recipient))
    middle = dispatcher.snapshot()
    ends: list[tuple[str, ...]] = []
    for _ in range(2):
        dispatcher.restore(middle)
        teller.ref.stop(drain=False)
        dispatcher.run()
        assert not scene.system.is_alive("teller/0")
        ends.append(tuple(teller.state.words))
    assert ends == [("-", "x01"), ("-", "x01")]


def test_hook_that_waits() -> None:
    """An async hook cannot be restored, and the snapshot says so."""

    class Slow(Actor):
        async def on_start(self) -> None:
            """Sleep."""
            await self.sleep(1.0)

    dispatcher = SteppingDispatcher()
    System(dispatcher).spawn(Slow(), "slow")
    dispatcher.step()
    with pytest.raises(DispatcherError, match="slow is suspended in a hook"):
        dispatcher.snapshot()


def test_handler_that_differs() -> None:
    """A handler that does not repeat its result is reported."""
    seen: list[str] = []

    class Hidden(Actor):
        def __init__(self) -> None:
            self.state = Story([])

        @receive
        async def word(self, message: Word) -> None:
            """Count its runs, outside its state."""
            seen.append(message.word)
            self.state.words += seen
            await self.sleep(1.0)

    dispatcher = SteppingDispatcher()
    system = System(dispatcher)
    system.spawn(Hidden(), "hidden").tell(Word("x"))
    dispatcher.step()
    snapshot = dispatcher.snapshot()
    with pytest.raises(DispatcherError, match="does something else when it runs"):
        dispatcher.restore(snapshot)
