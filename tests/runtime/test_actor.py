"""Valid handlers, and the messages that an actor accepts through them."""

from typing import Any, Union

import msgspec
import pytest

from ccw_actors.errors import CcwActorsError
from ccw_actors.runtime import (
    Actor,
    Message,
    System,
    VirtualDispatcher,
    receive,
    spec_of,
)
from tests.runtime.cast import Collect, Diary, Note, Notes


class Other(Message, frozen=True):
    """A message."""


def test_handlers_are_inherited() -> None:
    """A subclass accepts what its base accepts, and more."""

    class More(Diary):
        @receive
        def other(self, message: Other) -> None:
            """Do nothing."""

    assert set(spec_of(More).always) == {*spec_of(Diary).always, Other}
    assert Other not in spec_of(Diary).always


def test_handlers_of_two_bases() -> None:
    """A class with two bases accepts the messages of both, the first base's first."""

    class Left(Actor):
        @receive
        def note(self, message: Note) -> None:
            """Left."""

    class Right(Actor):
        @receive
        def any_note(self, message: Note) -> None:
            """Right."""

        @receive
        def other(self, message: Other) -> None:
            """Right."""

    class Both(Left, Right):
        """Has both."""

    assert spec_of(Both).always == {Note: Left.note, Other: Right.other}


@pytest.mark.parametrize("marked", [True, False])
def test_overridden_handler(*, marked: bool) -> None:
    """A method that overrides a handler is the handler, marked or not."""

    class Deaf(Diary):
        def note(self, message: Note) -> None:
            """Forget."""

        if marked:
            note = receive(note)

    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Deaf(), "deaf")
    ref.tell(Note("unheard"))
    assert ref.ask(Collect(), block=True) == Notes(())


def test_handler_of_several_types() -> None:
    """A parameter annotated with a union accepts each of its types."""

    class Either(Actor):
        @receive
        def either(self, message: Note | Other) -> None:
            """Do nothing."""

    class Old(Actor):
        @receive
        def either(self, message: Union[Note, Other]) -> None:  # noqa: UP007
            """Do nothing."""

    assert set(spec_of(Either).always) == set(spec_of(Old).always) == {Note, Other}


@pytest.mark.parametrize("hint", [int, Any, None, Note | None, msgspec.Struct])
def test_parameter_that_is_no_message(hint: object) -> None:
    """A handler of a type that is not a message is refused, with its name."""

    def handler(self: Actor, message: object) -> None:
        """Do nothing."""

    handler.__annotations__["message"] = hint
    with pytest.raises(TypeError, match=r"^Wrong\.handler: expected a parameter"):
        type("Wrong", (Actor,), {"handler": receive(handler)})


def test_parameter_without_annotation() -> None:
    """A handler without an annotation is refused."""
    with pytest.raises(TypeError, match="annotated with a message type, got None"):

        class Wrong(Actor):  # pyright: ignore[reportUnusedClass]
            @receive  # pyright: ignore[reportUnknownArgumentType]
            def handler(self, message) -> None:  # type: ignore[no-untyped-def] # pyright: ignore # noqa: ANN001, PGH003
                """Do nothing."""


def test_two_handlers_of_one_type() -> None:
    """Two handlers of the same type in one class are refused."""
    with pytest.raises(TypeError, match=r"^Wrong\.second: first handles Note already"):

        class Wrong(Actor):  # pyright: ignore[reportUnusedClass]
            @receive
            def first(self, message: Note) -> None:
                """Do nothing."""

            @receive
            def second(self, message: Note) -> None:
                """Do nothing."""


def test_two_types_of_one_name() -> None:
    """Two message types with the same tag are refused."""
    twin = type("Note", (Message,), {}, frozen=True)

    def handler(self: Actor, message: object) -> None:
        """Do nothing."""

    handler.__annotations__["message"] = twin
    with pytest.raises(TypeError, match="two message types named Note: give one"):
        type("Wrong", (Diary,), {"handler": receive(handler)})


def test_actor_that_accepts_nothing() -> None:
    """An actor without handlers refuses every message and continues."""

    class Deaf(Actor):
        """Has no handler."""

    dispatcher = VirtualDispatcher()
    ref = System(dispatcher).spawn(Deaf(), "deaf")
    ref.tell(Note("unheard"))
    dispatcher.run()
    assert ref.is_alive


def test_empty_path() -> None:
    """No actor lives at the empty path, which stands for the outside."""
    with pytest.raises(CcwActorsError, match="the path is empty"):
        System(VirtualDispatcher()).spawn(Diary(), "")
