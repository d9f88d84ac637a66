"""Worlds: the sets of actors that can exist, and what depends on them, by number."""

from typing import Final, NamedTuple

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._effects import Effect
from ccw_actors.explore._global_state import Offer, State
from ccw_actors.explore._result import DeadLetter
from ccw_actors.explore._world import Properties
from ccw_actors.runtime import Failure, spec_of
from ccw_actors.runtime.stepping import WATCH, Cell, Envelope, Past, path_of

__all__ = ["FAILED", "Worlds"]

FAILED: Final = -1
"""The number of the world in a state after a step with a fault."""


class _Key(NamedTuple):
    """The parts in which worlds differ."""

    alive: frozenset[tuple[Cell, str]]
    left: tuple[int, ...]
    past: Past
    rough: bool
    waits: bool


class Worlds:
    """The worlds met so far, by number: which actors exist, and which crashes are left.

    `memos` has the effects of steps in a world, by the actor's item and by its message
    or timer. `past` has the relevant facts about actors that have ended, or are not
    spawned yet. A world is `rough` if an actor restarts, ends, or waits in the
    middle of a handler, and `waits` if one waits. `left` is the rest of each budget of
    crashes, and `samples` a state of each world. `failures` are the texts of the faults
    of steps, and `dead_letters` those of all steps.
    """

    def __init__(self, properties: Properties, compact: Compact) -> None:
        self._crashes = properties.crashes
        self._forbids_dead_letters = properties.forbids_dead_letters
        self.compact = compact
        self._numbers: dict[_Key, int] = {}
        self._keys: list[_Key] = []
        self._alive: list[frozenset[str]] = []
        self._strange: dict[tuple[int, int, int], bool] = {}
        self.memos: list[dict[tuple[int, int], Effect]] = []
        self.rough: list[bool] = []
        self.waits: list[bool] = []
        self.left: list[tuple[int, ...]] = []
        self.past: list[Past] = []
        self.samples: dict[int, State] = {}
        self.failures: list[str] = []
        self.dead_letters: dict[DeadLetter, None] = {}

    def number(
        self,
        alive: frozenset[tuple[Cell, str]],
        left: tuple[int, ...],
        past: Past,
        *,
        rough: bool,
        waits: bool,
    ) -> int:
        """Return the number of the world with these actors at these addresses."""
        return self._number(_Key(alive, left, past, rough, waits))

    def with_past(self, world: int, past: Past) -> int:
        """Return the number of the same world with another past."""
        return self._number(self._keys[world]._replace(past=past))

    def _number(self, key: "_Key") -> int:
        world = self._numbers.setdefault(key, len(self._numbers))
        if world == len(self.memos):
            self._keys.append(key)
            self._alive.append(frozenset(address for _, address in key.alive))
            self.memos.append({})
            self.rough.append(key.rough)
            self.waits.append(key.waits)
            self.left.append(key.left)
            self.past.append(key.past)
        return world

    def failed(self, text: str) -> State:
        """Return the state after a step with this fault."""
        if text not in self.failures:
            self.failures.append(text)
        return (FAILED, self.failures.index(text))

    def note_lost(self, lost: tuple[DeadLetter, ...]) -> bool:
        """Note dead letters; return whether they are allowed."""
        self.dead_letters.update(dict.fromkeys(lost))
        return not lost or not self._forbids_dead_letters

    def spent(self, path: str, left: tuple[int, ...]) -> int:
        """Return which budget pays for a crash of that actor; -1 if none does."""
        for number, (paths, _) in enumerate(self._crashes):
            if left[number] and path in paths:
                return number
        return -1

    def has_strangers(self, world: int, bounds: dict[int, int]) -> bool:
        """Whether injected messages arrive in a separate step somewhere in a world.

        They do if no actor is there, or if its mailbox has a bound.
        """
        key = world, len(bounds), len(self.compact.outside)
        found = self._strange.get(key)
        if found is None:
            compact, alive = self.compact, self._alive[world]
            found = self._strange[key] = any(
                compact.owners[slot] in bounds or address not in alive
                for slot, address in compact.to.items()
            )
        return found

    def arriving(self, state: State, offer: Offer, bounds: dict[int, int]) -> Offer:
        """Return an offer as one that arrives, if arrival is a separate step."""
        if offer.slot not in self.compact.outside:
            return offer
        bounded = offer.owner in bounds
        is_there = self.is_there(state, self.compact.to[offer.slot])
        return offer._replace(arrives=not is_there or bounded or offer.arrives)

    def is_there(self, state: State, address: str) -> bool:
        """Whether the actor of that address is there, and no other one at its path."""
        return address in self._alive[state[0]]

    def is_taken(self, state: State, path: str) -> bool:
        """Whether an actor is at a path."""
        slot = self.compact.paths.get(path, len(state))
        return slot < len(state) and state[slot] > 0

    def is_told(self, state: State, envelope: Envelope) -> bool:
        """Whether there is an actor that is notified of an undeliverable message."""
        if not self.is_there(state, envelope.sender):
            return False
        if envelope.kind == WATCH or envelope.ask:
            return True
        slot = self.compact.paths[path_of(envelope.sender)]
        actor = self.compact.get_local(state[slot]).cell.actor
        return any(Failure in table for table in spec_of(actor).all())
