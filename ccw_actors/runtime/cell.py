"""An actor's place in a System: its mailbox and what the System knows of it."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from ccw_actors.transport import Message

if TYPE_CHECKING:
    from ccw_actors.runtime.actor import Actor

__all__ = ["STOP", "Cell", "Envelope", "Stamp"]

STOP = b""
"""The payload that asks an actor to stop; no message is encoded as no bytes."""


class Stamp(msgspec.Struct, frozen=True):
    """What observers are told of a message besides its envelope.

    Its number, that of its cause, the time it was sent (seconds), and its type.
    """

    number: int
    cause: int
    sent_at: float
    message_type: type[Message]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message in a mailbox.

    `sender` is a path, "" for the outside. `ask` is nonzero if an answer is waited
    for. `stamp` is None while nobody observes.
    """

    payload: bytes
    sender: str
    ask: int
    stamp: Stamp | None


class Cell:
    """Mailbox, actor and decoder of one path; owned by the System.

    `catches` is what counts as a failure of a handler; anything else ends the loop.
    """

    __slots__ = ("actor", "closed", "decode", "mailbox", "path", "scheduled")

    catches: type[BaseException] = Exception

    def __init__(
        self, path: str, actor: "Actor", decode: Callable[[bytes], Any]
    ) -> None:
        self.path = path
        self.actor = actor
        self.decode: Callable[[bytes], Message] = decode
        self.mailbox: deque[Envelope] = deque()
        self.scheduled = False
        self.closed = False

    def take(self, envelope: Envelope) -> bool:
        """Put an envelope into the mailbox; True if the dispatcher is to be told."""
        self.mailbox.append(envelope)
        if self.scheduled:
            return False
        self.scheduled = True
        return True

    def finish(self, *, stopped: bool) -> None:
        """End the actor; `stopped` is False when it has failed."""
        if stopped:
            self.actor.on_stop()
