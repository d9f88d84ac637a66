"""The interface between an engine and what it explores."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ccw_actors.explore._result import Step

__all__ = ["Model"]

S = TypeVar("S")
A = TypeVar("A")


class Model(Protocol[S, A]):
    """A transition system with properties; its states are hashable.

    `left_out` says after `moves` whether an option leaves out steps there,
    `has_waiting` whether `endless` may ever find anything.
    """

    left_out: bool
    has_waiting: bool

    def initial(self) -> Iterable[S]:
        """Return the initial states."""
        ...

    def moves(self, state: S) -> Iterable[tuple[A, S]]:
        """Return all possible steps, and the states that they lead to."""
        ...

    def violation(self, state: S) -> str:
        """Return what is wrong with a state, "" for nothing; called once for each."""
        ...

    def rest(self, state: S) -> str:
        """Return what is wrong with a state without possible steps, "" for nothing."""
        ...

    def is_optional(self, action: A) -> bool:
        """Whether a step need not happen, even if no other is possible."""
        ...

    def fingerprint(self, state: S) -> int:
        """Return 64 bits that differ for different states, almost certainly."""
        ...

    def endless(self, states: list[S]) -> str:
        """Return what is wrong with states that go round forever, "" for nothing.

        No step that has to happen leads out of them.
        """
        ...

    def vacuous(self) -> tuple[str, ...]:
        """Return what the scenario has not tested, once all states are visited."""
        ...

    def step(self, state: S, action: A) -> Step:
        """Return an action in words."""
        ...
