"""References and addresses for answers that travel between Systems."""

import gc
from typing import Any

import pytest

from ccw_actors.errors import UnknownSystemError
from ccw_actors.runtime import Actor, ActorRef, Message, ReplyTo, System, receive
from tests.runtime.cast import Carry, Collect, Diary, Note, Notes, Send
from tests.runtime.links.pairs import (
    Meet,
    Pair,
    Watcher,
    join,
    link_of,
    linked,
    three_linked,
)
from tests.runtime.worlds import until

loop = pytest.mark.asyncio


class Owed(Message, frozen=True):
    """Passes on an answer that is owed."""

    to: ReplyTo[Note]
    text: str


class Answers(Actor[Owed]):
    """Answers for others."""

    def __init__(self) -> None:
        self.raised: list[Exception] = []

    @receive
    def owed(self, message: Owed) -> None:
        """Answer."""
        try:
            self.reply(message.to, Note(message.text))
        except UnknownSystemError as error:
            self.raised.append(error)


class Passes(Actor[Carry]):
    """Lets another actor answer."""

    def __init__(self, to: ActorRef[Any]) -> None:
        self.to = to

    @receive
    def carry(self, message: Carry) -> None:
        """Pass it on."""
        self.to.tell(Owed(self.reply_to, message.text))


@loop
async def test_reference_that_comes_home() -> None:
    """It is that of an actor there, as if it had never been away."""
    async with linked() as pair:
        diary, watcher = Diary(), Watcher()
        home = pair.one.spawn(diary, "diary")
        there = await pair.there(Diary(), "sends")
        there.tell(Send(("from two",), (home,)))
        await until(lambda: diary.state.texts == ["from two"])
        pair.two.spawn(watcher, "watcher")
        (await pair.link.ref("watcher")).tell(Meet(home))
        await until(lambda: bool(watcher.refs))
        (ref,) = watcher.refs
        assert (ref.system, ref) == ("one", home)


@loop
async def test_sender() -> None:
    """One who answers its sender reaches it over the link."""

    class Greets(Actor[Note]):
        @receive
        def note(self, message: Note) -> None:
            """Answer the sender."""
            assert self.sender is not None
            self.sender.tell(Note(f"{message.text} to {self.sender.system}"))

    async with linked() as pair:
        greets = await pair.there(Greets(), "greets")
        diary = Diary()
        home = pair.one.spawn(diary, "diary")
        home.tell(Send(("hello",), (greets,)))
        await until(lambda: diary.state.texts == ["hello to one"])


@loop
async def test_sender_from_outside() -> None:
    """What code outside actors tells has no sender there either."""

    class Looks(Actor[Note]):
        def __init__(self) -> None:
            self.senders: list[Any] = []

        @receive
        def note(self, _message: Note) -> None:
            """Keep the sender."""
            self.senders.append(self.sender)

    async with linked() as pair:
        looks = Looks()
        ref = await pair.there(looks, "looks")
        ref.tell(Note("x"))
        await until(lambda: looks.senders == [None])


@loop
async def test_reference_to_a_third_system() -> None:
    """It works at everybody who is linked with that System."""
    async with three_linked() as (one, two, three):
        diary = Diary()
        there = await (await link_of(one, "three")).ref("diary")
        three.spawn(diary, "diary")
        two.spawn(Diary(), "sends")
        sends = await (await link_of(one, "two")).ref("sends")
        sends.tell(Send(("by two",), (there,)))
        await until(lambda: diary.state.texts == ["by two"])


@loop
async def test_watching_in_a_third_system() -> None:
    """So does a watch, which ends with the link to that System and no other."""
    async with three_linked() as (one, two, three):
        three.spawn(Diary(), "diary")
        there = await (await link_of(one, "three")).ref("diary")
        watcher = Watcher()
        two.spawn(watcher, "watcher")
        (await (await link_of(one, "two")).ref("watcher")).tell(Meet(there))
        await until(lambda: bool(watcher.refs))
        (await link_of(one, "three")).lose("cut")
        assert await watcher.refs[0].ask(Collect()) == Notes(())
        (await link_of(two, "three")).lose("cut as well")
        await until(lambda: bool(watcher.ends))
        reason = "the link to three has ended: cut as well"
        assert watcher.ends == [("three:diary", reason)]


