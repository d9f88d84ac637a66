"""Plain transition systems: states and actions, without actors."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from copy import copy
from typing import Any, Final, Generic, TypeGuard, TypeVar

import msgspec

from ccw_actors.explore._canonical import text_of
from ccw_actors.explore._errors import HiddenStateError
from ccw_actors.explore._known import print_of
from ccw_actors.explore._result import Step

__all__ = ["PlainModel", "TransitionSystem", "is_plain"]

_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

Holds = Callable[[S], object]


class TransitionSystem(Generic[S, A]):
    """Initial states, the actions of a state, and the state that each leads to.

    States are immutable and hashable. `next_state` may return None: then the action
    is not possible after all. The properties are those of a `World`: an invariant holds
    in every state, a final one in every state without an action, a `sometimes` one in
    at least one state. `summary` describes the system in one line.
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
        self.forget()

    def forget(self) -> None:
        """Forget which properties have held, and which were checked."""
        self._sometimes = dict(self._all_sometimes)
        self._has_rested = False

    def initial(self) -> tuple[S, ...]:
        """Return the initial states."""
        return self._initial

    def moves(self, state: S) -> list[tuple[A, S]]:
        """Return all possible steps, and the states that they lead to."""
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
        self._has_rested = True
        for name, holds in self._finals:
            if not holds(state):
                return name
        return ""

    def vacuous(self) -> tuple[str, ...]:
        """Return the `sometimes` that never held, and the properties never checked."""
        found = [f"never: {name}" for name in self._sometimes]
        if not self._has_rested:
            found += [
                f"never checked, as nothing ever comes to rest: {name}"
                for name, _ in self._finals
            ]
        return tuple(found)

    def step(self, state: S, action: A) -> Step:
        """Return an action in words."""
        del state
        return Step("", "", str(action))


class PlainModel(Generic[S, A]):
    """A transition system as it is explored.

    The actions of the first `recheck` states, and of one in `recheck` of all others,
    are asked for twice (0 for none). No step is taken from a state that is not
    `within`.
    """

    def __init__(
        self,
        system: TransitionSystem[S, A],
        recheck: int = 0,
        within: Holds[S] | None = None,
    ) -> None:
        # Several models of one system may be explored at once, in threads.
        system = copy(system)
        system.forget()
        self.left_out = self.has_waiting = False
        self._system = system
        self._recheck = recheck
        self._asked = 0
        self._within = within
        self.initial = system.initial
        self.violation = system.violation
        self.rest = system.rest
        self.vacuous = system.vacuous
        self.step = system.step

    def moves(self, state: S) -> list[tuple[A, S]]:
        """Return all possible steps, and the states that they lead to.

        Raises `HiddenStateError` if they differ the second time.
        """
        self.left_out = self._within is not None and not self._within(state)
        if self.left_out:
            return []
        found = self._system.moves(state)
        if self._recheck:
            self._asked += 1
            due = self._asked % self._recheck == 0 or self._asked <= self._recheck
            if due and self._system.moves(state) != found:
                raise HiddenStateError("", f"state {state!r}")
        return found

    def is_optional(self, action: A) -> bool:
        """Return False: each step has to happen if no other is possible."""
        del action
        return False

    def fingerprint(self, state: S) -> int:
        """Return 64 bits that differ for different states, almost certainly."""
        try:
            return print_of(_ENCODER.encode(state))
        except (TypeError, OverflowError):
            # It has a type that msgpack lacks, or a set that cannot be sorted.
            return print_of(text_of(state).encode())

    def endless(self, states: list[S]) -> str:
        """Return "": nobody waits in a plain transition system."""
        del states
        return ""


def is_plain(scenario: object) -> TypeGuard[TransitionSystem[Any, Any]]:
    """Whether something is a plain transition system."""
    return isinstance(scenario, TransitionSystem)
