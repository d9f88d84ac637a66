"""An observer that keeps the events of a System for a test."""

from typing import NamedTuple

from ccw_actors.runtime import Handled, Message, Observer, System

__all__ = ["DeadLetter", "Failed", "Recorder"]


class DeadLetter(NamedTuple):
    """A message that no actor will handle, and the reason."""

    event: Handled
    reason: str


class Failed(NamedTuple):
    """A failure: the path of the actor, and the message type or the hook."""

    actor: str
    message: str
    error: BaseException


class Recorder(Observer):
    """Observes a System from now on, and keeps all events, the oldest first.

    `events` are the handled messages and the taken answers.
    """

    def __init__(self, system: System) -> None:
        self._codec = system.codec
        self.events: list[Handled] = []
        self.dead_letters: list[DeadLetter] = []
        self.failures: list[Failed] = []
        system.observe(self)

    def handled(self, event: Handled) -> None:
        """Keep a message that is about to be handled."""
        self.events.append(event)

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Keep a dead letter."""
        self.dead_letters.append(DeadLetter(event, reason))

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Keep a failure."""
        self.failures.append(Failed(actor, message, error))

    def message(self, event: Handled) -> Message:
        """Return the message of an event."""
        decode = self._codec.decoder(event.message_type)
        return decode(event.payload)

    def order_of(self, path: str) -> list[Message]:
        """Return the messages that an actor handled, in order; "" is the outside."""
        return [self.message(one) for one in self.events if one.recipient == path]
