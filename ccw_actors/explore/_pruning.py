"""Forgets ended actors that nothing refers to any longer, after steps of single actors.

A step that may change anything is checked in the System itself. Any other step changes
few of the items of a state, and the references of an item are found once.
"""

from typing import Any

from ccw_actors.explore._global_state import FIRST, Local, State
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime import Actor, SteppingDispatcher
from ccw_actors.runtime.stepping import NO_PAST

__all__ = ["Pruner"]


class Pruner:
    """Forgets ended actors that nothing refers to any longer."""

    def __init__(self, worlds: Worlds, dispatcher: SteppingDispatcher) -> None:
        self._worlds = worlds
        self._compact = worlds.compact
        self._dispatcher = dispatcher
        self._known: dict[tuple[int, str], bool] = {}

    def pruned(self, state: State) -> State:
        """Return a state without the ended actors that nothing refers to.

        It is the same object if nothing is forgotten. No actor may be waiting in the
        middle of a handler.
        """
        worlds = self._worlds
        past = worlds.past[state[0]]
        if past == NO_PAST:
            return state

        def is_there(path: str) -> bool:
            return worlds.is_taken(state, path)

        wanted = past.in_question(is_there)
        named = {address for address in wanted if self._names(state, address)}
        left = past.pruned(named, is_there)
        if left == past:
            return state
        world = worlds.with_past(state[0], left)
        after = (world, *state[1:])
        worlds.samples.setdefault(world, after)
        return after

    def _names(self, state: State, address: str) -> bool:
        """Whether anything in a state refers to an actor."""
        return any(self._refers(item, address) for item in state[FIRST:] if item)

    def _refers(self, item: int, address: str) -> bool:
        """Whether an actor, or a message in a queue, refers to another actor."""
        found = self._known.get((item, address))
        if found is None:
            found = self._known[item, address] = self._look(item, address)
        return found

    def _look(self, item: int, address: str) -> bool:
        what = self._compact.items[item]
        mentions = self._dispatcher.mentions((address,))
        if isinstance(what, Local):
            actor: Actor[Any] = what.cell.actor
            actor.restore(what.cell.state)
            mentions.actor(what.cell)
            for _, timer in what.timers:
                mentions.value(timer.payload)
        else:
            for envelope in self._compact.waiting(item):
                mentions.envelope(self._compact.envelopes[envelope])
        return bool(mentions.found)
