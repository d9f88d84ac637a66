"""The actors that the runtime's tests are played with, and their messages."""

from typing import Any

import msgspec

from ccw_actors.runtime import Actor, ActorRef, Message, ReplyTo, Request, receive


class Note(Message, frozen=True):
    """Something to remember."""

    text: str


class Notes(Message, frozen=True):
    """What has been remembered, in order."""

    texts: tuple[str, ...]


class Collect(Request[Notes], frozen=True):
    """Asks for the notes."""


class Carry(Request[Note], frozen=True):
    """Asks for something that takes a while."""

    text: str


class Deliver(Message, frozen=True):
    """Has everything answered that is being carried."""


class Send(Message, frozen=True):
    """Has notes sent to each of some actors."""

    texts: tuple[str, ...]
    to: tuple[ActorRef[Note], ...]


class Blow(Request[Note], frozen=True):
    """Makes the handler raise."""

    reason: str


class Wake(Message, frozen=True):
    """What a timer brings."""

    text: str


class SetTimer(Request[Note], frozen=True):
    """Sets a timer; answered by its number."""

    delay: float
    text: str


class CancelTimer(Message, frozen=True):
    """Cancels a timer."""

    number: int


class DiaryState(msgspec.Struct):
    """What a diary remembers."""

    texts: list[str]
    carried: list[tuple[ReplyTo, str]]


class Diary(Actor):
    """Remembers notes; answers late what it has to carry; sets timers."""

    state: DiaryState

    def __init__(self) -> None:
        self.state = DiaryState([], [])

    @receive
    def note(self, message: Note) -> None:
        """Remember."""
        self.state.texts.append(message.text)

    @receive
    def collect(self, _message: Collect) -> Notes:
        """Tell what was remembered."""
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
        """Send notes, each to all."""
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
        """Remember what the timer brought, and when."""
        self.state.texts.append(f"{message.text} at {self.now():g}")

    def on_stop(self) -> None:
        """Remember the end."""
        self.state.texts.append("stopped")

    def on_failure(self, error: BaseException) -> None:
        """Remember the failure."""
        self.state.texts.append(f"failed: {error}")


def texts_of(actor: Any) -> list[str]:
    """Return what a diary remembers, alive or not."""
    texts: list[str] = actor.state.texts
    return texts
