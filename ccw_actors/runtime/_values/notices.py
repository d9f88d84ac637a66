"""Messages that come from the System itself."""

from typing import Any, TypeVar

from ccw_actors.errors import (
    ActorFailedError,
    ActorStoppedError,
    MailboxFullError,
    MessageError,
    NoAnswerError,
)
from ccw_actors.runtime._values.reference import ActorRef
from ccw_actors.transport import Codec, Message

__all__ = ["Failure", "Terminated"]

M = TypeVar("M", bound=Message)


class Failure(Message, frozen=True):
    """What comes back for a message that will have no other answer.

    It settles an ask. To an actor it is sent if that has a handler for it, in its
    present behaviour, for each of its messages that was refused, made a handler raise,
    or reached nobody.

    `actor` is the path of the recipient, `request` the type of the message. `kind` is
    the type of the error: that of what the handler has raised, `MessageError`,
    `NoAnswerError`, `MailboxFullError` or `ActorStoppedError`. `message_id` is the
    `ccw_actors.transport.message_id` of the message, which its sender can compare with
    that of what it has sent; `payload` are the message's bytes if the System was made
    with `failures_with_payload`, else None.

    `refused` is True if it could not be decoded, or not handled in the recipient's
    present behaviour; `full` if a full mailbox dropped it. Both times no handler saw
    it.
    """

    actor: str
    request: str
    reason: str
    refused: bool = False
    full: bool = False
    kind: str = ""
    message_id: str = ""
    payload: bytes | None = None

    def error(
        self,
    ) -> ActorFailedError | ActorStoppedError | MailboxFullError | MessageError:
        """Return the exception that an asker gets for it."""
        if self.refused:
            return MessageError(f"{self.actor} refused {self.reason}")
        if self.kind == NoAnswerError.__name__:
            return NoAnswerError(f"{self.actor} does not answer {self.reason}")
        if self.full:
            return MailboxFullError(f"{self.request} to {self.actor}: {self.reason}")
        if self.kind == ActorStoppedError.__name__:
            return ActorStoppedError(f"{self.request} to {self.actor}: {self.reason}")
        return ActorFailedError(self.actor, self.request, self.reason)

    def message(self, kind: type[M], codec: Codec | None = None) -> M:
        """Return the message that has failed, which is one of that type.

        If there are references in it, give the `codec` of the System: an actor has it
        in `self.system`. Raises `LookupError` if the System does not send messages
        along, `MessageError` if this one is of another type, and `TypeError` for a type
        that needs the codec.
        """
        if self.payload is None:
            raise LookupError(
                f"the System of {self.actor} sends no message along with its failure:"
                " make it with failures_with_payload=True"
            )
        return (Codec() if codec is None else codec).decoder(kind)(self.payload)


class Terminated(Message, frozen=True):
    """An actor that is being watched has ended, and why. A restart is no end."""

    ref: ActorRef[Any]
    reason: str
