"""What type checkers see of references; they fail on this file if it is otherwise."""

from typing import Any, assert_type

from ccw_actors.runtime import (
    Actor,
    ActorRef,
    Message,
    Request,
    System,
    VirtualDispatcher,
    receive,
)
from tests.runtime.cast import Collect, Diary, Note, Notes


class Nothing(Message, frozen=True):
    """There is nothing."""


class Find(Request[Note | Nothing], frozen=True):
    """A request with two kinds of answer."""


class Finder(Actor[Find | Note]):
    """Finds nothing."""

    @receive
    def find(self, _message: Find) -> Note | Nothing:
        """Answer."""
        return Nothing()

    @receive
    def note(self, message: Note) -> None:
        """Forget."""


def test_types() -> None:
    """`spawn` and `ask` have the types that class and request declare."""
    system = System(VirtualDispatcher())
    finder = system.spawn(Finder())
    assert_type(finder, ActorRef[Find | Note])
    assert_type(system.spawn(Finder), ActorRef[Find | Note])
    answer = finder.ask(Find(), block=True)
    assert_type(answer, Note | Nothing)
    assert answer == Nothing()
    bare = system.spawn(Diary())
    assert_type(bare, ActorRef[Any])
    assert_type(bare.ask(Collect(), block=True), Notes)


def test_tell_of_a_wrong_type() -> None:
    """A checker refuses what a reference does not take; so does the actor."""
    system = System(VirtualDispatcher())
    finder = system.spawn(Finder())
    finder.tell(Nothing())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    narrower: ActorRef[Note] = finder
    narrower.tell(Note("taken"))
    narrower.tell(Find())  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert system.statistics().waiting_messages == 3
