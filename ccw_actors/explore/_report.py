"""Reports in words which steps were taken, and which messages never handled."""

from collections.abc import Iterable
from typing import Any

from ccw_actors.explore._checks import Checks
from ccw_actors.explore._coverage import Combination, Coverage, covered, label_of
from ccw_actors.explore._global_state import Local, Offer, State
from ccw_actors.explore._result import DeadLetter, Step
from ccw_actors.explore._words import Words
from ccw_actors.explore._world import Properties
from ccw_actors.explore._worlds import Worlds
from ccw_actors.runtime import Actor
from ccw_actors.runtime.stepping import Envelope

__all__ = ["Report"]


class Report:
    """Turns the numbers that a scenario is explored with into words."""

    def __init__(
        self, worlds: Worlds, words: Words, properties: Properties, checks: Checks
    ) -> None:
        self._worlds = worlds
        self._compact = worlds.compact
        self._words = words
        self._properties = properties
        self._checks = checks

    def never(self, unhandled: Iterable[DeadLetter]) -> tuple[str, ...]:
        """Return the messages to paths without an actor, or without a handler."""
        seen = self._compact.paths
        never = [
            f"no actor was ever at {path!r}, the recipient of {message}"
            for path, message, _ in self._worlds.dead_letters
            if path not in seen and message
        ]
        never += [
            f"{path!r} has no handler for {message}, which is injected"
            for path, message, _ in unhandled
        ]
        return tuple(dict.fromkeys(never))

    def coverage(self) -> Coverage:
        """Return which messages were handled in which state, and which never were."""
        labels = self._labels()
        names: dict[tuple[str, int], str] = {}
        handled: set[Combination] = set()
        for memo in self._worlds.memos:
            for local, what in memo:
                path, label, _ = labels[local]
                name = names.get((path, what))
                if name is None:
                    name = names[path, what] = self._name(path, local, what)
                if name:
                    handled.add(Combination(path, label, name))
        return covered(labels.values(), handled)

    def _labels(self) -> dict[int, tuple[str, str, Actor[Any]]]:
        """Return for each item that is an actor its path, its label, and the actor."""
        return {
            number: (item.cell.cell.path, self._label(number, item), item.cell.actor)
            for number, item in enumerate(self._compact.items)
            if isinstance(item, Local)
        }

    def _label(self, item: int, local: Local) -> str:
        label = self._properties.labels.get(local.cell.cell.path)
        return label_of(label, local.cell.behaviour, self._checks.state_of(item))

    def _name(self, path: str, local: int, what: int) -> str:
        """Return the type of a message, or of a timer's message; "" for a signal."""
        if what > 0:
            envelope = self._compact.envelopes[what]
        else:
            timer = dict(self._compact.get_local(local).timers)[-what]
            envelope = Envelope(timer.payload, path, 0, None)
        message = self._words.message(path, envelope)
        return "" if message is None else type(message).__name__

    def step(self, state: State, action: Offer) -> Step:
        """Return an action in words."""
        compact = self._compact
        path = compact.path_of[action.owner]
        address = compact.to.get(action.slot)
        if address is None:
            address = compact.get_local(state[action.owner]).cell.address
        if not action.envelope:
            return Step(address, "", "", crash=True)
        envelope = compact.envelopes[action.envelope]
        text = self._words.text(path, envelope)
        timer, crash, arrives = action.timer, action.crash, action.arrives
        return Step(address, envelope.sender, text, timer, crash, arrives)
