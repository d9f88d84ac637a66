"""Messages that come from the System itself."""

from typing import Any

from ccw_actors.errors import ActorFailedError, MailboxFullError, MessageError
from ccw_actors.runtime.ref import ActorRef
from ccw_actors.transport import Message

__all__ = ["Failure", "Terminated"]


class Failure(Message, frozen=True):
    """What comes back for a message that will have no other answer.

    It settles an ask. To an actor it is sent if that has a handler for it, for each
    of its messages that was refused, made a handler raise, or reached nobody.

    `actor` is the path of the recipient, `request` the type of the message.
    `refused` is True if it could not be decoded, or not handled in the recipient's
    present behaviour; `full` if a full mailbox dropped it. Both times no handler saw
    it.
    """

    actor: str
    request: str
    reason: str
    refused: bool = False
    full: bool = False

    def error(self) -> ActorFailedError | MailboxFullError | MessageError:
        """Return the exception that an asker gets for it."""
        if self.refused:
            return MessageError(f"{self.actor} refused {self.reason}")
        if self.full:
            return MailboxFullError(f"{self.request} to {self.actor}: {self.reason}")
        return ActorFailedError(self.actor, self.request, self.reason)


class Terminated(Message, frozen=True):
    """An actor that is being watched has ended, and why. A restart is no end."""

    ref: ActorRef[Any]
    reason: str
