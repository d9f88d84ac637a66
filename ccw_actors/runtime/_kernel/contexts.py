"""Calls an actor's own code in the actor's context."""

from collections.abc import Callable
from typing import Any, TypeVar

from ccw_actors.runtime._cell.cell import Cell
from ccw_actors.runtime._cell.running import Running

__all__ = ["Contexts"]

R = TypeVar("R")


class Contexts:
    """Enters the contexts of actors; `running_here` is the calling thread's state."""

    def __init__(self, running_here: Callable[[], Running]) -> None:
        self._running_here = running_here

    def within(self, cell: Cell, call: Callable[..., R], *arguments: Any) -> R:
        """Call in the context of an actor, as that actor; on the actor's thread."""
        if self._running_here().address == cell.address:
            return call(*arguments)  # Its context is already entered.
        return self.enter(cell, call, *arguments)

    def enter(self, cell: Cell, call: Callable[..., R], *arguments: Any) -> R:
        """Do the same, even if another context of that actor is entered."""
        running = self._running_here()
        outer = running.address, running.letter, running.turn
        running.address, running.letter, running.turn = cell.address, None, None
        try:
            return cell.context.run(call, *arguments)
        finally:
            running.address, running.letter, running.turn = outer
