"""The incarnation numbers of actors that are spawned at a used path.

A number that something still refers to must not be used again: a reference to an ended
actor would reach another one. A number without references is used again, so that a
System which ends and spawns actors forever returns to known states.
"""

from collections.abc import Callable, Container
from itertools import count
from typing import Final, NamedTuple

from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._values.address import address_of, path_of, split

__all__ = ["NO_PAST", "Incarnations", "Past"]


class Past(NamedTuple):
    """The data about ended and future actors that affects the future.

    `ended` are the addresses of ended actors that something refers to. `promised` are
    the addresses of actors that are not spawned yet but already referred to, if their
    number is not the smallest free one.
    """

    ended: frozenset[str] = frozenset()
    promised: frozenset[str] = frozenset()

    def next_at(self, path: str) -> int:
        """Return the incarnation of the next actor at a path."""
        for address in self.promised:
            if path_of(address) == path:
                return split(address)[1]
        taken = {split(one)[1] for one in self.ended if path_of(one) == path}
        return next(number for number in count(1) if number not in taken)

    def in_question(self, is_there: Callable[[str], object]) -> frozenset[str]:
        """Return the addresses for which it matters whether something names them.

        `is_there` says whether an actor is at a path.
        """
        free = (path for path in self._paths() if not is_there(path))
        return self.ended | {address_of(path, self.next_at(path)) for path in free}

    def pruned(
        self, named: Container[str], is_there: Callable[[str], object]
    ) -> "Past":
        """Return the data that matters if only those of the addresses are named.

        A reference to the next actor at a path keeps that meaning even if smaller
        numbers become free.
        """
        ended = frozenset(one for one in self.ended if one in named)
        left, promised = Past(ended), set[str]()
        for path in self._paths():
            number = self.next_at(path)
            address = address_of(path, number)
            if not is_there(path) and address in named and number != left.next_at(path):
                promised.add(address)
        return Past(ended, frozenset(promised))

    def _paths(self) -> set[str]:
        return {path_of(address) for address in (*self.ended, *self.promised)}


NO_PAST: Final = Past()
"""The past of a System without references to ended actors."""


class Incarnations:
    """Numbers the actors of a System that can be restored.

    `past` is the data from before, plus the actors that have ended since. `replay`
    gives a handler again the numbers that it found between `note` and `noted`.
    """

    def __init__(self, registry: Registry) -> None:
        self.past = Past()
        self._registry = registry
        self._noted: list[int] = []
        self._given: tuple[int, ...] = ()
        registry.removed = self._removed
        self._stop()

    def note(self) -> None:
        """Begin to note which actors are found at paths."""
        self._noted.clear()
        self._registry.next_incarnation = self._note_next
        self._registry.address_at = self._note_address

    def noted(self) -> tuple[int, ...]:
        """Return the found incarnations, in order; () if all were the first.

        This ends the noting.
        """
        self._stop()
        numbers = tuple(self._noted)
        return numbers if any(one != 1 for one in numbers) else ()

    def replay(self, numbers: tuple[int, ...]) -> None:
        """Make look-ups find the noted numbers again, until `noted` is called."""
        self._noted.clear()
        self._given = numbers
        self._registry.next_incarnation = self._replay_next
        self._registry.address_at = self._replay_address

    def _stop(self) -> None:
        self._registry.next_incarnation = self._next
        self._registry.address_at = self._registry.find

    def _removed(self, address: str) -> None:
        self.past = self.past._replace(ended=self.past.ended | {address})

    def _next(self, path: str) -> int:
        past = self.past
        return past.next_at(path) if past.ended or past.promised else 1

    def _note_next(self, path: str) -> int:
        number = self._next(path)
        self._noted.append(number)
        return number

    def _note_address(self, path: str) -> str:
        cell = self._registry.at(path)
        if cell is None:
            return address_of(path, self._note_next(path))
        self._noted.append(cell.incarnation)
        return cell.address

    def _replay_next(self, _path: str) -> int:
        at = len(self._noted)
        number = self._given[at] if at < len(self._given) else 1
        self._noted.append(number)
        return number

    def _replay_address(self, path: str) -> str:
        return address_of(path, self._replay_next(path))