@loop
async def test_third_system_that_is_not_linked() -> None:
    """A reference passes through, and using it names the Systems that are known."""
    async with linked() as pair, System(name="three") as three:
        await join(pair.one, three)
        three.spawn(Diary(), "diary")
        there = await (await link_of(pair.one, "three")).ref("diary")

        class Tries(Watcher):
            @receive
            def meet(self, message: Meet) -> None:
                """Try to use it, and send it back."""
                try:
                    message.ref.tell(Note("x"))
                except UnknownSystemError as error:
                    self.heard.append(Note(str(error)))
                assert self.sender is not None

        tries = Tries()
        ref = await pair.there(tries, "tries")
        ref.tell(Meet(there))
        await until(lambda: bool(tries.heard))
        assert tries.heard == [
            Note("diary belongs to the System 'three'; known here: 'two', 'one'")
        ]


@loop
@pytest.mark.parametrize("answers", ["one", "two", "three"])
@pytest.mark.parametrize("told", [False, True])
async def test_answer_of_somebody_else(answers: str, told: bool) -> None:  # noqa: FBT001 - a table
    """A `reply_to` can be answered in the asked System, the asker's and a third."""

    class Tells(Watcher):
        @receive
        def meet(self, message: Meet) -> None:
            """Tell a request."""
            message.ref.tell(Carry("told"))

    async with three_linked() as systems:
        one, two, _ = systems
        answering = {system.name: system for system in systems}[answers]
        home = answering.spawn(Answers(), "answers")
        seen = (
            home
            if answers == "two"
            else await (await link_of(two, answers)).ref("answers")
        )
        two.spawn(Passes(seen), "passes")
        asked = await (await link_of(one, "two")).ref("passes")
        if told:
            tells = Tells()
            one.spawn(tells, "tells").tell(Meet(asked))
            await until(lambda: tells.heard == [Note("told")])
        else:
            assert await asked.ask(Carry("asked")) == Note("asked")


@loop
async def test_answer_in_a_system_that_is_not_linked() -> None:
    """The answer to an ask takes its way through the System asked.

    That to a told request would have to reach its sender: the error names its System.
    """

    class Tells(Watcher):
        @receive
        def meet(self, message: Meet) -> None:
            """Tell a request."""
            message.ref.tell(Carry("told"))

    async with linked() as pair, System(name="three") as three:
        await join(pair.two, three)
        answers = Answers()
        three.spawn(answers, "answers")
        seen = await (await link_of(pair.two, "three")).ref("answers")
        asked = await pair.there(Passes(seen), "passes")
        assert await asked.ask(Carry("asked")) == Note("asked")
        pair.one.spawn(Tells(), "tells").tell(Meet(asked))
        await until(lambda: bool(answers.raised))
        assert "belongs to the System 'one'" in str(answers.raised[0])


@loop
async def test_reference_that_travels_after_a_new_link() -> None:
    """A message has no session: what is decoded now belongs to the link of now."""
    async with linked() as pair:
        old = await pair.there(Diary(), "diary")
        await pair.cut()
        await until(lambda: not pair.two.links)
        await join(pair.one, pair.two)
        watcher = Watcher()
        pair.one.spawn(watcher, "watcher").tell(Meet(old))
        await until(lambda: bool(watcher.refs))
        assert watcher.refs[0] == old
        assert (old.is_alive, watcher.refs[0].is_alive) == (False, True)


async def used_once(pair: Pair, name: str) -> None:
    """Use a new actor at the other end, and keep no reference to it."""
    there = await pair.there(Diary(), name)
    there.tell(Collect())
    await there.ask(Collect())


@loop
async def test_nothing_is_kept_of_references() -> None:
    """A link does not grow with the actors that it was used for once."""

    def kept() -> int:
        gc.collect()
        names = [type(one).__name__ for one in gc.get_objects()]
        return names.count("ActorRef") + names.count("_Target")

    async with linked() as pair:
        before = kept()
        for number in range(100):
            await used_once(pair, f"diary-{number}")
        assert kept() <= before + 10
