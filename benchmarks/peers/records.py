"""The messages of the libraries that pass objects: frozen dataclasses with slots."""

from dataclasses import dataclass

__all__ = ["Begin", "Read", "Record", "Total"]


@dataclass(frozen=True, slots=True)
class Record:
    """What is told: `number` counts down to 0, the last one."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Total:
    """What a request is answered by."""

    number: int


@dataclass(frozen=True, slots=True)
class Read:
    """What is asked."""

    number: int
    kind: int
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Begin:
    """Has an actor ask another one so often."""

    count: int
