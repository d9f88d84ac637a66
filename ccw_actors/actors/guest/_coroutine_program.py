"""A guest's program that is a coroutine function, resumed operation by operation."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, TypeAlias, cast, get_args

from ccw_actors.actors.guest._cpu import Cpu
from ccw_actors.actors.protocol import Operation, Outcome
from ccw_actors.errors import ProgramError

__all__ = ["AsyncProgram", "CoroutineProgram"]

AsyncProgram: TypeAlias = Callable[[Cpu], Coroutine[Any, Any, Any]]

_OPERATIONS: Final = frozenset(get_args(Operation))


class CoroutineProgram:
    """A coroutine function, and its coroutine that is waiting, if there is one.

    Both methods raise what the program raises.
    """

    def __init__(self, function: AsyncProgram) -> None:
        self._function = function
        self._coroutine: Coroutine[Operation, Outcome | None, Any] | None = None

    def resume(self, outcome: Outcome | None, outcomes: Sequence[Outcome]) -> Operation:
        """Send the outcome into the coroutine; return the operation that it wants next.

        Without a coroutine, as after a restore, the program runs again on all its
        outcomes.

        Raises:
            StopIteration: The program has returned.
            ProgramError: It has awaited something other than an operation.
        """
        answers: list[Outcome | None] = [outcome]
        if self._coroutine is None:
            self._coroutine = self._function(Cpu())
            answers = [None, *outcomes]
        wanted: object = None
        for answer in answers:
            wanted = self._coroutine.send(answer)
        return _operation(wanted)

    def close(self) -> None:
        """Close the coroutine."""
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is not None:
            coroutine.close()


def _operation(wanted: object) -> Operation:
    if type(wanted) in _OPERATIONS:
        return cast("Operation", wanted)
    raise ProgramError(
        f"a guest program awaits the methods of its cpu only, got {wanted!r}"
    )
