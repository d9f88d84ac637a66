"""The states that have been met: kept in full, or by fingerprint."""

from array import array
from collections import deque
from collections.abc import Callable, Hashable
from hashlib import blake2b
from typing import Final, Generic, Protocol, TypeVar

__all__ = [
    "ExactStates",
    "Fingerprints",
    "KnownStates",
    "Marks",
    "chance_of_a_miss",
    "print_of",
]

S = TypeVar("S", bound=Hashable)

_BITS: Final = 64
_FIRST_ROOM: Final = 1 << 10


class KnownStates(Protocol[S]):
    """States by number, in the order in which they were met."""

    def add(self, state: S) -> tuple[int, bool]:
        """Return the number of a state, and whether it is new."""
        ...

    def take(self, number: int) -> S:
        """Return the state of that number, the next one in order each time."""
        ...

    def is_same(self, state: S, number: int) -> bool:
        """Whether a state is the one of that number."""
        ...

    def __len__(self) -> int: ...


class ExactStates(Generic[S]):
    """Keeps every state."""

    def __init__(self) -> None:
        self._numbers: dict[S, int] = {}
        self._order: list[S] = []

    def add(self, state: S) -> tuple[int, bool]:
        """Return the number of a state, and whether it is new."""
        number = self._numbers.get(state)
        if number is not None:
            return number, False
        number = self._numbers[state] = len(self._order)
        self._order.append(state)
        return number, True

    def take(self, number: int) -> S:
        """Return the state of that number."""
        return self._order[number]

    def is_same(self, state: S, number: int) -> bool:
        """Whether a state is the one of that number."""
        return self._numbers.get(state) == number

    def __len__(self) -> int:
        return len(self._order)


class Marks:
    """Different numbers of 64 bits, each with its place in the order of their coming.

    The table uses open addressing, as a set of Python's would need four times the
    memory.
    """

    def __init__(self) -> None:
        self._marks = array("Q")
        self._places = array("I", bytes(4 * _FIRST_ROOM))

    def add(self, mark: int) -> tuple[int, bool]:
        """Return the place of a number, and whether it is new."""
        marks, places = self._marks, self._places
        mask = len(places) - 1
        at = mark & mask
        while place := places[at]:
            if marks[place - 1] == mark:
                return place - 1, False
            at = (at + 1) & mask
        marks.append(mark)
        places[at] = len(marks)
        if 3 * len(marks) > 2 * len(places):
            self._grow()
        return len(marks) - 1, True

    def __getitem__(self, place: int) -> int:
        return self._marks[place]

    def __len__(self) -> int:
        return len(self._marks)

    def _grow(self) -> None:
        mask = 2 * len(self._places) - 1
        places = self._places = array("I", bytes(8 * len(self._places)))
        for number, mark in enumerate(self._marks, 1):
            at = mark & mask
            while places[at]:
                at = (at + 1) & mask
            places[at] = number


class Fingerprints(Generic[S]):
    """Keeps 64 bits of every state, and the states whose steps are still to be taken.

    Two states of one fingerprint count as one, so the second is missed.
    """

    def __init__(self, print_of: Callable[[S], int]) -> None:
        self._print_of = print_of
        self._prints = Marks()
        self._open: deque[S] = deque()

    def add(self, state: S) -> tuple[int, bool]:
        """Return the number of a state, and whether it is new."""
        found = self._prints.add(self._print_of(state))
        if found[1]:
            self._open.append(state)
        return found

    def take(self, number: int) -> S:
        """Return the state of that number, the next one in order each time."""
        del number
        return self._open.popleft()

    def is_same(self, state: S, number: int) -> bool:
        """Whether a state has the fingerprint of the one of that number."""
        return self._prints[number] == self._print_of(state)

    def __len__(self) -> int:
        return len(self._prints)


def print_of(text: bytes) -> int:
    """Return the fingerprint of a state's key: 64 bits of BLAKE2b."""
    return int.from_bytes(blake2b(text, digest_size=_BITS // 8).digest(), "little")


def chance_of_a_miss(states: int) -> float:
    """Return an upper bound of the probability that two states share a fingerprint.

    Each pair of states does with a probability of one in 2**64.
    """
    return states * (states - 1) / 2 / 2.0**_BITS
