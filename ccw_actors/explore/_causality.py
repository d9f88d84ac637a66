"""Finds which step of a way made which other step possible.

The step that sent a message, or set a timer, made handling it possible. A step comes
before another one if both are of one actor, or if it made the other one possible,
directly or by way of other steps. All this is read from the states between the steps,
so it works for every kind of step.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ccw_actors.explore._actor_model import ActorModel
from ccw_actors.explore._global_state import FIRST, Local, Offer, State

__all__ = ["Causality", "causality"]


class Causality(NamedTuple):
    """For each step, by number: the step that made it possible, and those before it.

    `causes` are the numbers of the steps that sent the message or set the timer, -1 for
    messages that were there at first. `before` has a bit for each step that comes
    before, and `actors` are the slots of the actors that the step changes. `sent_at`
    tells which message is older: the number of the step that sent it, and its place
    among the messages of that step.
    """

    causes: tuple[int, ...]
    before: tuple[int, ...]
    actors: tuple[frozenset[int], ...]
    sent_at: tuple[tuple[int, int], ...]


def causality(
    model: ActorModel, states: Sequence[State], actions: Sequence[Offer]
) -> Causality:
    """Return which steps of a way depend on which; `states` are around its steps."""
    so_far = _SoFar(model, states[0])
    for number, action in enumerate(actions):
        so_far.add(number, action, states[number], states[number + 1])
    return Causality(
        tuple(so_far.causes),
        tuple(so_far.before),
        tuple(so_far.actors),
        tuple(so_far.sent_at),
    )


class _SoFar:
    """Builds a `Causality` step by step.

    `_queues` has the origins of the messages that wait, `_timers` the step that set
    each timer. `_touched_by` and `_sent_into` have the last step that changed an
    actor, and the last one that sent to it.
    """

    def __init__(self, model: ActorModel, first: State) -> None:
        self.causes: list[int] = []
        self.before: list[int] = []
        self.actors: list[frozenset[int]] = []
        self.sent_at: list[tuple[int, int]] = []
        self._model = model
        self._queues: dict[int, list[tuple[int, int]]] = {}
        self._timers: dict[tuple[int, int], int] = {}
        self._touched_by: dict[int, int] = {}
        self._sent_into: dict[int, int] = {}
        _note_sent(model, (), first, self._queues, -1)
        _note_timers(model, first, self._timers, -1)

    def add(self, number: int, action: Offer, was: State, now: State) -> None:
        """Add a step, which leads from one state to another."""
        model, touched_by = self._model, self._touched_by
        place = self._origin(action, was)
        changed = _changed(model, was, now) | {action.owner}
        depends = [place[0], *(touched_by.get(slot, -1) for slot in changed)]
        sent = _note_sent(model, was, now, self._queues, number)
        if model.world.delivery == "mailbox":
            depends += [self._sent_into.get(slot, -1) for slot in sent]
            self._sent_into.update(dict.fromkeys(sent, number))
        touched_by.update(dict.fromkeys(changed, number))
        _note_timers(model, now, self._timers, number)
        self.causes.append(place[0])
        self.before.append(self._all_before(depends))
        self.actors.append(frozenset(changed))
        self.sent_at.append(place)

    def _origin(self, action: Offer, was: State) -> tuple[int, int]:
        """Return the step that made another one possible, and its place among those.

        The message is taken out of its queue.
        """
        if action.timer:
            return self._timers.get((action.owner, action.timer), -1), 0
        slot = action.process[0]
        line = self._queues.get(slot, [])
        if line and len(line) == _waiting(self._model, was, slot):
            return line.pop(0)
        return self._touched_by.get(action.owner, -1), 0

    def _all_before(self, depends: Iterable[int]) -> int:
        """Return these steps and all steps before them, as bits."""
        mask = 0
        for other in depends:
            if other >= 0:
                mask |= self.before[other] | 1 << other
        return mask


def _waiting(model: ActorModel, state: State, slot: int) -> int:
    return len(model.compact.waiting(state[slot])) if slot < len(state) else 0


def _changed(model: ActorModel, was: State, now: State) -> set[int]:
    """Return the slots of actors that have changed."""
    return {slot for slot in model.compact.path_of if _at(was, slot) != _at(now, slot)}


def _at(state: State, slot: int) -> int:
    return state[slot] if slot < len(state) else 0


def _note_sent(
    model: ActorModel,
    was: State,
    now: State,
    queues: dict[int, list[tuple[int, int]]],
    number: int,
) -> set[int]:
    """Note the new messages in the queues; return their recipients."""
    sent: set[int] = set()
    for slot in range(FIRST, len(model.compact.owners)):
        if slot in model.compact.path_of or _at(was, slot) == _at(now, slot):
            continue
        line = queues.setdefault(slot, [])
        count = _waiting(model, now, slot)
        if count > len(line):
            sent.add(model.compact.owners[slot])
            line += [(number, at) for at in range(len(line), count)]
        del line[count:]
    return sent


def _note_timers(
    model: ActorModel, now: State, timers: dict[tuple[int, int], int], number: int
) -> None:
    for slot in model.compact.path_of:
        item = model.compact.items[_at(now, slot)]
        if isinstance(item, Local):
            for name, _ in item.timers:
                timers.setdefault((slot, name), number)
