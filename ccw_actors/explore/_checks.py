"""Evaluates the properties of a scenario, each no more often than necessary."""

from collections.abc import Callable
from types import CoroutineType
from typing import Any

from ccw_actors.explore._compact import Compact
from ccw_actors.explore._errors import ExploreError, PropertyError
from ccw_actors.explore._global_state import FIRST, State
from ccw_actors.explore._view import View
from ccw_actors.explore._world import Properties
from ccw_actors.runtime import Actor

__all__ = ["Checks"]


class Checks:
    """Checks states for faults, and records which `sometimes` have held."""

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
        self._has_rested = False

    def vacuous(self) -> tuple[str, ...]:
        """Return the `sometimes` that never held, and the properties never checked."""
        found = [f"never: {one}" for one in (*self._sometimes, *self._sometimes_of)]
        if not self._has_rested:
            found += [
                f"never checked, as nothing ever comes to rest: {name}"
                for name, _ in self._properties.finals
            ]
        found += [
            f"never checked, as no actor was ever at {path!r}: {name}"
            for path, named in self._properties.invariants.items()
            if path not in self._compact.paths
            for name, _ in named
        ]
        absent = sorted(self._absent())
        return (*found, *(f"no actor was ever at {one!r}" for one in absent))

    def _absent(self) -> set[str]:
        """Return the paths of actors that crash or are followed, but never existed."""
        properties = self._properties
        meant = {path for paths, _ in properties.crashes for path in paths}
        if properties.monitor is not None and properties.monitor.of is not None:
            meant.add(properties.monitor.of)
        return meant - {*self._compact.paths}

    def holds(self, name: str, predicate: Callable[[View], object], at: State) -> bool:
        """Return whether a predicate holds for all actors together."""
        return _holds(name, predicate, self.view(at))

    def look_at_fresh(self) -> None:
        """Check the new states of single actors against their properties."""
        compact, properties = self._compact, self._properties
        if not compact.fresh:
            return
        for item in compact.fresh:
            path = compact.get_local(item).cell.cell.path
            for name, predicate in properties.invariants.get(path, ()):
                if not _holds(name, predicate, self.state_of(item)):
                    self._bad.setdefault(item, f"{path}: {name}")
            for name, (of, predicate) in list(self._sometimes_of.items()):
                if of == path and _holds(name, predicate, self.state_of(item)):
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
        """Return what is wrong with a state in which nothing is left to do.

        If noops are kept, messages may be left in the network.
        """
        self._has_rested = True
        ignores_network = self._compact.delivery == "unordered"
        for path, what in self.waiting(state, ignores_network=ignores_network).items():
            return f"{path}: at rest, and {what}"
        finals = self._properties.finals
        if finals:
            view = self.view(state)
            for name, predicate in finals:
                if not _holds(name, predicate, view):
                    return name
        return ""

    def _queued(self, state: State, path: str) -> int:
        """Return how many messages wait in an actor's mailbox."""
        compact = self._compact
        slots = compact.queue_slots(compact.paths[path])
        return sum(len(compact.waiting(state[at])) for at in slots if at < len(state))

    def waiting(self, state: State, *, ignores_network: bool) -> dict[str, str]:
        """Return which actors wait in the middle of a handler, or leave messages.

        The values say what an actor waits for, or how many messages it leaves. With
        `ignores_network` only messages in its stash count.
        """
        compact = self._compact
        found: dict[str, str] = {}
        for path, item in self._places(state).items():
            cell = compact.get_local(item).cell
            if cell.suspended is not None:
                found[path] = f"waits for {cell.suspended.waits_for}"
                continue
            waits = len(cell.stash)
            if not ignores_network:
                waits += self._queued(state, path)
            if waits:
                plural = "s" * (waits > 1)
                found[path] = f"leaves {waits} message{plural}"
        return found

    def view(self, state: State) -> View:
        """Return the argument of predicates over several actors."""
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
            if _holds(name, seen, view):
                del self._sometimes[name]
        self._at_every_state = bool(self._looks or self._sometimes)
        for name, holds in self._properties.system_invariants:
            if not _holds(name, holds, view):
                return name
        return ""

    def _places(self, state: State) -> dict[str, int]:
        slots = self._compact.path_of
        return {
            path: state[slot]
            for slot, path in slots.items()
            if slot < len(state) and state[slot]
        }


def _holds(name: str, predicate: Callable[[Any], object], of: Any) -> bool:
    """Return whether a predicate holds.

    Raises `PropertyError` if it raises, and `ExploreError` for one that returns a
    coroutine, which would always be true.
    """
    try:
        found = predicate(of)
    except ExploreError:
        raise
    except Exception as error:
        raise PropertyError(name, error) from error
    if type(found) is CoroutineType:
        found.close()
        raise ExploreError(f"{name!r} returns a coroutine, but nobody awaits it")
    return bool(found)
