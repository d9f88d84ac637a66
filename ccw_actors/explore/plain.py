"""A plain transition system: states and actions without any actor."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, Generic, TypeGuard, TypeVar

from ccw_actors.explore.result import Step

__all__ = ["TransitionSystem", "is_plain"]

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

Holds = Callable[[S], object]


class TransitionSystem(Generic[S, A]):
    """States it may begin in, the actions of a state, and what each leads to.

    States are immutable and hashable. `next_state` may return None: then the action
    is not possible after all. The properties have the meanings that they have in a
    `World`: an invariant holds in every state, a final one where there is no action,
    a `sometimes` one in at least one state. `summary` says what it is, in a line.
    """

    def __init__(
        self,
        initial: Iterable[S],
        actions: Callable[[S], Iterable[A]],
        next_state: Callable[[S, A], S | None],
        *,
        invariants: Mapping[str, Holds[S]] | None = None,
        finals: Mapping[str, Holds[S]] | None = None,
        sometimes: Mapping[str, Holds[S]] | None = None,
        summary: str = "",
    ) -> None:
        self.summary = summary
        self._initial = tuple(initial)
        self._actions = actions
        self._next = next_state
        self._invariants = tuple((invariants or {}).items())
        self._finals = tuple((finals or {}).items())
        self._all_sometimes = dict(sometimes or {})
        self._sometimes = dict(self._all_sometimes)

    def initial(self) -> tuple[S, ...]:
        """Return the states it may begin in, and forget what has been seen."""
        self._sometimes = dict(self._all_sometimes)
        return self._initial

    def moves(self, state: S) -> list[tuple[A, S]]:
        """Return all that may happen next, and what it leads to."""
        found: list[tuple[A, S]] = []
        next_state = self._next
        for action in self._actions(state):
            after = next_state(state, action)
            if after is not None:
                found.append((action, after))
        return found

    def violation(self, state: S) -> str:
        """Return the name of an invariant that does not hold, "" if all do."""
        if self._sometimes:
            for name, seen in list(self._sometimes.items()):
                if seen(state):
                    del self._sometimes[name]
        for name, holds in self._invariants:
            if not holds(state):
                return name
        return ""

    def rest(self, state: S) -> str:
        """Return the name of a final property that does not hold, "" if all do."""
        for name, holds in self._finals:
            if not holds(state):
                return name
        return ""

    def unseen(self) -> tuple[str, ...]:
        """Return the names of `sometimes` properties that have never held."""
        return tuple(self._sometimes)

    def step(self, state: S, action: A) -> Step:
        """Return an action in words."""
        del state
        return Step("", "", str(action))


def is_plain(scenario: object) -> TypeGuard[TransitionSystem[Any, Any]]:
    """Whether something is a plain transition system."""
    return isinstance(scenario, TransitionSystem)
