"""What can be watched in a System, and what one watched message looks like."""

from typing import NamedTuple

from ccw_actors.transport import Message

__all__ = ["Handled", "Observer"]


class Handled(NamedTuple):
    """One message at the moment its recipient handles it.

    `number` counts messages in the order sent, from 1; a timer's message counts as
    sent when the timer is set. `cause` is the number of the message whose handling
    sent this one, 0 if it came from outside. `sent_at` and `handled_at` are seconds
    of the System's clock. `sender` is a path, "" for the outside; so is `recipient`
    where an answer goes there. `message_type` is the type that the sender encoded.
    """

    number: int
    cause: int
    sent_at: float
    handled_at: float
    sender: str
    recipient: str
    payload: bytes
    message_type: type[Message]


class Observer:
    """Watches a System; every method is called on the System's own thread.

    Override what is of interest; the rest does nothing. An observer that raises is
    logged and not called again. Messages sent while nobody observed are not reported.
    """

    def spawned(self, actor: str) -> None:
        """Note that there is an actor at a path."""

    def handled(self, event: Handled) -> None:
        """Note that a message is about to be handled, or an answer to be taken."""

    def dead_letter(self, event: Handled, reason: str) -> None:
        """Note that a message will never be handled, and why."""

    def failed(self, actor: str, message: str, error: BaseException) -> None:
        """Note that an actor raised on a message (or in a hook)."""

    def restarted(self, actor: str) -> None:
        """Note that an actor begins again."""

    def stopped(self, actor: str, reason: str) -> None:
        """Note that there is no actor at a path any more, and why."""
