"""Changed messages between actors: unknown fields, other names, maps."""

from typing import Any

import msgspec
import pytest

from ccw_actors.errors import MessageError
from ccw_actors.runtime import (
    Actor,
    Message,
    Request,
    System,
    Terminated,
    VirtualDispatcher,
    receive,
)


class Line(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A value in a message."""

    item: str


class NewLine(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Its newer version."""

    item: str
    price: int = 0


class Receipt(Message, frozen=True):
    """An answer."""

    number: int


class NewReceipt(Message, frozen=True, tag="Receipt"):
    """Its newer version."""

    number: int
    printed: bool = False


class Order(Request[Receipt], frozen=True):
    """A request."""

    number: int
    lines: tuple[Line, ...] = ()


class NewOrder(Request[Receipt], frozen=True, tag="Order"):
    """Its newer version, for newer writers."""

    number: int
    lines: tuple[NewLine, ...] = ()
    note: str = ""


class Purchase(Message, frozen=True, tag="Order"):
    """Its name in an older reader."""

    number: int


class Shop(Actor[Order]):
    """Takes old orders, and answers with a field that the asker does not know."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    @receive
    def order(self, message: Order) -> Any:
        """Keep, and answer."""
        self.orders.append(message)
        return NewReceipt(message.number, printed=True)


NEW = NewOrder(7, (NewLine("a nail", 3),), "in a hurry")


def test_unknown_fields_are_refused_by_default() -> None:
    """An unknown field is refused, and the error says so."""
    system = System(VirtualDispatcher())
    shop = Shop()
    ref: Any = system.spawn(shop, "shop")
    with pytest.raises(
        MessageError, match=r"^shop refused Order: Expected `array` of at most length"
    ):
        ref.ask(NEW, block=True)
    assert shop.orders == []


def test_unknown_fields_are_accepted_if_the_system_says_so() -> None:
    """Unknown fields of messages, values and answers are dropped."""
    system = System(VirtualDispatcher(), unknown_fields="accept")
    shop = Shop()
    ref: Any = system.spawn(shop, "shop")
    assert ref.ask(NEW, block=True) == Receipt(7)
    assert shop.orders == [Order(7, (Line("a nail"),))]
    with pytest.raises(
        MessageError, match=r"^shop refused Receipt: Shop has no handler"
    ):
        ref.ask(Impostor(1), block=True)


class Impostor(Request[Receipt], frozen=True, tag="Receipt"):
    """A message of another type."""

    number: int


def test_answer_with_unknown_fields() -> None:
    """Without permission the answer is wrong."""
    system = System(VirtualDispatcher())
    ref = system.spawn(Shop(), "shop")
    with pytest.raises(
        MessageError,
        match="shop answered Order with Receipt: Expected `array` of at mo",
    ):
        ref.ask(Order(7), block=True)


def test_message_that_says_so_itself() -> None:
    """A message may accept unknown fields wherever it is read."""

    class Lenient(Message, frozen=True, tag="Order", forbid_unknown_fields=False):
        number: int

    class Reader(Actor[Lenient]):
        @receive
        def order(self, message: Lenient) -> None:
            """Keep."""
            read.append(message)

    clock, read = VirtualDispatcher(), list[Lenient]()
    ref: Any = System(clock).spawn(Reader(), "reader")
    ref.tell(NewOrder(7, (), "in a hurry"))
    clock.run()
    assert read == [Lenient(7)]


def test_references_in_messages_with_unknown_fields() -> None:
    """References work as usual."""

    class End(Message, frozen=True, tag="Terminated"):
        ref: Any
        reason: str
        since: float

    class Watcher(Actor[Terminated]):
        @receive
        def ended(self, message: Terminated) -> None:
            """Keep."""
            read.append(message)

    clock, read = VirtualDispatcher(), list[Terminated]()
    system = System(clock, unknown_fields="accept")
    watcher: Any = system.spawn(Watcher(), "watcher")
    watcher.tell(End(watcher, "why not", 1.0))
    clock.run()
    assert read == [Terminated(watcher, "why not")]


def test_renamed_message() -> None:
    """A message that keeps its tag may be renamed."""

    class Reader(Actor[Purchase]):
        @receive
        def purchase(self, message: Purchase) -> None:
            """Keep."""
            read.append(message)

    class Ask(Request[Receipt], frozen=True, tag="ask/v2"):
        pass

    class Answerer(Actor[Ask]):
        @receive
        def ask(self, _message: Ask) -> Receipt:
            """Answer."""
            return Receipt(2)

    clock, read = VirtualDispatcher(), list[Purchase]()
    system = System(clock, unknown_fields="accept")
    ref: Any = system.spawn(Reader(), "reader")
    ref.tell(Order(7))
    clock.run()
    assert read == [Purchase(7)]
    assert system.spawn(Answerer()).ask(Ask(), block=True) == Receipt(2)


def test_message_that_is_a_map() -> None:
    """A message with `array_like=False` travels with the names of its fields."""

    class Mapped(Request[Receipt], frozen=True, array_like=False):
        number: int

    class Reader(Actor[Mapped]):
        @receive
        def mapped(self, message: Mapped) -> Receipt:
            """Answer."""
            return Receipt(message.number)

    system = System(VirtualDispatcher())
    ref: Any = system.spawn(Reader(), "reader")
    assert ref.ask(Mapped(7), block=True) == Receipt(7)
    wrong: Any = "seven"
    with pytest.raises(
        MessageError, match=r"Expected `int`, got `str` - at `\$\.number"
    ):
        ref.ask(Mapped(wrong), block=True)


def test_two_types_that_look_the_same_on_the_wire() -> None:
    """One actor cannot take both; the error suggests another tag."""
    with pytest.raises(
        TypeError, match="two message types named Order: give one of th"
    ):

        class Both(Actor[Order | Purchase]):  # pyright: ignore[reportUnusedClass]
            @receive
            def order(self, message: Order) -> None:
                """Do nothing."""

            @receive
            def purchase(self, message: Purchase) -> None:
                """Do nothing."""


def test_two_types_of_one_class_name() -> None:
    """With different tags an actor takes both."""

    def renamed() -> type[Message]:
        class Order(Message, frozen=True, tag="order/v2"):
            pass

        return Order

    def handler(self: Actor, message: Message) -> None:
        """Keep the type."""
        assert isinstance(self, Shop)
        kinds.append(type(message))

    kinds: list[type[Message]] = []
    other = renamed()
    handler.__annotations__["message"] = other
    reader: Any = type("Reader", (Shop,), {"other": receive(handler)})
    clock = VirtualDispatcher()
    ref: Any = System(clock).spawn(reader(), "reader")
    ref.tell(other())
    ref.tell(Order(1))
    clock.run()
    assert kinds == [other]


def test_unknown_policy() -> None:
    """Any other value is refused, naming the two valid ones."""
    wrong: Any = "maybe"
    with pytest.raises(ValueError, match="expected 'refuse' or 'accept', got 'maybe'"):
        System(VirtualDispatcher(), unknown_fields=wrong)
