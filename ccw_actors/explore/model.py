"""What an engine needs to know of what it explores."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ccw_actors.explore.result import Step

__all__ = ["Model"]

S = TypeVar("S")
A = TypeVar("A")


class Model(Protocol[S, A]):
    """A transition system with properties; its states are hashable."""

    def initial(self) -> Iterable[S]:
        """Return the states it may begin in."""
        ...

    def moves(self, state: S) -> Iterable[tuple[A, S]]:
        """Return all that may happen next, and what it leads to."""
        ...

    def violation(self, state: S) -> str:
        """Return what is wrong with a state, "" for nothing; asked once for each."""
        ...

    def rest(self, state: S) -> str:
        """Return what is wrong with a state that nothing leads out of."""
        ...

    def unseen(self) -> tuple[str, ...]:
        """Return the names of what should have been so at least once, and was not."""
        ...

    def step(self, state: S, action: A) -> Step:
        """Return an action in words."""
        ...
