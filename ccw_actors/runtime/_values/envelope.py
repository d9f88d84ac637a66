"""What stands in a mailbox: a message as bytes, and who has sent it."""

from typing import Final, TypeAlias

import msgspec

from ccw_actors.transport import Message

__all__ = [
    "CHILD_ENDED",
    "ESCALATED",
    "RESTART",
    "SIGNAL",
    "STOP",
    "STOP_NOW",
    "TICK",
    "UNBOUNDED",
    "UNWATCH",
    "WATCH",
    "Envelope",
    "Letter",
    "Stamp",
    "wrapped",
]

# What an envelope is. A plain message (0) counts against the bound of a mailbox,
# nothing else does. From SIGNAL on, it is for the System and carries no message.
UNBOUNDED: Final = 1  # a reply, a timer's message, a notice of the System
TICK: Final = 2  # a periodic timer's message; `ask` is the number of the timer
SIGNAL: Final = 3
STOP: Final = 3  # keeps its place among the messages, as WATCH and UNWATCH do
WATCH: Final = 4
UNWATCH: Final = 5
STOP_NOW: Final = 6  # from here on they are in the system lane
RESTART: Final = 7
CHILD_ENDED: Final = 8
ESCALATED: Final = 9


class Stamp(msgspec.Struct, frozen=True):
    """What goes with a message besides its envelope, for those who observe or trace.

    Its number, that of its cause, the time it was sent (seconds), its type, and the
    trace context of whoever sent it (the text of a `Propagator`), "" for none.
    """

    number: int
    cause: int
    sent_at: float
    message_type: type[Message]
    traceparent: str = ""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message in a mailbox.

    `sender` is an address, "" for the outside. `ask` is nonzero if an answer is waited
    for. `stamp` is None while nobody observes or traces. `kind` is one of the constants
    above.
    """

    payload: bytes
    sender: str
    ask: int
    stamp: Stamp | None
    kind: int = 0


Letter: TypeAlias = Envelope | tuple[bytes, str] | bytes
"""What stands in a mailbox: an envelope, or for a message that was told while nobody
observed only its bytes and the sender, or its bytes alone if it came from outside."""


def wrapped(letter: Letter) -> Envelope:
    """Return the envelope that something in a mailbox is, or stands for."""
    if type(letter) is tuple:
        return Envelope(letter[0], letter[1], 0, None)
    if type(letter) is bytes:
        return Envelope(letter, "", 0, None)
    assert isinstance(letter, Envelope), "there is nothing else in a mailbox"
    return letter
