"""Evaluates the properties of a scenario, each no more often than it has to be."""

from typing import Any

from ccw_actors.explore.compact import FIRST, Compact, State
from ccw_actors.explore.view import View
from ccw_actors.explore.world import Properties
from ccw_actors.runtime import Actor

__all__ = ["Checks"]


class Checks:
    """What is wrong with a state, and what has been seen at least once.

    `unseen` are the `sometimes` properties that have never held.
    """

    def __init__(
        self, compact: Compact, properties: Properties, monitors: list[Any]
    ) -> None:
        self._compact = compact
        self._properties = properties
        self._monitors = monitors
        self._states: dict[int, Any] = {}
        self._bad: dict[int, str] = {}
        self._looks = bool(properties.system_invariants)
        self._sometimes = dict(properties.sometimes)
        self._sometimes_of = dict(properties.sometimes_of)
        self._at_every_state = bool(self._looks or self._sometimes)

    @property
    def unseen(self) -> tuple[str, ...]:
        """The `sometimes` properties that have never held."""
        return (*self._sometimes, *self._sometimes_of)

    def look_at_fresh(self) -> None:
        """Hold what single actors have become against what must be true of them."""
        compact, properties = self._compact, self._properties
        for item in compact.fresh:
            path = compact.get_local(item).cell.cell.path
            for name, predicate in properties.invariants.get(path, ()):
                if not predicate(self.state_of(item)):
                    self._bad.setdefault(item, f"{path}: {name}")
            for name, (of, predicate) in list(self._sometimes_of.items()):
                if of == path and predicate(self.state_of(item)):
                    del self._sometimes_of[name]
        compact.fresh.clear()

    def violation(self, state: State) -> str:
        """Return what is wrong with a state, "" for nothing."""
        if self._bad:
            for item in state[FIRST:]:
                if item in self._bad:
                    return self._bad[item]
        return self._look(state) if self._at_every_state else ""

    def rest(self, state: State) -> str:
        """Return what is wrong with a state in which nothing is left to do."""
        for path, item in self._places(state).items():
            cell = self._compact.get_local(item).cell
            if cell.suspended is not None:
                return f"{path}: at rest, and waits for {cell.suspended.waits_for}"
            waits = len(cell.stash)
            if self._compact.delivery != "unordered":
                owner = self._compact.paths[path]
                for slot in self._compact.queue_slots(owner):
                    if slot < len(state):
                        waits += len(self._compact.waiting(state[slot]))
            if waits:
                return f"{path}: at rest with {waits} messages not handled"
        finals = self._properties.finals
        if finals:
            view = self.view(state)
            for name, predicate in finals:
                if not predicate(view):
                    return name
        return ""

    def view(self, state: State) -> View:
        """Return what predicates over several actors are given."""
        monitor = self._monitors[state[1]]
        return View(self._places(state), self.state_of, monitor)

    def state_of(self, item: int) -> Any:
        """Return the state of an actor, or the actor if it has none."""
        if item in self._states:
            return self._states[item]
        local = self._compact.get_local(item)
        actor = local.cell.actor
        actor.restore(local.cell.state)
        state = getattr(actor, "state", actor)
        if type(actor).restore is Actor.restore:
            self._states[item] = state
        return state

    def _look(self, state: State) -> str:
        view = self.view(state)
        for name, seen in list(self._sometimes.items()):
            if seen(view):
                del self._sometimes[name]
        self._at_every_state = bool(self._looks or self._sometimes)
        for name, holds in self._properties.system_invariants:
            if not holds(view):
                return name
        return ""

    def _places(self, state: State) -> dict[str, int]:
        slots = self._compact.path_of
        return {
            path: state[slot]
            for slot, path in slots.items()
            if slot < len(state) and state[slot]
        }
