"""Takes steps of one actor in a System in which all others stay as they are."""

import logging
from typing import Final

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._dead_letters import DeadLetters
from ccw_actors.explore._effects import Effect, Place, queue_of
from ccw_actors.explore._known_actors import KnownActors
from ccw_actors.explore._world import World
from ccw_actors.runtime import CellSnapshot
from ccw_actors.runtime.stepping import Envelope

__all__ = ["LOG", "QuickSteps"]

LOG: Final = logging.getLogger("ccw_actors")
"""Where a System logs failures; in an exploration they are the result instead."""


class QuickSteps:
    """Takes steps that change only their actor and send messages.

    The other actors stay from one step to the next. Only the actor that takes a step is
    restored.
    """

    def __init__(
        self, world: World, compact: Compact, known: KnownActors, lost: DeadLetters
    ) -> None:
        self._system = world.system
        self._alone = world.dispatcher.alone
        self._compact = compact
        self._known = known
        self._lost = lost
        self._standing: dict[str, CellSnapshot] = {}
        self._stands = -1

    def leave(self) -> None:
        """Note that the System is now put together for another state."""
        self._stands = -1

    def effect(
        self, world: int, place: Place, shape: CellSnapshot, message: Envelope
    ) -> Effect | None:
        """Take a step of an actor that changes only itself and sends messages.

        None if the step does more than that. Then the System has to be put together
        again, as if the step had not been tried.
        """
        cell, actor, standing = shape.cell, shape.actor, self._standing
        if self._stands != world and not self._stand(world, place):
            return None
        if standing.get(cell.path) is not shape:
            shape.restore_cell()
            standing[cell.path] = shape
        actor.restore(place.local.cell.state)
        system = self._system
        system.was_read = False
        self._lost.clear()
        LOG.disabled = True
        try:
            sent = self._alone.run(cell, message)
        finally:
            LOG.disabled = False
        if sent is None or system.was_read or cell.actor is not actor:
            self.leave()
            return None
        self._known.check_hidden(cell, actor, message)
        compact, state = self._compact, actor.snapshot()
        if cell.behaviour == shape.behaviour:
            item = compact.plain(shape, state)
        else:
            item = self._behaves(shape, state, cell.behaviour)
        sends: list[tuple[int, int]] = []
        for to, envelopes in sent:
            sends += compact.sent(compact.paths[to.path], to.address, envelopes)
        # Order matters within a queue only. Sorted, equal effects compare equal.
        if len(sent) > 1:
            sends.sort(key=queue_of)
        return Effect(item, tuple(sends), lost=self._lost.noted())

    def _behaves(self, shape: CellSnapshot, state: object, behaviour: str) -> int:
        """Return the item of an actor after its behaviour has changed."""
        self._standing.pop(shape.cell.path)
        after = shape._replace(state=state, behaviour=behaviour)
        return self._compact.local(after, {}, 0, 0)

    def _stand(self, world: int, place: Place) -> bool:
        """Put all actors of a world in place; False if that is not possible for one."""
        self.leave()
        present = [one.shape or one.blank for one in (place.local, *place.others())]
        if any(one.suspended is not None for one in present):
            return False
        self._alone.stand(present, place.past)
        self._standing.clear()
        self._stands = world
        return True
