"""The handler tables of a class that is not an actor."""

from typing import Any

import pytest

from ccw_actors.errors import MessageError
from ccw_actors.runtime import ActorSpec, receive, spec_of
from ccw_actors.runtime._cell.handlers import specify, why_refused
from ccw_actors.transport import Codec, Message, Request, refusal


class Total(Message, frozen=True):
    """An answer."""

    number: int


class Add(Message, frozen=True):
    """A message."""

    number: int


class Twice(Add, frozen=True):
    """A subclass of it."""


class Read(Request[Total], frozen=True):
    """A request."""


class Named(Message, frozen=True, tag="other"):
    """Has another name on the wire."""


class Base:
    """The base of the classes in these tests, in place of `Actor`."""

    __actor_spec__ = ActorSpec({}, {}, {"": {}}, Message)

    def __init_subclass__(cls) -> None:
        specify(cls, Base)

    def stop(self) -> None:
        """A method whose name is reserved."""


class Door(Base):
    """Adds while open; reads always, but differently while closed."""

    @receive
    def read(self, _message: Read) -> Total:
        """Answer."""
        return Total(0)

    @receive(state="open")
    def add(self, message: Add) -> None:
        """Do nothing."""

    @receive(state="closed")
    def read_closed(self, _message: Read) -> Total:
        """Answer differently."""
        return Total(1)


class Gate(Door):
    """Overrides a handler without a mark, and has one more."""

    def read(self, _message: Read) -> Total:
        """Answer in its own way."""
        return Total(2)

    @receive
    def named(self, message: Named) -> None:
        """Do nothing."""


def names(table: dict[type[Message], Any]) -> dict[str, str]:
    """Return the names of messages and of the methods that handle them."""
    return {kind.__name__: method.__name__ for kind, method in table.items()}


def test_behaviours() -> None:
    """A behaviour has its own handlers first, then those of every behaviour."""
    spec = spec_of(Door())
    assert names(spec.always) == {"Read": "read"}
    behaviours = {name: names(table) for name, table in spec.behaviours.items()}
    assert behaviours == {
        "open": {"Read": "read", "Add": "add"},
        "closed": {"Read": "read_closed"},
    }
    assert [names(table) for table in spec.all()] == [
        {"Read": "read"},
        *behaviours.values(),
    ]
    assert names(spec.tables["open"]) == {"Add": "add"}


def test_what_is_accepted() -> None:
    """`accepts` is the union of the types handled in any behaviour."""
    decode = Codec().decoder(spec_of(Door).accepts)
    for message in (Read(), Add(1)):
        assert decode(Codec().encode(message)) == message
    with pytest.raises(MessageError):
        decode(Codec().encode(Named()))


def test_inheritance() -> None:
    """Handlers are inherited; an overriding method replaces one, marked or not."""
    spec = spec_of(Gate)
    assert names(spec.always) == {"Read": "read", "Named": "named"}
    assert spec.always[Read](Gate(), Read()) == Total(2)
    assert spec.behaviours["open"][Read](Gate(), Read()) == Total(2)
    assert spec.behaviours["closed"][Read](Gate(), Read()) == Total(1)
    assert spec_of(Door).always[Read](Door(), Read()) == Total(0)


def test_name_of_the_base() -> None:
    """A handler cannot use a reserved name of the base."""
    with pytest.raises(TypeError, match=r"^Wrong\.stop: a handler cannot be named 'st"):

        class Wrong(Base):  # pyright: ignore[reportUnusedClass]
            @receive
            def stop(self, message: Add) -> None:  # type: ignore[override] # pyright: ignore[reportIncompatibleMethodOverride]
                """Do nothing."""


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Named(), "other: Door has no handler for it, only for Read, Add"),
        (
            Twice(1),
            "Twice: Door has no handler for it, only for Add, from which it is derived",
        ),
        (Add("one"), "Add: Expected `int`, got `str`"),  # type: ignore[arg-type]
    ],
)
def test_why_refused(message: Message, why: str) -> None:
    """The reason is the unhandled type, or the error in its fields."""
    payload = Codec().encode(message)
    with pytest.raises(MessageError) as caught:
        Codec().decoder(spec_of(Door).accepts)(payload)
    assert caught.value.__cause__ is not None
    cause: Any = caught.value.__cause__
    assert why_refused(Door(), payload, cause).startswith(why)


def test_why_bytes_are_refused() -> None:
    """A message without a type is described by its size."""
    error = ValueError("no array")
    payload = b"\xc1\x00"
    assert why_refused(Door(), payload, error) == str(refusal(payload, error))
    assert "2 bytes: no array" in why_refused(Door(), payload, error)


def test_who_handles_nothing() -> None:
    """The reason says so as well."""

    class Deaf(Base):
        pass

    why = why_refused(Deaf(), Codec().encode(Named()), ValueError())
    assert why == "other: Deaf has no handler for it, nor for anything else"
