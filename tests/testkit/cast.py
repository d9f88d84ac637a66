"""The actors that the test kit is tried on, and their messages."""

from typing import Any

from ccw_actors.runtime import Actor, ActorRef, Message, Request, receive


class Note(Message, frozen=True):
    """Something to be passed on."""

    text: str


class Other(Message, frozen=True):
    """Something else."""


class Question(Request[Note], frozen=True):
    """Asks for a note."""

    text: str


class Later(Message, frozen=True):
    """Has a note passed on in some seconds."""

    delay: float


class Blow(Message, frozen=True):
    """Makes the handler raise."""


class Courier(Actor[Note | Question | Later | Blow]):
    """Passes on what it gets; puts the answers to its questions into notes."""

    def __init__(self, to: ActorRef[Any]) -> None:
        self._to = to

    @receive
    def note(self, message: Note) -> None:
        """Pass on."""
        self._to.tell(message)

    @receive
    async def question(self, message: Question) -> Note:
        """Pass on, and pass the answer back."""
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
    """Greets back whoever sends it a note."""

    @receive
    def note(self, message: Note) -> Note:
        """Answer."""
        return Note(f"hello {message.text}")
