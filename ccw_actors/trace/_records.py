"""The records and the format of a trace file.

A trace is a stream of msgpack values. Each is an array that begins with the name of
its kind: first one `trace` (name of the format, version), then any number of

- `type`: names the fields of a message type, or of a struct in one; it comes before the
  first record that needs it;
- `handled`: a message at the moment when its recipient handles it;
- `dead letter`: a message that no actor handles;
- `failure`: an actor that raised, and stops.

It contains messages as they were sent, an array of the type's name and the fields, so
any msgpack tool can read all of it.

The trace of one System of several is a part. Its format has a name of its own, and
before a message whose cause is in another System there is a `remote cause`.
"""

from typing import Any, TypeAlias

import msgspec

from ccw_actors.transport import Message

__all__ = [
    "FORMAT",
    "PART_FORMAT",
    "VERSION",
    "DeadLetterRecord",
    "EventRecord",
    "FailureRecord",
    "FieldRecord",
    "HandledRecord",
    "HeaderRecord",
    "RemoteCauseRecord",
    "TypeRecord",
]

FORMAT = "ccw-actors"
PART_FORMAT = "ccw-actors part"
VERSION = 1


class HeaderRecord(Message, frozen=True, tag="trace"):
    """The first record: the name of the format and its version."""

    format: str
    version: int


class FieldRecord(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True
):
    """One field of a type, and the numbers of the possible types of its value.

    `types` is empty if the value has no fields. If `many` is true, the value is an
    array of such values.
    """

    name: str
    types: tuple[int, ...] = ()
    many: bool = False


class TypeRecord(Message, frozen=True, tag="type"):
    """The fields of one type, in order; numbered from 1 in each trace.

    A value of a `tagged` type begins with the type's name.
    """

    number: int
    name: str
    tagged: bool
    fields: tuple[FieldRecord, ...]


class HandledRecord(Message, frozen=True, tag="handled"):
    """One handled message; `runtime.Handled` describes all fields but the type."""

    number: int
    cause: int
    sent_at: float
    handled_at: float
    sender: str
    recipient: str
    message_type: int
    message: Any


class DeadLetterRecord(Message, frozen=True, tag="dead letter"):
    """One dead letter, and its reason; `lost_at` is when the System noticed it."""

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

    `number` is that of the last message it handled, 0 without one, and `failed_at` the
    time of the last message that any actor handled.
    """

    number: int
    failed_at: float
    actor: str
    message: str
    reason: str


class RemoteCauseRecord(Message, frozen=True, tag="remote cause"):
    """The cause of the next message, `number`: that one of another System, by name."""

    number: int
    system: str
    cause: int


EventRecord: TypeAlias = HandledRecord | DeadLetterRecord | FailureRecord
"""The records of events."""
