"""The messages of the libraries that encode, with the codec of this package."""

from ccw_actors.transport import Message, Request

__all__ = ["Begin", "Read", "Record", "Total"]


class Record(Message, frozen=True):
    """A record to tell; `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


class Total(Message, frozen=True):
    """The answer to a request."""

    number: int


class Read(Request[Total], frozen=True):
    """The request."""

    number: int
    kind: int
    size: int
    data: bytes


class Begin(Message, frozen=True):
    """Makes an actor ask another one `count` times."""

    count: int
