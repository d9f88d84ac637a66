"""Messages that the System itself sends."""

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

__all__ = ["Failure", "MissingChild", "Terminated"]

M = TypeVar("M", bound=Message)


class Failure(Message, frozen=True):
    """The reply to a message that gets no other answer.

    It ends an ask. An actor with a handler for it in its current behaviour receives one
    for each of its messages that was refused, made a handler raise, or found no actor.

    `actor` is the path of the recipient, `request` the type of the message. `kind`
    names the type of the error: the type of the handler's exception, `MessageError`,
    `NoAnswerError`, `MailboxFullError` or `ActorStoppedError`. `message_id` is the
    `ccw_actors.transport.message_id` of the message, which its sender can compare with
    the id of a sent message. `payload` are the message's bytes if the System was
    created with `failures_with_payload`, otherwise None.

    `refused` is True if the recipient could not decode the message, or had no handler
    for it in its current behaviour. `full` is True if a full mailbox dropped it. In
    both cases no handler saw the message.
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
        """Return the exception that the ask raises."""
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
        """Return the failed message, which must be of that type.

        If it contains references, pass the `codec` of the System, in an actor
        `self.system.codec`. Raises `LookupError` if the System does not send messages
        along, `MessageError` if this one has another type, and `TypeError` for a type
        that needs the codec.
        """
        if self.payload is None:
            raise LookupError(
                f"the System of {self.actor} sends no message along with its failure:"
                " create it with failures_with_payload=True"
            )
        return (Codec() if codec is None else codec).decoder(kind)(self.payload)


class Terminated(Message, frozen=True):
    """A watched actor has ended, and why. A restart sends none."""

    ref: ActorRef[Any]
    reason: str


class MissingChild(Message, frozen=True):
    """A message has come for the child of that name, which is not there.

    Only an actor with a handler for it receives it, once for each child: also an ask,
    an offer or a watch counts. The messages wait. If a child of that name is spawned
    before the handler has ended, they come to it in their order, otherwise they become
    dead letters.
    """

    name: str
