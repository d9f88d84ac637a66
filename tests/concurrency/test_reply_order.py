"""A reply is a message: it keeps its place among its sender's messages to the asker."""

import asyncio
from typing import Any

import pykka
import pytest

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Mailbox,
    Message,
    ReplyTo,
    System,
    receive,
)
from tests.concurrency.cast import Story, until
from tests.runtime.cast import Carry, Collect, Deliver, Diary, Note, Notes, Send

pytestmark = pytest.mark.asyncio


class Begin(Message, frozen=True):
    """Starts an actor."""


class Correspondent(Actor[Begin | Note | Notes]):
    """Tells another actor some messages, and keeps all replies."""

    def __init__(self, other: ActorRef[Any], *messages: Message) -> None:
        self._other = other
        self._messages = messages
        self.back: list[Message] = []

    @receive
    def begin(self, _message: Begin) -> None:
        """Tell."""
        for message in self._messages:
            self._other.tell(message)

    @receive
    def came_back(self, message: Note | Notes) -> None:
        """Keep the message."""
        self.back.append(message)


def sent_back(system: System, other: ActorRef[Any]) -> Correspondent:
    """Ask a diary at `other` between two of its messages."""
    back = (system.ref("home"),)
    messages = Send(("before",), back), Collect(), Send(("after",), back)
    home = Correspondent(other, *messages)
    system.spawn(home, "home").tell(Begin())
    return home


@pytest.mark.parametrize("thread", [False, True])
async def test_answer_to_what_was_told(*, thread: bool) -> None:
    """The answer comes between its sender's earlier and later messages."""
    async with System() as system:
        spawn = system.spawn_thread if thread else system.spawn
        home = sent_back(system, spawn(Diary(), "diary"))
        await until(lambda: len(home.back) == 3)
        assert home.back == [Note("before"), Notes(()), Note("after")]


class Foreign(pykka.ThreadingActor):
    """A Pykka actor that tells the given texts, and answers."""

    use_daemon_thread = True

    def on_receive(self, message: Any) -> Any:
        """Tell each given text; answer anything else."""
        if isinstance(message, Send):
            for text in message.texts:
                message.to[0].tell(Note(text))
            return None
        return Notes(())


async def test_answer_of_a_pykka_actor() -> None:
    """A foreign Pykka actor's answer keeps its place after its earlier messages."""
    async with System() as system:
        foreign = Foreign.start()
        ref = system.bridge(foreign, "foreign", Send | Collect, stop=True)
        home = sent_back(system, ref)
        await until(lambda: len(home.back) == 3)
        assert home.back == [Note("before"), Notes(()), Note("after")]


async def test_late_answer() -> None:
    """An answer given by a later message takes its place at that time."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        back = (system.ref("home"),)
        home = Correspondent(
            diary, Carry("late"), Send(("1",), back), Deliver(), Send(("2",), back)
        )
        system.spawn(home, "home").tell(Begin())
        await until(lambda: len(home.back) == 3)
        assert home.back == [Note("1"), Note("late"), Note("2")]


class Backwards(Actor[Carry]):
    """Answers three requests in reverse."""

    def __init__(self) -> None:
        self.asked: list[tuple[ReplyTo, str]] = []

    @receive
    def carry(self, message: Carry) -> None:
        """Answer the last three in reverse when the third has come."""
        self.asked.append((self.reply_to, message.text))
        if len(self.asked) == 3:
            for to, text in reversed(self.asked):
                self.reply(to, Note(text))


async def test_answers_to_a_task() -> None:
    """Asks from outside end in the order of their answers."""
    async with System() as system:
        ref = system.spawn(Backwards(), "backwards")
        order: list[str] = []

        async def ask(text: str) -> None:
            order.append((await ref.ask(Carry(text))).text)

        await asyncio.gather(*map(ask, ("1", "2", "3")))
        assert order == ["3", "2", "1"]


async def test_answer_does_not_count() -> None:
    """An answer finds room in a mailbox that is full to its bound."""
    async with System() as system:
        diary = system.spawn(Diary(), "diary")
        home = Correspondent(diary, Collect(), Collect(), Collect())
        ref = system.spawn(home, "home", mailbox=Mailbox(1))
        story = Story(system)
        ref.tell(Begin())
        await until(lambda: len(home.back) == 3)
        assert home.back == [Notes(())] * 3
        assert story.lost == []
