"""Finds the step of a way after which every continuation meets a fault."""

from typing import Any

from ccw_actors.explore._effort import Effort
from ccw_actors.explore._model import Model
from ccw_actors.explore._replay import Way
from ccw_actors.explore._result import Step

__all__ = ["point_of_no_return"]


def point_of_no_return(
    model: Model[Any, Any], way: Way[Any, Any], effort: Effort
) -> tuple[int | None, Step | None]:
    """Return after how many steps a fault is certain, and a step that avoids it.

    None and None with no effort left.
    """
    doomed: set[Any] = set()
    for number in reversed(range(len(way.actions))):
        state = way.states[number]
        for action, after in model.moves(state):
            if after == way.states[number + 1]:
                continue
            escapes = _Escape(model, doomed, effort).is_there(after)
            if escapes is None:
                return None, None
            if escapes:
                return number + 1, model.step(state, action)
        doomed.add(state)
    return 0, None


class _Escape:
    """Searches depth first for a way from a state that meets no fault.

    States without such a way are put in `doomed`. The last of `_path` is the current
    state, with its successors that are still to be tried; None if it has none.
    """

    def __init__(
        self, model: Model[Any, Any], doomed: set[Any], effort: Effort
    ) -> None:
        self._model = model
        self._doomed = doomed
        self._effort = effort
        self._path: list[tuple[Any, list[Any] | None]] = []
        self._on_path: set[Any] = set()

    def is_there(self, start: Any) -> bool | None:
        """Whether some way from a state meets no fault; None with no effort left."""
        if self._is_lost(start):
            return False
        self._enter(start)
        while self._path:
            state, todo = self._path[-1]
            if todo:
                after = todo.pop()
                if after in self._on_path:
                    return True
                if not self._is_lost(after):
                    if self._effort.spend():
                        return None
                    self._enter(after)
            elif todo is None and not self._model.rest(state):
                return True
            else:
                self._leave(state)
        return False

    def _is_lost(self, state: Any) -> bool:
        return state in self._doomed or bool(self._model.violation(state))

    def _enter(self, state: Any) -> None:
        targets = [after for _, after in self._model.moves(state)]
        self._path.append((state, targets[::-1] if targets else None))
        self._on_path.add(state)

    def _leave(self, state: Any) -> None:
        self._path.pop()
        self._on_path.discard(state)
        self._doomed.add(state)
