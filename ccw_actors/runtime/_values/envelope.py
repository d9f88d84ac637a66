"""The content of a mailbox: messages as bytes, with their senders."""

from typing import Final, TypeAlias

import msgspec

from ccw_actors.transport import Message

__all__ = [
    "CHILD_ENDED",
    "ESCALATED",
    "MISSED",
    "MISSING",
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
    "sender_of",
    "wrapped",
]

# The kinds of envelopes. Only a plain message (0) counts against the bound of a
# mailbox. Those from SIGNAL on are for the System and carry no message.
UNBOUNDED: Final = 1  # a reply, a timer's message, a notice of the System
TICK: Final = 2  # a periodic timer's message; `ask` is the number of the timer
SIGNAL: Final = 3
STOP: Final = 3  # keeps its place among the messages, as WATCH and UNWATCH do
WATCH: Final = 4
UNWATCH: Final = 5
STOP_NOW: Final = 6  # from here on: in the system lane
RESTART: Final = 7
CHILD_ENDED: Final = 8
ESCALATED: Final = 9
MISSING: Final = 10  # in the mailbox again: becomes `MissingChild`
MISSED: Final = 11  # the handler of that has ended


class Stamp(msgspec.Struct, frozen=True):
    """Additional data of a message for observers and traces.

    Its number, the number of its cause, the time it was sent (seconds), its type, and
    the trace context of its sender (the text of a `Propagator`), "" for none. If it
    came over a link, `cause` is a number of the System `cause_system`, and it counts as
    sent when it came.
    """

    number: int
    cause: int
    sent_at: float
    message_type: type[Message]
    traceparent: str = ""
    cause_system: str = ""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One message in a mailbox.

    `sender` is an address, "" for the outside. `ask` is nonzero if an ask waits for the
    answer. `stamp` is None without observers and traces. `kind` is one of the constants
    above.
    """

    payload: bytes
    sender: str
    ask: int
    stamp: Stamp | None
    kind: int = 0


Letter: TypeAlias = Envelope | tuple[bytes, str] | bytes
"""An entry of a mailbox: an envelope. For a message told without observers it is only
the bytes and the sender, or only the bytes if it came from outside."""


def sender_of(letter: Letter | None) -> str:
    """Return the address of a letter's sender, "" for the outside and for no letter."""
    if type(letter) is tuple:
        return letter[1]
    return letter.sender if type(letter) is Envelope else ""


def wrapped(letter: Letter) -> Envelope:
    """Return an entry of a mailbox as an envelope."""
    if type(letter) is tuple:
        return Envelope(letter[0], letter[1], 0, None)
    if type(letter) is bytes:
        return Envelope(letter, "", 0, None)
    assert isinstance(letter, Envelope), "a mailbox has no other entries"
    return letter
