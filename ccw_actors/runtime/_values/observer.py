"""Observers of a System, and the event for each handled message."""

from typing import NamedTuple

from ccw_actors.transport import Message

__all__ = ["Handled", "Observer"]


class Handled(NamedTuple):
    """One message at the moment when its recipient handles it.

    `number` counts messages in the order sent, from 1; a timer's message counts as sent
    when the timer is set. `cause` is the number of the message whose handler sent this
    one, 0 if it came from outside. `sent_at` and `handled_at` are seconds of the
    System's clock. `sender` is a path, "" for the outside. `recipient` is "" for an
    answer to the outside. `message_type` is the type that the sender encoded.
    If the message came over a link, `cause` is a number of the System `cause_system`,
    "" for this one, and `sent_at` the time when it came.
    """

    number: int
    cause: int
    sent_at: float
    handled_at: float
    sender: str
    recipient: str
    payload: bytes
    message_type: type[Message]
    cause_system: str = ""


class Observer:
    """Observes a System, which calls every method on its own thread.

    Override the methods you need; the others do nothing. If an observer raises, the
    System logs that and does not call it again. It does not report messages that were
    sent while it had no observer.
    """

    def spawned(self, actor: str) -> None:
        """An actor has been spawned at a path."""

    def handled(self, event: Handled) -> None:
        """An actor is about to handle a message or take an answer."""

    def dead_letter(self, event: Handled, reason: str) -> None:
        """No actor will handle a message, for the given reason."""

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """An actor raised on a message, or in a hook."""

    def restarted(self, actor: str) -> None:
        """An actor restarts."""

    def stopped(self, actor: str, reason: str) -> None:
        """The actor at a path has ended, for the given reason."""
