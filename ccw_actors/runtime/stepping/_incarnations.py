"""Which number an actor gets that is spawned where another one has been.

A number that something refers to still must not be given again: a reference to an
actor that has ended would reach another one. One that nothing refers to is given again,
so that actors which end and are spawned for ever go round in states that are known.
"""

from collections.abc import Callable, Container
from itertools import count
from typing import Final, NamedTuple

from ccw_actors.runtime._kernel.registry import Registry
from ccw_actors.runtime._values.address import address_of, path_of, split

__all__ = ["NO_PAST", "Incarnations", "Past"]


class Past(NamedTuple):
    """What of actors that are not there any more, or not yet, matters for the future.

    `ended` are the addresses of those that have ended and that something refers to.
    `promised` are those of actors that are still to be spawned and are referred to
    already, where that is not the smallest number that is free.
    """

    ended: frozenset[str] = frozenset()
    promised: frozenset[str] = frozenset()

    def next_at(self, path: str) -> int:
        """Return the incarnation of the next actor that is spawned at a path."""
        for address in self.promised:
            if path_of(address) == path:
                return split(address)[1]
        taken = {split(one)[1] for one in self.ended if path_of(one) == path}
        return next(number for number in count(1) if number not in taken)

    def in_question(self, is_there: Callable[[str], object]) -> frozenset[str]:
        """Return the addresses of which has to be known whether something names them.

        `is_there` says whether an actor is at a path.
        """
        free = (path for path in self._paths() if not is_there(path))
        return self.ended | {address_of(path, self.next_at(path)) for path in free}

    def pruned(
        self, named: Container[str], is_there: Callable[[str], object]
    ) -> "Past":
        """Return what matters if, of the addresses in question, only those are named.

        A reference to the next actor at a path stays one to the next, also when smaller
        numbers have become free.
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
"""Of a System in which no actor has ended that is still named."""


class Incarnations:
    """Numbers the actors of a System that can be put back to what it was.

    `past` is what was before; who has ended since is added. What a handler finds out
    while it is `noted` can be given to it once more, by `replay`.
    """

    def __init__(self, registry: Registry) -> None:
        self.past = Past()
        self._registry = registry
        self._noted: list[int] = []
        self._given: tuple[int, ...] = ()
        registry.removed = self._removed
        self._stop()

    def note(self) -> None:
        """Note from now on which actors are found at paths."""
        self._noted.clear()
        self._registry.next_incarnation = self._note_next
        self._registry.address_at = self._note_address

    def noted(self) -> tuple[int, ...]:
        """Return the incarnations that were found, in order; () if all were the first.

        No more is noted.
        """
        self._stop()
        numbers = tuple(self._noted)
        return numbers if any(one != 1 for one in numbers) else ()

    def replay(self, numbers: tuple[int, ...]) -> None:
        """Have what was noted be found once more, until `noted` is called."""
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
