"""The actors and cells met in an exploration: of equal ones, the first one met."""

from typing import Any

from ccw_actors.explore._errors import HiddenStateError
from ccw_actors.explore._hidden import Attributes, Cells, Variables
from ccw_actors.runtime import Actor, CellSnapshot, System
from ccw_actors.runtime.stepping import Cell, Envelope
from ccw_actors.transport import tag_of

__all__ = ["KnownActors"]


class KnownActors:
    """Replaces actors and cells by the first ones that are equal to them.

    `at` has the cells of actors that were seen at each path.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._cells = Cells()
        self._attributes = Attributes()
        self._variables = Variables()
        self.at = self._cells.at

    def first_like(self, one: CellSnapshot) -> CellSnapshot:
        """Return the same with the first cell and the first actor equal to these.

        An actor that is spawned twice at one path has two cells, and one that restarts
        may be a new object. A snapshot of one has to be restored into the other.
        """
        cell = self._cells.first_like(one.cell)
        actor = self._attributes.first_like(one.actor, cell)
        self._variables.learn(cell)
        if one.cell is not cell or one.actor is not actor:
            actor.bind(self._system, cell)
        children = tuple(map(self._cells.first_like, one.children))
        return one._replace(cell=cell, actor=actor, children=children)

    def check_hidden(self, cell: Cell, actor: Actor[Any], message: Envelope) -> None:
        """Raise `HiddenStateError` if an actor has changed outside its state."""
        changed = self._attributes.changed(actor) + self._variables.changed(cell)
        if changed:
            raise HiddenStateError(cell.path, tag_of(message.payload), changed)
