"""How the states of one share are told apart, and written for the other shares."""

import pickle
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from ccw_actors.explore._errors import ExploreError
from ccw_actors.explore._plain import PlainModel
from ccw_actors.explore.shares._entries import Numbering, TakenStep

__all__ = ["Exchange", "PlainExchange"]

S = TypeVar("S")
A_contra = TypeVar("A_contra", contravariant=True)


class Exchange(Protocol[S, A_contra]):
    """What the shares of one exploration have in common, though each has its process.

    `entries` is the number of entries of the register that are known here.
    """

    entries: int

    def mark(self, state: S) -> int | None:
        """Return 64 bits that are the same in every process, almost certainly unique.

        None if some part of the state has no number yet; then see `taken`.
        """
        ...

    def failure(self, state: S) -> str:
        """Return what was wrong with the step to a state without a mark, or ""."""
        ...

    def write(self, state: S) -> bytes:
        """Return a state that has a mark as bytes for another process."""
        ...

    def read(self, data: bytes) -> S:
        """Return a state that another process has written."""
        ...

    def taken(self, state: S, action: A_contra) -> TakenStep:
        """Return the step that led to a state without a mark, for the register."""
        ...

    def learn(self, entries: Sequence[Numbering]) -> None:
        """Take over entries of the register, the next ones in order."""
        ...


class PlainExchange:
    """Plain transition systems: a state is itself in every process. It is pickled."""

    def __init__(self, model: PlainModel[Any, Any]) -> None:
        self.entries = 0
        self.mark = model.fingerprint

    def read(self, data: bytes) -> Any:
        """Return the state."""
        return pickle.loads(data)  # noqa: S301 - our own shares have written it

    def failure(self, state: Any) -> str:
        """Return "": only a state can be wrong."""
        del state
        return ""

    def write(self, state: Any) -> bytes:
        """Return the pickled state. Raises `ExploreError` if it cannot be pickled."""
        try:
            return pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise ExploreError(
                f"state {state!r} cannot go to another process: {error}"
            ) from error

    def taken(self, state: Any, action: Any) -> TakenStep:
        """Raise `AssertionError`: every state has a mark."""
        raise AssertionError(f"{state!r} has a mark after {action!r}")

    def learn(self, entries: Sequence[Numbering]) -> None:
        """Take over nothing: there is no register."""
        assert not entries, "a plain transition system has no register"
