"""How many states and seconds the parts of an explanation may take, and took."""

from time import perf_counter
from typing import NamedTuple

__all__ = ["Bound", "Effort"]


class Bound(NamedTuple):
    """How many states and seconds each part of an explanation may take."""

    states: int
    seconds: float

    def begin(self, part: str, not_found: list[str]) -> "Effort":
        """Return the effort of a part, which notes in `not_found` that it gave up."""
        return Effort(self, part, not_found)


class Effort:
    """What one part of an explanation has spent."""

    def __init__(self, bound: Bound, part: str, not_found: list[str]) -> None:
        self._bound = bound
        self._part = part
        self._not_found = not_found
        self._states = 0
        self._began = perf_counter()
        self.is_spent = False

    def spend(self, states: int = 1) -> bool:
        """Spend effort on `states` more states; return whether none is left."""
        self._states += states
        states_max, seconds_max = self._bound
        if self.is_spent:
            return True
        if self._states > states_max:
            self._give_up(f"{states_max:,} states")
        elif perf_counter() - self._began > seconds_max:
            self._give_up(f"{seconds_max:g} seconds")
        return self.is_spent

    def _give_up(self, limit: str) -> None:
        self.is_spent = True
        self._not_found.append(f"Not found after {limit}: {self._part}.")
