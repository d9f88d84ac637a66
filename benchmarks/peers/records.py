"""The messages of the libraries that pass objects: frozen dataclasses with slots."""

from dataclasses import dataclass

__all__ = ["Begin", "Read", "Record", "Total"]


@dataclass(frozen=True, slots=True)
class Record:
    """A record to tell; `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Total:
    """The answer to a request."""

    number: int


@dataclass(frozen=True, slots=True)
class Read:
    """The request."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Begin:
    """Makes an actor ask another one `count` times."""

    count: int
