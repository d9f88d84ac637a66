"""What travels over a link: greetings, and frames of items.

Each end sends `Hello` first, then `Ready` if it accepts the other's, or `Refused`.
After that each value is a frame: an array of items. Each item is an array of the name
of its type and its fields.

`to` and `target` are addresses in the System that gets the item, `sender` and `watcher`
addresses in the one that sends it ("" for its outside). `message` is an encoded
message, as in a mailbox. `cause` is the number of the message whose handler sent this
one, 0 for none, and `trace` its trace context, "" for none.
"""

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from ccw_actors.transport import Codec, Message

__all__ = [
    "ITEMS_MAX",
    "LINK_FORMAT",
    "LINK_VERSION",
    "Answer",
    "Ask",
    "Beat",
    "Bye",
    "Hello",
    "Item",
    "Offer",
    "Query",
    "Ready",
    "Refused",
    "Result",
    "Stop",
    "Tell",
    "Unwatch",
    "Watch",
    "decode_greeting",
    "decode_items",
    "encode",
]

LINK_FORMAT: Final = "ccw-actors link"
LINK_VERSION: Final = 1
ITEMS_MAX: Final = 4096
"""Items of one frame."""


class Hello(Message, frozen=True):
    """The first frame of each end: what it speaks, and which System it is.

    `package` is the version of this package, `pid` the process. `messages` are the
    schemas of the message types that it knows; see `Schemas`.
    """

    system: str
    pid: int
    package: str
    messages: dict[str, list[tuple[int, ...]]]
    format: str = LINK_FORMAT
    version: int = LINK_VERSION


class Ready(Message, frozen=True):
    """The other end's greeting is accepted: frames of items follow."""


class Refused(Message, frozen=True):
    """The last value of an end that refuses the other; see `LinkRefusedError`."""

    code: str
    reason: str


class _Item(msgspec.Struct, frozen=True, array_like=True, tag=True, gc=False):
    """Base of the items of a frame."""


class Tell(_Item, frozen=True):
    """A message for an actor.

    A `notice` comes from the System itself, or answers a told request: the bound of a
    mailbox does not count it.
    """

    to: str
    sender: str
    message: msgspec.Raw
    notice: bool = False
    cause: int = 0
    trace: str = ""


class Ask(_Item, frozen=True):
    """A request: `Answer` names its number. The asker waits for so many seconds."""

    to: str
    sender: str
    number: int
    seconds: float
    message: msgspec.Raw
    cause: int = 0
    trace: str = ""


class Answer(_Item, frozen=True):
    """The answer to the ask of that number, or the `Failure` in its place."""

    number: int
    sender: str
    message: msgspec.Raw
    cause: int = 0
    trace: str = ""


class Offer(_Item, frozen=True):
    """A message that waits for room in a mailbox; `Result` has its number."""

    to: str
    sender: str
    number: int
    seconds: float
    message: msgspec.Raw
    cause: int = 0
    trace: str = ""


class Watch(_Item, frozen=True):
    """The watcher wants to know of the target's end: a `Tell` of `Terminated`."""

    target: str
    watcher: str


class Unwatch(_Item, frozen=True):
    """The watcher no longer wants to know."""

    target: str
    watcher: str


class Stop(_Item, frozen=True):
    """Stops an actor; see `ActorRef.stop`."""

    target: str
    sender: str
    drain: bool


class Query(_Item, frozen=True):
    """A question to the System itself, which `Result` answers.

    `what` is "find" (the address of the actor at a path), "started" or "stopped" (wait
    until an actor at an address has); these take at most so many seconds.
    """

    number: int
    what: str
    subject: str
    seconds: float


class Result(_Item, frozen=True):
    """The answer to a query or an offer.

    `error` names the type of an error, "" for none, and `text` is its text, or the
    address that was found.
    """

    number: int
    text: str = ""
    error: str = ""


class Beat(_Item, frozen=True):
    """The end is there, although it has nothing to send."""


class Bye(_Item, frozen=True):
    """The end closes the link: nothing follows."""

    reason: str


Item: TypeAlias = (
    Tell | Ask | Answer | Offer | Watch | Unwatch | Stop | Query | Result | Beat | Bye
)

_Items = Annotated[list[Item], msgspec.Meta(max_length=ITEMS_MAX)]

encode: Final = msgspec.msgpack.Encoder().encode
"""Encodes a list of items, or a greeting."""

decode_items: Final = msgspec.msgpack.Decoder(_Items).decode
"""Decodes a frame. Raises one of `DECODE_ERRORS`."""

_greeting: Any = Hello | Ready | Refused
decode_greeting: Final = Codec().decoder(_greeting)
"""Decodes the greeting of another end. Raises `MessageError`."""
