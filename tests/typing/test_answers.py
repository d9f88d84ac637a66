"""Type checkers check answers: of handlers, late answers, and forgotten awaits.

The functions below are checked, not run. A comment that silences no error is itself an
error, so each comment marks what mypy and pyright must reject.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from collections.abc import Coroutine
from functools import partial
from typing import Any, assert_type

import pytest

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    ReplyTo,
    Restart,
    System,
    receive,
)
from tests.typing.cast import Add, Counter, Foreign, Nothing, Pick, Read, Total


def answers_of_a_named_request() -> None:
    """`@receive(Read)` holds a handler to the answer of `Read`, plain or async."""

    class Right(Actor[Read | Pick]):
        @receive(Read)
        def read(self, _message: Read) -> Total:
            """Answer."""
            return Total(0)

        @receive(Pick, state="async")
        async def pick(self, _message: Pick) -> Total | Nothing:
            """Answer with one of the two."""
            return Nothing()

        @receive(Pick)
        def choose(self, _message: Pick) -> Nothing | None:
            """Answer with one of them, or later."""
            return Nothing()

    class Wrong(Actor[Read]):
        @receive(Read)  # type: ignore[arg-type]
        def read(self, _message: Read) -> Foreign:
            """Answer with another message."""
            return Foreign()

    class WrongLater(Actor[Pick]):
        @receive(Pick)  # type: ignore[arg-type]
        async def pick(self, _message: Pick) -> Foreign:
            """Answer later with another message."""
            return Foreign()

    class NoMessage(Actor[Read]):
        @receive(Read)  # type: ignore[arg-type]
        def read(self, _message: Read) -> str:
            """Answer with a value that is not a message."""
            return "text"

    del Right, Wrong, WrongLater, NoMessage


def named_what_is_no_request() -> None:
    """Only a request can be named."""

    class Wrong(Actor[Add]):
        @receive(Add)  # type: ignore[arg-type]
        def add(self, _message: Add) -> None:
            """Do nothing."""

    del Wrong


class Later(Actor[Read | Add]):
    """Keeps where the answers go that it owes, and their type."""

    def __init__(self) -> None:
        self.owed: list[ReplyTo[Total]] = []

    @receive
    def read(self, _message: Read) -> None:
        """Answer later."""
        assert_type(self.reply_to, ReplyTo[Any])
        self.owed.append(self.reply_to)

    @receive
    def add(self, message: Add) -> None:
        """Answer now."""
        for to in self.owed:
            self.reply(to, Total(message.value))
            self.reply(to, Foreign())  # type: ignore[misc]
            self.reply(to, 7)  # type: ignore[misc]
        self.reply(self.reply_to, Foreign())


def owed_to_whom(total: ReplyTo[Total], anything: ReplyTo) -> None:
    """The type of an owed answer says what answers it; without one anything does."""
    owed: list[ReplyTo[Total]] = [total, anything]
    other: list[ReplyTo[Nothing]] = [total]  # type: ignore[list-item]
    assert_type(total.ref, ActorRef[Any] | None)
    del owed, other


class Family(Actor[Add]):
    """Uses the methods of every actor."""

    @receive
    def add(self, message: Add) -> None:
        """Check types."""
        assert_type(self.sender, ActorRef[Any] | None)
        assert_type(self.ref, ActorRef[Any])
        assert_type(self.children, tuple[ActorRef[Any], ...])
        assert_type(self.path, str)
        self.path = "elsewhere"  # type: ignore[misc]
        self.spawn(needs_an_argument)  # type: ignore[arg-type]
        self.spawn(Counter, "counter").tell(Foreign())  # type: ignore[arg-type]
        self.after(1.0, 7)  # type: ignore[arg-type]
        self.every("1", message)  # type: ignore[arg-type]


def needs_an_argument(value: int) -> Counter:
    """Make a counter."""
    return Counter(value)


async def forgotten(ref: ActorRef[Read], system: System) -> None:
    """An ask, or an offer, that is not awaited is an error."""
    ref.ask(Read())  # type: ignore[unused-coroutine]
    ref.offer(Read())  # type: ignore[unused-coroutine]
    ref.stopped()  # type: ignore[unused-coroutine]
    ref.started()  # type: ignore[unused-coroutine]
    system.shutdown()  # type: ignore[unused-coroutine]
    coroutine: Coroutine[Any, Any, Total] = ref.ask(Read())
    assert_type(await coroutine, Total)
    await ref.tell(Read())  # type: ignore[func-returns-value, misc]


def many(system: System) -> None:
    """A list of spawned actors has the type of their references."""
    refs = [
        system.spawn(partial(Counter, value), supervision=Restart())
        for value in range(3)
    ]
    assert_type(refs, list[ActorRef[Add | Read | Pick]])


def test_same_at_run_time() -> None:
    """A class that the checkers reject is also refused when the class is made."""
    for refused, text in (
        (
            answers_of_a_named_request,
            r"Wrong\.read answers Read with Foreign, expected",
        ),
        (named_what_is_no_request, "Add"),
    ):
        with pytest.raises(TypeError, match=text):
            refused()
