"""The subjects of the typing tests: a few messages and an actor that declares them."""

from ccw_actors.runtime import Actor, Message, Request, receive


class Total(Message, frozen=True):
    """An answer."""

    value: int


class Nothing(Message, frozen=True):
    """Another answer."""


class Add(Message, frozen=True):
    """A message without an answer."""

    value: int


class Read(Request[Total], frozen=True):
    """A request with one answer."""


class Pick(Request[Total | Nothing], frozen=True):
    """A request with either of two answers."""


class Foreign(Message, frozen=True):
    """A message that the counter does not take."""


class Counter(Actor[Add | Read | Pick]):
    """Takes three types of messages."""

    def __init__(self, value: int = 0) -> None:
        self.value = value

    @receive
    def add(self, message: Add) -> None:
        """Add."""
        self.value += message.value

    @receive
    def read(self, _message: Read) -> Total:
        """Answer."""
        return Total(self.value)

    @receive
    async def pick(self, _message: Pick) -> Total | Nothing:
        """Answer."""
        return Total(self.value) if self.value else Nothing()


class Bare(Actor):
    """Does not declare its messages."""

    @receive
    def add(self, message: Add) -> None:
        """Add."""
