"""The actors for the tests of the test kit, and their messages."""

from typing import Any

from ccw_actors.runtime import Actor, ActorRef, Message, Request, receive


class Note(Message, frozen=True):
    """A note to forward."""

    text: str


class Other(Message, frozen=True):
    """Another message."""


class Question(Request[Note], frozen=True):
    """Asks for a note."""

    text: str


class Later(Message, frozen=True):
    """Makes an actor forward a note in some seconds."""

    delay: float


class Blow(Message, frozen=True):
    """Makes the handler raise."""


class Courier(Actor[Note | Question | Later | Blow]):
    """Forwards its notes; puts the answers to its questions into notes."""

    def __init__(self, to: ActorRef[Any]) -> None:
        self._to = to

    @receive
    def note(self, message: Note) -> None:
        """Forward the note."""
        self._to.tell(message)

    @receive
    async def question(self, message: Question) -> Note:
        """Forward the question, and return the answer."""
        answer = await self._to.ask(message)
        return Note(f"answer: {answer.text}")

    @receive
    def later(self, message: Later) -> None:
        """Set a timer."""
        self.after(message.delay, Note(f"after {message.delay:g} s"))

    @receive
    def blow(self, _message: Blow) -> None:
        """Raise."""
        raise ValueError("loud")


class Greeter(Actor[Note]):
    """Greets the sender of a note."""

    @receive
    def note(self, message: Note) -> Note:
        """Answer."""
        return Note(f"hello {message.text}")
