"""The messages of the libraries that encode: the codec is that of this package."""

from ccw_actors.transport import Message, Request

__all__ = ["Begin", "Read", "Record", "Total"]


class Record(Message, frozen=True):
    """What is told: `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


class Total(Message, frozen=True):
    """What a request is answered by."""

    number: int


class Read(Request[Total], frozen=True):
    """What is asked."""

    number: int
    kind: int
    size: int
    data: bytes


class Begin(Message, frozen=True):
    """Has an actor ask another one so often."""

    count: int
