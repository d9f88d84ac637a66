"""What an engine needs to know of what it explores."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from ccw_actors.explore._result import Step

__all__ = ["Model"]

S = TypeVar("S")
A = TypeVar("A")


class Model(Protocol[S, A]):
    """A transition system with properties; its states are hashable.

    `left_out` says after `moves` whether more may happen there than is looked at,
    `has_waiting` whether `endless` may ever find anything.
    """

    left_out: bool
    has_waiting: bool

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

    def is_optional(self, action: A) -> bool:
        """Whether a step need not be taken, though nothing else may happen."""
        ...

    def fingerprint(self, state: S) -> int:
        """Return 64 bits that tell a state from others, as good as always."""
        ...

    def endless(self, states: list[S]) -> str:
        """Return what is wrong with states that go round for ever, "" for nothing.

        Nothing that has to be done leads out of them.
        """
        ...

    def vacuous(self) -> tuple[str, ...]:
        """Return what was to be tested and was not, once all has been visited."""
        ...

    def step(self, state: S, action: A) -> Step:
        """Return an action in words."""
        ...
