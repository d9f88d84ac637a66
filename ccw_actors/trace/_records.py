"""The records of a trace file, and the format they make up.

A trace is a stream of msgpack values. Each is an array that begins with the name of
its kind: first one `trace` (name of the format, version), then any number of

- `type`: names the fields of a message type, or of a struct in one; it comes before
  the first record that needs it;
- `handled`: a message at the moment its recipient handles it;
- `dead letter`: a message that nobody handles;
- `failure`: an actor that raised, and stops.

Messages stand in it as they were sent: an array of the type's name and the fields, so
that any msgpack tool can read all of it.
"""

from typing import Any, TypeAlias

import msgspec

from ccw_actors.transport import Message

__all__ = [
    "FORMAT",
    "VERSION",
    "DeadLetterRecord",
    "EventRecord",
    "FailureRecord",
    "FieldRecord",
    "HandledRecord",
    "HeaderRecord",
    "TypeRecord",
]

FORMAT = "ccw-actors"
VERSION = 1


class HeaderRecord(Message, frozen=True, tag="trace"):
    """The first record: which format this is, and its version."""

    format: str
    version: int


class FieldRecord(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """One field of a type, and the numbers of the types that its value may be of.

    `types` is empty where the value has no fields of its own. The value is an array of
    such values where `many` is true.
    """

    name: str
    types: tuple[int, ...] = ()
    many: bool = False


class TypeRecord(Message, frozen=True, tag="type"):
    """The fields of one type, in order; numbered from 1 in each trace.

    A value of a type that is `tagged` begins with the type's name.
    """

    number: int
    name: str
    tagged: bool
    fields: tuple[FieldRecord, ...]


class HandledRecord(Message, frozen=True, tag="handled"):
    """One message that was handled; for all but the type see `runtime.Handled`."""

    number: int
    cause: int
    sent_at: float
    handled_at: float
    sender: str
    recipient: str
    message_type: int
    message: Any


class DeadLetterRecord(Message, frozen=True, tag="dead letter"):
    """One message that was not handled, and why; `lost_at` is when that was known."""

    number: int
    cause: int
    sent_at: float
    lost_at: float
    sender: str
    recipient: str
    message_type: int
    message: Any
    reason: str


class FailureRecord(Message, frozen=True, tag="failure"):
    """An actor that raised on a message (a type's name) or in a hook.

    `number` is that of the last message it has handled, 0 if there was none, and
    `failed_at` the time of the last message that anybody has handled.
    """

    number: int
    failed_at: float
    actor: str
    message: str
    reason: str


EventRecord: TypeAlias = HandledRecord | DeadLetterRecord | FailureRecord
"""The records that tell what happened."""
