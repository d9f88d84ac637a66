"""The actors of the runtime's tests, and their messages."""

from typing import Any

import msgspec

from ccw_actors.runtime import Actor, ActorRef, Message, ReplyTo, Request, receive


class Note(Message, frozen=True):
    """A note."""

    text: str


class Notes(Message, frozen=True):
    """The kept notes, in order."""

    texts: tuple[str, ...]


class Collect(Request[Notes], frozen=True):
    """Asks for the notes."""


class Carry(Request[Note], frozen=True):
    """Asks for an answer that takes a while."""

    text: str


class Deliver(Message, frozen=True):
    """Makes the actor answer every pending `Carry`."""


class Send(Message, frozen=True):
    """Makes the actor send notes to each of some actors."""

    texts: tuple[str, ...]
    to: tuple[ActorRef[Note], ...]


class Blow(Request[Note], frozen=True):
    """Makes the handler raise."""

    reason: str


class Wake(Message, frozen=True):
    """The message of a timer."""

    text: str


class SetTimer(Request[Note], frozen=True):
    """Sets a timer; its number is the answer."""

    delay: float
    text: str


class CancelTimer(Message, frozen=True):
    """Cancels a timer."""

    number: int


class DiaryState(msgspec.Struct):
    """The state of a diary."""

    texts: list[str]
    carried: list[tuple[ReplyTo, str]]


class Diary(Actor):
    """Keeps notes, answers a `Carry` late, and sets timers."""

    state: DiaryState

    def __init__(self) -> None:
        self.state = DiaryState([], [])

    @receive
    def note(self, message: Note) -> None:
        """Keep the message."""
        self.state.texts.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Answer with the kept notes."""
        return Notes(tuple(self.state.texts))

    @receive
    def carry(self, message: Carry) -> None:
        """Answer later."""
        self.state.carried.append((self.reply_to, message.text))

    @receive
    def deliver(self, _message: Deliver) -> None:
        """Answer now."""
        for to, text in self.state.carried:
            self.reply(to, Note(text))
        self.state.carried.clear()

    @receive
    def send(self, message: Send) -> None:
        """Send each note to all."""
        for text in message.texts:
            for ref in message.to:
                ref.tell(Note(text))

    @receive
    def blow(self, message: Blow) -> Note:
        """Raise."""
        raise ValueError(message.reason)

    @receive
    def set_timer(self, message: SetTimer) -> Note:
        """Set a timer."""
        return Note(str(self.after(message.delay, Wake(message.text))))

    @receive
    def cancel_timer(self, message: CancelTimer) -> None:
        """Cancel a timer."""
        self.cancel(message.number)

    @receive
    def wake(self, message: Wake) -> None:
        """Keep the timer's message and the time."""
        self.state.texts.append(f"{message.text} at {self.now():g}")

    def on_stop(self) -> None:
        """Note the end."""
        self.state.texts.append("stopped")

    def on_failure(self, error: BaseException) -> None:
        """Note the failure."""
        self.state.texts.append(f"failed: {error}")


def texts_of(actor: Any) -> list[str]:
    """Return the notes of a diary, alive or not."""
    texts: list[str] = actor.state.texts
    return texts
