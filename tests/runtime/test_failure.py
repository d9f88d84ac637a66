"""The content of a `Failure`: the message, its actor, and the kind of error."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    MailboxFullError,
    MessageError,
    NoAnswerError,
)
from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Failure,
    Mailbox,
    Message,
    System,
    VirtualDispatcher,
    receive,
)
from ccw_actors.transport import message_id
from tests.runtime.cast import Blow, Carry, Collect, Diary, Note, Notes, Send
from tests.runtime.worlds import until


class Begin(Message, frozen=True):
    """Makes a sender send."""


class Sender(Actor[Begin | Failure]):
    """Runs a given function; keeps failures."""

    def __init__(self, does: Callable[["Sender"], None]) -> None:
        self.does = does
        self.failures: list[Failure] = []

    @receive
    def begin(self, _message: Begin) -> None:
        """Do it."""
        self.does(self)

    @receive
    def failure(self, message: Failure) -> None:
        """Keep."""
        self.failures.append(message)


def failures_of(
    does: Callable[[Sender], None], **options: Any
) -> tuple[System, list[Failure]]:
    """Return the failures for an actor that runs a function in a System."""
    clock = VirtualDispatcher()
    system, sender = System(clock, **options), Sender(does)
    system.spawn(Diary(), "diary")
    system.spawn(Diary(), "full", mailbox=Mailbox(1, "drop newest"))
    system.spawn(sender, "sender").tell(Begin())
    clock.run()
    return system, sender.failures


WRONG: Any = 7

CASES: dict[str, tuple[Message, str, type[Exception]]] = {
    "ValueError": (Blow("loud"), "diary", ActorFailedError),
    "MessageError": (Note(WRONG), "diary", MessageError),
    "ActorStoppedError": (Note("x"), "nobody", ActorStoppedError),
}


@pytest.mark.parametrize("kind", CASES)
def test_kind_and_message(kind: str) -> None:
    """It has the kind of error, the id of the message, and the actor."""
    message, path, error = CASES[kind]
    system, (failure,) = failures_of(lambda one: one.system.ref(path).tell(message))
    assert (failure.kind, failure.actor) == (kind, path)
    assert failure.request == type(message).__name__
    assert failure.message_id == message_id(system.codec.encode(message))
    assert failure.payload is None
    assert type(failure.error()) is error


def test_which_of_several() -> None:
    """The id distinguishes messages; equal ones have the same id."""

    def send(one: Sender) -> None:
        for text in ("x", "y", "x"):
            one.system.ref("nobody").tell(Note(text))

    _, (first, second, third) = failures_of(send)
    assert first.message_id == third.message_id != second.message_id


def test_full_mailbox() -> None:
    """A message dropped by a full mailbox is marked, also by its kind."""

    def send(one: Sender) -> None:
        for text in ("x", "y"):
            one.system.ref("full").tell(Note(text))

    _, (failure,) = failures_of(send)
    assert (failure.kind, failure.full) == ("MailboxFullError", True)
    assert isinstance(failure.error(), MailboxFullError)


def test_message_along_with_it() -> None:
    """With the option a failure contains the message, which can be sent again."""

    def send(one: Sender) -> None:
        one.system.ref("nobody").tell(Note("x"))

    system, (failure,) = failures_of(send, failures_with_payload=True)
    assert failure.message(Note) == Note("x")
    assert failure.payload == system.codec.encode(Note("x"))
    with pytest.raises(MessageError, match="Note: Invalid value 'Note'"):
        failure.message(Carry)


def test_message_with_references_along_with_it() -> None:
    """With the codec of the System its references work again."""

    def send(one: Sender) -> None:
        one.system.ref("nobody").tell(Send(("x",), (one.ref,)))

    system, (failure,) = failures_of(send, failures_with_payload=True)
    sender: ActorRef[Any] = system.ref("sender")
    assert failure.message(Send, system.codec) == Send(("x",), (sender,))
    with pytest.raises(TypeError, match=r"Send\.to: ActorRef cannot travel"):
        failure.message(Send)


def test_message_that_is_not_there() -> None:
    """Without the option the error says what to do."""
    _, (failure,) = failures_of(lambda one: one.system.ref("nobody").tell(Note("x")))
    with pytest.raises(LookupError, match="create it with failures_with_payload=True"):
        failure.message(Note)


class Silent(Actor[Carry]):
    """Never answers."""

    @receive
    def carry(self, _message: Carry) -> None:
        """Answer nothing."""


@pytest.mark.asyncio
async def test_failures_of_asks() -> None:
    """An ask raises the exceptions of these kinds, and gets no `Failure`."""
    async with System() as system:
        diary: ActorRef[Any] = system.spawn(Diary(), "diary")
        silent = system.spawn(Silent(), "silent")
        for ask, kind in (
            (silent.ask(Carry("x")), NoAnswerError),
            (diary.ask(Carry(WRONG)), MessageError),
            (system.ref("nobody").ask(Collect()), ActorStoppedError),
            (diary.ask(Blow("loud")), ActorFailedError),
        ):
            with pytest.raises(kind) as caught:
                await ask
            assert type(caught.value) is kind


@pytest.mark.asyncio
async def test_failure_of_a_thread() -> None:
    """A failure in a thread has the same content."""
    async with System() as system:
        sender = Sender(lambda one: one.system.ref("thread").tell(Blow("loud")))
        system.spawn_thread(Diary(), "thread")
        system.spawn(sender, "sender").tell(Begin())
        await until(lambda: bool(sender.failures))
        (failure,) = sender.failures
        assert (failure.kind, failure.actor) == ("ValueError", "thread")
        await asyncio.sleep(0)
        assert Notes.__name__ not in failure.reason
