"""Which actors exist, and what goes by that: numbers for all that a state can be in."""

from typing import Final

from ccw_actors.explore.bench import Effect
from ccw_actors.explore.compact import Compact, Offer, State
from ccw_actors.explore.result import DeadLetter
from ccw_actors.explore.world import Properties
from ccw_actors.runtime.stepping import Cell

__all__ = ["FAILED", "Worlds"]

FAILED: Final = -1
"""Stands for the world in a state in which something is wrong with a step."""


class Worlds:
    """The worlds met so far, by number: who is there, and which crashes are left.

    `memos` has what steps do in a world, by the actor's item and by what it handles.
    A world is `rough` if an actor starts again, ends, or waits in the middle of a
    handler, and `waits` if one does the last. `left` has what is left of each budget of
    crashes, and `samples` a state of each world. `failures` are the texts of what was
    wrong with a step, and `dead_letters` those of all steps.
    """

    def __init__(self, properties: Properties, compact: Compact) -> None:
        self._crashes = properties.crashes
        self._forbids_dead_letters = properties.forbids_dead_letters
        self.compact = compact
        self._numbers: dict[object, int] = {}
        self._alive: list[frozenset[str]] = []
        self._strange: dict[tuple[int, int, int], bool] = {}
        self.memos: list[dict[tuple[int, int], Effect]] = []
        self.rough: list[bool] = []
        self.waits: list[bool] = []
        self.left: list[tuple[int, ...]] = []
        self.samples: dict[int, State] = {}
        self.failures: list[str] = []
        self.dead_letters: dict[DeadLetter, None] = {}

    def number(
        self, alive: frozenset[Cell], left: tuple[int, ...], *, rough: bool, waits: bool
    ) -> int:
        """Return the number of a world."""
        key = alive, rough, waits, left
        world = self._numbers.setdefault(key, len(self._numbers))
        if world == len(self.memos):
            self._alive.append(frozenset(cell.path for cell in alive))
            self.memos.append({})
            self.rough.append(rough)
            self.waits.append(waits)
            self.left.append(left)
        return world

    def failed(self, text: str) -> State:
        """Return the state after a step with which this is wrong."""
        if text not in self.failures:
            self.failures.append(text)
        return (FAILED, self.failures.index(text))

    def note_lost(self, lost: tuple[DeadLetter, ...]) -> bool:
        """Note dead letters; return whether they may be."""
        self.dead_letters.update(dict.fromkeys(lost))
        return not lost or not self._forbids_dead_letters

    def spent(self, path: str, left: tuple[int, ...]) -> int:
        """Return which budget pays for a crash of that actor; -1 if none does."""
        for number, (paths, _) in enumerate(self._crashes):
            if left[number] and path in paths:
                return number
        return -1

    def has_strangers(self, world: int, bounds: dict[int, int]) -> bool:
        """Whether what is injected may not simply be handled, for somebody in a world.

        As nobody is there, or there is a bound to the mailbox.
        """
        key = world, len(bounds), len(self.compact.outside)
        found = self._strange.get(key)
        if found is None:
            compact, alive = self.compact, self._alive[world]
            owners = {compact.owners[slot] for slot in compact.outside}
            found = self._strange[key] = any(
                owner in bounds or compact.path_of[owner] not in alive
                for owner in owners
            )
        return found

    def arriving(self, state: State, offer: Offer, bounds: dict[int, int]) -> Offer:
        """Return an offer that arrives first, where it cannot simply be handled."""
        if offer.slot not in self.compact.outside:
            return offer
        owner = offer.owner
        is_there = owner < len(state) and state[owner]
        bounded = owner in bounds
        return offer._replace(arrives=not is_there or bounded or offer.arrives)
